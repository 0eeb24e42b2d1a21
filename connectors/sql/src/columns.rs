//! Columns that are being filled, and the batch they become.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Decimal256Builder,
    Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, ListArray, NullArray, RecordBatch, RecordBatchOptions};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, i256};
use arrow_schema::{ArrowError, Field as ArrowField, Schema as ArrowSchema, SchemaRef};
use trueup_connector::{Error, Kind, LogicalType, Result, Schema};

/// One column that is being filled.
pub(crate) enum Builder {
    Null(usize),
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    /// Decimals of up to 38 digits.
    Decimal(Decimal128Builder, Digits),
    /// Decimals of up to 76 digits.
    Wide(Decimal256Builder, Digits),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    /// Microseconds since 1970-01-01T00:00:00, without a zone.
    Datetime(TimestampMicrosecondBuilder),
    /// Microseconds since the Unix epoch.
    Instant(TimestampMicrosecondBuilder),
    List(Box<ListParts>),
}

/// How many digits a decimal column holds, and how many of them after the point.
#[derive(Clone, Copy)]
pub(crate) struct Digits {
    pub(crate) scale: i8,
    /// The first unscaled value that is too large.
    limit: i256,
}

impl Digits {
    pub(crate) fn new(precision: u8, scale: i8) -> Self {
        let limit = i256::from_i128(10).checked_pow(precision.into());
        Self { scale, limit: limit.unwrap_or(i256::MAX) }
    }

    /// The value, if it fits in 38 digits and in the column's.
    pub(crate) fn narrow(self, value: i256) -> Option<i128> {
        self.wide(value)?.to_i128()
    }

    /// The value, if it fits in the column's digits.
    pub(crate) fn wide(self, value: i256) -> Option<i256> {
        (value < self.limit && value > self.limit.wrapping_neg()).then_some(value)
    }
}

/// A list column: its items one after another, and where each list ends.
pub(crate) struct ListParts {
    pub(crate) items: Builder,
    lengths: Vec<usize>,
    valid: NullBufferBuilder,
}

impl Builder {
    pub(crate) fn new(ty: &LogicalType) -> Result<Self> {
        Ok(match ty {
            LogicalType::Null => Self::Null(0),
            LogicalType::Bool => Self::Bool(BooleanBuilder::new()),
            LogicalType::Int => Self::Int(Int64Builder::new()),
            LogicalType::Float => Self::Float(Float64Builder::new()),
            LogicalType::Decimal(p, s) if *p <= 38 => {
                let builder = Decimal128Builder::new().with_precision_and_scale(*p, *s);
                Self::Decimal(builder.map_err(internal)?, Digits::new(*p, *s))
            }
            LogicalType::Decimal(p, s) => {
                let builder = Decimal256Builder::new().with_precision_and_scale(*p, *s);
                Self::Wide(builder.map_err(internal)?, Digits::new(*p, *s))
            }
            LogicalType::Text => Self::Text(StringBuilder::new()),
            LogicalType::Bytes => Self::Bytes(BinaryBuilder::new()),
            LogicalType::Date => Self::Date(Date32Builder::new()),
            LogicalType::Datetime => Self::Datetime(TimestampMicrosecondBuilder::new()),
            LogicalType::Instant => {
                Self::Instant(TimestampMicrosecondBuilder::new().with_timezone("UTC"))
            }
            LogicalType::List(item) => Self::List(Box::new(ListParts::new(item)?)),
            other => {
                let message = format!("a database column cannot have the type {other}");
                return Err(Error::new(Kind::Unsupported, message));
            }
        })
    }

    pub(crate) fn append_null(&mut self) {
        match self {
            Self::Null(rows) => *rows += 1,
            Self::Bool(b) => b.append_null(),
            Self::Int(b) => b.append_null(),
            Self::Float(b) => b.append_null(),
            Self::Decimal(b, _) => b.append_null(),
            Self::Wide(b, _) => b.append_null(),
            Self::Text(b) => b.append_null(),
            Self::Bytes(b) => b.append_null(),
            Self::Date(b) => b.append_null(),
            Self::Datetime(b) | Self::Instant(b) => b.append_null(),
            Self::List(b) => b.append_null(),
        }
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(match self {
            Self::Null(rows) => Arc::new(NullArray::new(std::mem::take(rows))),
            Self::Bool(b) => Arc::new(b.finish()),
            Self::Int(b) => Arc::new(b.finish()),
            Self::Float(b) => Arc::new(b.finish()),
            Self::Decimal(b, _) => Arc::new(b.finish()),
            Self::Wide(b, _) => Arc::new(b.finish()),
            Self::Text(b) => Arc::new(b.finish()),
            Self::Bytes(b) => Arc::new(b.finish()),
            Self::Date(b) => Arc::new(b.finish()),
            Self::Datetime(b) | Self::Instant(b) => Arc::new(b.finish()),
            Self::List(b) => b.finish()?,
        })
    }
}

impl ListParts {
    fn new(item: &LogicalType) -> Result<Self> {
        let (lengths, valid) = (Vec::new(), NullBufferBuilder::new(0));
        Ok(Self { items: Builder::new(item)?, lengths, valid })
    }

    /// Ends a list after this many items have been appended.
    #[cfg(feature = "postgres")]
    pub(crate) fn append(&mut self, length: usize) {
        self.lengths.push(length);
        self.valid.append_non_null();
    }

    fn append_null(&mut self) {
        self.lengths.push(0);
        self.valid.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let items = self.items.finish()?;
        let field = Arc::new(ArrowField::new("item", items.data_type().clone(), true));
        let offsets = OffsetBuffer::<i32>::from_lengths(std::mem::take(&mut self.lengths));
        let list = ListArray::try_new(field, offsets, items, self.valid.finish());
        Ok(Arc::new(list.map_err(internal)?))
    }
}

/// The columns of one page that is being filled.
pub(crate) struct Columns {
    pub(crate) builders: Vec<Builder>,
    arrow: SchemaRef,
    rows: usize,
}

impl Columns {
    pub(crate) fn new(schema: &Schema) -> Result<Self> {
        let builders = schema.fields().iter().map(|field| Builder::new(&field.ty));
        let mut builders = builders.collect::<Result<Vec<_>>>()?;
        // The types that the builders give are the types of every page.
        let empty = builders.iter_mut().map(Builder::finish).collect::<Result<Vec<_>>>()?;
        let arrow = schema.to_arrow();
        let fields = arrow.fields().iter().zip(&empty).map(|(field, array)| {
            ArrowField::clone(field).with_data_type(array.data_type().clone())
        });
        let arrow = Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()));
        Ok(Self { builders, arrow, rows: 0 })
    }

    /// How many rows are in it.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Counts a row whose cells have all been appended.
    pub(crate) fn end_row(&mut self) {
        self.rows += 1;
    }

    /// The rows so far as a batch; filling goes on with an empty one.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch> {
        let arrays = self.builders.iter_mut().map(Builder::finish).collect::<Result<Vec<_>>>()?;
        let rows = std::mem::take(&mut self.rows);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.arrow.clone(), arrays, &options).map_err(internal)
    }
}

fn internal(error: ArrowError) -> Error {
    Error::new(Kind::Internal, error.to_string())
}
