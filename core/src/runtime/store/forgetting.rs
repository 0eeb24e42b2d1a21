//! Forgetting what is old, and what tells of a person.

use std::collections::BTreeMap;
use std::time::SystemTime;

use rusqlite::{OpenFlags, params};
use serde_json::{Value as Json, json};
use trueup_connector::{Error, Kind, Result};

use super::super::clock::millis;
use super::faults::sql;
use super::log::{ROWS, Row, millis_of};
use super::tx::Tx;
use super::words::tells_of;
use super::{Store, StoreSettings, file};

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forgotten {
    /// Payloads of the audit log.
    pub entries: u64,
    /// Plans, decisions and answers.
    pub documents: u64,
    /// Readings and resolved findings; of a person, everything else that told of them.
    pub records: u64,
}

impl Store {
    /// Forgets what is older than that: payloads of the audit log, documents of plans that no open
    /// run needs and that nobody is asked about, readings, and resolved findings. Leaves stay, so the
    /// log still verifies, and the forgetting is an entry of it.
    ///
    /// It is gone from the store's files when this returns. Backups are the caller's to see to.
    ///
    /// # Errors
    /// `unavailable` where another process reads the store for so long that a copy is left in the
    /// file beside it: try again; those of the store.
    pub fn forget_before(&self, time: SystemTime, by: &str, reason: &str) -> Result<Forgotten> {
        let (time, by, reason) = (millis(time), by.to_owned(), reason.to_owned());
        let forgotten = self.call(move |tx| forget_before(tx, time, &by, &reason));
        self.wipe().and(forgotten)
    }

    /// Forgets a person: what they said, and every payload and document in which their name is a
    /// word, whoever wrote it. That runs took place, and what became of them, stays.
    ///
    /// Who allows it is named in the log for good.
    ///
    /// # Errors
    /// `not_found` where there is nothing to forget; `conflict` where an open run was asked for by
    /// them; `invalid` where `by` or the reason tells of them; as [`Store::forget_before`].
    pub fn forget_person(&self, person: &str, by: &str, reason: &str) -> Result<Forgotten> {
        if tells_of(by, person) || tells_of(reason, person) {
            let message = "who allows it, and why, is kept for good: it must not name the person";
            return Err(Error::new(Kind::Invalid, message));
        }
        let (person, by, reason) = (person.to_owned(), by.to_owned(), reason.to_owned());
        let forgotten = self.call(move |tx| forget_person(tx, &person, &by, &reason));
        self.wipe().and(forgotten)
    }

    /// Takes what was forgotten out of the file of changes that lies beside the store.
    fn wipe(&self) -> Result<()> {
        let Some(path) = &self.0.path else { return Ok(()) };
        let connection = file::connect(path, &StoreSettings::default(), OpenFlags::empty())?;
        let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        if busy.map_err(sql)? {
            let message = "what was forgotten is still in the file beside the store, as another process reads it; try again";
            return Err(Error::new(Kind::Unavailable, message));
        }
        Ok(())
    }
}

fn forget_before(tx: &mut Tx<'_>, time: i64, by: &str, reason: &str) -> Result<Forgotten> {
    let mut old = Vec::new();
    tx.each(ROWS, params![0, -1], |row| {
        let row = Row::read(row)?;
        let entry = row.entry()?;
        let is_old = millis_of(&entry)? < time;
        if is_old && !entry.is_erased() && entry.kind() != ERASED {
            old.push(row);
        }
        Ok(())
    })?;
    let mut documents = 0;
    for statement in OLD {
        documents += tx.run(&format!("{statement} {NOT_NEEDED}"), params![time, tx.now()])?;
    }
    let records = tx.run("DELETE FROM reading WHERE at < ?", [time])?
        + tx.run("DELETE FROM finding WHERE resolved_at < ?", [time])?;
    let (documents, records) = (documents as u64, records as u64);
    let forgotten = Forgotten { entries: old.len() as u64, documents, records };
    erase(tx, &old, &forgotten, by, reason)?;
    Ok(forgotten)
}

/// The kind of an entry that says what was erased; it is never erased itself.
const ERASED: &str = "audit.erased";

const OLD: [&str; 3] = [
    "UPDATE plan SET document = NULL WHERE at < ?1 AND document IS NOT NULL AND digest",
    "UPDATE decision SET document = NULL WHERE at < ?1 AND document IS NOT NULL AND plan",
    "UPDATE answer SET document = NULL, person = NULL
     WHERE at < ?1 AND document IS NOT NULL AND plan",
];

