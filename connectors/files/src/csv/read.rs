//! The records of a CSV file as columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use trueup_connector::{Error, Kind, Result};

use super::cells::{Cell, Fields, Wrong};
use super::dialect::Dialect;
use super::{careful, explain, open, scan};
use crate::chunks::Chunks;
use crate::config::FileSettings;
use crate::layout::Layout;
use crate::parallel;
use crate::pieces::{Piece, Pieces, lines, split};
use crate::place::{Place, Stamp};
use crate::scalar::build::Build;
use crate::task::Stop;

/// Reads a CSV file piece by piece.
pub(crate) struct CsvChunks {
    file: FileSettings,
    layout: Arc<Layout>,
    dialect: Dialect,
    threads: usize,
    pieces: Pieces,
    spare: Vec<u8>,
}

impl CsvChunks {
    pub(crate) fn open(
        file: &FileSettings,
        layout: Arc<Layout>,
        place: Place,
        threads: usize,
    ) -> Result<Self> {
        let (pieces, dialect) = open(file, Some(place), threads)?;
        Ok(Self { file: file.clone(), layout, dialect, threads, pieces, spare: Vec::new() })
    }

    fn read(&self, piece: &Piece) -> Result<Vec<RecordBatch>> {
        let (dialect, layout) = (&self.dialect, &*self.layout);
        let parts = split(&piece.bytes, self.threads, dialect);
        let read =
            parallel::map(parts, |(base, bytes)| (base, bytes, read_part(bytes, dialect, layout)));
        let read = read.into_iter().map(|(base, bytes, part)| {
            part.map_err(|wrong| self.explain(piece, base, bytes, wrong))?
        });
        read.collect()
    }

    /// The error, with the value and its column where it is one that does not fit.
    fn explain(&self, piece: &Piece, base: usize, bytes: &[u8], wrong: Wrong) -> Error {
        let Wrong::Value { at, column } = wrong else {
            return explain(&self.file, piece, base, &wrong);
        };
        let Some(field) = self.layout.schema.fields().get(column) else {
            return explain(&self.file, piece, base, &wrong);
        };
        let value = match (field.secret, careful::cell_at(bytes, at, &self.dialect)) {
            (true, _) => "‹secret›".to_owned(),
            (false, cell) => cell.shown(bytes, &self.dialect),
        };
        Error::new(Kind::Data, format!("`{value}` does not fit the type {}", field.ty))
            .with("file", self.file.path.display())
            .with("line", piece.line(base + at))
            .with("column", &field.name)
    }
}

impl Chunks for CsvChunks {
    fn place(&self) -> Place {
        self.pieces.place()
    }

    fn at_end(&mut self) -> Result<bool> {
        self.pieces.at_end()
    }

    fn next(&mut self, _: &Stop) -> Result<Vec<RecordBatch>> {
        let spare = std::mem::take(&mut self.spare);
        let Some(piece) = self.pieces.next(spare)? else { return Ok(Vec::new()) };
        let batches = self.read(&piece);
        self.spare = piece.bytes;
        batches
    }

    fn stamp(&self) -> Stamp {
        self.pieces.stamp()
    }
}

/// The records of a part; the outer error is one of the file, the inner one ours.
fn read_part(
    bytes: &[u8],
    dialect: &Dialect,
    layout: &Layout,
) -> Result<Result<RecordBatch>, Wrong> {
    let room = usize::try_from(lines(bytes)).unwrap_or_default() + 1;
    let builds = layout.plans.iter().map(|plan| Build::new(plan, room));
    let mut builds = match builds.collect::<Result<Vec<_>>>() {
        Ok(builds) => builds,
        Err(error) => return Ok(Err(error)),
    };
    let (width, mut rows) = (layout.width, 0);
    scan::scan(bytes, dialect, width, &mut |bytes: &[u8], cells: &[Cell]| {
        rows += cells.len() / width.max(1);
        for (column, (build, source)) in builds.iter_mut().zip(&layout.sources).enumerate() {
            let fields = Fields::new((bytes, cells), (*source, width), dialect);
            let misfit = |row| Wrong::Value { at: fields.start(row), column };
            build.extend(&fields).map_err(misfit)?;
        }
        Ok(())
    })?;
    let columns: Result<Vec<ArrayRef>> = builds.into_iter().map(Build::finish).collect();
    match (columns, std::str::from_utf8(bytes)) {
        (Err(_), Err(bad)) => Err(Wrong::Encoding { at: bad.valid_up_to() }),
        (columns, _) => Ok(columns.and_then(|columns| batch(layout, columns, rows))),
    }
}

pub(super) fn batch(layout: &Layout, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(layout.arrow.clone(), columns, &options)
        .map_err(|cause| Error::new(Kind::Internal, cause.to_string()))
}
