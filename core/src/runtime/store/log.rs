//! Entries of the audit log, in the transaction of what they tell of (`docs/spec/audit.md`).

use rusqlite::{Connection, params};
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
    pub(super) payload: &'a Json,
}

impl End {
    pub(super) fn load(connection: &Connection) -> Result<Self> {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (origin, state, latest): (String, Vec<u8>, i64) = connection
            .prepare_cached("SELECT origin, state, latest FROM tree")
            .and_then(|mut it| it.query_row([], row))
            .map_err(sql)?;
        Ok(Self { log: Log::resume(&origin, &state)?, latest })
    }

    pub(super) fn save(&self, connection: &Connection) -> Result<()> {
        connection
            .prepare_cached("UPDATE tree SET origin = ?, state = ?, latest = ?")
            .and_then(|mut it| {
                it.execute(params![self.log.origin(), self.log.state(), self.latest])
            })
            .map_err(sql)
            .map(drop)
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    pub(super) fn latest(&self) -> i64 {
        self.latest
    }

    /// Goes on from this time, though the log has a later one.
    pub(super) fn turn_back(&mut self, to: i64) {
        self.latest = to;
    }

    /// Goes on under this name.
    pub(super) fn rename(&mut self, origin: &str) -> Result<()> {
        self.log = Log::resume(origin, &self.log.state())?;
        Ok(())
    }

    pub(super) fn append(
        &mut self,
        connection: &Connection,
        entropy: &dyn Entropy,
        saying: &Saying<'_>,
    ) -> Result<()> {
        let Saying { kind, at, payload } = saying;
        let mut salt = [0; 32];
        entropy.fill(&mut salt)?;
        let entry = Entry::new(kind, &moment_text(*at), payload, salt)?;
        let added = self.log.append(&entry);
        self.latest = self.latest.max(*at);
        let [run, plan] = concerned(payload);
        let values = params![added.index as i64, added.leaf, entry.text(), run, plan];
        connection.prepare_cached(ADD).and_then(|mut it| it.execute(values)).map_err(sql).map(drop)
    }
}

const ADD: &str = "INSERT INTO entry (place, leaf, text, run, plan) VALUES (?, ?, ?, ?, ?)";

/// The run and the plan that a payload is about.
pub(super) fn concerned(payload: &Json) -> [Option<&str>; 2] {
    ["run", "plan"].map(|name| payload.get(name).and_then(Json::as_str))
}

/// Entries from a place on, so many at most.
pub(super) const ROWS: &str =
    "SELECT place, text, leaf, run, plan FROM entry WHERE place >= ? ORDER BY place LIMIT ?";

/// An entry as its row has it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) place: u64,
    pub(super) text: String,
    pub(super) leaf: Hash,
    pub(super) run: Option<String>,
    pub(super) plan: Option<String>,
}

impl Row {
    pub(super) fn read(row: &rusqlite::Row<'_>) -> Result<Self> {
        let read = |row: &rusqlite::Row<'_>| -> rusqlite::Result<Self> {
            let place = row.get::<_, i64>(0)?.unsigned_abs();
            let (text, leaf, run, plan) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
            Ok(Self { place, text, leaf, run, plan })
        };
        read(row).map_err(sql)
    }

    /// What it says, if that is what its leaf stands for.
    pub(super) fn entry(&self) -> Result<Entry> {
        let place = self.place;
        let wrong = |why: &str| damaged(&format!("entry {place} of its log {why}"));
        let entry = Entry::read(self.text.as_bytes()).map_err(|cause| wrong(cause.message()))?;
        match entry.leaf() == self.leaf {
            true => Ok(entry),
            false => Err(wrong("is not the one of its leaf")),
        }
    }

    /// The names of the run and the plan that it is about.
    pub(super) fn concerns(&self) -> impl Iterator<Item = &str> {
        self.run.iter().chain(&self.plan).map(String::as_str)
    }
}

/// When an entry was added, in milliseconds since the Unix epoch.
pub(super) fn millis_of(entry: &Entry) -> Result<i64> {
    let at = entry.at().parse::<jiff::Timestamp>();
    at.map(jiff::Timestamp::as_millisecond)
        .map_err(|cause| damaged(&format!("`{}` in its log is no time: {cause}", entry.at())))
}

pub(super) fn damaged(what: &str) -> Error {
    Error::new(Kind::Data, format!("the store is damaged: {what}; restore a backup"))
}
