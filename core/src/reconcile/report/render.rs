//! Findings as a table.

use std::fmt::Write;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DECIMAL256_MAX_PRECISION, DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::interleave::interleave;
use trueup_connector::record::column_from_values;
use trueup_connector::{Cell, Column, Context, Error, Kind, LogicalType, Result, Value, hex};

use super::super::finding::{FindingId, Found};
use super::super::parallel::each_thread;
use super::super::rules::{FieldRule, Fields, Side};
use super::super::table::{Row, Table};
use super::live::Live;

/// What a secret value is shown as.
pub(super) const SECRET: &str = "‹secret›";

/// How many findings a thread makes into a table at a time.
const PIECE: usize = 4096;

/// How many findings one thread makes into a table at a time.
const WHOLE: usize = 1 << 20;

/// Names of columns that a key column cannot have.
const RESERVED: [&str; 6] = ["finding_id", "kind", "field", "expected", "actual", "cause"];

/// The columns of the table of findings.
pub(super) fn schema(fields: &Fields, tables: [&Table; 2], three_way: bool) -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    let mut columns = vec![text("finding_id", false), text("kind", false)];
    columns.extend(
        fields
            .key
            .iter()
            .map(|field| Field::new(key_name(&field.name), key_type(field, tables), true)),
    );
    columns.extend([text("field", true), text("expected", true), text("actual", true)]);
    columns.extend(three_way.then(|| text("cause", true)));
    Arc::new(Schema::new(columns))
}

/// What the column of a key field is called.
pub(super) fn key_name(field: &str) -> String {
    if RESERVED.contains(&field) { format!("key.{field}") } else { field.to_owned() }
}

impl Live {
    /// Some of the findings as a table, made by as many threads as the comparison was.
    pub(super) fn batch(&self, start: usize, end: usize) -> Result<RecordBatch> {
        let found = self.found().get(start..end).unwrap_or_default();
        let ids = self.ids().get(start..end).unwrap_or_default();
        // One thread gains nothing from small pieces; larger ones might not fit an Arrow column.
        let most = if self.threads == 1 { WHOLE } else { PIECE };
        if found.len() <= most {
            return self.piece(found, ids);
        }
        let pieces: Vec<_> = found.chunks(most).zip(ids.chunks(most)).enumerate().collect();
        let made = each_thread(self.threads, &Context::new(), &pieces, |pieces| {
            let made = pieces.map(|(n, (found, ids))| Ok((*n, self.piece(found, ids)?)));
            made.collect::<Result<Vec<_>>>()
        })?;
        let mut made = made.concat();
        made.sort_unstable_by_key(|(n, _)| *n);
        concat_batches(self.schema(), made.iter().map(|(_, batch)| batch)).map_err(|cause| {
            let message =
                format!("the findings are too many for one table: {cause}; take them in batches");
            Error::new(Kind::Limit, message)
        })
    }

    fn piece(&self, found: &[Found], ids: &[FindingId]) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(hex_column(ids)),
            words(found.iter().map(|found| Some(found.kind.name()))),
        ];
        for (field, column) in self.fields.key.iter().zip(self.schema().fields().iter().skip(2)) {
            columns.push(self.key_column(field, column.data_type(), found)?);
        }
        columns.push(words(
            found.iter().map(|found| self.field(found).map(|field| field.name.as_str())),
        ));
        columns.push(self.texts(found, Side::Expected)?);
        columns.push(self.texts(found, Side::Actual)?);
        if columns.len() < self.schema().fields().len() {
            columns.push(words(found.iter().map(|found| found.cause.map(|cause| cause.name()))));
        }
        RecordBatch::try_new(self.schema().clone(), columns).map_err(internal)
    }

    /// The key as the expected side has it where it has the row, else as the actual side has it.
    fn key_column(&self, field: &FieldRule, ty: &DataType, found: &[Found]) -> Result<ArrayRef> {
        let pieces = |table: &Table, place: usize| -> Vec<ArrayRef> {
            table
                .snapshot
                .batches()
                .iter()
                .filter_map(|batch| batch.columns().get(place).cloned())
                .collect()
        };
        let expected = pieces(&self.expected, field.expected);
        let actual = pieces(&self.actual, field.actual);
        let arrays: Vec<&dyn Array> = expected.iter().chain(&actual).map(AsRef::as_ref).collect();
        if arrays.is_empty()
            || found.is_empty()
            || arrays.iter().any(|array| array.data_type() != ty)
        {
            return self.key_values(field, ty, found);
        }
        let place = |(side, row): (Side, Row)| match side {
            Side::Expected => (row.batch(), row.row()),
            Side::Actual => (expected.len() + row.batch(), row.row()),
        };
        let places: Vec<_> = found.iter().filter_map(|found| found.shown().map(place)).collect();
        interleave(&arrays, &places).map_err(internal)
    }

    /// The key where both sides have it in different types.
    fn key_values(&self, field: &FieldRule, ty: &DataType, found: &[Found]) -> Result<ArrayRef> {
        let value = |found: &Found| match found.shown() {
            Some((Side::Expected, row)) => self.expected.value(field.expected, row),
            Some((Side::Actual, row)) => self.actual.value(field.actual, row),
            None => Value::Null,
        };
        let text = matches!(ty, DataType::Utf8);
        let shown = |value: Value| match value {
            Value::Null => value,
            value if text => Value::Text(value.to_string()),
            value => value,
        };
        let values: Vec<Value> = found.iter().map(|found| shown(value(found))).collect();
        let array =
            column_from_values(&LogicalType::from_arrow(ty)?, &values.iter().collect::<Vec<_>>())?;
        if array.data_type() == ty { Ok(array) } else { fitted(&array, ty) }
    }

    /// What a side says, as text.
    fn texts(&self, found: &[Found], side: Side) -> Result<ArrayRef> {
        let mut texts = StringBuilder::with_capacity(found.len(), found.len() * 16);
        for found in found {
            self.text(found, side, &mut texts)?;
        }
        Ok(Arc::new(texts.finish()))
    }

    fn text(&self, found: &Found, side: Side, out: &mut StringBuilder) -> Result<()> {
        let (table, row) = match side {
            Side::Expected => (&self.expected, found.expected),
            Side::Actual => (&self.actual, found.actual),
        };
        match (self.field(found), self.group(found)) {
            (Some(field), _) if field.secret => out.append_value(SECRET),
            (Some(field), _) => {
                let place = if side == Side::Expected { field.expected } else { field.actual };
                let cell = row.map_or(Cell::Null, |row| table.cell(place, row));
                append(&cell, out)?;
            }
            (None, Some(group)) => {
                let rows = if side == Side::Expected { &group.expected } else { &group.actual };
                out.append_value(rows.len().to_string());
            }
            (None, None) => out.append_null(),
        }
        Ok(())
    }
}

