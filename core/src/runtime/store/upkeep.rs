//! Backups, checks, and forgetting.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags, Row, params};
use serde_json::json;
use trueup_connector::{Error, Hash, Kind, Result};

use super::super::clock::{iso, millis};
use super::faults::sql;
use super::log::{Edge, commitment, leaf};
use super::tx::Tx;
use super::{Store, StoreOptions, file, schema};

/// One entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEntry {
    /// Its place in the log, from 0.
    pub place: u64,
    /// What happened: `run.started`, `change.intent`, …
    pub kind: String,
    /// When: an instant in ISO 8601.
    pub at: String,
    /// What it says, in canonical JSON, and the salt of its commitment; `None` once erased.
    pub payload: Option<(String, [u8; 32])>,
    /// What stands in the tree for the payload.
    pub commitment: Hash,
    /// The hash of its leaf.
    pub leaf: Hash,
}

/// What [`Store::verify`] found in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// How many entries the audit log has.
    pub entries: u64,
    /// How many of them have no payload any more.
    pub erased: u64,
    /// The root of the log's tree.
    pub root: Hash,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erased {
    /// Payloads of the audit log.
    pub entries: u64,
    /// Plans, decisions and answers.
    pub documents: u64,
    /// Readings and resolved findings.
    pub records: u64,
}

