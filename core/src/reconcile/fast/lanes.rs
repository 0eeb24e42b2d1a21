//! How the cells of two columns become words, so that equal values give equal words.

use arrow_array::cast::AsArray;
use arrow_array::types::Decimal128Type;
use arrow_array::{Array, ArrayRef, downcast_dictionary_array};
use arrow_buffer::{ArrowNativeType, NullBuffer};
use arrow_schema::DataType;
use trueup_connector::record::canonical;
use trueup_connector::{Cell, Column};

use super::hash::{ColumnKeys, PairKeys, Sum};
use super::words::{self, each_bytes, each_null, float_word, load};

/// How many rows are summed at a time: the sums stay in the nearest cache.
pub(super) const BLOCK: usize = 512;

/// Columns of one batch, each with its lane and keys.
pub(super) type Laned<'a> = (&'a Column, &'a (Lane, ColumnKeys));

/// Adds the cells of columns, from `start` on, to as many sums: those of one word two by two.
pub(super) fn add_all<'a>(
    columns: impl Iterator<Item = Laned<'a>>,
    start: usize,
    sums: &mut [Sum],
) {
    let (mut a, mut b) = ([0; BLOCK], [0; BLOCK]);
    let both = (a.get_mut(..sums.len()), b.get_mut(..sums.len()));
    let (Some(a), Some(b)) = both else { return };
    let mut waits: Option<PairKeys> = None;
    for (column, (lane, keys)) in columns {
        if !lane.is_word() {
            lane.add(column, start, keys, sums);
        } else if let Some(by) = waits.take() {
            lane.words(column, start, keys, b, sums);
            add_pairs(a, b, &by, sums);
        } else {
            lane.words(column, start, keys, a, sums);
            waits = Some(keys.first());
        }
    }
    if let Some(by) = waits {
        b.fill(0);
        add_pairs(a, b, &by, sums);
    }
}

#[inline]
fn add_pairs(a: &[u64], b: &[u64], by: &PairKeys, sums: &mut [Sum]) {
    for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
        *sum = sum.pair(*a, *b, by);
    }
}

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
        if types.is_empty() {
            return Self::Canonical;
        }
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

    /// Whether a cell is one word.
    pub(super) fn is_word(self) -> bool {
        matches!(self, Self::Word | Self::Float)
    }

    /// Adds the cells of a column that are not one word, from `start` on, to as many sums.
    fn add(self, column: &Column, start: usize, keys: &ColumnKeys, sums: &mut [Sum]) {
        let array = column.array();
        if array.data_type() == &DataType::Null {
            sums.iter_mut().for_each(|sum| *sum = sum.plus(keys.null()));
            return;
        }
        match array.data_type() {
            DataType::Dictionary(..) => return self.add_dictionary(column, start, keys, sums),
            DataType::RunEndEncoded(..) => return self.add_cells(column, start, keys, sums),
            _ => {}
        }
        match self {
            Self::Decimal => add_decimals(array, start, keys, sums),
            Self::Bytes => add_bytes(column, start, keys, sums),
            _ => self.add_cells(column, start, keys, sums),
        }
    }

    /// Reads the cells of a column as words, one each; a null is zero, and adds what it stands for.
    fn words(
        self,
        column: &Column,
        start: usize,
        keys: &ColumnKeys,
        words: &mut [u64],
        sums: &mut [Sum],
    ) {
        if load(column.array(), start, words).is_none() {
            // A dictionary, or runs: the value behind each.
            let cells = words.iter_mut().enumerate();
            cells.for_each(|(i, word)| *word = self.word(&column.cell(start + i)));
        }
        let null = keys.null();
        each_null(column, start, words.len(), |i| {
            if let (Some(word), Some(sum)) = (words.get_mut(i), sums.get_mut(i)) {
                (*word, *sum) = (0, sum.plus(null));
            }
        });
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
                    add(i, sum, key.to_usize());
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
            (Self::Decimal, Cell::Decimal(value, _)) => {
                decimal_sum(value.to_i128().unwrap_or(0), keys)
            }
            // The one keeps whole numbers apart from canonical bytes.
            (Self::Number, cell) => match whole(cell) {
                Some(whole) => Sum::default().pair(whole as u64, 1, &keys.first()),
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

fn add_decimals(array: &ArrayRef, start: usize, keys: &ColumnKeys, sums: &mut [Sum]) {
    let Some(array) = array.as_primitive_opt::<Decimal128Type>() else { return };
    let values = array.values().iter().skip(start);
    for (i, (sum, value)) in sums.iter_mut().zip(values).enumerate() {
        let null = array.is_null(start + i);
        *sum = sum.plus(if null { keys.null() } else { decimal_sum(*value, keys) });
    }
}

fn decimal_sum(value: i128, keys: &ColumnKeys) -> Sum {
    Sum::default().pair(value as u64, (value >> 64) as u64, &keys.first())
}

fn add_bytes(column: &Column, start: usize, keys: &ColumnKeys, sums: &mut [Sum]) {
    let rows = sums.len();
    let mut spans = [(0, 0); BLOCK];
    let Some(spans) = spans.get_mut(..rows) else { return };
    let data = words::spans(column.array(), start, spans);
    let null = keys.null_for_empty();
    each_null(column, start, rows, |i| {
        if let (Some((from, to)), Some(sum)) = (spans.get_mut(i), sums.get_mut(i)) {
            // What stands at a null counts for nothing.
            (*to, *sum) = (*from, sum.plus(null));
        }
    });
    match data {
        Some(data) => {
            for (sum, (from, to)) in sums.iter_mut().zip(spans) {
                keys.add_bytes(sum, data, *from, *to);
            }
        }
        None => each_bytes(column, start, rows, |i, bytes| {
            if let Some(sum) = sums.get_mut(i) {
                keys.add_bytes(sum, bytes, 0, bytes.len());
            }
        }),
    }
}
