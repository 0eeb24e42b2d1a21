//! Reading columns as 64-bit words or bytes, a block of rows at a time.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ByteArrayType, Date32Type, Date64Type, Float16Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, BooleanArray, GenericByteArray};
use arrow_buffer::ArrowNativeType;
use arrow_schema::DataType;
use trueup_connector::{Cell, Column};

/// Reads the words of a column of one-word values; `None` for another type.
pub(super) fn load(array: &ArrayRef, start: usize, words: &mut [u64]) -> Option<()> {
    use DataType as D;
    match array.data_type() {
        D::Int8 => copy::<Int8Type>(array, start, words, |v| i64::from(v) as u64),
        D::Int16 => copy::<Int16Type>(array, start, words, |v| i64::from(v) as u64),
        D::Int32 => copy::<Int32Type>(array, start, words, |v| i64::from(v) as u64),
        D::Int64 => copy::<Int64Type>(array, start, words, |v| v as u64),
        D::UInt8 => copy::<UInt8Type>(array, start, words, u64::from),
        D::UInt16 => copy::<UInt16Type>(array, start, words, u64::from),
        D::UInt32 => copy::<UInt32Type>(array, start, words, u64::from),
        D::UInt64 => copy::<UInt64Type>(array, start, words, |v| v),
        D::Float16 => copy::<Float16Type>(array, start, words, |v| float_word(v.to_f64())),
        D::Float32 => copy::<Float32Type>(array, start, words, |v| float_word(v.into())),
        D::Float64 => copy::<Float64Type>(array, start, words, float_word),
        D::Date32 => copy::<Date32Type>(array, start, words, |v| i64::from(v) as u64),
        D::Date64 => copy::<Date64Type>(array, start, words, |v| v.div_euclid(86_400_000) as u64),
        D::Timestamp(unit, _) => copy_times(array, *unit, start, words),
        D::Boolean => copy_bools(array.as_boolean(), start, words),
        _ => None,
    }
}

/// Where each text or binary cell begins and ends, in the bytes that are given back; `None` for a
/// type whose values do not stand in one buffer. A null may have any bytes.
#[inline]
pub(super) fn spans<'a>(
    array: &'a ArrayRef,
    start: usize,
    spans: &mut [(usize, usize)],
) -> Option<&'a [u8]> {
    use DataType as D;
    match array.data_type() {
        D::Utf8 => walk(array.as_string::<i32>(), start, spans),
        D::LargeUtf8 => walk(array.as_string::<i64>(), start, spans),
        D::Binary => walk(array.as_binary::<i32>(), start, spans),
        D::LargeBinary => walk(array.as_binary::<i64>(), start, spans),
        _ => None,
    }
}

/// Gives the bytes of each text or binary cell, from `start` on; none for a null.
pub(super) fn each_bytes(
    column: &Column,
    start: usize,
    rows: usize,
    mut take: impl FnMut(usize, &[u8]),
) {
    for i in 0..rows {
        match column.cell(start + i) {
            Cell::Text(text) => take(i, text.as_bytes()),
            Cell::Bytes(bytes) => take(i, bytes),
            _ => take(i, &[]),
        }
    }
}

/// Gives the rows, counted from `start`, whose cell is null.
#[inline]
pub(super) fn each_null(column: &Column, start: usize, rows: usize, mut take: impl FnMut(usize)) {
    let array = column.array();
    if let DataType::Null | DataType::Dictionary(..) | DataType::RunEndEncoded(..) =
        array.data_type()
    {
        return (0..rows).filter(|i| column.cell(start + i).is_null()).for_each(take);
    }
    let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) else { return };
    let valid = nulls.inner().slice(start, rows);
    for (chunk, valid) in valid.bit_chunks().iter_padded().enumerate() {
        let mut nulls = !valid;
        while nulls != 0 {
            let row = chunk * 64 + nulls.trailing_zeros() as usize;
            if row >= rows {
                return;
            }
            take(row);
            nulls &= nulls - 1;
        }
    }
}

/// One zero, and one not-a-number.
#[inline]
pub(super) fn float_word(value: f64) -> u64 {
    if value == 0.0 {
        0
    } else if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        value.to_bits()
    }
}

fn copy_times(
    array: &ArrayRef,
    unit: arrow_schema::TimeUnit,
    start: usize,
    words: &mut [u64],
) -> Option<()> {
    use arrow_schema::TimeUnit as U;
    match unit {
        U::Second => copy::<TimestampSecondType>(array, start, words, |v| v as u64),
        U::Millisecond => copy::<TimestampMillisecondType>(array, start, words, |v| v as u64),
        U::Microsecond => copy::<TimestampMicrosecondType>(array, start, words, |v| v as u64),
        U::Nanosecond => copy::<TimestampNanosecondType>(array, start, words, |v| v as u64),
    }
}

#[inline]
fn copy<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    start: usize,
    words: &mut [u64],
    word: impl Fn(T::Native) -> u64,
) -> Option<()> {
    let values = array.as_primitive::<T>().values().get(start..start + words.len())?;
    words.iter_mut().zip(values).for_each(|(to, from)| *to = word(*from));
    Some(())
}

fn copy_bools(array: &BooleanArray, start: usize, words: &mut [u64]) -> Option<()> {
    let bits = array.values().slice(start, words.len());
    let chunks = bits.bit_chunks();
    for (words, bits) in words.chunks_mut(64).zip(chunks.iter_padded()) {
        words.iter_mut().enumerate().for_each(|(i, to)| *to = (bits >> i) & 1);
    }
    Some(())
}

/// Walks the offsets once, rather than looking each value up.
#[inline]
fn walk<'a, T: ByteArrayType>(
    array: &'a GenericByteArray<T>,
    start: usize,
    spans: &mut [(usize, usize)],
) -> Option<&'a [u8]> {
    let offsets = array.value_offsets().get(start..=start + spans.len())?;
    let bounds = offsets.iter().zip(offsets.iter().skip(1));
    for (span, (from, to)) in spans.iter_mut().zip(bounds) {
        *span = (from.as_usize(), to.as_usize());
    }
    Some(array.value_data())
}
