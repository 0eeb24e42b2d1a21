//! One transaction of the store, and what work inside it may use.

use std::sync::Arc;

use rusqlite::{Connection, Params};
use serde_json::Value as Json;
use trueup_connector::Result;

use super::super::clock::{Clock, Entropy, millis};
use super::faults::{run, sql};
use super::log::{End, Saying};

/// The connection, and what belongs to the transaction that is open on it.
#[derive(Debug)]
pub(super) struct Batch {
    connection: Connection,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// The log's growing end: now, and before the work that is under way.
    end: Option<End>,
    before: Option<End>,
    written: bool,
}

/// What a piece of work may use: the tables, the time, fresh names, the log.
pub(in crate::runtime) struct Tx<'a> {
    batch: &'a mut Batch,
    now: i64,
}

impl Batch {
    pub(super) fn new(
        connection: Connection,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { connection, clock, entropy, end: None, before: None, written: false }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Takes the right to write before reading, so that what was read still holds at the commit.
    pub(super) fn begin(&mut self) -> Result<()> {
        (self.end, self.before, self.written) = (None, None, false);
        run(&self.connection, "BEGIN IMMEDIATE")
    }

    pub(super) fn savepoint(&mut self) -> Result<()> {
        self.before.clone_from(&self.end);
        run(&self.connection, "SAVEPOINT job")
    }

    pub(super) fn work<T>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> T) -> Result<T> {
        let now = millis(self.clock.now());
        Ok(work(&mut Tx { batch: self, now }))
    }

    /// Ends a savepoint: keeps what was done in it, or takes it back.
    pub(super) fn release(&mut self, keep: bool) -> Result<()> {
        if !keep {
            run(&self.connection, "ROLLBACK TO job")?;
            self.end.clone_from(&self.before);
        }
        run(&self.connection, "RELEASE job")
    }

    pub(super) fn commit(&mut self) -> Result<()> {
        if let Some(end) = self.end.as_ref().filter(|_| self.written) {
            end.save(&self.connection)?;
        }
        run(&self.connection, "COMMIT")
    }

    /// Leaves no transaction behind, whatever went wrong.
    pub(super) fn abandon(&mut self) {
        if !self.connection.is_autocommit() {
            // Where even this fails, the next `BEGIN` fails too, and says why.
            let _ = run(&self.connection, "ROLLBACK");
        }
    }
}

impl Tx<'_> {
    /// The tables.
    pub(in crate::runtime) fn sql(&self) -> &Connection {
        &self.batch.connection
    }

    /// The time, in milliseconds since the Unix epoch.
    pub(in crate::runtime) fn now(&self) -> i64 {
        self.now
    }

    /// The latest time of an entry of the log.
    pub(in crate::runtime) fn latest(&self) -> Result<i64> {
        match &self.batch.end {
            Some(end) => Ok(end.latest()),
            None => Ok(End::load(self.sql())?.latest()),
        }
    }

    /// Runs a statement; how many rows it changed.
    pub(in crate::runtime) fn run(&self, statement: &str, values: impl Params) -> Result<usize> {
        let mut statement = self.sql().prepare_cached(statement).map_err(sql)?;
        statement.execute(values).map_err(sql)
    }

    /// The rows that a question has for an answer.
    pub(in crate::runtime) fn rows<T>(
        &self,
        question: &str,
        values: impl Params,
        mut row: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.sql().prepare_cached(question).map_err(sql)?;
        let rows = statement.query_map(values, |it| row(it)).map_err(sql)?;
        rows.collect::<rusqlite::Result<_>>().map_err(sql)
    }

    /// Hands over the rows that a question has for an answer, one by one.
    pub(super) fn each(
        &self,
        question: &str,
        values: impl Params,
        mut row: impl FnMut(&rusqlite::Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.sql().prepare_cached(question).map_err(sql)?;
        let mut rows = statement.query(values).map_err(sql)?;
        while let Some(found) = rows.next().map_err(sql)? {
            row(found)?;
        }
        Ok(())
    }

    /// The first row that a question has for an answer.
    pub(in crate::runtime) fn first<T>(
        &self,
        question: &str,
        values: impl Params,
        row: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.rows(question, values, row)?.into_iter().next())
    }

    /// Adds an entry to the audit log. It is there exactly if this work is.
    ///
    /// Its members `run` and `plan`, if there are any, say what it is about.
    pub(in crate::runtime) fn log(&mut self, kind: &str, payload: &Json) -> Result<()> {
        let saying = Saying { kind, at: self.now, payload };
        let Batch { connection, entropy, end, written, .. } = &mut *self.batch;
        *written = true;
        loaded(end, connection)?.append(connection, entropy.as_ref(), &saying)
    }

    /// The log's growing end, to be written with the transaction.
    pub(super) fn end(&mut self) -> Result<&mut End> {
        let Batch { connection, end, written, .. } = &mut *self.batch;
        *written = true;
        loaded(end, connection)
    }
}

fn loaded<'a>(end: &'a mut Option<End>, connection: &Connection) -> Result<&'a mut End> {
    match end {
        Some(end) => Ok(end),
        None => Ok(end.insert(End::load(connection)?)),
    }
}
