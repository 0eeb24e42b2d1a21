//! One column while it grows: plain as long as its cells are of one plain type.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, LargeStringBuilder};
use arrow_array::{ArrayRef, LargeStringArray};
use serde_json::{Map, Value as Json};
use trueup::record::{column_from_values, read_cell};
use trueup::{Column as Cells, LogicalType, Result, Value};

use super::HostCell;
use super::types::common;

/// A column while it grows.
#[derive(Debug)]
pub(super) enum Column {
    Nulls(usize),
    Bools(BooleanBuilder),
    Ints(Int64Builder),
    Floats(Float64Builder),
    Texts(LargeStringBuilder),
    Values(Vec<Value>),
}

impl Default for Column {
    fn default() -> Self {
        Self::Nulls(0)
    }
}

impl Column {
    pub(super) fn len(&self) -> usize {
        use arrow_array::builder::ArrayBuilder;
        match self {
            Self::Nulls(length) => *length,
            Self::Bools(cells) => cells.len(),
            Self::Ints(cells) => cells.len(),
            Self::Floats(cells) => cells.len(),
            Self::Texts(cells) => cells.len(),
            Self::Values(cells) => cells.len(),
        }
    }

    /// Adds nulls up to this length.
    pub(super) fn pad(&mut self, length: usize) {
        (self.len()..length).for_each(|_| self.push_null());
    }

    #[inline]
    pub(super) fn push(&mut self, cell: HostCell<'_>) -> Result<()> {
        match (&mut *self, cell) {
            (Self::Ints(cells), HostCell::Int(value)) => cells.append_value(value),
            (Self::Texts(cells), HostCell::Text(value)) => cells.append_value(value),
            (Self::Floats(cells), HostCell::Float(value)) => cells.append_value(value),
            (Self::Bools(cells), HostCell::Bool(value)) => cells.append_value(value),
            (Self::Values(cells), cell) => cells.push(value(cell)),
            (_, HostCell::Null) => self.push_null(),
            (Self::Nulls(length), cell) => {
                let length = *length;
                *self = Self::begin(&cell, length);
                return self.push(cell);
            }
            (_, cell) => {
                let mut values = std::mem::take(self).into_values()?;
                values.push(value(cell));
                *self = Self::Values(values);
            }
        }
        Ok(())
    }

    /// The column with the narrowest type that holds all its values exactly.
    pub(super) fn finish(self) -> Result<ArrayRef> {
        match self {
            Self::Values(values) => column_from_values(&common(&values)?, &refs(&values)),
            plain => plain.plain(),
        }
    }

    /// The column with a declared type; text is read as what plain data lacks.
    pub(super) fn finish_as(self, ty: &LogicalType) -> Result<ArrayRef> {
        match (&self, ty) {
            (Self::Bools(_), LogicalType::Bool)
            | (Self::Ints(_), LogicalType::Int)
            | (Self::Floats(_), LogicalType::Float)
            | (Self::Texts(_), LogicalType::Text) => return self.plain(),
            _ => {}
        }
        let values = self
            .into_values()?
            .into_iter()
            .enumerate()
            .map(|(row, value)| read(value, ty).map_err(|error| error.with("row", row)));
        let values = values.collect::<Result<Vec<_>>>()?;
        match ty {
            // Encoded as text that came as text: pages of one reading are encoded alike.
            LogicalType::Text => {
                Ok(Arc::new(values.iter().map(text).collect::<LargeStringArray>()))
            }
            _ => column_from_values(ty, &refs(&values)),
        }
    }

    fn push_null(&mut self) {
        match self {
            Self::Nulls(length) => *length += 1,
            Self::Bools(cells) => cells.append_null(),
            Self::Ints(cells) => cells.append_null(),
            Self::Floats(cells) => cells.append_null(),
            Self::Texts(cells) => cells.append_null(),
            Self::Values(cells) => cells.push(Value::Null),
        }
    }

    /// A column that is null so far, for cells like this one.
    fn begin(cell: &HostCell<'_>, length: usize) -> Self {
        let mut column = match cell {
            HostCell::Null => Self::Nulls(0),
            HostCell::Bool(_) => Self::Bools(BooleanBuilder::new()),
            HostCell::Int(_) => Self::Ints(Int64Builder::new()),
            HostCell::Float(_) => Self::Floats(Float64Builder::new()),
            HostCell::Text(_) => Self::Texts(LargeStringBuilder::new()),
            HostCell::Other(_) => Self::Values(Vec::new()),
        };
        column.pad(length);
        column
    }

    fn into_values(self) -> Result<Vec<Value>> {
        match self {
            Self::Values(values) => Ok(values),
            plain => {
                let cells = Cells::new(&plain.plain()?)?;
                Ok((0..cells.len()).map(|row| cells.value(row)).collect())
            }
        }
    }

    fn plain(self) -> Result<ArrayRef> {
        Ok(match self {
            Self::Bools(mut cells) => Arc::new(cells.finish()),
            Self::Ints(mut cells) => Arc::new(cells.finish()),
            Self::Floats(mut cells) => Arc::new(cells.finish()),
            Self::Texts(mut cells) => Arc::new(cells.finish()),
            Self::Nulls(length) => {
                column_from_values(&LogicalType::Null, &vec![&Value::Null; length])?
            }
            Self::Values(values) => column_from_values(&common(&values)?, &refs(&values))?,
        })
    }
}

fn value(cell: HostCell<'_>) -> Value {
    match cell {
        HostCell::Null => Value::Null,
        HostCell::Bool(value) => Value::Bool(value),
        HostCell::Int(value) => Value::Int(value.into()),
        HostCell::Float(value) => Value::Float(value),
        HostCell::Text(value) => Value::Text(value.to_owned()),
        HostCell::Other(value) => value,
    }
}

/// A cell of a declared type; what is of that type already, or a float that is written as a whole number, is taken as
/// it is.
fn read(value: Value, ty: &LogicalType) -> Result<Value> {
    const EXACT: i128 = 1 << 53;
    match (&value, ty) {
        (Value::Null, _)
        | (Value::Float(_), LogicalType::Float)
        | (Value::Text(_), LogicalType::Text)
        | (Value::Instant(_), LogicalType::Instant) => Ok(value),
        (Value::Int(whole), LogicalType::Float) if whole.abs() <= EXACT => {
            Ok(Value::Float(*whole as f64))
        }
        _ => read_cell(&json(value), ty),
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn refs(values: &[Value]) -> Vec<&Value> {
    values.iter().collect()
}

/// As a source's cell: lists and structs plain, and what JSON lacks named.
fn json(value: Value) -> Json {
    match value {
        Value::List(items) => Json::Array(items.into_iter().map(json).collect()),
        Value::Struct(members) => {
            let members = members.into_iter().map(|(name, value)| (name, json(value)));
            Json::Object(members.collect::<Map<_, _>>())
        }
        other => other.to_json(),
    }
}