/// Not one that an open run needs, or that people may still answer about or carry out.
const NOT_NEEDED: &str = "NOT IN
    (SELECT plan FROM run WHERE status IN ('running', 'waiting')
    UNION SELECT plan FROM decision WHERE until > ?2 AND plan NOT IN (SELECT plan FROM run)
    UNION SELECT plan FROM grant WHERE expires_at > ?2 AND run IS NULL)";

fn forget_person(tx: &mut Tx<'_>, person: &str, by: &str, reason: &str) -> Result<Forgotten> {
    refuse_open(tx, person)?;
    let mut told = Vec::new();
    tx.each(ROWS, params![0, -1], |row| {
        let row = Row::read(row)?;
        if tells_of(&row.text, person) && row.entry()?.kind() != ERASED {
            told.push(row);
        }
        Ok(())
    })?;
    let documents = run_all(tx, &DOCUMENTS, person)?;
    let records = run_all(tx, &RECORDS, person)?;
    let forgotten = Forgotten { entries: told.len() as u64, documents, records };
    if forgotten == Forgotten::default() {
        return Err(Error::new(Kind::NotFound, "there is nothing of this person to forget"));
    }
    erase(tx, &told, &forgotten, by, reason)?;
    Ok(forgotten)
}

/// Runs statements about a person; how many rows they changed.
fn run_all(tx: &Tx<'_>, statements: &[&str], person: &str) -> Result<u64> {
    statements.iter().map(|statement| Ok(tx.run(statement, [person])? as u64)).sum()
}

const DOCUMENTS: [&str; 3] = [
    "UPDATE plan SET document = NULL WHERE tells_of(document, ?)",
    "UPDATE decision SET document = NULL WHERE tells_of(document, ?)",
    "UPDATE answer SET document = NULL, person = NULL
     WHERE tells_of(document, ?1) OR tells_of(person, ?1)",
];

const RECORDS: [&str; 8] = [
    "DELETE FROM grant WHERE run IS NULL AND tells_of(terms, ?)",
    "UPDATE grant SET terms = NULL WHERE tells_of(terms, ?)",
    "UPDATE review SET people =
     (SELECT json_group_array(value) FROM json_each(people) WHERE NOT tells_of(value, ?1))
     WHERE tells_of(people, ?1)",
    "UPDATE review SET reviewed_by = 'erased' WHERE tells_of(reviewed_by, ?)",
    "UPDATE run SET reason = 'erased' WHERE tells_of(reason, ?)",
    "UPDATE item SET error = 'erased' WHERE tells_of(error, ?)",
    "UPDATE item SET id = NULL WHERE tells_of(id, ?)",
    "UPDATE suppression SET owner = 'erased', reason = 'erased'
     WHERE tells_of(owner, ?1) OR tells_of(reason, ?1)",
];

/// A run that is taken up again needs the terms of its grant and its plan.
fn refuse_open(tx: &Tx<'_>, person: &str) -> Result<()> {
    let question = "SELECT run.id FROM run JOIN grant ON grant.id = run.grant
        JOIN plan ON plan.digest = run.plan WHERE run.status IN ('running', 'waiting')
        AND (tells_of(grant.terms, ?1) OR tells_of(plan.document, ?1)) LIMIT 1";
    match tx.first(question, [person], |row| row.get::<_, String>(0))? {
        None => Ok(()),
        Some(run) => {
            let message = format!(
                "run `{run}` is open, and cannot go on without what tells of this person; recover it or give it up first"
            );
            Err(Error::new(Kind::Conflict, message))
        }
    }
}

/// Takes payloads and salts away; what is left proves only that something was there. Who allowed it,
/// and which runs and plans it was about, is said in the log.
fn erase(
    tx: &mut Tx<'_>,
    rows: &[Row],
    forgotten: &Forgotten,
    by: &str,
    reason: &str,
) -> Result<()> {
    let mut of = BTreeMap::<&str, Vec<u64>>::new();
    for row in rows {
        let statement = "UPDATE entry SET text = ? WHERE place = ?";
        tx.run(statement, params![row.entry()?.erase().text(), row.place as i64])?;
        for name in row.concerns() {
            of.entry(name).or_default().push(row.place);
        }
    }
    if !rows.is_empty() {
        let entries: Json = rows.iter().map(|row| row.place).collect();
        let said = json!({"by": by, "entries": entries, "of": of, "reason": reason});
        tx.log(ERASED, &said)?;
    }
    let Forgotten { entries, documents, records } = forgotten;
    let said = json!({
        "by": by, "reason": reason, "entries": entries, "documents": documents, "records": records,
    });
    tx.log("store.forgotten", &said)
}