fn hex_column(ids: &[FindingId]) -> StringArray {
    let mut text = StringBuilder::with_capacity(ids.len(), 32 * ids.len());
    ids.iter().for_each(|id| text.append_value(hex(id.as_bytes())));
    text.finish()
}

/// A column of few different words.
fn words<'a>(words: impl ExactSizeIterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut column = StringBuilder::with_capacity(words.len(), words.len() * 8);
    words.for_each(|word| column.append_option(word));
    Arc::new(column.finish())
}

fn append(cell: &Cell<'_>, out: &mut StringBuilder) -> Result<()> {
    match cell {
        Cell::Null => out.append_null(),
        Cell::Text(text) => out.append_value(text),
        cell => {
            write!(out, "{}", cell.to_value()).map_err(internal)?;
            out.append_value("");
        }
    }
    Ok(())
}

/// The type of a key column: both sides' own where they have the same, else one that holds both.
fn key_type(field: &FieldRule, tables: [&Table; 2]) -> DataType {
    let [expected, actual] = tables;
    let own = |table: &Table, place: usize| {
        table.snapshot.arrow_schema().fields().get(place).map(|field| field.data_type().clone())
    };
    let (e, a) = (own(expected, field.expected), own(actual, field.actual));
    match (e, a) {
        (Some(e), Some(a)) if e == a && is_flat(&e) => e,
        (Some(e), Some(a)) => common_arrow(&e, &a),
        _ => DataType::Utf8,
    }
}

fn is_flat(ty: &DataType) -> bool {
    !matches!(ty, DataType::Dictionary(..) | DataType::RunEndEncoded(..))
}

fn common_arrow(e: &DataType, a: &DataType) -> DataType {
    match (LogicalType::from_arrow(e), LogicalType::from_arrow(a)) {
        // Unsigned of 64 bits with signed ones: a decimal holds both.
        (Ok(LogicalType::Int), Ok(LogicalType::Int)) if [e, a].contains(&&DataType::UInt64) => {
            DataType::Decimal128(20, 0)
        }
        (Ok(e), Ok(a)) => common(&e, &a).to_arrow(),
        _ => DataType::Utf8,
    }
}

/// A type that holds the values of both; text, where none does as they are.
pub(super) fn common(e: &LogicalType, a: &LogicalType) -> LogicalType {
    match (e, a) {
        (e, a) if e == a => e.clone(),
        (LogicalType::Null, ty) | (ty, LogicalType::Null) => ty.clone(),
        _ => decimal(e).zip(decimal(a)).and_then(widened).unwrap_or(LogicalType::Text),
    }
}

/// The digits of a type of exact numbers, and how many stand after the point.
fn decimal(ty: &LogicalType) -> Option<(i16, i16)> {
    match ty {
        LogicalType::Int => Some((20, 0)),
        LogicalType::Decimal(precision, scale) => Some(((*precision).into(), (*scale).into())),
        _ => None,
    }
}

fn widened(((p, s), (q, t)): ((i16, i16), (i16, i16))) -> Option<LogicalType> {
    let scale = s.max(t);
    let precision = (p - s).max(q - t) + scale;
    let precision = u8::try_from(precision).ok().filter(|p| *p <= DECIMAL256_MAX_PRECISION)?;
    Some(LogicalType::Decimal(precision, i8::try_from(scale).ok()?))
}

/// Times come in the unit that holds them exactly; the table's column has one.
fn fitted(array: &ArrayRef, ty: &DataType) -> Result<ArrayRef> {
    let column = Column::new(array)?;
    let shown =
        (0..column.len()).map(|row| column.value(row).to_string()).next().unwrap_or_default();
    Err(Error::new(Kind::Data, format!("the key value `{shown}` cannot be shown as {ty}")))
}

fn internal(cause: impl std::fmt::Display) -> Error {
    Error::new(Kind::Internal, format!("the table of findings cannot be made: {cause}"))
}
