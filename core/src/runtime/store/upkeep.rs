//! Checks, checkpoints, and a clock that was wrong.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;
use serde_json::{Value as Json, json};
use trueup_connector::{Error, Hash, Kind, Result};

use super::super::clock::hex;
use super::Store;
use super::approvals::plan;
use super::ledger::Ledger;
use super::log::{End, ROWS, Row, concerned, damaged, millis_of};
use super::replay::Replay;
use super::tx::Tx;
use crate::audit::{Checkpoint, Entry, Frontier, Signer, Stored, Trust, Verdict, verify_log};
use crate::guard::moment_text;

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

impl Store {
    /// Checks the file, every entry of the audit log against its leaf and the tree, and the tables
    /// against the log: plans, decisions, answers, grants, used limits, reviews, leases, agreed
    /// counts, and how far each run and each change is. Of what was erased from the log, only that
    /// there was something can be checked.
    ///
    /// What only says how things look is not in the log and not checked: findings, suppressions,
    /// readings, and when a lease ends. Whoever can write the file can also write a log anew; that is
    /// what [`Store::verify_log`] with a checkpoint kept elsewhere finds.
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
            let mut entries = Vec::new();
            tx.each(ROWS, params![from, most], |row| {
                let row = Row::read(row)?;
                entries.push(LogEntry { place: row.place, entry: row.entry()?, leaf: row.leaf });
                Ok(())
            })?;
            Ok(entries)
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

    /// Verifies the audit log against the checkpoints that were signed under its name, and one that
    /// was kept elsewhere: of an earlier name too, as far as the store was restored.
    ///
    /// # Errors
    /// Those of the store; what is wrong with the log is in the verdict.
    pub fn verify_log(&self, trust: &Trust, saved: Option<&Checkpoint>) -> Result<Verdict> {
        let saved = saved.cloned();
        let (origin, saved, notes, entries) = self.call(move |tx| {
            let origin = End::load(tx.sql())?.log().origin().to_owned();
            let saved = saved.map(|saved| carried_over(tx, &origin, saved)).transpose()?;
            let question = "SELECT note FROM checkpoint WHERE size > ? ORDER BY size";
            let since = "SELECT max(size) FROM earlier";
            let since = tx.first(since, [], |row| row.get::<_, Option<i64>>(0))?.flatten();
            let notes: Vec<String> = tx.rows(question, [since.unwrap_or(-1)], |row| row.get(0))?;
            let mut entries = Vec::new();
            tx.each(ROWS, params![0, -1], |row| {
                let Row { text, leaf, .. } = Row::read(row)?;
                entries.push(Stored { text: text.into_bytes(), leaf });
                Ok(())
            })?;
            Ok((origin, saved, notes, entries))
        })?;
        let notes: Vec<&str> = notes.iter().map(String::as_str).collect();
        Ok(verify_log(&origin, entries, &notes, trust, saved.as_ref()))
    }

    /// Goes on although the log has later times than the clock: whoever allows it has made sure that
    /// the clock is right now, and was wrong then. It is an entry of the log.
    ///
    /// What was granted, used or frozen at the wrong times stays as it was written.
    ///
    /// # Errors
    /// `conflict` where the clock is not behind the log; `invalid` without a name and a reason; those
    /// of the store.
    pub fn accept_clock(&self, by: &str, reason: &str) -> Result<()> {
        if by.trim().is_empty() || reason.trim().is_empty() {
            let message = "accepting the clock needs the name of who does it, and a reason";
            return Err(Error::new(Kind::Invalid, message));
        }
        let (by, reason) = (by.to_owned(), reason.to_owned());
        self.call(move |tx| accept_clock(tx, &by, &reason))
    }
}

/// The kind of an entry that says that the clock is right, whatever the entries before it say.
const ACCEPTED: &str = "clock.accepted";

/// A checkpoint of an earlier name of the log, in the present one, if the restored store has all of
/// its entries.
fn carried_over(tx: &Tx<'_>, origin: &str, saved: Checkpoint) -> Result<Checkpoint> {
    let question = "SELECT 1 FROM earlier WHERE origin = ? AND size >= ?";
    let covers = params![saved.origin, saved.size as i64];
    match tx.first(question, covers, |_| Ok(()))? {
        Some(()) => Checkpoint::new(origin, saved.size, saved.root),
        None => Ok(saved),
    }
}

