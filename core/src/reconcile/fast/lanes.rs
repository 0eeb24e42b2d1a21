//! How the cells of two columns become words, so that equal values give equal words.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ByteArrayType, Date32Type, Date64Type, Decimal128Type, Float16Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, GenericByteArray, downcast_dictionary_array,
};
use arrow_buffer::{ArrowNativeType, NullBuffer};
use arrow_schema::DataType;
use trueup_connector::record::canonical;
use trueup_connector::{Cell, Column};

use super::hash::{ColumnKeys, Sum};

/// How many rows are summed at a time: the sums stay in the nearest cache.
pub(super) const BLOCK: usize = 512;

/// How cells become words; both sides of a comparison use the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// One word: the value as a 64-bit integer.
    Word,
    /// One word: the bits of the float.
    Float,
    /// Two words: the unscaled value.
    Decimal,
    /// The bytes of text or binary.
    Bytes,
    /// Numbers of different types: a word where the value is a 64-bit integer, else canonical bytes.
    Number,
    /// Canonical bytes.
    Canonical,
}

impl Lane {
    /// The lane for columns of these Arrow types.
    pub(super) fn of<'a>(types: impl IntoIterator<Item = &'a DataType>) -> Self {
        let types: Vec<&DataType> = types.into_iter().collect();
        let encoded = types.iter().any(|ty| flat(ty) != *ty);
        let mut types: Vec<&DataType> = types.into_iter().map(flat).collect();
        types.retain(|ty| **ty != DataType::Null);
        types.sort_unstable();
        types.dedup();
        let all = |fits: fn(&DataType) -> bool| types.iter().all(|ty| fits(ty));
        if all(is_signed_word) || all(DataType::is_unsigned_integer) {
            return Self::Word;
        }
        match types.as_slice() {
            [DataType::Timestamp(unit, _), rest @ ..]
                if !encoded
                    && rest
                        .iter()
                        .all(|ty| matches!(ty, DataType::Timestamp(other, _) if other == unit)) =>
            {
                Self::Word
            }
            [DataType::Date32 | DataType::Date64] => Self::Word,
            [DataType::Decimal128(_, scale), rest @ ..]
                if rest
                    .iter()
                    .all(|ty| matches!(ty, DataType::Decimal128(_, other) if other == scale)) =>
            {
                Self::Decimal
            }
            _ if all(DataType::is_floating) => Self::Float,
            _ if all(DataType::is_numeric) => Self::Number,
            _ if all(is_text) || all(is_binary) => Self::Bytes,
            _ => Self::Canonical,
        }
    }

    /// Adds the cells of a column, from `start` on, to as many sums.
    pub(super) fn add(self, column: &Column, start: usize, keys: &ColumnKeys, sums: &mut [Sum]) {
        let array = column.array();
        if array.data_type() == &DataType::Null {
            sums.iter_mut().for_each(|sum| *sum = sum.plus(keys.null()));
            return;
        }
        if let DataType::Dictionary(..) = array.data_type() {
            return self.add_dictionary(column, start, keys, sums);
        }
        match self {
            Self::Word | Self::Float => self.add_words(array, start, keys, sums),
            Self::Decimal => add_decimals(array, start, keys, sums),
            Self::Bytes => add_bytes(column, start, keys, sums),
            Self::Number | Self::Canonical => self.add_cells(column, start, keys, sums),
        }
    }

    fn add_words(self, array: &ArrayRef, start: usize, keys: &ColumnKeys, sums: &mut [Sum]) {
        let mut words = [0; BLOCK];
        let Some(words) = words.get_mut(..sums.len()) else { return };
        if load(array, start, words).is_none() {
            return;
        }
        let by = keys.single();
        match array.nulls() {
            None => {
                for (sum, word) in sums.iter_mut().zip(words) {
                    *sum = sum.word(*word, &by);
                }
            }
            Some(nulls) => {
                for (i, (sum, word)) in sums.iter_mut().zip(words).enumerate() {
                    let null = nulls.is_null(start + i);
                    *sum = if null { sum.plus(keys.null()) } else { sum.word(*word, &by) };
                }
            }
        }
    }

    /// Each value of a dictionary is summed once.
    fn add_dictionary(self, column: &Column, start: usize, keys: &ColumnKeys, sums: &mut [Sum]) {
        let array = column.array();
        let dictionary = array.as_any_dictionary();
        let values = dictionary.values();
        if values.len() > sums.len() * 2 {
            return self.add_cells(column, start, keys, sums);
        }
        let mut known = vec![Sum::default(); values.len()];
        if let Ok(values) = Column::new(values) {
            let rows = known.chunks_mut(BLOCK).enumerate();
            rows.for_each(|(i, known)| self.add(&values, i * BLOCK, keys, known));
        }
        let nulls = dictionary.keys().nulls();
        let add = |i: usize, sum: &mut Sum, key: Option<usize>| {
            let null = nulls.is_some_and(|nulls: &NullBuffer| nulls.is_null(start + i));
            let known = key.filter(|_| !null).and_then(|key| known.get(key));
            *sum = sum.plus(known.copied().unwrap_or(keys.null()));
        };
        downcast_dictionary_array!(
            array => {
                let keys = array.keys().values().iter().skip(start);
                for (i, (sum, key)) in sums.iter_mut().zip(keys).enumerate() {
                    add(i, sum, usize::try_from(*key).ok());
                }
            }
            _ => {}
        );
    }

    fn add_cells(self, column: &Column, start: usize, keys: &ColumnKeys, sums: &mut [Sum]) {
        let mut bytes = Vec::new();
        for (i, sum) in sums.iter_mut().enumerate() {
            let cell = column.cell(start + i);
            *sum = sum.plus(self.cell_sum(&cell, keys, &mut bytes));
        }
    }

    /// A cell as one word.
    pub(super) fn word(self, cell: &Cell<'_>) -> u64 {
        match cell {
            Cell::Bool(value) => u64::from(*value),
            Cell::Int(value) | Cell::Datetime(value) | Cell::Instant(value) => *value as u64,
            Cell::Date(days) => *days as u64,
            Cell::Float(value) => float_word(*value),
            _ => 0,
        }
    }

    fn cell_sum(self, cell: &Cell<'_>, keys: &ColumnKeys, bytes: &mut Vec<u8>) -> Sum {
        match (self, cell) {
            (_, Cell::Null) => keys.null(),
            (Self::Bytes, Cell::Text(text)) => keys.bytes(text.as_bytes()),
            (Self::Bytes, Cell::Bytes(bytes)) => keys.bytes(bytes),
            (Self::Word | Self::Float, cell) => {
                Sum::default().word(self.word(cell), &keys.single())
            }
            (Self::Decimal, Cell::Decimal(value, _)) => {
                decimal_sum(value.to_i128().unwrap_or(0), keys)
            }
            (Self::Number, cell) => match whole(cell) {
                Some(whole) => Sum::default().word(whole as u64, &keys.single()),
                None => canonical_sum(cell, keys, bytes),
            },
            _ => canonical_sum(cell, keys, bytes),
        }
    }
}

