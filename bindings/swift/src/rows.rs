//! Rows that cross packed: one run of bytes, so that a row costs no call.
//!
//! A row is the number of its cells, and each cell its column's place and the cell; `Sources/TrueUp/
//! Packing.swift` has the same. A cell is its kind and what the kind needs; numbers are little-endian,
//! texts a length of four bytes and UTF-8.

use std::str;

use arrow_array::RecordBatch;
use serde_json::{Value as Json, json};
use trueup::{Error, Kind, Result, Schema, Value};
use trueup_bindings::rows::{HostCell, Rows};

/// What kind of cell it is.
mod kind {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    /// Eight bytes.
    pub(super) const INT: u8 = 3;
    /// The eight bytes of a double.
    pub(super) const FLOAT: u8 = 4;
    pub(super) const TEXT: u8 = 5;
    /// The name of a type, and the value as text.
    pub(super) const NAMED: u8 = 6;
    /// How many, and the cells.
    pub(super) const LIST: u8 = 7;
    /// How many, and the names and cells.
    pub(super) const STRUCT: u8 = 8;
}

/// The rows as a batch: of a schema, or with the narrowest types that hold all values.
///
/// With `positional` the columns are those of the schema, in its order.
///
/// # Errors
/// `data`, naming column and row.
pub(crate) fn batch(
    names: &[String],
    bytes: &[u8],
    schema: Option<&Schema>,
    positional: bool,
) -> Result<RecordBatch> {
    let mut table = Rows::default();
    let places = match schema.filter(|_| positional) {
        Some(schema) => in_turn(&mut table, schema),
        None => sorted(&mut table, names),
    };
    let mut rest = Reader(bytes);
    while !rest.0.is_empty() {
        for _ in 0..rest.count()? {
            let place = places.get(rest.count()?).copied().ok_or_else(broken)?;
            let cell = rest.cell().map_err(|error| {
                error.with("column", table.name(place)).with("row", table.rows())
            })?;
            table.push(place, cell)?;
        }
        table.end_row();
    }
    match schema {
        Some(schema) => table.finish_as(schema),
        None => table.finish(),
    }
}

/// The places of columns that stand in the order of the schema.
fn in_turn(table: &mut Rows, schema: &Schema) -> Vec<usize> {
    schema.names().for_each(|name| table.next_column(name));
    (0..schema.fields().len()).collect()
}

/// The places of columns by their names, which are sorted: Swift's dictionaries have no order, and
/// rows with the same names are to have the same columns.
fn sorted(table: &mut Rows, names: &[String]) -> Vec<usize> {
    let mut order: Vec<&String> = names.iter().collect();
    order.sort_unstable();
    order.into_iter().for_each(|name| {
        table.column(name);
    });
    names.iter().map(|name| table.column(name)).collect()
}

/// Adds a cell.
pub(crate) fn pack(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => bytes.push(kind::NULL),
        Value::Bool(value) => bytes.push(if *value { kind::TRUE } else { kind::FALSE }),
        Value::Float(value) => {
            bytes.push(kind::FLOAT);
            bytes.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        Value::Text(text) => {
            bytes.push(kind::TEXT);
            pack_text(bytes, text);
        }
        Value::List(items) => {
            bytes.push(kind::LIST);
            pack_count(bytes, items.len());
            items.iter().for_each(|item| pack(bytes, item));
        }
        Value::Struct(members) => {
            bytes.push(kind::STRUCT);
            pack_count(bytes, members.len());
            for (name, member) in members {
                pack_text(bytes, name);
                pack(bytes, member);
            }
        }
        Value::Int(value) => pack_int(bytes, *value),
        named => pack_named(bytes, &named.to_json()),
    }
}

fn pack_int(bytes: &mut Vec<u8>, value: i128) {
    if let Ok(value) = i64::try_from(value) {
        bytes.push(kind::INT);
        bytes.extend_from_slice(&value.to_le_bytes());
    } else {
        pack_named(bytes, &json!({"decimal": value.to_string()}));
    }
}

/// A value that JSON lacks: an object of one member.
fn pack_named(bytes: &mut Vec<u8>, json: &Json) {
    let members = json.as_object().into_iter().flatten();
    for (name, text) in members {
        bytes.push(kind::NAMED);
        pack_text(bytes, name);
        pack_text(bytes, text.as_str().unwrap_or_default());
    }
}

fn pack_text(bytes: &mut Vec<u8>, text: &str) {
    pack_count(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

/// Arrow has no value of 4 GiB in one column that trueup reads, so four bytes are enough.
fn pack_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

/// What was not read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn cell(&mut self) -> Result<HostCell<'a>> {
        Ok(match self.byte()? {
            kind::NULL => HostCell::Null,
            kind::FALSE => HostCell::Bool(false),
            kind::TRUE => HostCell::Bool(true),
            kind::INT => HostCell::Int(i64::from_le_bytes(self.array()?)),
            kind::FLOAT => HostCell::Float(f64::from_le_bytes(self.array()?)),
            kind::TEXT => HostCell::Text(self.text()?),
            kind => HostCell::Other(self.other(kind)?),
        })
    }

    fn other(&mut self, kind: u8) -> Result<Value> {
        match kind {
            kind::NAMED => {
                let (name, text) = (self.text()?, self.text()?);
                Value::from_json(&json!({name: text}))
                    .map_err(|_| Error::new(Kind::Data, format!("`{text}` is no {name}")))
            }
            kind::LIST => {
                let count = self.count()?;
                (0..count).map(|_| self.value()).collect::<Result<_>>().map(Value::List)
            }
            kind::STRUCT => {
                let count = self.count()?;
                let member = |_| Ok((self.text()?.to_owned(), self.value()?));
                (0..count).map(member).collect::<Result<_>>().map(Value::Struct)
            }
            _ => Err(broken()),
        }
    }

    fn value(&mut self) -> Result<Value> {
        Ok(match self.cell()? {
            HostCell::Null => Value::Null,
            HostCell::Bool(value) => Value::Bool(value),
            HostCell::Int(value) => Value::Int(value.into()),
            HostCell::Float(value) => Value::Float(value),
            HostCell::Text(value) => Value::Text(value.to_owned()),
            HostCell::Other(value) => value,
        })
    }

    fn text(&mut self) -> Result<&'a str> {
        let count = self.count()?;
        let (text, rest) = self.0.split_at_checked(count).ok_or_else(broken)?;
        self.0 = rest;
        str::from_utf8(text).map_err(|_| broken())
    }

    fn count(&mut self) -> Result<usize> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn byte(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk().ok_or_else(broken)?;
        self.0 = rest;
        Ok(*array)
    }
}

fn broken() -> Error {
    Error::new(Kind::Internal, "packed rows do not fit together; please report it")
}
