//! The writer: a transaction a call, a savepoint a change.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rusqlite::ErrorCode;
use trueup_connector::{
    Authorised, Change, Context, Error, Idempotency, Kind, Operation, Receipt, Result, Standing,
    Writer, async_trait,
};

use super::config::SqliteConfig;
use super::connector::work;
use super::database::Database;
use super::error::{Stop as Stopped, error};
use super::table::Table;
use crate::ask::Stop;
use crate::source::Source;
use crate::writing::{self, Write, again, done, only_read, refuse_all, undo, without_values};

/// Writes the tables of an SQLite database file.
///
/// All changes of a call are one transaction, which is committed before the receipts are given.
pub(crate) struct SqliteWriter {
    config: Arc<SqliteConfig>,
}

/// A connection that writes, and the tables it has looked at.
struct Session {
    database: Database,
    tables: HashMap<String, Result<Table>>,
}

impl SqliteWriter {
    pub(crate) fn new(config: Arc<SqliteConfig>) -> Self {
        Self { config }
    }
}

#[async_trait]
impl Writer for SqliteWriter {
    fn idempotency(&self, _: &str, operation: &Operation) -> Idempotency {
        writing::idempotency(operation)
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        if let Err(error) = context.check() {
            return Ok(refuse_all(changes.changes(), &error));
        }
        let config = self.config.clone();
        work(&context, move |stop| Ok(apply(&config, stop, changes.changes()))).await
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        context.check()?;
        let message =
            format!("`{handle}` is no change of this database: none of them is ever pending");
        Err(Error::new(Kind::NotFound, message))
    }
}

impl fmt::Debug for SqliteWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteWriter").field("file", &self.config.path).finish()
    }
}

fn apply(config: &Arc<SqliteConfig>, stop: &Stop, changes: &[Change]) -> Vec<Receipt> {
    match Session::open(config) {
        Ok(mut session) => session.apply(stop, changes),
        Err(error) => refuse_all(changes, &error),
    }
}

impl Session {
    fn open(config: &Arc<SqliteConfig>) -> Result<Self> {
        Ok(Self { database: Database::open_to_write(config)?, tables: HashMap::new() })
    }

    /// All in one transaction; one by one where one of them does not go with the others.
    fn apply(&mut self, stop: &Stop, changes: &[Change]) -> Vec<Receipt> {
        match self.together(stop, changes) {
            Some(receipts) => receipts,
            None => changes.iter().flat_map(|change| self.alone(stop, change)).collect(),
        }
    }

    fn alone(&mut self, stop: &Stop, change: &Change) -> Vec<Receipt> {
        let one = std::slice::from_ref(change);
        self.together(stop, one).unwrap_or_else(|| {
            let message = "the database undid the change: a trigger or a constraint checked last";
            vec![Receipt::Failed(Error::new(Kind::Invalid, message))]
        })
    }

    /// `None`, and nothing done, where the whole transaction was undone for one of several changes.
    fn together(&mut self, stop: &Stop, changes: &[Change]) -> Option<Vec<Receipt>> {
        // Others may have written since the last transaction, and what it did may be undone.
        self.tables.clear();
        if let Err(error) = self.begin() {
            return Some(refuse_all(changes, &error));
        }
        let mut receipts = Vec::with_capacity(changes.len());
        for change in changes {
            let receipt = match stop.check() {
                Ok(()) => self.one(change),
                Err(error) => Receipt::Refused(error),
            };
            // A trigger can undo everything.
            if self.database.connection.is_autocommit() {
                return (changes.len() == 1).then(|| vec![receipt]);
            }
            receipts.push(receipt);
        }
        self.commit(receipts)
    }

    /// Begins a transaction that writes; nobody else does until it ends.
    fn begin(&self) -> Result<()> {
        let (connection, path) = (&self.database.connection, self.database.path());
        let begun = connection.execute_batch("begin immediate");
        begun.map_err(|cause| error(cause, path))?;
        // Where it cannot write, SQLite begins a transaction that reads, without a word.
        match connection.is_readonly("main") {
            Ok(false) => Ok(()),
            Ok(true) => Err(only_readable(path)),
            Err(cause) => Err(error(cause, path)),
        }
    }

    fn one(&mut self, change: &Change) -> Receipt {
        let (database, connection) = (&self.database, &self.database.connection);
        let table = self.tables.entry(change.resource.clone());
        let table = match table.or_insert_with(|| look(database, &change.resource)) {
            Ok(table) => table,
            Err(error) => return Receipt::Refused(again(error)),
        };
        let write = match Write::new(change, &table.schema) {
            Ok(write) => write,
            Err(error) => return Receipt::Refused(error.with("resource", &change.resource)),
        };
        let carried = connection
            .execute_batch("savepoint change")
            .map_err(Stopped::from)
            .and_then(|()| table.carry_out(connection, &write));
        // Where the end fails the transaction is gone, and the caller sees that.
        let end = if carried.is_ok() { "" } else { "rollback to change;" };
        drop(connection.execute_batch(&format!("{end} release change")));
        match carried {
            Ok(Standing::Stale) => Receipt::Stale,
            Ok(_) => done(),
            Err(Stopped::Ours(error)) => Receipt::Failed(error.with("resource", &change.resource)),
            Err(Stopped::Sqlite(cause)) => {
                let error = without_values(error(cause, database.path()), change);
                Receipt::Failed(error.with("resource", &change.resource))
            }
        }
    }

    fn commit(&mut self, receipts: Vec<Receipt>) -> Option<Vec<Receipt>> {
        let Err(cause) = self.database.connection.execute_batch("commit") else {
            return Some(receipts);
        };
        let undone = self.database.connection.is_autocommit()
            || self.database.connection.execute_batch("rollback").is_ok();
        let code = cause.sqlite_error_code();
        match (code, undone) {
            (Some(ErrorCode::ConstraintViolation), true) => match receipts.len() {
                1 => Some(undo(receipts, &error(cause, self.database.path()), Receipt::Failed)),
                _ => None,
            },
            (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), true) => {
                Some(undo(receipts, &error(cause, self.database.path()), Receipt::Failed))
            }
            _ => Some(undo(receipts, &error(cause, self.database.path()), Receipt::Unknown)),
        }
    }
}

fn look(database: &Database, resource: &str) -> Result<Table> {
    match database.source(resource)? {
        Source::Query(_) => Err(only_read(resource)),
        // Types that the values decide are left open: each value is what it is.
        source => Ok(Table::new(database.shape(&source)?.describe(&[])?)),
    }
}

fn only_readable(path: &Path) -> Error {
    let message =
        "the database can only be read: see whether the file and its folder may be written";
    Error::new(Kind::Forbidden, message).with("file", path.display())
}
