//! Keyed universal hashing of rows.
//!
//! A row is a vector of 64-bit words, taken two by two. Its sum is NH, Σ (a + k)·(b + l) mod 2^128
//! with random keys k and l for each pair (J. Black and others, "UMAC: fast and secure message
//! authentication", CRYPTO 1999, theorem 1): for two different vectors the sums are equal with a
//! probability of at most 2^-63, whoever chose the vectors. The sum is then hashed to 64 bits, the
//! upper half of Σ kᵢ·wᵢ mod 2^128 (D. Lemire, O. Kaser, "Strongly universal string hashing is fast",
//! Computer Journal 57, 2014), which adds 2^-64. A fingerprint is two of these under independent keys,
//! so two different rows share one with a probability of less than 2^-124. The keys are fresh in
//! every run: nobody can prepare rows that collide.

use sha2::{Digest, Sha256};

/// Where a run's keys come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(pub(crate) [u64; 4]);

/// Values longer than this many bytes are first digested with SHA-256.
const LONGEST: usize = 255;
const PAIRS: usize = LONGEST / 16 + 1;

/// The random keys of a pair of words: one pair for each half of a fingerprint.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PairKeys([u64; 4]);

/// The keys of one column.
#[derive(Clone, Debug)]
pub(super) struct ColumnKeys {
    pairs: [PairKeys; PAIRS],
    /// Of values that are digested first.
    long: [PairKeys; 3],
    /// Stands for the whole value.
    null: Sum,
    /// Mixed into the digest of long values.
    salt: [u8; 32],
}

/// What the sums of rows, and the codes of keys, are hashed with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whiten(pub(crate) [u128; 4]);

/// A sum under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum(u128, u128);

/// What stands for a row's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64, u64);

impl Sum {
    /// Adds a pair of words.
    #[inline]
    pub(super) fn pair(self, a: u64, b: u64, PairKeys([k, l, m, n]): &PairKeys) -> Self {
        let product =
            |k: &u64, l: &u64| u128::from(a.wrapping_add(*k)) * u128::from(b.wrapping_add(*l));
        self.plus(Self(product(k, l), product(m, n)))
    }

    #[inline]
    pub(super) fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0), self.1.wrapping_add(other.1))
    }

    #[inline]
    pub(super) fn fingerprint(self, whiten: &Whiten) -> Fingerprint {
        let Whiten([a, b, c, d]) = whiten;
        Fingerprint(squeeze(self.0, *a, *b), squeeze(self.1, *c, *d))
    }
}

impl Whiten {
    /// 64 bits of 128.
    #[inline]
    pub(super) fn squeeze(&self, wide: u128) -> u64 {
        let Self([a, b, ..]) = self;
        squeeze(wide, *a, *b)
    }
}

#[inline]
fn squeeze(wide: u128, a: u128, b: u128) -> u64 {
    let (low, high) = (u128::from(wide as u64), wide >> 64);
    (low.wrapping_mul(a).wrapping_add(high.wrapping_mul(b)) >> 64) as u64
}

impl Fingerprint {
    /// Not a fingerprint: a row's number in the place of one.
    pub(super) fn of_number(number: u32) -> Self {
        Self(number.into(), 0)
    }

    /// The number that stands in its place.
    pub(super) fn number(self) -> u32 {
        self.0 as u32
    }

    #[inline]
    pub(super) fn wide(self) -> u128 {
        (u128::from(self.0) << 64) | u128::from(self.1)
    }
}

impl ColumnKeys {
    /// The keys of a value of one or two words.
    pub(super) fn first(&self) -> PairKeys {
        self.pairs.first().copied().unwrap_or_default()
    }

    /// What a null adds.
    pub(super) fn null(&self) -> Sum {
        self.null
    }

    /// What turns a value without bytes into a null, once it is added.
    pub(super) fn null_for_empty(&self) -> Sum {
        let Self { null: Sum(a, b), .. } = self;
        let Sum(c, d) = self.bytes(&[]);
        Sum(a.wrapping_sub(c), b.wrapping_sub(d))
    }

