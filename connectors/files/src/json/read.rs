//! The records of a JSON file as columns.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use trueup_connector::record::column_from_values;
use trueup_connector::{Error, Field, Kind, LogicalType, Result, Value, suggest};

use super::records::Form;
use super::{Lines, malformed, open, ranges, text, token};
use crate::chunks::Chunks;
use crate::config::{FileSettings, Format};
use crate::layout::Layout;
use crate::parallel;
use crate::pieces::{Piece, Pieces};
use crate::place::{Place, Stamp};
use crate::scalar::build::{Build, Raw, Texts};
use crate::scalar::guess::Plan;
use crate::task::Stop;

/// Reads a JSON file piece by piece.
pub(crate) struct JsonChunks {
    source: Source,
    threads: usize,
    form: Form,
    pieces: Pieces,
    spare: Vec<u8>,
}

/// What the threads share.
struct Source {
    file: FileSettings,
    layout: Arc<Layout>,
    names: HashMap<String, usize>,
}

impl JsonChunks {
    pub(crate) fn open(
        file: &FileSettings,
        format: Format,
        layout: Arc<Layout>,
        place: Place,
        threads: usize,
    ) -> Result<Self> {
        let form = Form::of(format);
        let pieces = open(file, form, Some(place), threads)?;
        let names = layout.schema.names().enumerate().map(|(i, name)| (name.to_owned(), i));
        let source = Source { file: file.clone(), names: names.collect(), layout };
        Ok(Self { source, threads, form, pieces, spare: Vec::new() })
    }
}

impl Chunks for JsonChunks {
    fn place(&self) -> Place {
        self.pieces.place()
    }

    fn at_end(&mut self) -> Result<bool> {
        self.pieces.at_end()
    }

    fn next(&mut self, _: &Stop) -> Result<Vec<RecordBatch>> {
        let spare = std::mem::take(&mut self.spare);
        let Some(piece) = self.pieces.next(spare)? else { return Ok(Vec::new()) };
        let (source, is_last) = (&self.source, self.pieces.at_end()?);
        let found = ranges(&source.file, self.form, &piece, source.layout.start, is_last)?;
        let parts = found.chunks(found.len().div_ceil(self.threads).max(1)).collect();
        let read = parallel::map(parts, |part| source.read(&piece, part));
        let batches = read.into_iter().collect();
        self.spare = piece.bytes;
        batches
    }

    fn stamp(&self) -> Stamp {
        self.pieces.stamp()
    }
}

impl Source {
    fn read(&self, piece: &Piece, records: &[Range<usize>]) -> Result<RecordBatch> {
        let width = self.layout.schema.fields().len();
        let mut cells: Vec<Vec<Option<&str>>> = vec![Vec::with_capacity(records.len()); width];
        let mut lines = Lines::new(piece);
        for (row, range) in records.iter().enumerate() {
            self.take(&mut cells, text(&piece.bytes, range), row)
                .map_err(|what| malformed(&self.file, lines.at(range.start), &what))?;
        }
        let columns = self.layout.schema.fields().iter().zip(&self.layout.plans).zip(&cells);
        let columns = columns.map(|((field, plan), cells)| {
            build(plan, cells).map_err(|misfit| self.explain(piece, records, field, misfit))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(records.len()));
        let arrow = self.layout.arrow.clone();
        RecordBatch::try_new_with_options(arrow, columns, &options).map_err(|cause| {
            let message = format!("nested values do not fit their declared types: {cause}");
            Error::new(Kind::Data, message).with("file", self.file.path.display())
        })
    }

    /// Puts the values of one record into their columns.
    fn take<'a>(
        &self,
        cells: &mut [Vec<Option<&'a str>>],
        text: &'a str,
        row: usize,
    ) -> Result<(), String> {
        for (position, (name, value)) in token::members(text)?.0.into_iter().enumerate() {
            let fields = self.layout.schema.fields();
            let is_next = fields.get(position).is_some_and(|field| field.name == name);
            let at = if is_next { Some(position) } else { self.names.get(&*name).copied() };
            let column = at.and_then(|at| cells.get_mut(at)).ok_or_else(|| {
                let near = suggest(&name, self.layout.schema.names());
                format!("the record has the member `{name}`, which is not declared{near}")
            })?;
            column.push(Some(value).filter(|value| *value != "null"));
        }
        cells.iter_mut().for_each(|column| column.resize(row + 1, None));
        Ok(())
    }

    fn explain(
        &self,
        piece: &Piece,
        records: &[Range<usize>],
        field: &Field,
        misfit: Misfit,
    ) -> Error {
        let Misfit::Value { row, text, ty } = misfit else {
            let Misfit::Column(error) = misfit else {
                return Error::new(Kind::Internal, "no misfit");
            };
            return error.with("file", self.file.path.display()).with("column", &field.name);
        };
        let start = records.get(row).map_or(0, |range| range.start);
        let shown: String = match field.secret {
            true => "‹secret›".to_owned(),
            false => text.chars().take(200).collect(),
        };
        Error::new(Kind::Data, format!("`{shown}` does not fit the type {ty}"))
            .with("file", self.file.path.display())
            .with("line", Lines::new(piece).at(start))
            .with("column", &field.name)
    }
}

/// Why a column cannot be made.
enum Misfit {
    Value { row: usize, text: String, ty: LogicalType },
    Column(Error),
}

fn build(plan: &Plan, cells: &[Option<&str>]) -> Result<ArrayRef, Misfit> {
    match &plan.ty {
        LogicalType::List(_) | LogicalType::Struct(_) => nested(&plan.ty, cells),
        _ => single(plan, cells),
    }
}

fn single(plan: &Plan, cells: &[Option<&str>]) -> Result<ArrayRef, Misfit> {
    let misfit = |row: usize| {
        let text = cells.get(row).copied().flatten().unwrap_or_default().to_owned();
        Misfit::Value { row, text, ty: plan.ty.clone() }
    };
    let texts = cells.iter().enumerate().map(|(row, cell)| match cell {
        None => Ok(None),
        Some(text) => token::scalar(text, &plan.ty).map(Some).ok_or_else(|| misfit(row)),
    });
    let texts = texts.collect::<Result<Vec<Option<Cow<'_, str>>>, _>>()?;
    let mut build = Build::new(plan, cells.len()).map_err(Misfit::Column)?;
    build.extend(&Single(&texts)).map_err(misfit)?;
    build.finish().map_err(Misfit::Column)
}

/// The texts of a column.
struct Single<'a>(&'a [Option<Cow<'a, str>>]);

impl<'a> Texts<'a> for Single<'a> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn value(&self, row: usize) -> Option<Raw<'a>> {
        let text = self.0.get(row)?.as_ref()?;
        Some(Raw::plain(text.as_bytes()))
    }
}

fn nested(ty: &LogicalType, cells: &[Option<&str>]) -> Result<ArrayRef, Misfit> {
    let values = cells.iter().enumerate().map(|(row, cell)| match cell {
        None => Ok(Value::Null),
        Some(text) => token::value(text, ty).map_err(|(text, ty)| Misfit::Value {
            row,
            text: text.to_owned(),
            ty,
        }),
    });
    let values = values.collect::<Result<Vec<Value>, _>>()?;
    column_from_values(ty, &values.iter().collect::<Vec<_>>()).map_err(Misfit::Column)
}
