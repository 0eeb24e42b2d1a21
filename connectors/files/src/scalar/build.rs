//! Arrow columns from values in text.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int64Type,
    TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{ArrayRef, BinaryArray, BooleanArray, NullArray, PrimitiveArray, StringArray};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use trueup_connector::{Error, Kind, LogicalType, Result};

use super::guess::Plan;
use super::{number, time};

/// The text of one value, as it stands in its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw<'a> {
    pub(crate) text: &'a [u8],
    /// The quote that stands doubled in the text, if one does.
    pub(crate) doubled: Option<u8>,
}

impl<'a> Raw<'a> {
    pub(crate) fn plain(text: &'a [u8]) -> Self {
        Self { text, doubled: None }
    }
}

/// The values of some records in one column.
pub(crate) trait Texts<'a> {
    /// How many there are.
    fn len(&self) -> usize;

    /// The value of a row; `None` for a null.
    fn value(&self, row: usize) -> Option<Raw<'a>>;
}

/// A column under construction.
#[derive(Debug)]
pub(crate) enum Build {
    Null(usize),
    Bool(BooleanBufferBuilder, NullBufferBuilder),
    Int(Values<Int64Type>),
    Float(Values<Float64Type>),
    Decimal(Values<Decimal128Type>, u8, i8),
    Wide(Values<Decimal256Type>, u8, i8),
    Date(Values<Date32Type>),
    Nanos(Values<TimestampNanosecondType>, bool),
    Micros(Values<TimestampMicrosecondType>, bool),
    Text(Chars),
    Bytes(Chars),
}

#[derive(Debug)]
pub(crate) struct Values<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    nulls: NullBufferBuilder,
}

#[derive(Debug)]
pub(crate) struct Chars {
    offsets: Vec<i32>,
    bytes: Vec<u8>,
    nulls: NullBufferBuilder,
}

impl Build {
    /// An empty column of this type, with room for `rows`.
    pub(crate) fn new(plan: &Plan, rows: usize) -> Result<Self> {
        let zoned = plan.ty == LogicalType::Instant;
        Ok(match &plan.ty {
            LogicalType::Null => Self::Null(0),
            LogicalType::Bool => {
                Self::Bool(BooleanBufferBuilder::new(rows), NullBufferBuilder::new(rows))
            }
            LogicalType::Int => Self::Int(Values::new(rows)),
            LogicalType::Float => Self::Float(Values::new(rows)),
            LogicalType::Decimal(p, s) if *p <= 38 => Self::Decimal(Values::new(rows), *p, *s),
            LogicalType::Decimal(p, s) => Self::Wide(Values::new(rows), *p, *s),
            LogicalType::Date => Self::Date(Values::new(rows)),
            LogicalType::Datetime | LogicalType::Instant => match plan.unit {
                TimeUnit::Microsecond => Self::Micros(Values::new(rows), zoned),
                _ => Self::Nanos(Values::new(rows), zoned),
            },
            LogicalType::Text => Self::Text(Chars::new(rows)),
            LogicalType::Bytes => Self::Bytes(Chars::new(rows)),
            other => {
                let message = format!("the type {other} has no form in text");
                return Err(Error::new(Kind::Unsupported, message));
            }
        })
    }

    /// Adds values; `Err` with the row of the first that does not fit.
    pub(crate) fn extend<'a>(&mut self, texts: &impl Texts<'a>) -> Result<(), usize> {
        match self {
            Self::Null(rows) => match (0..texts.len()).find(|row| texts.value(*row).is_some()) {
                Some(misfit) => Err(misfit),
                None => {
                    *rows += texts.len();
                    Ok(())
                }
            },
            Self::Bool(bits, nulls) => fill_bools(bits, nulls, texts),
            Self::Int(into) => into.fill(texts, number::int),
            Self::Float(into) => into.fill(texts, number::float),
            Self::Decimal(into, p, s) => {
                let (p, s) = (*p, *s);
                into.fill(texts, |text| number::decimal(text, p, s))
            }
            Self::Wide(into, p, s) => {
                let (p, s) = (*p, *s);
                into.fill(texts, |text| number::wide_decimal(text, p, s))
            }
            Self::Date(into) => into.fill(texts, time::date),
            Self::Nanos(into, true) => into.fill(texts, |t| time::instant(t)?.to_nanos()),
            Self::Nanos(into, false) => into.fill(texts, |t| time::datetime(t)?.to_nanos()),
            Self::Micros(into, true) => into.fill(texts, |t| time::instant(t)?.to_micros()),
            Self::Micros(into, false) => into.fill(texts, |t| time::datetime(t)?.to_micros()),
            Self::Text(into) => into.fill(texts, unquote),
            Self::Bytes(into) => into.fill(texts, |bytes, raw| unhex(bytes, raw.text)),
        }
    }

    /// The column.
    pub(crate) fn finish(self) -> Result<ArrayRef> {
        let zone = |zoned: bool| zoned.then(|| std::sync::Arc::<str>::from("UTC"));
        Ok(match self {
            Self::Null(rows) => Arc::new(NullArray::new(rows)),
            Self::Bool(mut bits, mut nulls) => {
                Arc::new(BooleanArray::new(bits.finish(), nulls.finish()))
            }
            Self::Int(values) => Arc::new(values.finish()),
            Self::Float(values) => Arc::new(values.finish()),
            Self::Decimal(values, p, s) => {
                Arc::new(values.finish().with_precision_and_scale(p, s).map_err(internal)?)
            }
            Self::Wide(values, p, s) => {
                Arc::new(values.finish().with_precision_and_scale(p, s).map_err(internal)?)
            }
            Self::Date(values) => Arc::new(values.finish()),
            Self::Nanos(values, z) => Arc::new(values.finish().with_timezone_opt(zone(z))),
            Self::Micros(values, z) => Arc::new(values.finish().with_timezone_opt(zone(z))),
            Self::Text(texts) => Arc::new(texts.finish_text()?),
            Self::Bytes(texts) => Arc::new(texts.finish_bytes()?),
        })
    }
}

