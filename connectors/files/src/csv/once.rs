//! A whole CSV file in one reading: its values are seen and made into columns at the same time.
//!
//! What the types are is known at the end only. They are taken to be what the values so far say;
//! mostly that is what they are, and then the file need not be read again.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use trueup_connector::Result;

use super::cells::{Cell, Fields, Wrong};
use super::dialect::Dialect;
use super::infer::{Start, line_of, see_part};
use super::read::batch;
use super::{explain, scan};
use crate::config::FileSettings;
use crate::layout::{Columns, Layout, Seen};
use crate::parallel;
use crate::pieces::{Piece, lines, split};
use crate::scalar::both::Both;
use crate::scalar::build::{Build, as_planned};
use crate::scalar::guess::{Guess, Plan};
use crate::task::Stop;

/// The layout of a file, and its records unless it must be read again to have them.
type Found = (Arc<Layout>, Option<Vec<RecordBatch>>);

/// How much of a file shows what the types seem to be.
const PROBE: usize = 256 << 10;

/// Reads a whole file.
pub(crate) fn read(file: &FileSettings, threads: usize, stop: &Stop) -> Result<Found> {
    let Start { mut pieces, dialect, piece, columns, width } = Start::new(file, threads)?;
    let start = piece.place;
    let mut reading = Reading { file, dialect, columns, width, guesses: Vec::new() };
    if !reading.columns.need_values() {
        let layout = reading.columns.layout(file, None, width, start, pieces.stamp())?;
        return Ok((Arc::new(layout), None));
    }
    reading.guesses = vec![Guess::default(); reading.columns.fields.len()];
    let (mut parts, mut rows) = (Some(Vec::new()), 0);
    let mut plans = reading.probe(&piece);
    let mut next = Some(piece);
    while let Some(piece) = next {
        stop.check()?;
        let found = reading.take(&piece, plans.as_deref(), threads)?;
        rows += found.iter().map(|part| part.rows as u64).sum::<u64>();
        stop.report("read", rows);
        let is_built = found.iter().all(|part| part.columns.is_some());
        match &mut parts {
            Some(parts) if is_built => parts.extend(found),
            // What is not needed any more makes room at once.
            parts => *parts = None,
        }
        plans = parts.is_some().then(|| reading.plans());
        next = pieces.next(piece.bytes)?;
    }
    let seen: Vec<Seen> = reading.guesses.iter().map(Into::into).collect();
    let layout = reading.columns.layout(file, Some(seen), width, start, pieces.stamp())?;
    let batches = parts.and_then(|parts| finish(&layout, parts).transpose()).transpose()?;
    Ok((Arc::new(layout), batches))
}

struct Reading<'a> {
    file: &'a FileSettings,
    dialect: Dialect,
    columns: Columns,
    width: usize,
    guesses: Vec<Guess>,
}

/// What came of one part of a piece.
struct Part {
    guesses: Vec<Guess>,
    /// `None` where a value was not of the type that was expected.
    columns: Option<Vec<ArrayRef>>,
    rows: usize,
}

impl Reading<'_> {
    /// What the types seem to be from the first records.
    fn probe(&self, piece: &Piece) -> Option<Vec<Plan>> {
        let head = piece.bytes.get(..PROBE).unwrap_or(&piece.bytes);
        let end =
            if head.len() < PROBE { head.len() } else { scan::last_end(head, &self.dialect)? };
        let head = head.get(..end)?;
        let guesses = see_part(head, &self.dialect, &self.columns, self.width, 1).ok()?;
        Some(self.columns.plans(&guesses))
    }

    fn plans(&self) -> Vec<Plan> {
        self.columns.plans(&self.guesses)
    }

    /// Takes the records of a piece, its parts on as many threads.
    fn take(&mut self, piece: &Piece, plans: Option<&[Plan]>, threads: usize) -> Result<Vec<Part>> {
        let parts = split(&piece.bytes, threads, &self.dialect);
        let found = parallel::map(parts, |(base, bytes)| {
            self.part(bytes, plans, piece.line(base)).map_err(|wrong| (base, wrong))
        });
        let mut taken = Vec::new();
        for part in found {
            let mut part = part.map_err(|(base, wrong)| explain(self.file, piece, base, &wrong))?;
            let later = std::mem::take(&mut part.guesses);
            self.guesses.iter_mut().zip(later).for_each(|(guess, later)| guess.merge(later));
            taken.push(part);
        }
        Ok(taken)
    }

    fn part(&self, bytes: &[u8], plans: Option<&[Plan]>, line: u64) -> Result<Part, Wrong> {
        let room = usize::try_from(lines(bytes)).unwrap_or_default() + 1;
        let build = |i| Build::new(plans?.get(i)?, room).ok();
        let columns = (0..self.columns.fields.len())
            .map(|i| Both { guess: Guess::default(), build: build(i) });
        let (mut columns, mut rows): (Vec<Both>, _) = (columns.collect(), 0);
        let (width, dialect) = (self.width, &self.dialect);
        scan::scan(bytes, dialect, width, &mut |bytes: &[u8], cells: &[Cell]| {
            rows += cells.len() / width.max(1);
            for (column, source) in columns.iter_mut().zip(&self.columns.sources) {
                let fields = Fields::new((bytes, cells), (*source, width), dialect);
                column.extend(&fields, |row| line_of(bytes, &fields, row, line));
            }
            Ok(())
        })?;
        Part::new(columns, rows, bytes)
    }
}

impl Part {
    fn new(columns: Vec<Both>, rows: usize, bytes: &[u8]) -> Result<Self, Wrong> {
        let (guesses, builds): (Vec<_>, Vec<_>) =
            columns.into_iter().map(|both| (both.guess, both.build)).unzip();
        let builds: Option<Vec<Build>> = builds.into_iter().collect();
        let columns = builds.map(|builds| builds.into_iter().map(Build::finish).collect());
        // What is made holds its text to be UTF-8; what is not made must be held to it here.
        if let Some(Ok(columns)) = columns {
            return Ok(Self { guesses, columns: Some(columns), rows });
        }
        match std::str::from_utf8(bytes) {
            Err(bad) => Err(Wrong::Encoding { at: bad.valid_up_to() }),
            Ok(_) => Ok(Self { guesses, columns: None, rows }),
        }
    }
}

/// The parts as batches; `None` where one of them was taken to be what it is not.
fn finish(layout: &Layout, parts: Vec<Part>) -> Result<Option<Vec<RecordBatch>>> {
    let mut batches = Vec::new();
    for Part { columns, rows, .. } in parts {
        let columns = columns.into_iter().flatten().zip(&layout.plans);
        let columns = columns.map(|(column, plan)| as_planned(column, plan));
        match columns.collect::<Option<Vec<ArrayRef>>>() {
            Some(columns) => batches.push(batch(layout, columns, rows)?),
            None => return Ok(None),
        }
    }
    Ok(Some(batches))
}
