//! Entries of the audit log, in the transaction of what they tell of (`docs/spec/audit.md`).

use rusqlite::{Connection, Row, params};
use serde_json::Value as Json;
use trueup_connector::{Error, Hash, Kind, Result};

use super::super::clock::Entropy;
use super::faults::sql;
use crate::audit::{Entry, Log};
use crate::guard::moment_text;

/// The log's growing end, as the transaction has it.
#[derive(Clone, Debug)]
pub(super) struct End {
    log: Log,
    /// The latest time an entry was added at.
    latest: i64,
}

/// What an entry is to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saying<'a> {
    pub(super) kind: &'a str,
    pub(super) at: i64,
    pub(super) subject: Option<&'a str>,
    pub(super) payload: &'a Json,
}

impl End {
    pub(super) fn load(connection: &Connection) -> Result<Self> {
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (origin, state, latest): (String, Vec<u8>, i64) = connection
            .prepare_cached("SELECT origin, state, latest FROM tree")
            .and_then(|mut it| it.query_row([], row))
            .map_err(sql)?;
        Ok(Self { log: Log::resume(&origin, &state)?, latest })
    }

    pub(super) fn save(&self, connection: &Connection) -> Result<()> {
        connection
            .prepare_cached("UPDATE tree SET state = ?, latest = ?")
            .and_then(|mut it| it.execute(params![self.log.state(), self.latest]))
            .map_err(sql)
            .map(drop)
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    pub(super) fn latest(&self) -> i64 {
        self.latest
    }

    pub(super) fn append(
        &mut self,
        connection: &Connection,
        entropy: &dyn Entropy,
        saying: &Saying<'_>,
    ) -> Result<()> {
        let Saying { kind, at, subject, payload } = saying;
        let mut salt = [0; 32];
        entropy.fill(&mut salt)?;
        let entry = Entry::new(kind, &moment_text(*at), payload, salt)?;
        let added = self.log.append(&entry);
        self.latest = self.latest.max(*at);
        let values = params![added.index as i64, added.leaf, entry.text(), kind, at, subject];
        connection.prepare_cached(ADD).and_then(|mut it| it.execute(values)).map_err(sql).map(drop)
    }
}

const ADD: &str =
    "INSERT INTO entry (place, leaf, text, kind, at, subject) VALUES (?, ?, ?, ?, ?, ?)";

/// The entry that a row has.
pub(super) fn read(place: u64, text: &str, leaf: &Hash) -> Result<Entry> {
    let wrong = |why: &str| {
        let message =
            format!("the store is damaged: entry {place} of its log {why}; restore a backup");
        Error::new(Kind::Data, message)
    };
    let entry = Entry::read(text.as_bytes()).map_err(|cause| wrong(cause.message()))?;
    match entry.leaf() == *leaf {
        true => Ok(entry),
        false => Err(wrong("is not the one of its leaf")),
    }
}
