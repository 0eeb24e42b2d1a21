//! The worker of one reading: a thread that holds a statement under way.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use arrow_array::RecordBatch;
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::types::ValueRef;
use rusqlite::{Row, Rows};
use trueup_connector::{Coverage, Error, Kind, Result};

use super::catalog::Described;
use super::cell;
use super::config::SqliteConfig;
use super::database::Database;
use super::error::error;
use crate::ask::{self, Ask, LINGER, PAGE_BYTES, Stop};
use crate::columns::Columns;
use crate::readings::{Desk, Duty};

/// How many rows are read before it is seen whether anybody still waits.
const ROWS_BETWEEN_CHECKS: usize = 1024;

/// What a reading is to do.
pub(crate) struct Job {
    pub(crate) config: Arc<SqliteConfig>,
    pub(crate) resource: String,
    pub(crate) earlier: Option<Arc<Described>>,
}

/// Starts a reading, and gives the way to ask it.
pub(crate) fn start(job: Job, desk: Desk) -> Result<impl Fn(Ask) -> bool + Send + Sync + use<>> {
    let (line, asks) = channel();
    let thread = thread::Builder::new().name("trueup-sqlite".into());
    thread.spawn(move || Worker { asks, desk, idle: job.config.idle() }.run(&job)).map_err(
        |cause| Error::new(Kind::Unavailable, "cannot start a thread to read").with_source(cause),
    )?;
    Ok(move |ask| line.send(ask).is_ok())
}

struct Worker {
    asks: Receiver<Ask>,
    desk: Desk,
    idle: Duration,
}

impl Worker {
    fn run(mut self, job: &Job) {
        let Ok(ask) = self.asks.recv_timeout(self.idle) else { return };
        let given_all = match prepare(job, ask.stop()) {
            Ok((database, described)) => self.read(&database, &described, ask),
            Err(error) => {
                ask.answer(Err(error));
                false
            }
        };
        // The view is released; the last page may have to be given again.
        while given_all && let Ok(ask) = self.asks.recv_timeout(LINGER.min(self.idle)) {
            self.desk.repeat(ask);
        }
    }

    /// Gives page after page; true when the last one was given.
    fn read(&mut self, database: &Database, described: &Described, ask: Ask) -> bool {
        let statement = database.connection.prepare(&described.shape.sql);
        let mut statement = match statement.map_err(|cause| error(cause, database.path())) {
            Ok(statement) => statement,
            Err(error) => {
                ask.answer(Err(error));
                return false;
            }
        };
        let fill = Columns::new(&described.schema).and_then(|columns| {
            let rows = statement.query([]).map_err(|cause| error(cause, database.path()))?;
            Ok(Fill {
                database,
                described,
                rows,
                columns,
                bytes: 0,
                read: 0,
                ahead: false,
                broken: false,
            })
        });
        match fill {
            Ok(fill) => self.serve(fill, ask),
            Err(error) => {
                ask.answer(Err(error));
                false
            }
        }
    }

    fn serve(&mut self, mut fill: Fill<'_>, first: Ask) -> bool {
        let mut ask = first;
        loop {
            if let Duty::Next(ask) = self.desk.sort(ask) {
                match fill.page(&ask) {
                    Ok((records, more)) => {
                        let go_on = self.desk.give(ask, records, more, Coverage::Complete);
                        if !more || !go_on {
                            return go_on;
                        }
                    }
                    Err(error) => {
                        let paused =
                            error.kind() == Kind::Cancelled && fill.intact() && !ask.is_first();
                        ask.answer(Err(error));
                        if !paused {
                            return false;
                        }
                    }
                }
            }
            match self.asks.recv_timeout(self.idle) {
                Ok(next) => ask = next,
                Err(_) => return false,
            }
        }
    }
}

fn prepare(job: &Job, stop: &Stop) -> Result<(Database, Described)> {
    let database = Database::open(&job.config)?;
    database.work_for(stop);
    let source = database.source(&job.resource)?;
    let described = database.describe(&source, job.earlier.as_deref())?;
    Ok((database, described))
}

/// A statement under way, and the page that is being filled from it.
struct Fill<'a> {
    database: &'a Database,
    described: &'a Described,
    rows: Rows<'a>,
    columns: Columns,
    bytes: usize,
    /// How many rows the pages so far have.
    read: usize,
    /// The statement stands at a row that is not in a page yet.
    ahead: bool,
    broken: bool,
}

impl Fill<'_> {
    /// The next page, and whether there is another.
    fn page(&mut self, ask: &Ask) -> Result<(RecordBatch, bool)> {
        self.database.work_for(ask.stop());
        let more = self.fill(ask)?;
        self.bytes = 0;
        self.read += self.columns.rows();
        Ok((self.columns.finish()?, more))
    }

    /// Whether the page can be filled further after a stop.
    fn intact(&self) -> bool {
        !self.broken
    }

    fn fill(&mut self, ask: &Ask) -> Result<bool> {
        if self.columns.rows() > ask.rows() {
            return Err(ask::larger());
        }
        loop {
            if self.columns.rows().is_multiple_of(ROWS_BETWEEN_CHECKS) {
                ask.stop().check()?;
            }
            if !self.advance()? {
                return Ok(false);
            }
            if self.columns.rows() >= ask.rows() || self.bytes >= PAGE_BYTES {
                return Ok(true);
            }
            self.take()?;
        }
    }

    /// Goes to the row that is to be taken next; false after the last.
    fn advance(&mut self) -> Result<bool> {
        if !self.ahead {
            let advanced = self.rows.advance();
            advanced.map_err(|cause| {
                self.broken = true;
                error(cause, self.database.path()).with("resource", &self.described.shape.name)
            })?;
            self.ahead = self.rows.get().is_some();
        }
        Ok(self.ahead)
    }

    fn take(&mut self) -> Result<()> {
        self.ahead = false;
        let Some(row) = self.rows.get() else { return Ok(()) };
        let skip = usize::from(self.described.shape.numbered);
        for (at, builder) in self.columns.builders.iter_mut().enumerate() {
            let value = row.get_ref(at + skip).unwrap_or(ValueRef::Null);
            if cell::append(builder, value).is_none() {
                let number = self.read + self.columns.rows() + 1;
                return Err(misfit(self.described, at, value, row, number));
            }
            if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = value {
                self.bytes += bytes.len();
            }
        }
        self.bytes += self.columns.builders.len() * 8;
        self.columns.end_row();
        Ok(())
    }
}

fn misfit(
    described: &Described,
    at: usize,
    value: ValueRef<'_>,
    row: &Row<'_>,
    number: usize,
) -> Error {
    let shape = &described.shape;
    let field = described.schema.fields().get(at);
    let (name, ty) =
        field.map_or((String::new(), String::new()), |f| (f.name.clone(), f.ty.to_string()));
    let declared = match shape.columns.get(at).map(|column| column.declaration.as_str()) {
        None | Some("") => "without a declared type".to_owned(),
        Some(declaration) => format!("declared `{declaration}`"),
    };
    let message = format!(
        "the {} does not fit its column, which is read as {ty} ({declared})",
        cell::show(value)
    );
    let error = Error::new(Kind::Data, message).with("table", &shape.name).with("column", name);
    match row.get::<_, i64>(0) {
        Ok(rowid) if shape.numbered => error.with("rowid", rowid),
        _ => error.with("row", number),
    }
}