fn canonical_sum(cell: &Cell<'_>, keys: &ColumnKeys, bytes: &mut Vec<u8>) -> Sum {
    bytes.clear();
    canonical::write_cell(bytes, cell);
    keys.bytes(bytes)
}

/// The value of a number as a 64-bit integer, where it is one.
fn whole(cell: &Cell<'_>) -> Option<i64> {
    match cell {
        Cell::Int(value) => i64::try_from(*value).ok(),
        // The bound is exact: 2^63 itself is a float.
        Cell::Float(value) if value.fract() == 0.0 && value.abs() < 9_223_372_036_854_775_808.0 => {
            Some(*value as i64)
        }
        Cell::Float(_) => None,
        Cell::Decimal(value, 0) => i64::try_from(value.to_i128()?).ok(),
        Cell::Decimal(value, scale @ 1..=38) => {
            let (value, unit) =
                (value.to_i128()?, 10_i128.checked_pow((*scale).unsigned_abs().into())?);
            (value % unit == 0).then(|| i64::try_from(value / unit).ok())?
        }
        cell => i64::try_from(cell.number()?.to_unscaled(0)?.to_i128()?).ok(),
    }
}

fn flat(ty: &DataType) -> &DataType {
    match ty {
        DataType::Dictionary(_, values) => flat(values),
        DataType::RunEndEncoded(_, values) => flat(values.data_type()),
        ty => ty,
    }
}

