//! Backups, checks, checkpoints, and forgetting.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags, Row, params};
use serde_json::json;
use trueup_connector::{Error, Hash, Kind, Result};

use super::super::clock::millis;
use super::faults::sql;
use super::log::{End, read};
use super::tx::Tx;
use super::{Store, StoreOptions, file, schema};
use crate::audit::{Checkpoint, Entry, Frontier, Signer, Stored, Trust, Verdict, verify_log};

/// One entry of the audit log, and the hash of its leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEntry {
    /// Its place in the log, from 0.
    pub place: u64,
    /// What happened, when.
    pub entry: Entry,
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
pub struct Forgotten {
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
        checked(to).map(drop)
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
        checked(to)
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
    /// `data` for an entry that is not the one of its leaf; those of the store.
    pub fn log_entries(&self, from: u64, most: u32) -> Result<Vec<LogEntry>> {
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        self.call(move |tx| {
            let rows = tx.rows(ENTRIES, params![from, most], entry_row)?;
            let entry = |(place, text, leaf): (u64, String, Hash)| {
                Ok(LogEntry { place, entry: read(place, &text, &leaf)?, leaf })
            };
            rows.into_iter().map(entry).collect()
        })
    }

    /// Signs the log's head: whoever keeps the note finds any later change of what it covers.
    ///
    /// # Errors
    /// `invalid` for a signer of another name than the log's; those of the signer and the store.
    pub fn checkpoint(&self, signer: &dyn Signer) -> Result<String> {
        let log = self.call(|tx| Ok(End::load(tx.sql())?.log().clone()))?;
        let (note, size) = (log.checkpoint(signer)?, log.size() as i64);
        let kept = note.clone();
        self.call(move |tx| {
            let values = params![size, kept, tx.now()];
            tx.run("INSERT OR REPLACE INTO checkpoint (size, note, at) VALUES (?, ?, ?)", values)
        })?;
        Ok(note)
    }

    /// The checkpoints that were signed, smallest first.
    ///
    /// # Errors
    /// Those of the store.
    pub fn checkpoints(&self) -> Result<Vec<String>> {
        let question = "SELECT note FROM checkpoint ORDER BY size";
        self.call(move |tx| tx.rows(question, [], |row| row.get(0)))
    }

    /// Verifies the audit log against the checkpoints that were signed, and one that was kept
    /// elsewhere.
    ///
    /// # Errors
    /// Those of the store; what is wrong with the log is in the verdict.
    pub fn verify_log(&self, trust: &Trust, saved: Option<&Checkpoint>) -> Result<Verdict> {
        let notes = self.checkpoints()?;
        let (origin, rows) = self.call(|tx| {
            let origin = End::load(tx.sql())?.log().origin().to_owned();
            Ok((origin, tx.rows(ENTRIES, params![0, -1], entry_row)?))
        })?;
        let stored =
            rows.into_iter().map(|(_, text, leaf)| Stored { text: text.into_bytes(), leaf });
        let notes: Vec<&str> = notes.iter().map(String::as_str).collect();
        Ok(verify_log(&origin, stored, &notes, trust, saved))
    }

    /// Forgets what is older than that: payloads of the audit log, documents of plans that no open
    /// run needs, readings, and resolved findings. Leaves stay, so the log still verifies, and the
    /// forgetting is an entry of it.
    ///
    /// # Errors
    /// Those of the store.
    pub fn forget_before(&self, time: SystemTime, by: &str, reason: &str) -> Result<Forgotten> {
        let (time, by, reason) = (millis(time), by.to_owned(), reason.to_owned());
        self.call(move |tx| forget_before(tx, time, &by, &reason))
    }

    /// Forgets what people of this name said, and every payload that tells of them.
    ///
    /// # Errors
    /// `not_found` where there is nothing to forget; those of the store.
    pub fn forget_person(&self, person: &str, by: &str, reason: &str) -> Result<Forgotten> {
        let (person, by, reason) = (person.to_owned(), by.to_owned(), reason.to_owned());
        self.call(move |tx| forget_person(tx, &person, &by, &reason))
    }
}

const ENTRIES: &str = "SELECT place, text, leaf FROM entry WHERE place >= ? ORDER BY place LIMIT ?";

fn entry_row(row: &Row<'_>) -> rusqlite::Result<(u64, String, Hash)> {
    Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?, row.get(2)?))
}

