//! Finds bytes in blocks of 64, as bit masks.

pub(super) const BLOCK: usize = 64;

/// The bits of the bytes of `block` that equal `needle`; the first byte is the lowest bit.
#[inline(always)]
pub(super) fn mask(block: &[u8; BLOCK], needle: u8) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let needle = u64::from_ne_bytes([needle; 8]);
    let (words, _) = block.as_chunks::<8>();
    words.iter().rev().fold(0, |mask, word| {
        let differing = u64::from_le_bytes(*word) ^ needle;
        // The high bit of each byte that is zero, and of no other.
        let zeros = !(((differing & LOW) + LOW) | differing | LOW);
        let bits = (zeros >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        (mask << 8) | bits
    })
}

/// Whether each position stands after an odd number of the bits up to and including itself.
#[inline(always)]
pub(super) fn parity(mut mask: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        mask ^= mask << shift;
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_those_of_a_plain_loop() {
        let mut seed = 7_u64;
        for _ in 0..1000 {
            let block: [u8; BLOCK] = std::array::from_fn(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                [b',', b'"', b'a', 0xac, 0x2d, 0][(seed >> 60) as usize % 6]
            });
            for needle in [b',', b'"', 0xac] {
                let plain = (0..BLOCK).fold(0_u64, |m, i| m | (u64::from(block[i] == needle) << i));
                assert_eq!(mask(&block, needle), plain);
            }
        }
        assert_eq!(parity(0b1001_0010), (!0 << 7) | 0b1110);
    }
}
