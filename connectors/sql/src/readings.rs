//! Readings under way: what a cursor stands for.
//!
//! Each reading is a worker that holds one consistent view of the database and answers asks for
//! pages, one after another. It keeps the page it gave last, so that an ask may be made again when
//! its answer was lost. It ends, and its view is released, with the last page, with an error, when
//! nobody has asked for a while, and when the connector is dropped.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arrow_array::RecordBatch;
use tokio::sync::oneshot;
use trueup_connector::{Context, Coverage, Cursor, Error, Kind, Page, ReadRequest, Result};

use crate::ask::{self, Ask, Stop};

/// How asks reach a worker; it gives false when the worker is gone.
type Line = Arc<dyn Fn(Ask) -> bool + Send + Sync>;

/// The readings of one connector.
pub(crate) struct Readings {
    /// Tells the cursors of this connector from those of every other.
    stamp: u64,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    last: u64,
    readings: HashMap<u64, Reading>,
}

struct Reading {
    resource: String,
    line: Line,
    alive: Weak<()>,
}

/// What a worker needs to know of the reading it carries out.
pub(crate) struct Desk {
    stamp: u64,
    id: u64,
    given: Option<(u64, Page)>,
    _alive: Arc<()>,
}

/// What a worker owes to an ask.
pub(crate) enum Duty {
    /// It is answered.
    Done,
    /// The next page.
    Next(Ask),
}

impl Readings {
    pub(crate) fn new() -> Self {
        let stamp = RandomState::new().build_hasher().finish();
        Self { stamp, open: Mutex::default() }
    }

    /// Registers a reading; `start` sets its worker to work and gives the way to ask it.
    pub(crate) fn start<L>(
        &self,
        resource: &str,
        start: impl FnOnce(Desk) -> Result<L>,
    ) -> Result<u64>
    where
        L: Fn(Ask) -> bool + Send + Sync + 'static,
    {
        let (alive, id) = (Arc::new(()), self.next_id());
        let weak = Arc::downgrade(&alive);
        let line = start(Desk { stamp: self.stamp, id, given: None, _alive: alive })?;
        let reading = Reading { resource: resource.to_owned(), line: Arc::new(line), alive: weak };
        let mut open = self.open();
        open.readings.retain(|_, reading| reading.alive.strong_count() > 0);
        open.readings.insert(id, reading);
        Ok(id)
    }

    /// Asks a reading for its first page.
    pub(crate) async fn first(
        &self,
        id: u64,
        context: Context,
        request: &ReadRequest,
    ) -> Result<Page> {
        self.ask(id, 1, context, request).await
    }

    /// Asks the reading of a cursor for the page the cursor stands for.
    pub(crate) async fn next(
        &self,
        cursor: &Cursor,
        context: Context,
        request: &ReadRequest,
    ) -> Result<Page> {
        let (stamp, id, number) = parse(cursor).ok_or_else(|| foreign(cursor))?;
        if stamp != self.stamp || id > self.open().last || number < 2 {
            return Err(foreign(cursor));
        }
        self.ask(id, number, context, request).await
    }

    async fn ask(
        &self,
        id: u64,
        number: u64,
        context: Context,
        request: &ReadRequest,
    ) -> Result<Page> {
        let line = self.line(id, &request.resource)?;
        let (reply, answer) = oneshot::channel();
        let (_waits, stop) = Stop::new(&context);
        if !line(Ask { number, rows: request.page_size, stop, reply }) {
            return Err(gone());
        }
        answer.await.map_err(|_| gone())?
    }

    fn line(&self, id: u64, resource: &str) -> Result<Line> {
        let open = self.open();
        match open.readings.get(&id) {
            None => Err(gone()),
            Some(reading) if reading.resource != resource => {
                let message = format!(
                    "the cursor belongs to the resource `{}`, not to `{resource}`",
                    reading.resource
                );
                Err(Error::new(Kind::Invalid, message))
            }
            Some(reading) => Ok(reading.line.clone()),
        }
    }

    fn next_id(&self) -> u64 {
        let mut open = self.open();
        open.last += 1;
        open.last
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// Answers an ask for the page given last; what is left is to give the next one.
    pub(crate) fn sort(&self, ask: Ask) -> Duty {
        let given = self.given.as_ref().map_or(0, |(number, _)| *number);
        if ask.number == given + 1 {
            return Duty::Next(ask);
        }
        let page = match &self.given {
            Some((number, page)) if ask.number == *number => again(page, ask.rows()),
            _ => Err(passed()),
        };
        ask.answer(page);
        Duty::Done
    }

    /// Answers with the next page; false where the reading need not go on.
    pub(crate) fn give(
        &mut self,
        ask: Ask,
        records: RecordBatch,
        more: bool,
        coverage: Coverage,
    ) -> bool {
        let next = format!("{:016x}.{}.{}", self.stamp, self.id, ask.number + 1);
        let page = Page::new(records).with_next(more.then(|| Cursor::new(next)));
        let page = page.with_coverage(coverage);
        self.given = Some((ask.number, page.clone()));
        let first = ask.is_first();
        // Nobody can go on from a first page that nobody got.
        ask.answer(Ok(page)) || !first
    }

    /// Answers an ask to a reading that has given its last page.
    pub(crate) fn repeat(&self, ask: Ask) {
        if let Duty::Next(ask) = self.sort(ask) {
            ask.answer(Err(passed()));
        }
    }
}

/// Refuses what the connectors of this crate cannot do.
pub(crate) fn check(request: &ReadRequest) -> Result<()> {
    if request.since.is_some() {
        let message = "a database cannot say what changed since an earlier reading; read it whole";
        return Err(Error::new(Kind::Unsupported, message));
    }
    match request.page_size {
        Some(0) => Err(Error::new(Kind::Invalid, "the page size must be at least 1")),
        _ => Ok(()),
    }
}

fn again(page: &Page, rows: usize) -> Result<Page> {
    if page.records.num_rows() <= rows {
        return Ok(page.clone());
    }
    Err(ask::larger())
}

fn parse(cursor: &Cursor) -> Option<(u64, u64, u64)> {
    let mut parts = cursor.as_str().split('.');
    let stamp = u64::from_str_radix(parts.next()?, 16).ok()?;
    let (id, number) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some((stamp, id, number))
}

fn foreign(cursor: &Cursor) -> Error {
    let shown: String = cursor.as_str().chars().take(80).collect();
    let message = format!("the cursor `{shown}` was not given by this connector");
    Error::new(Kind::Invalid, message)
}

fn gone() -> Error {
    let message = "the reading of this cursor has ended, and its view of the database is gone; \
                   read from the first page again";
    Error::new(Kind::Conflict, message)
}

fn passed() -> Error {
    let message = "the reading has gone past this cursor; read from the first page again";
    Error::new(Kind::Conflict, message)
}
