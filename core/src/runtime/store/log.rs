//! Entries of the audit log, in the transaction of what they tell of (`docs/spec/audit.md`).

use rusqlite::{Connection, params};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use trueup_connector::{Error, Hash, Kind, Result};

use super::super::clock::{Entropy, iso};
use super::faults::sql;
use crate::reconcile::canonical_json;

/// The growing edge of the log's tree (RFC 6962): the roots of its full subtrees, largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Edge {
    size: u64,
    peaks: Vec<Hash>,
    /// The latest time an entry was added at.
    latest: i64,
}

/// What an entry says.
pub(super) struct Entry<'a> {
    pub(super) kind: &'a str,
    pub(super) at: i64,
    pub(super) subject: Option<&'a str>,
    pub(super) payload: &'a Json,
}

impl Edge {
    pub(super) fn load(connection: &Connection) -> Result<Self> {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?));
        let (state, latest) = connection
            .prepare_cached("SELECT state, latest FROM tree")
            .and_then(|mut it| it.query_row([], row))
            .map_err(sql)?;
        Self::read(&state, latest).ok_or_else(damaged)
    }

    pub(super) fn latest(&self) -> i64 {
        self.latest
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The root of the whole tree.
    pub(super) fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            Some(last) => peaks.fold(*last, |right, left| sha(&[&[1], left, &right])),
            None => sha(&[]),
        }
    }

    pub(super) fn same_tree(&self, other: &Self) -> bool {
        (self.size, &self.peaks) == (other.size, &other.peaks)
    }

    fn read(state: &[u8], latest: i64) -> Option<Self> {
        let (size, peaks) = state.split_first_chunk::<8>()?;
        let (peaks, rest) = peaks.as_chunks::<32>();
        let size = u64::from_be_bytes(*size);
        let whole = rest.is_empty() && size.count_ones() as usize == peaks.len();
        whole.then(|| Self { size, peaks: peaks.to_vec(), latest })
    }

    pub(super) fn save(&self, connection: &Connection) -> Result<()> {
        let state = [self.size.to_be_bytes().as_slice(), &self.peaks.concat()].concat();
        connection
            .prepare_cached("UPDATE tree SET state = ?, latest = ?")
            .and_then(|mut it| it.execute(params![state, self.latest]))
            .map_err(sql)
            .map(drop)
    }

    pub(super) fn append(
        &mut self,
        connection: &Connection,
        entropy: &dyn Entropy,
        entry: &Entry<'_>,
    ) -> Result<()> {
        let Entry { kind, at, subject, payload } = entry;
        let mut salt = [0; 32];
        entropy.fill(&mut salt)?;
        let payload = canonical_json(payload);
        let payload = str::from_utf8(&payload).map_err(|cause| {
            Error::new(Kind::Internal, "an entry of the log is not text").with_source(cause)
        })?;
        self.latest = self.latest.max(*at);
        let at = iso(*at);
        let leaf = leaf(kind, &at, &commitment(&salt, payload));
        let values = params![self.size as i64, leaf, kind, at, payload, salt, subject];
        connection.prepare_cached(ADD).and_then(|mut it| it.execute(values)).map_err(sql)?;
        self.push(leaf);
        Ok(())
    }

    /// Adds a leaf; full subtrees of one size become one of twice the size.
    pub(super) fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = sha(&[&[1], &left, &node]);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }
}

const ADD: &str = "INSERT INTO entry (place, leaf, kind, at, payload, salt, subject)
    VALUES (?, ?, ?, ?, ?, ?, ?)";

/// What stands in the tree for a payload; without the salt it says nothing of it.
pub(super) fn commitment(salt: &[u8], payload: &str) -> Hash {
    framed(&[b"trueup/payload/1", salt, payload.as_bytes()])
}

/// The hash of an entry's leaf.
pub(super) fn leaf(kind: &str, at: &str, commitment: &Hash) -> Hash {
    let data = framed(&[b"trueup/entry/1", kind.as_bytes(), at.as_bytes(), commitment]);
    sha(&[&[0], &data])
}

fn framed(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn sha(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

fn damaged() -> Error {
    Error::new(Kind::Data, "the store is damaged: its log has no whole tree; restore a backup")
}

#[cfg(test)]
mod tests {
    use super::super::super::clock::hex;
    use super::*;

    #[test]
    fn the_example_of_the_spec() {
        let commitment = commitment(&[7; 32], r#"{"by":"anna","plan":"6c91"}"#);
        let want = "da71cfa475981f95395dc846e78c286f132b6bdbab614d3c465da1a4834fb517";
        assert_eq!(hex(&commitment), want);
        let leaf = leaf("plan.approved", "2026-11-22T10:00:00Z", &commitment);
        let want = "30162ca321fad7fdbb379b5797ae93ed186e2e25d43b52b467b2bd4575045e90";
        assert_eq!(hex(&leaf), want);
    }
}
