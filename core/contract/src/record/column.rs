//! Reading the cells of an Arrow column, whatever its physical encoding.

use std::cmp::Ordering;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, FixedSizeBinaryArray,
    LargeBinaryArray, LargeStringArray, PrimitiveArray, StringArray, StringViewArray,
};
use arrow_buffer::i256;
use arrow_schema::{DataType, TimeUnit};

use super::nested::{self, ListCell, StructCell};
use super::{LogicalType, Number, Value};
use crate::error::{Error, Kind, Result};

/// One cell, borrowed from its column.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A binary floating-point number.
    Float(f64),
    /// An unscaled value and its scale.
    Decimal(i256, i8),
    /// Text.
    Text(&'a str),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// Days since 1970-01-01.
    Date(i64),
    /// Nanoseconds since 1970-01-01T00:00:00, without a zone.
    Datetime(i128),
    /// Nanoseconds since the Unix epoch.
    Instant(i128),
    /// A list.
    List(ListCell<'a>),
    /// A struct.
    Struct(StructCell<'a>),
}

/// A column of one batch, ready to be read cell by cell without copying it.
#[derive(Clone, Debug)]
pub struct Column {
    array: ArrayRef,
    reader: Reader,
}

#[derive(Clone, Debug)]
pub(super) enum Reader {
    Null,
    Bool(BooleanArray),
    Int8(PrimitiveArray<Int8Type>),
    Int16(PrimitiveArray<Int16Type>),
    Int32(PrimitiveArray<Int32Type>),
    Int64(PrimitiveArray<Int64Type>),
    UInt8(PrimitiveArray<UInt8Type>),
    UInt16(PrimitiveArray<UInt16Type>),
    UInt32(PrimitiveArray<UInt32Type>),
    UInt64(PrimitiveArray<UInt64Type>),
    Float16(PrimitiveArray<Float16Type>),
    Float32(PrimitiveArray<Float32Type>),
    Float64(PrimitiveArray<Float64Type>),
    Decimal32(PrimitiveArray<Decimal32Type>, i8),
    Decimal64(PrimitiveArray<Decimal64Type>, i8),
    Decimal128(PrimitiveArray<Decimal128Type>, i8),
    Decimal256(PrimitiveArray<Decimal256Type>, i8),
    Utf8(StringArray),
    LargeUtf8(LargeStringArray),
    Utf8View(StringViewArray),
    Binary(BinaryArray),
    LargeBinary(LargeBinaryArray),
    BinaryView(BinaryViewArray),
    FixedBinary(FixedSizeBinaryArray),
    Date32(PrimitiveArray<Date32Type>),
    Date64(PrimitiveArray<Date64Type>),
    Seconds(PrimitiveArray<TimestampSecondType>, bool),
    Millis(PrimitiveArray<TimestampMillisecondType>, bool),
    Micros(PrimitiveArray<TimestampMicrosecondType>, bool),
    Nanos(PrimitiveArray<TimestampNanosecondType>, bool),
    List(nested::Lists),
    Struct(nested::Structs),
    Dictionary(Box<Column>, Box<Column>),
    Runs(nested::Runs),
}

const MILLIS_PER_DAY: i64 = 86_400_000;

impl Column {
    /// Prepares a column for reading; nothing is copied.
    ///
    /// # Errors
    /// `unsupported` for the types [`LogicalType::from_arrow`] refuses; `data` for a 64-bit date
    /// that is not a whole day.
    pub fn new(array: &ArrayRef) -> Result<Self> {
        LogicalType::from_arrow(array.data_type())?;
        let reader = reader(array)?;
        let column = Self { array: array.clone(), reader };
        column.check_dates()?;
        Ok(column)
    }

    /// The column as Arrow.
    pub fn array(&self) -> &ArrayRef {
        &self.array
    }

    /// How many cells it has.
    pub fn len(&self) -> usize {
        self.array.len()
    }

    /// Whether it has no cell.
    pub fn is_empty(&self) -> bool {
        self.array.is_empty()
    }

    /// The cell of a row.
    ///
    /// A row beyond the end is a mistake of the caller: it reads as null in release builds.
    pub fn cell(&self, row: usize) -> Cell<'_> {
        debug_assert!(row < self.len(), "row {row} of {}", self.len());
        if row >= self.len() || self.array.is_null(row) {
            return Cell::Null;
        }
        match &self.reader {
            Reader::Null => Cell::Null,
            Reader::Bool(a) => Cell::Bool(a.value(row)),
            Reader::Int8(a) => Cell::Int(a.value(row).into()),
            Reader::Int16(a) => Cell::Int(a.value(row).into()),
            Reader::Int32(a) => Cell::Int(a.value(row).into()),
            Reader::Int64(a) => Cell::Int(a.value(row).into()),
            Reader::UInt8(a) => Cell::Int(a.value(row).into()),
            Reader::UInt16(a) => Cell::Int(a.value(row).into()),
            Reader::UInt32(a) => Cell::Int(a.value(row).into()),
            Reader::UInt64(a) => Cell::Int(a.value(row).into()),
            Reader::Float16(a) => Cell::Float(a.value(row).into()),
            Reader::Float32(a) => Cell::Float(a.value(row).into()),
            Reader::Float64(a) => Cell::Float(a.value(row)),
            Reader::Decimal32(a, s) => Cell::Decimal(i256::from_i128(a.value(row).into()), *s),
            Reader::Decimal64(a, s) => Cell::Decimal(i256::from_i128(a.value(row).into()), *s),
            Reader::Decimal128(a, s) => Cell::Decimal(i256::from_i128(a.value(row)), *s),
            Reader::Decimal256(a, s) => Cell::Decimal(a.value(row), *s),
            Reader::Utf8(a) => Cell::Text(a.value(row)),
            Reader::LargeUtf8(a) => Cell::Text(a.value(row)),
            Reader::Utf8View(a) => Cell::Text(a.value(row)),
            Reader::Binary(a) => Cell::Bytes(a.value(row)),
            Reader::LargeBinary(a) => Cell::Bytes(a.value(row)),
            Reader::BinaryView(a) => Cell::Bytes(a.value(row)),
            Reader::FixedBinary(a) => Cell::Bytes(a.value(row)),
            Reader::Date32(a) => Cell::Date(a.value(row).into()),
            Reader::Date64(a) => Cell::Date(a.value(row).div_euclid(MILLIS_PER_DAY)),
            Reader::Seconds(a, zoned) => time(a.value(row), 1_000_000_000, *zoned),
            Reader::Millis(a, zoned) => time(a.value(row), 1_000_000, *zoned),
            Reader::Micros(a, zoned) => time(a.value(row), 1_000, *zoned),
            Reader::Nanos(a, zoned) => time(a.value(row), 1, *zoned),
            Reader::List(lists) => Cell::List(lists.cell(row)),
            Reader::Struct(structs) => Cell::Struct(structs.cell(row)),
            Reader::Dictionary(keys, values) => values.cell(keys.index(row)),
            Reader::Runs(runs) => runs.cell(row),
        }
    }

    /// The cell of a row, owned.
    pub fn value(&self, row: usize) -> Value {
        self.cell(row).to_value()
    }

    /// The value of an integer column as an index; for dictionary keys.
    fn index(&self, row: usize) -> usize {
        match self.cell(row) {
            Cell::Int(key) => usize::try_from(key).unwrap_or(usize::MAX),
            _ => usize::MAX,
        }
    }

    fn check_dates(&self) -> Result<()> {
        let Reader::Date64(dates) = &self.reader else { return Ok(()) };
        match dates.iter().flatten().find(|millis| millis % MILLIS_PER_DAY != 0) {
            None => Ok(()),
            Some(millis) => {
                let message = format!(
                    "the date `{millis}` (milliseconds) is not a whole day; use a timestamp"
                );
                Err(Error::new(Kind::Data, message))
            }
        }
    }
}

impl Cell<'_> {
    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The number it is, if it is one.
    pub fn number(&self) -> Option<Number> {
        match self {
            Self::Int(value) => Some(Number::from(*value)),
            Self::Float(value) => Some(Number::from(*value)),
            Self::Decimal(value, scale) => Some(Number::decimal(*value, *scale)),
            _ => None,
        }
    }

    /// The cell, owned.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Float(value) => Value::Float(*value),
            Self::Decimal(value, scale) => {
                Value::Decimal(Number::decimal(*value, *scale), (*scale).into())
            }
            Self::Text(value) => Value::Text((*value).to_owned()),
            Self::Bytes(value) => Value::Bytes(value.to_vec()),
            Self::Date(days) => Value::Date(*days),
            Self::Datetime(nanos) => Value::Datetime(*nanos),
            Self::Instant(nanos) => Value::Instant(*nanos),
            Self::List(list) => Value::List(list.cells().map(|cell| cell.to_value()).collect()),
            Self::Struct(members) => Value::Struct(
                members.cells().map(|(name, cell)| (name.to_owned(), cell.to_value())).collect(),
            ),
        }
    }
}

