//! Numbers that look random and are the same every time (SplitMix64, Steele et al. 2014).

/// A row of numbers from a seed.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// The row of the n-th thing of a kind: it does not depend on how many there are.
    pub(crate) fn of(seed: u64, kind: u64, number: u64) -> Self {
        Self(mix(seed ^ mix(kind)) ^ mix(number.wrapping_add(1)))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Less than `end`, which is more than 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Whether something happens that does so this often.
    pub(crate) fn happens(&mut self, share: f64) -> bool {
        // 53 bits are what a float holds.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64 <= share && share > 0.0
    }

    /// One of these.
    pub(crate) fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        let count = u64::try_from(all.len()).unwrap_or(1);
        let at = usize::try_from(self.below(count)).unwrap_or(0);
        all.get(at).copied().unwrap_or_default()
    }

    /// A GUID of version 4.
    pub(crate) fn guid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | (b >> 50),
            b & 0xffff_ffff_ffff
        )
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_every_time() {
        // The first numbers for the seed 1234567, as the published generator gives them.
        let mut chance = Chance(1_234_567);
        assert_eq!(chance.next(), 6_457_827_717_110_365_317);
        assert_eq!(chance.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn shares_are_kept_roughly() {
        let mut chance = Chance(7);
        let count = (0..10_000).filter(|_| chance.happens(0.2)).count();
        assert!((1_850..2_150).contains(&count), "{count}");
        assert!(!chance.happens(0.0) && chance.happens(1.0));
    }

    #[test]
    fn guids_look_like_guids() {
        let guid = Chance::of(7, 1, 2).guid();
        let parts: Vec<usize> = guid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{guid}");
    }
}
