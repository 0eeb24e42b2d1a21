//! Keyed universal hashing of rows.
//!
//! A row is a vector of 64-bit words. Its hash is the multilinear sum Σ kᵢ·wᵢ mod 2^128 with random
//! 128-bit keys, of which the upper 64 bits are kept: for two different vectors these are equal with
//! a probability of at most 2^-64, whoever chose the vectors (D. Lemire, O. Kaser, "Strongly
//! universal string hashing is fast", Computer Journal 57, 2014, theorem 3.1). A fingerprint is two
//! such sums under independent keys, so two different rows share one with at most 2^-128. The keys
//! are fresh in every run: nobody can prepare rows that collide.

use sha2::{Digest, Sha256};

/// Where a run's keys come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(pub(crate) [u64; 4]);

/// Words of text longer than this many bytes are first digested with SHA-256.
const LONGEST: usize = 256;
const WORDS: usize = LONGEST / 8;

/// The random multipliers of one word: one for each half of a fingerprint.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Multiplier(u128, u128);

/// The multipliers of one column.
#[derive(Clone, Debug)]
pub(super) struct ColumnKeys {
    words: [Multiplier; WORDS],
    length: Multiplier,
    /// Stands for the whole value.
    null: Sum,
    /// Mixed into the digest of long values.
    salt: [u8; 32],
}

/// What the hash of a key's code is keyed with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whiten(pub(crate) [u128; 2]);

/// A sum under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum(u128, u128);

/// What stands for a row's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64, u64);

impl Sum {
    #[inline]
    pub(super) fn word(self, word: u64, by: &Multiplier) -> Self {
        let word = u128::from(word);
        self.plus(Self(word.wrapping_mul(by.0), word.wrapping_mul(by.1)))
    }

    #[inline]
    pub(super) fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0), self.1.wrapping_add(other.1))
    }

    #[inline]
    pub(super) fn fingerprint(self) -> Fingerprint {
        Fingerprint((self.0 >> 64) as u64, (self.1 >> 64) as u64)
    }
}

impl Fingerprint {
    #[inline]
    pub(super) fn wide(self) -> u128 {
        u128::from(self.0) << 64 | u128::from(self.1)
    }
}

impl ColumnKeys {
    /// The multiplier of a value of one word.
    pub(super) fn single(&self) -> Multiplier {
        self.words.first().copied().unwrap_or_default()
    }

    /// The multipliers of a value of two words.
    pub(super) fn double(&self) -> [Multiplier; 2] {
        self.words.first_chunk().copied().unwrap_or_default()
    }

    /// What a null adds.
    pub(super) fn null(&self) -> Sum {
        self.null
    }

    /// What a value of any length adds.
    #[inline]
    pub(super) fn bytes(&self, bytes: &[u8]) -> Sum {
        if bytes.len() > LONGEST {
            return self.long(bytes);
        }
        let mut sum = Sum::default().word(bytes.len() as u64, &self.length);
        let mut chunks = bytes.chunks_exact(8);
        let mut words = self.words.iter();
        for (chunk, key) in chunks.by_ref().zip(words.by_ref()) {
            sum = sum.word(le_word(chunk), key);
        }
        match (chunks.remainder(), words.next()) {
            ([], _) | (_, None) => sum,
            (rest, Some(key)) => sum.word(last_word(bytes, rest), key),
        }
    }

    /// A value as the SHA-256 digest of it and the salt; its length counts too.
    fn long(&self, bytes: &[u8]) -> Sum {
        let digest = Sha256::new().chain_update(self.salt).chain_update(bytes).finalize();
        let sum = Sum::default().word(bytes.len() as u64, &self.length);
        let words = digest.chunks_exact(8).zip(&self.words);
        words.fold(sum, |sum, (chunk, key)| sum.word(le_word(chunk), key))
    }
}

#[inline]
fn le_word(chunk: &[u8]) -> u64 {
    chunk.first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

/// The word of the last, incomplete eight bytes; together with the length it says what they are.
#[inline]
fn last_word(bytes: &[u8], rest: &[u8]) -> u64 {
    // The last eight bytes overlap the words before: they still tell what the rest is.
    if let Some(last) = bytes.last_chunk::<8>() {
        return u64::from_le_bytes(*last);
    }
    match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
        }
        _ => rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

impl Seed {
    /// The keys of these many columns; different for each `purpose`.
    pub(super) fn columns(&self, purpose: &str, columns: usize) -> Vec<ColumnKeys> {
        (0..columns).map(|column| self.column(purpose, column)).collect()
    }

    /// What key codes are hashed with.
    pub(super) fn whiten(&self) -> Whiten {
        let mut stream = Stream { seed: self.0, purpose: "whiten", column: 0, block: 0 };
        let Multiplier(a, b) = stream.multiplier();
        Whiten([a, b])
    }

    fn column(&self, purpose: &str, column: usize) -> ColumnKeys {
        let mut stream = Stream { seed: self.0, purpose, column: column as u64, block: 0 };
        let words = std::array::from_fn(|_| stream.multiplier());
        let (length, null) = (stream.multiplier(), stream.multiplier());
        ColumnKeys { words, length, null: Sum(null.0, null.1), salt: stream.next() }
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

    fn multiplier(&mut self) -> Multiplier {
        let block = self.next();
        let (low, high) = block.split_at(16);
        let word = |half: &[u8]| half.first_chunk().map_or(1, |half| u128::from_le_bytes(*half));
        Multiplier(word(low), word(high))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn keys() -> ColumnKeys {
        Seed([1, 2, 3, 4]).columns("test", 1).remove(0)
    }

    #[test]
    fn close_values_have_different_fingerprints() {
        let keys = keys();
        let mut seen = HashSet::new();
        let mut values = 0;
        for length in (0..40).chain([255, 256, 257, 1000]) {
            for position in 0..length.max(1) {
                let mut bytes = vec![b'a'; length];
                bytes.iter_mut().skip(position).take(1).for_each(|byte| *byte = 0);
                values += 1;
                let Fingerprint(a, b) = keys.bytes(&bytes).fingerprint();
                seen.insert((a, b));
            }
        }
        assert_eq!(seen.len(), values);
        assert!(!seen.contains(&{
            let Fingerprint(a, b) = keys.null().fingerprint();
            (a, b)
        }));
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
