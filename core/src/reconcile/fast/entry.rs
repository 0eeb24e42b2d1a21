//! What stands for a row while sides are joined, and what joining finds.

use super::super::table::Row;
use super::hash::Fingerprint;

/// A row while it is joined.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Of the key; the key itself in disguise where that fits.
    pub(crate) hash: u64,
    /// Of the compared values.
    pub(crate) fingerprint: Fingerprint,
    pub(crate) row: Row,
}

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