    /// What a value of any length adds.
    #[inline]
    pub(super) fn bytes(&self, bytes: &[u8]) -> Sum {
        let mut sum = Sum::default();
        self.add_bytes(&mut sum, bytes, 0, bytes.len());
        sum
    }

    /// Adds a value of any length, which stands in `data` from `from` to `to`.
    ///
    /// The last word holds the bytes that are left, and how many there are; it is never zero, so
    /// that no value is the beginning of another.
    #[inline(always)]
    pub(super) fn add_bytes(&self, sum: &mut Sum, data: &[u8], from: usize, to: usize) {
        let [first, second, ..] = &self.pairs;
        match to.wrapping_sub(from) {
            length @ ..16 => {
                let (a, b) = last_words(data, from, length);
                *sum = sum.pair(a, b, first);
            }
            length @ ..32 => {
                let (a, b) = sixteen(data, from).unwrap_or_default();
                let (c, d) = last_words(data, from + 16, length - 16);
                *sum = sum.pair(a, b, first).pair(c, d, second);
            }
            ..=LONGEST => self.add_chunks(sum, data, from, to),
            _ => *sum = sum.plus(self.long(data.get(from..to).unwrap_or_default())),
        }
    }

    #[inline(never)]
    fn add_chunks(&self, sum: &mut Sum, data: &[u8], mut from: usize, to: usize) {
        for keys in &self.pairs {
            let length = to - from;
            if length < 16 {
                let (a, b) = last_words(data, from, length);
                *sum = sum.pair(a, b, keys);
                return;
            }
            let (a, b) = sixteen(data, from).unwrap_or_default();
            *sum = sum.pair(a, b, keys);
            from += 16;
        }
    }

    /// A value as its length and the SHA-256 digest of it and the salt.
    #[cold]
    fn long(&self, bytes: &[u8]) -> Sum {
        let digest = Sha256::new().chain_update(self.salt).chain_update(bytes).finalize();
        let [of_length, ..] = &self.long;
        let sum = Sum::default().pair(bytes.len() as u64, 0, of_length);
        let pairs = digest.chunks_exact(16).zip(self.long.iter().skip(1));
        pairs.fold(sum, |sum, (chunk, keys)| {
            let (a, b) = chunk.split_at(8);
            sum.pair(le_word(a), le_word(b), keys)
        })
    }
}

#[inline]
fn le_word(chunk: &[u8]) -> u64 {
    chunk.first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

/// The two words that begin at a place, where there are that many bytes.
#[inline]
fn sixteen(data: &[u8], from: usize) -> Option<(u64, u64)> {
    let wide = u128::from_le_bytes(*data.get(from..from + 16)?.first_chunk()?);
    Some((wide as u64, (wide >> 64) as u64))
}

/// The last bytes of a value (fewer than sixteen) as two words, with their number above them.
#[inline]
pub(super) fn last_words(data: &[u8], from: usize, length: usize) -> (u64, u64) {
    // What follows the value is read with it, and masked, where there is enough.
    let (a, b) = sixteen(data, from).unwrap_or_else(|| at_the_end(data, from));
    let (mask_a, mask_b) = MASKS.get(length).copied().unwrap_or_default();
    (a & mask_a, b & mask_b | (length as u64 + 1) << 56)
}

#[cold]
fn at_the_end(data: &[u8], from: usize) -> (u64, u64) {
    let mut words = [0; 16];
    words.iter_mut().zip(data.iter().skip(from)).for_each(|(to, from)| *to = *from);
    let wide = u128::from_le_bytes(words);
    (wide as u64, (wide >> 64) as u64)
}

/// For each length the bytes of two words that belong to the value.
const MASKS: [(u64, u64); 16] = {
    let mut masks = [(0, 0); 16];
    let mut length = 1;
    let mut mask = 0_u128;
    while length < 16 {
        mask = mask << 8 | 0xff;
        #[expect(clippy::indexing_slicing, reason = "checked when it is compiled")]
        {
            masks[length] = (mask as u64, (mask >> 64) as u64);
        }
        length += 1;
    }
    masks
};

impl Seed {
    /// The keys of these many columns; different for each `purpose`.
    pub(super) fn columns(&self, purpose: &str, columns: usize) -> Vec<ColumnKeys> {
        (0..columns).map(|column| self.column(purpose, column)).collect()
    }

    /// What sums and codes are hashed with.
    pub(super) fn whiten(&self) -> Whiten {
        let mut stream = Stream { seed: self.0, purpose: "whiten", column: 0, block: 0 };
        let ([a, b], [c, d]) = (stream.wide(), stream.wide());
        Whiten([a, b, c, d])
    }

    fn column(&self, purpose: &str, column: usize) -> ColumnKeys {
        let mut stream = Stream { seed: self.0, purpose, column: column as u64, block: 0 };
        let pairs = std::array::from_fn(|_| stream.pair());
        let long = std::array::from_fn(|_| stream.pair());
        let [a, b] = stream.wide();
        ColumnKeys { pairs, long, null: Sum(a, b), salt: stream.next() }
    }
}

/// SHA-256 in counter mode.
struct Stream<'a> {
    seed: [u64; 4],
    purpose: &'a str,
    column: u64,
    block: u64,
}