impl PartialEq for Cell<'_> {
    /// Equality by exact value: null equals null, one not-a-number another, and numbers of
    /// different types are equal when their values are. Cells of different classes differ.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Self::Decimal(a, s), Self::Decimal(b, t)) if s == t => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Date(a), Self::Date(b)) => a == b,
            (Self::Datetime(a), Self::Datetime(b)) => a == b,
            (Self::Instant(a), Self::Instant(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Struct(a), Self::Struct(b)) => a == b,
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        }
    }
}

impl Cell<'_> {
    /// The order of values: by class, then by value; null last, and not-a-number after the numbers.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Datetime(a), Self::Datetime(b)) => a.cmp(b),
            (Self::Instant(a), Self::Instant(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) => a.order(b),
            (Self::Struct(a), Self::Struct(b)) => a.order(b),
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Int(_) | Self::Float(_) | Self::Decimal(..) => 1,
            Self::Text(_) => 2,
            Self::Bytes(_) => 3,
            Self::Date(_) => 4,
            Self::Datetime(_) => 5,
            Self::Instant(_) => 6,
            Self::List(_) => 7,
            Self::Struct(_) => 8,
            Self::Null => 9,
        }
    }
}

fn time<'a>(count: i64, unit: i128, zoned: bool) -> Cell<'a> {
    let nanos = i128::from(count) * unit;
    if zoned { Cell::Instant(nanos) } else { Cell::Datetime(nanos) }
}

