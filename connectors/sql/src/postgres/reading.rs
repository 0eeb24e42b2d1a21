//! The worker of one reading: a task that holds a COPY under way.

use std::pin::Pin;
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures_util::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use tokio_postgres::CopyOutStream;
use trueup_connector::{Coverage, Error, Kind, Result};

use super::catalog::Described;
use super::cell::{self, Bytes};
use super::config::PostgresConfig;
use super::copy::{Copy, Next};
use super::error::error;
use super::session::{Session, unless_stopped};
use crate::ask::{self, Ask, LINGER, PAGE_BYTES};
use crate::columns::Columns;
use crate::readings::{Desk, Duty};

/// How many rows are read before it is seen whether anybody still waits.
const ROWS_BETWEEN_CHECKS: usize = 1024;

/// What a reading is to do.
pub(crate) struct Job {
    pub(crate) config: Arc<PostgresConfig>,
    pub(crate) resource: String,
    pub(crate) earlier: Option<Arc<Described>>,
}

/// Starts a reading, and gives the way to ask it.
pub(crate) fn start(job: Job, desk: Desk) -> impl Fn(Ask) -> bool + Send + Sync + use<> {
    let (line, asks) = unbounded_channel();
    tokio::spawn(Worker { asks, desk, job }.run());
    move |ask| line.send(ask).is_ok()
}

struct Worker {
    asks: UnboundedReceiver<Ask>,
    desk: Desk,
    job: Job,
}

impl Worker {
    async fn run(mut self) {
        let idle = self.job.config.idle();
        let Ok(Some(ask)) = timeout(idle, self.asks.recv()).await else { return };
        let begun = unless_stopped(ask.stop(), Fill::begin(&self.job)).await;
        let given_all = match begun {
            Ok(mut fill) => {
                let given_all = self.serve(&mut fill, ask).await;
                if given_all {
                    fill.session.close().await;
                }
                given_all
            }
            Err(error) => {
                ask.answer(Err(error));
                false
            }
        };
        // The view is released; the last page may have to be given again.
        while given_all && let Ok(Some(ask)) = timeout(LINGER.min(idle), self.asks.recv()).await {
            self.desk.repeat(ask);
        }
    }

    /// Gives page after page; true when the last one was given.
    async fn serve(&mut self, fill: &mut Fill, first: Ask) -> bool {
        let mut ask = first;
        loop {
            if let Duty::Next(ask) = self.desk.sort(ask) {
                let stop = ask.stop().clone();
                match unless_stopped(&stop, fill.page(&ask)).await {
                    Ok((records, more)) => {
                        let go_on = self.desk.give(ask, records, more, fill.coverage.clone());
                        if !more || !go_on {
                            return go_on;
                        }
                    }
                    Err(error) => {
                        let paused = error.kind() == Kind::Cancelled && !ask.is_first();
                        ask.answer(Err(error));
                        if !paused {
                            return false;
                        }
                    }
                }
            }
            match timeout(self.job.config.idle(), self.asks.recv()).await {
                Ok(Some(next)) => ask = next,
                _ => return false,
            }
        }
    }
}

/// A COPY under way, and the page that is being filled from it.
///
/// Filling can be left off at any await, and taken up again.
struct Fill {
    stream: Pin<Box<CopyOutStream>>,
    /// The connection, which ends with this.
    session: Session,
    described: Described,
    coverage: Coverage,
    copy: Copy<bytes::Bytes>,
    columns: Columns,
    bytes: usize,
    /// How many rows the pages so far have.
    read: usize,
}

impl Fill {
    async fn begin(job: &Job) -> Result<Self> {
        let session = Session::open(&job.config).await?;
        let source = session.source(&job.resource).await?;
        let described = session.describe(&source, job.earlier.as_deref()).await?;
        let columns = Columns::new(&described.schema)?;
        let stream = session.link.client.copy_out(&described.shape.copy()).await;
        let stream = stream.map_err(|cause| error(cause).with("resource", &job.resource))?;
        let coverage = if described.shape.partial { Coverage::Partial } else { Coverage::Complete };
        let (stream, copy) = (Box::pin(stream), Copy::default());
        Ok(Self { stream, session, described, coverage, copy, columns, bytes: 0, read: 0 })
    }

    /// The next page, and whether there is another.
    async fn page(&mut self, ask: &Ask) -> Result<(RecordBatch, bool)> {
        if self.columns.rows() > ask.rows() {
            return Err(ask::larger());
        }
        let more = loop {
            if let Some(more) = self.fill(ask)? {
                break more;
            }
            match self.stream.next().await {
                Some(Ok(piece)) => self.copy.push(piece),
                Some(Err(cause)) => return Err(self.place(error(cause))),
                None if self.copy.has_ended() => break false,
                None => return Err(self.place(cut_off())),
            }
        };
        self.bytes = 0;
        self.read += self.columns.rows();
        Ok((self.columns.finish()?, more))
    }

    /// Fills the page from what has come; `None` where more has to come.
    fn fill(&mut self, ask: &Ask) -> Result<Option<bool>> {
        let shapes = &self.described.shape.columns;
        loop {
            if self.columns.rows().is_multiple_of(ROWS_BETWEEN_CHECKS) {
                ask.stop().check()?;
            }
            let full = self.columns.rows() >= ask.rows() || self.bytes >= PAGE_BYTES;
            let row = match self.copy.next(shapes.len())? {
                Next::Row(_) if full => return Ok(Some(true)),
                Next::Row(row) => row,
                // The server's last word is still to come.
                Next::End | Next::More => return Ok(None),
            };
            self.bytes += row.len();
            let mut values = Bytes(row);
            for (at, (builder, shape)) in self.columns.builders.iter_mut().zip(shapes).enumerate() {
                let value = values.value().unwrap_or_default();
                if let Err(what) = cell::append(builder, &shape.ty.wire, value) {
                    let number = self.read + self.columns.rows() + 1;
                    return Err(misfit(&self.described, at, what, number));
                }
            }
            self.columns.end_row();
            self.copy.take();
        }
    }

    fn place(&self, error: Error) -> Error {
        error.with("resource", &self.described.shape.name)
    }
}

fn misfit(described: &Described, at: usize, what: String, number: usize) -> Error {
    let field = described.schema.fields().get(at).map_or("", |field| &field.name);
    Error::new(Kind::Data, what)
        .with("table", &described.shape.name)
        .with("column", field)
        .with("row", number)
}

fn cut_off() -> Error {
    Error::new(Kind::Unavailable, "the server ended the data before its end; nothing was kept")
}
