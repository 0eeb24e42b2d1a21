//! Finding the rows that differ, fast: fingerprint, partition, join.
//!
//! Both sides are read once, column by column. Each row becomes an entry: a code of its key, a
//! 128-bit fingerprint of its compared values, and its place. Entries are spread over partitions
//! that fit the cache, by their key's hash; in a partition a small table finds the rows that share a
//! key. Hashes only prune: two rows are one key when their key values are equal, and rows whose
//! fingerprints differ are compared value by value afterwards.
//!
//! order: hash → entry → words → lanes → scan → keys → slots → partition → join

mod entry;
mod hash;
mod join;
mod keys;
mod lanes;
mod partition;
mod scan;
mod slots;
mod words;

pub(super) use entry::{Group, Joined, WideCode, WordCode};
pub(super) use hash::Seed;
pub(super) use join::join;
pub(super) use keys::key_bytes;
pub(super) use scan::{Encode, Lanes, Scanner};
