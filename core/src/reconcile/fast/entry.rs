//! What stands for a row while sides are joined, and what joining finds.

use super::super::table::Row;
use super::hash::{Fingerprint, Whiten};

/// What stands for a row's key while sides are joined.
pub(crate) trait KeyCode: Copy + Eq + Send + Sync {
    /// Well spread over all 64 bits.
    fn hash(self, whiten: &Whiten) -> u64;

    /// Whether equal codes mean equal keys; where not, the keys themselves are compared.
    fn is_exact(self) -> bool;
}

/// A key of one word, spread over 64 bits so that it can be undone: it is its own hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WordCode(pub(crate) u64);

/// A key of up to fifteen bytes as it is, or 120 bits of a longer key's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WideCode(u128);

impl KeyCode for WordCode {
    #[inline]
    fn hash(self, _: &Whiten) -> u64 {
        self.0
    }

    fn is_exact(self) -> bool {
        true
    }
}

impl WideCode {
    const HASHED: u128 = 0xff << 120;
    pub(super) const EMPTY: Self = Self(0);

    /// Of a text or binary key of fewer than sixteen bytes, as two words with its length above them.
    #[inline]
    pub(super) fn of_words((a, b): (u64, u64)) -> Self {
        Self(u128::from(a) | u128::from(b) << 64)
    }

    /// Of any other key.
    #[inline]
    pub(crate) fn of_hash(hash: Fingerprint) -> Self {
        Self(hash.wide() | Self::HASHED)
    }
}

impl KeyCode for WideCode {
    #[inline]
    fn hash(self, whiten: &Whiten) -> u64 {
        whiten.squeeze(self.0)
    }

    fn is_exact(self) -> bool {
        self.0 < Self::HASHED
    }
}

/// A row while it is joined: packed, as there is one for every row of a side.
#[derive(Debug)]
#[repr(C, packed(4))]
pub(crate) struct Entry<K: Copy> {
    pub(crate) key: K,
    /// Of the compared values.
    pub(crate) fingerprint: Fingerprint,
    /// Of the row in its table.
    pub(crate) number: u32,
}

impl<K: Copy> Clone for Entry<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: Copy> Copy for Entry<K> {}

/// The rows of one key, where a side may have several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) expected: Vec<Row>,
    pub(crate) actual: Vec<Row>,
}

/// What joining two sides finds, in no particular order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Joined {
    /// How many keys have one row a side, with equal fingerprints.
    pub(crate) matched: u64,
    /// Keys with one row a side whose fingerprints differ.
    pub(crate) suspects: Vec<(Row, Row)>,
    /// Keys with one row, on the expected side.
    pub(crate) expected: Vec<Row>,
    /// Keys with one row, on the actual side.
    pub(crate) actual: Vec<Row>,
    /// Keys with several rows on a side.
    pub(crate) groups: Vec<Group>,
    /// Rows with a null in their key.
    pub(crate) unkeyed: [Vec<Row>; 2],
}

impl Joined {
    /// What joining the sides the other way round finds.
    pub(crate) fn flip(self) -> Self {
        let Self { matched, suspects, expected, actual, groups, unkeyed: [e, a] } = self;
        let suspects = suspects.into_iter().map(|(e, a)| (a, e)).collect();
        let flip = |Group { expected, actual }| Group { expected: actual, actual: expected };
        let groups = groups.into_iter().map(flip).collect();
        Self { matched, suspects, expected: actual, actual: expected, groups, unkeyed: [a, e] }
    }

    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.matched += other.matched;
        self.suspects.extend(other.suspects);
        self.expected.extend(other.expected);
        self.actual.extend(other.actual);
        self.groups.extend(other.groups);
        for (mine, its) in self.unkeyed.iter_mut().zip(other.unkeyed) {
            mine.extend(its);
        }
        self
    }
}
