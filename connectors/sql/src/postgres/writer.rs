//! The writer: a transaction a call, a savepoint a change.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use trueup_connector::{
    Authorised, Change, Context, Error, Idempotency, Kind, Operation, Receipt, Result, Standing,
    Writer, async_trait,
};

use super::catalog;
use super::config::PostgresConfig;
use super::error::error;
use super::session::Session;
use super::table::Table;
use crate::source::Source;
use crate::writing::{self, Write, again, done, only_read, refuse_all, undo, without_values};

/// Writes the tables of a PostgreSQL database.
///
/// All changes of a call are one transaction, which is committed before the receipts are given. The
/// record of a change is locked from the look at it to the end of the transaction.
pub(crate) struct PostgresWriter {
    config: Arc<PostgresConfig>,
    /// Connections that wait for the next call; they end with the writer.
    idle: Mutex<Vec<Session>>,
}

/// How many connections wait at most.
const IDLE: usize = 4;

/// A connection that writes, and the tables it has looked at.
struct Writing<'a> {
    session: &'a Session,
    context: Context,
    tables: HashMap<String, Result<Table>>,
    /// What ended the transaction before its time.
    broken: Option<Error>,
}

impl PostgresWriter {
    pub(crate) fn new(config: Arc<PostgresConfig>) -> Self {
        Self { config, idle: Mutex::default() }
    }

    /// What is sent runs to its end: a dropped or cancelled call stops between two changes.
    async fn work(&self, context: Context, changes: &[Change]) -> Vec<Receipt> {
        let session = match context.check() {
            Ok(()) => self.session().await,
            Err(error) => Err(error),
        };
        let session = match session {
            Ok(session) => session,
            Err(error) => return refuse_all(changes, &error),
        };
        let (tables, broken) = (HashMap::new(), None);
        let mut writing = Writing { session: &session, context, tables, broken };
        let receipts = match writing.together(changes).await {
            Some(receipts) => receipts,
            None => writing.one_by_one(changes).await,
        };
        let is_sound = writing.broken.is_none();
        if is_sound {
            self.give_back(session).await;
        }
        receipts
    }

    /// A connection in a transaction: one that waits, where it is still good, or another.
    async fn session(&self) -> Result<Session> {
        while let Some(session) = self.waiting() {
            if session.begin_to_write().await.is_ok() {
                return Ok(session);
            }
        }
        let session = Session::open_to_write(&self.config).await?;
        session.begin_to_write().await?;
        Ok(session)
    }

    fn waiting(&self) -> Option<Session> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    async fn give_back(&self, session: Session) {
        let too_many = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            match idle.len() < IDLE {
                true => {
                    idle.push(session);
                    None
                }
                false => Some(session),
            }
        };
        if let Some(session) = too_many {
            session.close().await;
        }
    }
}

#[async_trait]
impl Writer for PostgresWriter {
    fn idempotency(&self, _: &str, operation: &Operation) -> Idempotency {
        writing::idempotency(operation)
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        Ok(self.work(context, changes.changes()).await)
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        context.check()?;
        let message =
            format!("`{handle}` is no change of this database: none of them is ever pending");
        Err(Error::new(Kind::NotFound, message))
    }
}

impl fmt::Debug for PostgresWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresWriter").field("config", &self.config).finish()
    }
}

impl Writing<'_> {
    async fn one_by_one(&mut self, changes: &[Change]) -> Vec<Receipt> {
        let mut receipts = Vec::with_capacity(changes.len());
        for change in changes {
            let one = std::slice::from_ref(change);
            let begun = match &self.broken {
                Some(error) => Err(again(error)),
                None => self.session.begin_to_write().await,
            };
            match begun {
                Ok(()) => receipts.extend(self.together(one).await.unwrap_or_default()),
                Err(error) => receipts.extend(refuse_all(one, &error)),
            }
        }
        receipts
    }

    /// Carries changes out in the transaction that was begun, and ends it; `None`, and nothing done,
    /// where all was undone for one of several changes.
    async fn together(&mut self, changes: &[Change]) -> Option<Vec<Receipt>> {
        let mut receipts = Vec::with_capacity(changes.len());
        for change in changes {
            receipts.push(self.one(change).await);
        }
        if let Some(error) = &self.broken {
            // It was not committed, and never will be.
            return Some(undo(receipts, error, Receipt::Failed));
        }
        let Err(cause) = self.session.link.client.batch_execute("commit").await else {
            return Some(receipts);
        };
        // What the server says of a commit is that it undid everything.
        match (cause.as_db_error().is_some(), changes.len()) {
            (true, 1) => Some(undo(receipts, &error(cause), Receipt::Failed)),
            (true, _) => None,
            (false, _) => Some(undo(receipts, &error(cause), Receipt::Unknown)),
        }
    }

    async fn one(&mut self, change: &Change) -> Receipt {
        let stop = self.broken.as_ref().map_or_else(|| self.context.check(), |e| Err(again(e)));
        match stop {
            Ok(()) => match self.within_savepoint(change).await {
                // Somebody else may have made the record after we looked; then it is there now.
                Receipt::Failed(error) if error.kind() == Kind::Conflict => {
                    self.within_savepoint(change).await
                }
                receipt => receipt,
            },
            Err(error) => Receipt::Refused(error),
        }
    }

    /// Carries a change out; where that fails, nothing of it is left.
    async fn within_savepoint(&mut self, change: &Change) -> Receipt {
        let client = &self.session.link.client;
        if let Err(cause) = client.batch_execute("savepoint change").await {
            return self.breaks(error(cause));
        }
        let receipt = self.carry_out(change).await;
        let end = match receipt {
            Receipt::Done { .. } => "release change",
            _ => "rollback to change; release change",
        };
        match client.batch_execute(end).await {
            Ok(()) => receipt,
            Err(cause) => self.breaks(error(cause)),
        }
    }

    async fn carry_out(&mut self, change: &Change) -> Receipt {
        let session = self.session;
        if !self.tables.contains_key(&change.resource) {
            let table = look(session, &change.resource).await;
            self.tables.insert(change.resource.clone(), table);
        }
        let table = match self.tables.get_mut(&change.resource) {
            Some(Ok(table)) => table,
            Some(Err(error)) => return Receipt::Refused(again(error)),
            None => return Receipt::Refused(Error::new(Kind::Internal, "a table is gone")),
        };
        let write = match Write::new(change, &table.schema) {
            Ok(write) => write,
            Err(error) => return Receipt::Refused(error.with("resource", &change.resource)),
        };
        match table.carry_out(&session.link.client, &write).await {
            Ok(Standing::Stale) => Receipt::Stale,
            Ok(_) => done(),
            Err(error) => {
                let error = without_values(error, change);
                Receipt::Failed(error.with("resource", &change.resource))
            }
        }
    }

    /// The transaction cannot go on.
    fn breaks(&mut self, error: Error) -> Receipt {
        let receipt = Receipt::Failed(again(&error));
        self.broken = Some(error);
        receipt
    }
}

async fn look(session: &Session, resource: &str) -> Result<Table> {
    match session.source(resource).await? {
        Source::Query(_) => Err(only_read(resource)),
        source => Table::new(catalog::shape(&session.link.client, &source).await?),
    }
}
