//! What every format gives: chunks of records, in order, from a place that can be found again.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use trueup_connector::Result;

use crate::place::{Place, Stamp};
use crate::task::Stop;

/// Reads a file chunk by chunk.
pub(crate) trait Chunks: Send {
    /// Where the next chunk starts.
    fn place(&self) -> Place;

    /// Whether there is no further chunk.
    fn at_end(&mut self) -> Result<bool>;

    /// The next chunk's records, in several batches where several threads read it.
    fn next(&mut self, stop: &Stop) -> Result<Vec<RecordBatch>>;

    /// The file as it was when it was opened.
    fn stamp(&self) -> Stamp;
}

/// A file that is being read, page by page.
pub(crate) struct Reading {
    chunks: Box<dyn Chunks>,
    ready: VecDeque<RecordBatch>,
    /// Where the chunk starts that `ready` is the rest of.
    place: Place,
    /// How many records of it were given.
    given: usize,
}

impl Reading {
    /// Goes on after the first `skip` records of where `chunks` stands.
    pub(crate) fn new(chunks: Box<dyn Chunks>, skip: usize, stop: &Stop) -> Result<Self> {
        let (place, ready) = (chunks.place(), VecDeque::new());
        let mut reading = Self { chunks, ready, place, given: 0 };
        let mut left = skip;
        while left > 0 {
            match reading.take(left, stop)? {
                Some(batch) => left -= batch.num_rows(),
                None => break,
            }
        }
        Ok(reading)
    }

    pub(crate) fn stamp(&self) -> Stamp {
        self.chunks.stamp()
    }

    /// At most `limit` records; `None` after the last.
    pub(crate) fn take(&mut self, limit: usize, stop: &Stop) -> Result<Option<RecordBatch>> {
        while self.ready.is_empty() {
            if self.chunks.at_end()? {
                return Ok(None);
            }
            stop.check()?;
            (self.place, self.given) = (self.chunks.place(), 0);
            let batches = self.chunks.next(stop)?;
            self.ready = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
        }
        let Some(batch) = self.ready.pop_front() else { return Ok(None) };
        let rows = batch.num_rows().min(limit.max(1));
        if rows < batch.num_rows() {
            self.ready.push_front(batch.slice(rows, batch.num_rows() - rows));
        }
        self.given += rows;
        Ok(Some(batch.slice(0, rows)))
    }

    /// Where the next page starts: a chunk, and how many of its records are done. `None` at the end.
    pub(crate) fn position(&mut self) -> Result<Option<(Place, usize)>> {
        if !self.ready.is_empty() {
            return Ok(Some((self.place, self.given)));
        }
        Ok((!self.chunks.at_end()?).then(|| (self.chunks.place(), 0)))
    }
}