impl Stream<'_> {
    fn next(&mut self) -> [u8; 32] {
        self.block += 1;
        let mut hash = Sha256::new().chain_update(self.purpose.as_bytes());
        for word in self.seed.into_iter().chain([self.column, self.block]) {
            hash.update(word.to_le_bytes());
        }
        hash.finalize().into()
    }

    fn wide(&mut self) -> [u128; 2] {
        let block = self.next();
        let (low, high) = block.split_at(16);
        let word = |half: &[u8]| half.first_chunk().map_or(1, |half| u128::from_le_bytes(*half));
        [word(low), word(high)]
    }

    fn pair(&mut self) -> PairKeys {
        let [a, b] = self.wide();
        PairKeys([a as u64, (a >> 64) as u64, b as u64, (b >> 64) as u64])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn keys() -> ColumnKeys {
        Seed([1, 2, 3, 4]).columns("test", 1).remove(0)
    }

    fn print(sum: Sum) -> u128 {
        sum.fingerprint(&Seed([1, 2, 3, 4]).whiten()).wide()
    }

    #[test]
    fn close_values_have_different_fingerprints() {
        let keys = keys();
        let mut seen = HashSet::from([print(keys.null())]);
        let mut values = 1;
        for length in (0..40).chain([255, 256, 257, 1000]) {
            for position in 0..length.max(1) {
                let mut bytes = vec![b'a'; length];
                bytes.iter_mut().skip(position).take(1).for_each(|byte| *byte = 0);
                values += 1;
                seen.insert(print(keys.bytes(&bytes)));
            }
        }
        assert_eq!(seen.len(), values);
    }

    #[test]
    fn no_value_is_the_beginning_of_another() {
        let keys = keys();
        let mut seen = HashSet::new();
        for length in 0..=255 {
            assert!(seen.insert(print(keys.bytes(&vec![0; length]))), "{length} zeros");
        }
        // What the last word of nine bytes looks like, as bytes.
        let short = [b"12345678".as_slice(), b"a"].concat();
        let long = [b"12345678".as_slice(), b"a\0\0\0\0\0\0\x02"].concat();
        assert_ne!(print(keys.bytes(&short)), print(keys.bytes(&long)));
    }

    #[test]
    fn keys_follow_from_seed_purpose_and_column() {
        let of = |seed: [u64; 4], purpose: &str, column: usize| {
            Seed(seed).columns(purpose, 2).swap_remove(column).bytes(b"same")
        };
        let first = of([1, 2, 3, 4], "key", 0);
        assert_eq!(first, of([1, 2, 3, 4], "key", 0));
        assert_ne!(first, of([1, 2, 3, 5], "key", 0));
        assert_ne!(first, of([1, 2, 3, 4], "row", 0));
        assert_ne!(first, of([1, 2, 3, 4], "key", 1));
    }
}