/// A column as one of another plan, where that has the same values in the same form.
pub(crate) fn as_planned(column: ArrayRef, plan: &Plan) -> Option<ArrayRef> {
    let (is, wanted) = (column.data_type().clone(), data_type(plan));
    match (&is, &wanted) {
        (DataType::Null, _) => Some(arrow_array::new_null_array(&wanted, column.len())),
        (DataType::Decimal128(_, s), DataType::Decimal128(p, t)) if s == t => {
            let values = column.as_primitive::<Decimal128Type>().clone();
            Some(Arc::new(values.with_precision_and_scale(*p, *t).ok()?))
        }
        _ => (is == wanted).then_some(column),
    }
}

/// The Arrow type of the columns that [`Build`] makes.
pub(crate) fn data_type(plan: &Plan) -> DataType {
    match (plan.ty.to_arrow(), plan.unit) {
        (DataType::Timestamp(_, zone), TimeUnit::Microsecond) => {
            DataType::Timestamp(TimeUnit::Microsecond, zone)
        }
        (other, _) => other,
    }
}

impl<T: ArrowPrimitiveType> Values<T> {
    #[inline(always)]
    pub(super) fn push(&mut self, value: T::Native) {
        self.values.push(value);
        self.nulls.append_non_null();
    }

    #[inline(always)]
    pub(super) fn push_null(&mut self) {
        self.values.push(T::Native::default());
        self.nulls.append_null();
    }

    fn new(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), nulls: NullBufferBuilder::new(rows) }
    }

    #[inline]
    fn fill<'a>(
        &mut self,
        texts: &impl Texts<'a>,
        read: impl Fn(&'a [u8]) -> Option<T::Native>,
    ) -> Result<(), usize> {
        for row in 0..texts.len() {
            match texts.value(row) {
                None => self.push_null(),
                Some(raw) => self.push(read(raw.text).ok_or(row)?),
            }
        }
        Ok(())
    }

    fn finish(mut self) -> PrimitiveArray<T> {
        PrimitiveArray::new(ScalarBuffer::from(self.values), self.nulls.finish())
    }
}

impl Chars {
    fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        let bytes = Vec::with_capacity(rows * 8);
        Self { offsets, bytes, nulls: NullBufferBuilder::new(rows) }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, raw: Raw<'_>) -> Option<()> {
        unquote(&mut self.bytes, raw)?;
        self.nulls.append_non_null();
        self.offsets.push(i32::try_from(self.bytes.len()).ok()?);
        Some(())
    }

    #[inline(always)]
    pub(super) fn push_null(&mut self) {
        self.nulls.append_null();
        self.offsets.push(self.offsets.last().copied().unwrap_or_default());
    }

    #[inline]
    fn fill<'a>(
        &mut self,
        texts: &impl Texts<'a>,
        write: impl Fn(&mut Vec<u8>, Raw<'a>) -> Option<()>,
    ) -> Result<(), usize> {
        for row in 0..texts.len() {
            match texts.value(row) {
                None => self.nulls.append_null(),
                Some(raw) => {
                    write(&mut self.bytes, raw).ok_or(row)?;
                    self.nulls.append_non_null();
                }
            }
            self.offsets.push(i32::try_from(self.bytes.len()).map_err(|_| row)?);
        }
        Ok(())
    }

    /// Checks that all is UTF-8.
    fn finish_text(mut self) -> Result<StringArray> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let bytes = Buffer::from_vec(self.bytes);
        StringArray::try_new(offsets, bytes, self.nulls.finish())
            .map_err(|_| Error::new(Kind::Data, "the text is not UTF-8"))
    }

    fn finish_bytes(mut self) -> Result<BinaryArray> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let bytes = Buffer::from_vec(self.bytes);
        BinaryArray::try_new(offsets, bytes, self.nulls.finish()).map_err(internal)
    }
}

fn fill_bools<'a>(
    bits: &mut BooleanBufferBuilder,
    nulls: &mut NullBufferBuilder,
    texts: &impl Texts<'a>,
) -> Result<(), usize> {
    for row in 0..texts.len() {
        let bit = match texts.value(row).map(|raw| raw.text) {
            None => None,
            Some(b"true") => Some(true),
            Some(b"false") => Some(false),
            Some(_) => return Err(row),
        };
        bits.append(bit.unwrap_or_default());
        nulls.append(bit.is_some());
    }
    Ok(())
}

#[inline(always)]
fn unquote(bytes: &mut Vec<u8>, raw: Raw<'_>) -> Option<()> {
    match raw.doubled {
        None => bytes.extend_from_slice(raw.text),
        Some(quote) => undouble(bytes, raw.text, quote),
    }
    Some(())
}

/// The content of a quoted field, each doubled quote once.
pub(crate) fn undouble(bytes: &mut Vec<u8>, text: &[u8], quote: u8) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(quote, rest) {
        bytes.extend_from_slice(rest.get(..=at).unwrap_or_default());
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest);
}

/// Bytes in hexadecimal.
pub(crate) fn unhex(bytes: &mut Vec<u8>, text: &[u8]) -> Option<()> {
    let (pairs, rest) = text.as_chunks::<2>();
    for [high, low] in pairs {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
    }
    rest.is_empty().then_some(())
}

fn internal(cause: ArrowError) -> Error {
    Error::new(Kind::Internal, cause.to_string())
}