fn reader(array: &ArrayRef) -> Result<Reader> {
    use DataType as D;
    Ok(match array.data_type() {
        D::Null => Reader::Null,
        D::Boolean => Reader::Bool(array.as_boolean().clone()),
        D::Int8 => Reader::Int8(array.as_primitive().clone()),
        D::Int16 => Reader::Int16(array.as_primitive().clone()),
        D::Int32 => Reader::Int32(array.as_primitive().clone()),
        D::Int64 => Reader::Int64(array.as_primitive().clone()),
        D::UInt8 => Reader::UInt8(array.as_primitive().clone()),
        D::UInt16 => Reader::UInt16(array.as_primitive().clone()),
        D::UInt32 => Reader::UInt32(array.as_primitive().clone()),
        D::UInt64 => Reader::UInt64(array.as_primitive().clone()),
        D::Float16 => Reader::Float16(array.as_primitive().clone()),
        D::Float32 => Reader::Float32(array.as_primitive().clone()),
        D::Float64 => Reader::Float64(array.as_primitive().clone()),
        D::Decimal32(_, s) => Reader::Decimal32(array.as_primitive().clone(), *s),
        D::Decimal64(_, s) => Reader::Decimal64(array.as_primitive().clone(), *s),
        D::Decimal128(_, s) => Reader::Decimal128(array.as_primitive().clone(), *s),
        D::Decimal256(_, s) => Reader::Decimal256(array.as_primitive().clone(), *s),
        D::Utf8 => Reader::Utf8(array.as_string().clone()),
        D::LargeUtf8 => Reader::LargeUtf8(array.as_string().clone()),
        D::Utf8View => Reader::Utf8View(array.as_string_view().clone()),
        D::Binary => Reader::Binary(array.as_binary().clone()),
        D::LargeBinary => Reader::LargeBinary(array.as_binary().clone()),
        D::BinaryView => Reader::BinaryView(array.as_binary_view().clone()),
        D::FixedSizeBinary(_) => Reader::FixedBinary(array.as_fixed_size_binary().clone()),
        D::Date32 => Reader::Date32(array.as_primitive().clone()),
        D::Date64 => Reader::Date64(array.as_primitive().clone()),
        D::Timestamp(unit, zone) => timestamps(array, *unit, zone.is_some()),
        D::Struct(_) => Reader::Struct(nested::Structs::new(array.as_struct())?),
        D::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let keys = arrow_array::make_array(dictionary.keys().to_data());
            Reader::Dictionary(
                Box::new(Column::new(&keys)?),
                Box::new(Column::new(dictionary.values())?),
            )
        }
        D::RunEndEncoded(..) => Reader::Runs(nested::Runs::new(array)?),
        _ => Reader::List(nested::Lists::new(array)?),
    })
}

fn timestamps(array: &ArrayRef, unit: TimeUnit, zoned: bool) -> Reader {
    match unit {
        TimeUnit::Second => Reader::Seconds(array.as_primitive().clone(), zoned),
        TimeUnit::Millisecond => Reader::Millis(array.as_primitive().clone(), zoned),
        TimeUnit::Microsecond => Reader::Micros(array.as_primitive().clone(), zoned),
        TimeUnit::Nanosecond => Reader::Nanos(array.as_primitive().clone(), zoned),
    }
}