impl Store {
    /// Copies the store, as it is at one moment, into a new file, and checks the copy.
    ///
    /// # Errors
    /// `conflict` where there is a file already, `unsupported` for a store in memory, those of
    /// [`Store::verify`] for the copy; then no file is left behind.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<()> {
        let to = to.as_ref();
        let from = self.0.path.clone().ok_or_else(|| {
            Error::new(Kind::Unsupported, "a store in memory has nothing to back up")
        })?;
        copy(&from, to)?;
        let checked = StoreOptions::new().open(to).and_then(|copy| copy.verify());
        match checked {
            Ok(_) => Ok(()),
            Err(error) => {
                std::fs::remove_file(to).map_err(|cause| file::io(to, cause))?;
                Err(error)
            }
        }
    }

    /// Makes a store of a backup; the backup is checked first and stays as it is.
    ///
    /// What happened after the backup is not in it: runs of that time may be open again. Read the
    /// systems again before anything is planned.
    ///
    /// # Errors
    /// `conflict` where there is a file at `to`; those of [`Store::open`] and [`Store::verify`].
    pub fn restore(backup: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<Self> {
        let (backup, to) = (backup.as_ref(), to.as_ref());
        file::look(backup)?;
        copy(backup, to)?;
        let store = StoreOptions::new().open(to)?;
        match store.verify() {
            Ok(_) => Ok(store),
            Err(error) => {
                drop(store);
                std::fs::remove_file(to).map_err(|cause| file::io(to, cause))?;
                Err(error)
            }
        }
    }

    /// Checks the file, its tables, and every entry of the audit log against its leaf and the tree.
    ///
    /// # Errors
    /// `data`, saying what is wrong and where.
    pub fn verify(&self) -> Result<Verified> {
        self.call(|tx| verify(tx))
    }

    /// Entries of the audit log from this place on, `most` at most.
    ///
    /// # Errors
    /// Those of the store.
    pub fn log_entries(&self, from: u64, most: u32) -> Result<Vec<LogEntry>> {
        let question = "SELECT place, kind, at, payload, salt, commitment, leaf FROM entry
            WHERE place >= ? ORDER BY place LIMIT ?";
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        self.call(move |tx| tx.rows(question, params![from, most], entry))
    }

    /// Forgets what is older than that: payloads of the audit log, documents of plans that no open
    /// run needs, readings, and resolved findings. Leaves stay, so the log still verifies, and the
    /// forgetting is an entry of it.
    ///
    /// # Errors
    /// Those of the store.
    pub fn forget_before(&self, time: SystemTime, by: &str, reason: &str) -> Result<Erased> {
        let (time, by, reason) = (millis(time), by.to_owned(), reason.to_owned());
        self.call(move |tx| forget_before(tx, time, &by, &reason))
    }

    /// Forgets what people of this name said, and every payload that tells of them.
    ///
    /// # Errors
    /// `not_found` where there is nothing to forget; those of the store.
    pub fn forget_person(&self, person: &str, by: &str, reason: &str) -> Result<Erased> {
        let (person, by, reason) = (person.to_owned(), by.to_owned(), reason.to_owned());
        self.call(move |tx| forget_person(tx, &person, &by, &reason))
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if to.try_exists().map_err(|cause| file::io(to, cause))? {
        let message = "there is a file already; choose another path";
        return Err(Error::new(Kind::Conflict, message).with("file", to.display()));
    }
    let source = file::connect(from, &super::StoreSettings::default(), OpenFlags::empty())?;
    schema::check(&source).map_err(|error| error.with("file", from.display()))?;
    let unfinished = file::beside(to, "copy");
    let made = fill(&source, &unfinished);
    let made = made
        .and_then(|()| std::fs::hard_link(&unfinished, to).map_err(|cause| file::io(to, cause)));
    let removed = std::fs::remove_file(&unfinished).map_err(|e| file::io(&unfinished, e));
    made.and(removed)
}

fn fill(source: &Connection, to: &Path) -> Result<()> {
    let mut target = Connection::open(to).map_err(sql)?;
    let copy = rusqlite::backup::Backup::new(source, &mut target).map_err(sql)?;
    copy.run_to_completion(1_000, Duration::from_millis(1), None).map_err(sql)?;
    drop(copy);
    target.close().map_err(|(_, cause)| sql(cause))
}

fn verify(tx: &Tx<'_>) -> Result<Verified> {
    let said = tx.rows("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))?;
    if said != ["ok"] {
        return Err(damaged(&said.join("; ")));
    }
    if !tx.rows("PRAGMA foreign_key_check", [], |_| Ok(()))?.is_empty() {
        return Err(damaged("a row belongs to one that is not there"));
    }
    let (mut edge, mut erased) = (Edge::default(), 0);
    let question =
        "SELECT place, kind, at, payload, salt, commitment, leaf FROM entry ORDER BY place";
    for (place, one) in tx.rows(question, [], entry)?.into_iter().enumerate() {
        let right =
            one.place == place as u64 && leaf(&one.kind, &one.at, &one.commitment) == one.leaf;
        if !right {
            return Err(damaged(&format!("entry {place} of the log is not the one of its leaf")));
        }
        erased += u64::from(one.payload.is_none());
        edge.push(one.leaf);
    }
    match edge.same_tree(&Edge::load(tx.sql())?) {
        true => Ok(Verified { entries: edge.size(), erased, root: edge.root() }),
        false => Err(damaged("the log's tree is not the one of its entries")),
    }
}

fn damaged(what: &str) -> Error {
    Error::new(Kind::Data, format!("the store is damaged: {what}; restore a backup"))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<LogEntry> {
    let payload: Option<String> = row.get(3)?;
    let (payload, commitment) = match payload {
        Some(payload) => {
            let salt: [u8; 32] = row.get(4)?;
            let commitment = commitment(&salt, &payload);
            (Some((payload, salt)), commitment)
        }
        None => (None, row.get(5)?),
    };
    Ok(LogEntry {
        place: row.get::<_, i64>(0)?.unsigned_abs(),
        kind: row.get(1)?,
        at: row.get(2)?,
        payload,
        commitment,
        leaf: row.get(6)?,
    })
}

fn forget_before(tx: &mut Tx<'_>, time: i64, by: &str, reason: &str) -> Result<Erased> {
    let places = tx.rows(
        "SELECT place FROM entry WHERE at < ? AND payload IS NOT NULL AND kind != 'audit.erased'",
        [iso(time)],
        |row| row.get::<_, i64>(0),
    )?;
    erase(tx, &places)?;
    let documents = tx.run(OLD_PLANS, [time])?
        + tx.run(OLD_DECISIONS, [time])?
        + tx.run(OLD_ANSWERS, [time])?;
    let records = tx.run("DELETE FROM reading WHERE at < ?", [time])?
        + tx.run("DELETE FROM finding WHERE resolved_at < ?", [time])?;
    say_erased(tx, &places, by, reason)?;
    let (entries, documents, records) = (places.len() as u64, documents as u64, records as u64);
    Ok(Erased { entries, documents, records })
}

const OLD_PLANS: &str = "UPDATE plan SET document = NULL WHERE at < ? AND document IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM run WHERE run.plan = plan.digest
        AND status IN ('running', 'waiting'))";
const OLD_DECISIONS: &str =
    "UPDATE decision SET document = NULL WHERE at < ? AND document IS NOT NULL";
const OLD_ANSWERS: &str = "UPDATE answer SET document = NULL, person = NULL
    WHERE at < ? AND document IS NOT NULL";

fn forget_person(tx: &mut Tx<'_>, person: &str, by: &str, reason: &str) -> Result<Erased> {
    let question = "SELECT place FROM entry WHERE subject = ? AND payload IS NOT NULL";
    let places = tx.rows(question, [person], |row| row.get::<_, i64>(0))?;
    let answers = "UPDATE answer SET document = NULL, person = NULL WHERE person = ?";
    let documents = tx.run(answers, [person])?;
    if places.is_empty() && documents == 0 {
        return Err(Error::new(Kind::NotFound, "there is nothing of this person to forget"));
    }
    erase(tx, &places)?;
    say_erased(tx, &places, by, reason)?;
    Ok(Erased { entries: places.len() as u64, documents: documents as u64, records: 0 })
}

/// Takes payloads and salts away; what is left proves only that something was there.
fn erase(tx: &Tx<'_>, places: &[i64]) -> Result<()> {
    for place in places {
        let question = "SELECT payload, salt FROM entry WHERE place = ?";
        let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, [u8; 32]>(1)?));
        if let Some((payload, salt)) = tx.first(question, [place], row)? {
            let values = params![commitment(&salt, &payload), place];
            tx.run(
                "UPDATE entry SET payload = NULL, salt = NULL, subject = NULL, commitment = ?
                 WHERE place = ?",
                values,
            )?;
        }
    }
    Ok(())
}

fn say_erased(tx: &mut Tx<'_>, places: &[i64], by: &str, reason: &str) -> Result<()> {
    let said = json!({"by": by, "entries": places, "reason": reason});
    tx.log("audit.erased", None, &said)
}