/// The store at this path, if it is whole; else there is no file left.
fn checked(path: &Path) -> Result<Store> {
    let store = StoreOptions::new().open(path);
    let outcome = store.and_then(|store| store.verify().map(|_| store));
    if outcome.is_err() {
        std::fs::remove_file(path).map_err(|cause| file::io(path, cause))?;
    }
    outcome
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
    let (mut tree, mut erased) = (Frontier::new(), 0);
    for (place, text, leaf) in tx.rows(ENTRIES, params![0, -1], entry_row)? {
        if place != tree.size() {
            return Err(damaged(&format!("entry {} of its log is gone", tree.size())));
        }
        erased += u64::from(read(place, &text, &leaf)?.is_erased());
        tree.push(leaf);
    }
    let end = End::load(tx.sql())?;
    match end.log().size() == tree.size() && end.log().root() == tree.root() {
        true => Ok(Verified { entries: tree.size(), erased, root: tree.root() }),
        false => Err(damaged("its log's tree is not the one of the entries")),
    }
}

fn damaged(what: &str) -> Error {
    Error::new(Kind::Data, format!("the store is damaged: {what}; restore a backup"))
}

fn forget_before(tx: &mut Tx<'_>, time: i64, by: &str, reason: &str) -> Result<Forgotten> {
    let question = "SELECT place FROM entry WHERE at < ? AND NOT erased AND kind != 'audit.erased'
        ORDER BY place";
    let places = tx.rows(question, [time], |row| row.get(0))?;
    let documents = tx.run(OLD_PLANS, [time])?
        + tx.run(OLD_DECISIONS, [time])?
        + tx.run(OLD_ANSWERS, [time])?;
    let records = tx.run("DELETE FROM reading WHERE at < ?", [time])?
        + tx.run("DELETE FROM finding WHERE resolved_at < ?", [time])?;
    let (documents, records) = (documents as u64, records as u64);
    let forgotten = Forgotten { entries: places.len() as u64, documents, records };
    erase(tx, &places, &forgotten, by, reason)?;
    Ok(forgotten)
}

const OLD_PLANS: &str = "UPDATE plan SET document = NULL WHERE at < ? AND document IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM run WHERE run.plan = plan.digest
        AND status IN ('running', 'waiting'))";
const OLD_DECISIONS: &str =
    "UPDATE decision SET document = NULL WHERE at < ? AND document IS NOT NULL";
const OLD_ANSWERS: &str = "UPDATE answer SET document = NULL, person = NULL
    WHERE at < ? AND document IS NOT NULL";

fn forget_person(tx: &mut Tx<'_>, person: &str, by: &str, reason: &str) -> Result<Forgotten> {
    let question = "SELECT place FROM entry WHERE subject = ? AND NOT erased ORDER BY place";
    let places = tx.rows(question, [person], |row| row.get(0))?;
    let answers = "UPDATE answer SET document = NULL, person = NULL WHERE person = ?";
    let documents = tx.run(answers, [person])? as u64;
    if places.is_empty() && documents == 0 {
        return Err(Error::new(Kind::NotFound, "there is nothing of this person to forget"));
    }
    let forgotten = Forgotten { entries: places.len() as u64, documents, records: 0 };
    erase(tx, &places, &forgotten, by, reason)?;
    Ok(forgotten)
}

/// Takes payloads and salts away; what is left proves only that something was there. Who allowed it
/// is said in the log.
fn erase(
    tx: &mut Tx<'_>,
    places: &[i64],
    forgotten: &Forgotten,
    by: &str,
    reason: &str,
) -> Result<()> {
    let question = "SELECT place, text, leaf FROM entry WHERE place = ?";
    for place in places {
        if let Some((place, text, leaf)) = tx.first(question, [place], entry_row)? {
            let erased = read(place, &text, &leaf)?.erase().text();
            let statement = "UPDATE entry SET text = ?, subject = NULL, erased = 1 WHERE place = ?";
            tx.run(statement, params![erased, place as i64])?;
        }
    }
    if !places.is_empty() {
        let said = json!({"by": by, "entries": places, "reason": reason});
        tx.log("audit.erased", None, &said)?;
    }
    let Forgotten { entries, documents, records } = forgotten;
    let said = json!({
        "by": by, "reason": reason, "entries": entries, "documents": documents, "records": records,
    });
    tx.log("store.forgotten", None, &said)
}