fn is_signed_word(ty: &DataType) -> bool {
    use DataType as D;
    ty.is_signed_integer() || matches!(ty, D::UInt8 | D::UInt16 | D::UInt32 | D::Boolean)
}

fn is_text(ty: &DataType) -> bool {
    matches!(ty, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn is_binary(ty: &DataType) -> bool {
    use DataType as D;
    matches!(ty, D::Binary | D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_))
}

/// One zero, and one not-a-number.
#[inline]
fn float_word(value: f64) -> u64 {
    if value == 0.0 {
        0
    } else if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        value.to_bits()
    }
}

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
    let bits = array.values();
    words.iter_mut().enumerate().for_each(|(i, to)| *to = u64::from(bits.value(start + i)));
    Some(())
}

fn add_decimals(array: &ArrayRef, start: usize, keys: &ColumnKeys, sums: &mut [Sum]) {
    let Some(array) = array.as_primitive_opt::<Decimal128Type>() else { return };
    let values = array.values().iter().skip(start);
    for (i, (sum, value)) in sums.iter_mut().zip(values).enumerate() {
        let null = array.is_null(start + i);
        *sum = sum.plus(if null { keys.null() } else { decimal_sum(*value, keys) });
    }
}

fn decimal_sum(value: i128, keys: &ColumnKeys) -> Sum {
    let [low, high] = keys.double();
    Sum::default().word(value as u64, &low).word((value >> 64) as u64, &high)
}

fn add_bytes(column: &Column, start: usize, keys: &ColumnKeys, sums: &mut [Sum]) {
    each_bytes(column, start, sums.len(), |i, bytes| {
        if let Some(sum) = sums.get_mut(i) {
            *sum = sum.plus(bytes.map_or(keys.null(), |bytes| keys.bytes(bytes)));
        }
    });
}

/// Gives the bytes of each text or binary cell, from `start` on; `None` for a null.
#[inline]
pub(super) fn each_bytes(
    column: &Column,
    start: usize,
    rows: usize,
    mut take: impl FnMut(usize, Option<&[u8]>),
) {
    use DataType as D;
    let array = column.array();
    macro_rules! each {
        ($array:expr) => {{
            let array = $array;
            for i in 0..rows {
                let null = array.is_null(start + i);
                take(i, if null { None } else { Some(array.value(start + i).as_ref()) });
            }
        }};
    }
    match array.data_type() {
        D::Utf8 => each_value(array.as_string::<i32>(), start, rows, take),
        D::LargeUtf8 => each_value(array.as_string::<i64>(), start, rows, take),
        D::Binary => each_value(array.as_binary::<i32>(), start, rows, take),
        D::LargeBinary => each_value(array.as_binary::<i64>(), start, rows, take),
        D::Utf8View => each!(array.as_string_view()),
        D::BinaryView => each!(array.as_binary_view()),
        D::FixedSizeBinary(_) => each!(array.as_fixed_size_binary()),
        _ => (0..rows).for_each(|i| match column.cell(start + i) {
            Cell::Text(text) => take(i, Some(text.as_bytes())),
            Cell::Bytes(bytes) => take(i, Some(bytes)),
            _ => take(i, None),
        }),
    }
}

/// Walks the offsets once, rather than looking each value up.
#[inline]
fn each_value<T: ByteArrayType>(
    array: &GenericByteArray<T>,
    start: usize,
    rows: usize,
    mut take: impl FnMut(usize, Option<&[u8]>),
) {
    let data = array.value_data();
    let offsets = array.value_offsets().get(start..=start + rows).unwrap_or_default();
    let bounds = offsets.iter().zip(offsets.iter().skip(1)).enumerate();
    let values = bounds.map(|(i, (from, to))| (i, data.get(from.as_usize()..to.as_usize())));
    match array.nulls() {
        None => values.for_each(|(i, value)| take(i, value)),
        Some(nulls) => values.for_each(|(i, value)| {
            take(i, value.filter(|_| nulls.is_valid(start + i)));
        }),
    }
}

/// Marks the rows whose cell is null.
pub(super) fn mark_nulls(column: &Column, start: usize, nulls: &mut [bool]) {
    if let Some(mask) = column.array().logical_nulls() {
        for (i, null) in nulls.iter_mut().enumerate() {
            *null |= mask.is_null(start + i);
        }
    }
}
