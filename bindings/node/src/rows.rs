//! Rows of JavaScript, which the TypeScript half packs by column: numbers and texts in one piece
//! each, so that a column costs a few calls and not one a cell.

use arrow_array::RecordBatch;
use napi::bindgen_prelude::{Float64Array, Uint8Array, Uint32Array};
use napi_derive::napi;
use trueup::{Error, Kind, Number, Result, Schema, Value};
use trueup_bindings::rows::{HostCell, Rows};

use crate::wire;

/// What kind of cell stands where; `lib/rows.ts` has the same numbers.
mod kind {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const NUMBER: u8 = 3;
    pub(super) const TEXT: u8 = 4;
    /// A whole number of any size, as text.
    pub(super) const BIG: u8 = 5;
    /// Milliseconds since 1970.
    pub(super) const MOMENT: u8 = 6;
}

/// The largest whole number that JavaScript's numbers hold with all those below it.
const SAFE: f64 = 9_007_199_254_740_991.0;

/// Some rows, by column.
#[napi(object, object_to_js = false)]
pub struct Pack {
    /// How many rows.
    pub rows: u32,
    /// The columns.
    pub columns: Vec<PackedColumn>,
}

/// One column of some rows.
#[napi(object, object_to_js = false)]
pub struct PackedColumn {
    /// Its name.
    pub name: String,
    /// The kind of each cell.
    pub kinds: Uint8Array,
    /// The number of each cell that is one.
    pub numbers: Float64Array,
    /// The length of each text, in UTF-16 units.
    pub lengths: Uint32Array,
    /// The texts, each with a line feed after it.
    pub texts: String,
}

/// Packed rows that no longer need JavaScript.
#[derive(Debug)]
pub(crate) struct Packed {
    rows: usize,
    columns: Vec<Cells>,
}

#[derive(Debug)]
struct Cells {
    name: String,
    kinds: Vec<u8>,
    numbers: Vec<f64>,
    lengths: Vec<u32>,
    texts: String,
}

impl From<Pack> for Packed {
    fn from(pack: Pack) -> Self {
        let cells = |column: PackedColumn| Cells {
            name: column.name,
            kinds: column.kinds.to_vec(),
            numbers: column.numbers.to_vec(),
            lengths: column.lengths.to_vec(),
            texts: column.texts,
        };
        Self { rows: pack.rows as usize, columns: pack.columns.into_iter().map(cells).collect() }
    }
}

impl Packed {
    pub(crate) fn cells(&self) -> usize {
        self.rows * self.columns.len()
    }
}

/// The rows as a batch: of a schema, or with the narrowest types that hold all values.
///
/// With `positional` the columns are those of the schema, in its order.
///
/// # Errors
/// `data`, naming column and row.
pub(crate) fn batch(
    packs: &[Packed],
    schema: Option<&Schema>,
    positional: bool,
) -> Result<RecordBatch> {
    let mut table = Rows::default();
    if let Some(schema) = schema.filter(|_| positional) {
        schema.names().for_each(|name| table.next_column(name));
    }
    packs.iter().try_for_each(|pack| take(&mut table, pack, positional))?;
    match schema {
        Some(schema) => table.finish_as(schema),
        None => table.finish(),
    }
}

fn take(table: &mut Rows, pack: &Packed, positional: bool) -> Result<()> {
    let mut columns: Vec<(usize, Reader<'_>)> = pack
        .columns
        .iter()
        .enumerate()
        .map(|(at, cells)| {
            let place = if positional { at } else { table.column(&cells.name) };
            (place, Reader::of(cells))
        })
        .collect();
    for row in 0..pack.rows {
        for (place, reader) in &mut columns {
            let cell = reader.cell(row).map_err(|error| {
                error.with("column", table.name(*place)).with("row", table.rows())
            })?;
            table.push(*place, cell)?;
        }
        table.end_row();
    }
    Ok(())
}

/// Goes through the cells of a column.
struct Reader<'a> {
    cells: &'a Cells,
    is_ascii: bool,
    /// The texts that were not read yet.
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn of(cells: &'a Cells) -> Self {
        Self { cells, is_ascii: cells.texts.is_ascii(), rest: &cells.texts }
    }

    fn cell(&mut self, row: usize) -> Result<HostCell<'a>> {
        let kind = self.cells.kinds.get(row).copied().unwrap_or(kind::NULL);
        Ok(match kind {
            kind::NULL => HostCell::Null,
            kind::FALSE => HostCell::Bool(false),
            kind::TRUE => HostCell::Bool(true),
            kind::NUMBER => number(self.number(row)?),
            kind::TEXT => HostCell::Text(self.text(row)?),
            kind::BIG => HostCell::Other(big(self.text(row)?)?),
            kind::MOMENT => HostCell::Other(moment(self.number(row)?)),
            _ => HostCell::Other(other(self.text(row)?)?),
        })
    }

    fn number(&self, row: usize) -> Result<f64> {
        self.cells.numbers.get(row).copied().ok_or_else(broken)
    }

    fn text(&mut self, row: usize) -> Result<&'a str> {
        let units = self.cells.lengths.get(row).copied().ok_or_else(broken)? as usize;
        let bytes = if self.is_ascii { Some(units) } else { bytes(self.rest, units) };
        let cut = bytes.and_then(|bytes| self.rest.split_at_checked(bytes));
        let (text, rest) = cut.ok_or_else(broken)?;
        self.rest = rest.strip_prefix('\n').ok_or_else(broken)?;
        Ok(text)
    }
}

/// How many bytes of UTF-8 this many units of UTF-16 are.
fn bytes(text: &str, units: usize) -> Option<usize> {
    let mut left = units;
    for (place, character) in text.char_indices() {
        if left == 0 {
            return Some(place);
        }
        left = left.checked_sub(character.len_utf16())?;
    }
    (left == 0).then_some(text.len())
}

/// A whole number where it is one for sure: beyond 2^53 neighbours look alike.
#[inline]
fn number<'a>(value: f64) -> HostCell<'a> {
    if value.trunc() == value && value.abs() <= SAFE {
        HostCell::Int(value as i64)
    } else {
        HostCell::Float(value)
    }
}

fn big(digits: &str) -> Result<Value> {
    if let Ok(int) = digits.parse::<i128>() {
        return Ok(Value::Int(int));
    }
    let number: Number = digits.parse()?;
    Ok(Value::Decimal(number, 0))
}

fn moment(milliseconds: f64) -> Value {
    Value::Instant(milliseconds as i128 * 1_000_000)
}

/// Anything else: bytes, lists and objects, as JSON.
fn other(text: &str) -> Result<Value> {
    Value::from_json(&wire::parse(text, "a value")?)
}

fn broken() -> Error {
    Error::new(Kind::Internal, "packed rows do not fit together; please report it")
}