/// What one pass over the entries leaves to compare with.
#[derive(Default)]
struct Pass {
    tree: Frontier,
    erased: u64,
    latest: i64,
    ledger: Ledger,
    replay: Replay,
    /// By the place of an erased entry: what it was about, by the word of the entry that erased it.
    of: BTreeMap<u64, BTreeSet<String>>,
    /// The same, as its row has it.
    rows: BTreeMap<u64, BTreeSet<String>>,
}

fn verify(tx: &Tx<'_>) -> Result<Verified> {
    check_file(tx)?;
    let mut pass = Pass::default();
    tx.each(ROWS, params![0, -1], |row| pass.meet(&Row::read(row)?))?;
    let end = End::load(tx.sql())?;
    if end.log().size() != pass.tree.size() || end.log().root() != pass.tree.root() {
        return Err(damaged("its log's tree is not the one of the entries"));
    }
    if end.latest() != pass.latest {
        return Err(damaged("the latest time of its log is not one of the entries"));
    }
    if pass.rows != pass.of {
        return Err(damaged("what erased entries were about is not what their erasure says"));
    }
    let Pass { tree, erased, ledger, replay, .. } = pass;
    ledger.check(tx)?;
    replay.check(tx)?;
    check_plans(tx)?;
    Ok(Verified { entries: tree.size(), erased, root: tree.root() })
}

impl Pass {
    fn meet(&mut self, row: &Row) -> Result<()> {
        if row.place != self.tree.size() {
            return Err(damaged(&format!("entry {} of its log is gone", self.tree.size())));
        }
        let entry = row.entry()?;
        let payload = entry.payload().map(read_payload).transpose()?;
        self.turn(&entry)?;
        match &payload {
            Some(payload) => {
                if concerned(payload) != [row.run.as_deref(), row.plan.as_deref()] {
                    let what = format!("entry {} of its log is about something else", row.place);
                    return Err(damaged(&what));
                }
                self.of_erased(&entry, payload);
            }
            None => {
                self.erased += 1;
                self.rows.insert(row.place, row.concerns().map(str::to_owned).collect());
            }
        }
        self.ledger.meet(&entry, payload.as_ref());
        self.replay.meet(row, &entry, payload.as_ref());
        self.tree.push(row.leaf);
        Ok(())
    }

    fn turn(&mut self, entry: &Entry) -> Result<()> {
        let at = millis_of(entry)?;
        let accepted = entry.kind() == ACCEPTED;
        self.latest = if accepted { at } else { self.latest.max(at) };
        Ok(())
    }

    /// Takes down what an erasure says that the erased entries were about.
    fn of_erased(&mut self, entry: &Entry, payload: &Json) {
        for place in entry.erases().map(|erasure| erasure.entries).unwrap_or_default() {
            self.of.entry(place).or_default();
        }
        let of = payload.get("of").filter(|_| entry.erases().is_some());
        for (name, places) in of.and_then(Json::as_object).into_iter().flatten() {
            for place in places.as_array().into_iter().flatten().filter_map(Json::as_u64) {
                self.of.entry(place).or_default().insert(name.clone());
            }
        }
    }
}

fn read_payload(text: &str) -> Result<Json> {
    serde_json::from_str(text).map_err(|cause| damaged(&format!("its log is no JSON: {cause}")))
}

fn check_file(tx: &Tx<'_>) -> Result<()> {
    let said = tx.rows("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))?;
    if said != ["ok"] {
        return Err(damaged(&said.join("; ")));
    }
    match tx.rows("PRAGMA foreign_key_check", [], |_| Ok(()))?.is_empty() {
        true => Ok(()),
        false => Err(damaged("a row belongs to one that is not there")),
    }
}

/// A plan is what its digest says.
fn check_plans(tx: &Tx<'_>) -> Result<()> {
    let question = "SELECT digest FROM plan WHERE document IS NOT NULL";
    let digests: Vec<Hash> = tx.rows(question, [], |row| row.get(0))?;
    for digest in digests {
        plan(tx, &digest).map_err(|error| {
            damaged(&format!("plan `{}` cannot be read: {}", hex(&digest), error.message()))
        })?;
    }
    Ok(())
}

fn accept_clock(tx: &mut Tx<'_>, by: &str, reason: &str) -> Result<()> {
    let (latest, now) = (tx.latest()?, tx.now());
    if latest <= now {
        let message =
            format!("the clock is not behind the log: {} is its latest", moment_text(latest));
        return Err(Error::new(Kind::Conflict, message));
    }
    let said = json!({"by": by, "reason": reason, "was": moment_text(latest)});
    tx.log(ACCEPTED, &said)?;
    tx.end()?.turn_back(now);
    Ok(())
}
