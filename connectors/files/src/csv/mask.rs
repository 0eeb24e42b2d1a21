//! Finds bytes in blocks of 64, as bit masks.

pub(super) const BLOCK: usize = 64;

/// The bits of the bytes of `block` that equal `needle`; the first byte is the lowest bit.
#[inline(always)]
pub(super) fn mask(block: &[u8; BLOCK], needle: u8) -> u64 {
    let mut marked = [0; BLOCK];
    // Plain enough for the compiler to make vector instructions of it.
    for ((mark, byte), bit) in marked.iter_mut().zip(block).zip(BITS) {
        *mark = if *byte == needle { bit } else { 0 };
    }
    let (words, _) = marked.as_chunks::<8>();
    words.iter().rev().fold(0, |mask, word| {
        // The eight bytes have a bit each of their own; the highest byte of the product is their sum.
        let bits = u64::from_le_bytes(*word).wrapping_mul(0x0101_0101_0101_0101) >> 56;
        (mask << 8) | bits
    })
}

/// The bit of each byte among its eight.
const BITS: [u8; BLOCK] = {
    let mut bits = [0; BLOCK];
    let mut at = 0;
    while at < BLOCK {
        #[expect(clippy::indexing_slicing, reason = "evaluated when compiling")]
        {
            bits[at] = 1 << (at % 8);
        }
        at += 1;
    }
    bits
};

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
