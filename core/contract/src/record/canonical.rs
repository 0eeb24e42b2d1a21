//! Canonical bytes: one byte string a value, whatever its type, encoding or host language.
//!
//! The byte-level spec is `docs/spec/canonical-values.md`; golden vectors stand beside it.

use super::column::{Cell, Column};
use super::{Number, Value};

/// Appends `frame(bytes)`: the length as eight big-endian bytes, then the bytes.
pub fn frame(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Appends the frame of what `write` appends.
pub fn frame_with(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    write(out);
    let length = (out.len() - start - 8) as u64;
    if let Some(place) = out.get_mut(start..start + 8) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// Appends the canonical bytes of a number.
pub fn write_number(out: &mut Vec<u8>, number: &Number) {
    out.extend_from_slice(format!("#{number}").as_bytes());
}

/// Appends the canonical bytes of a cell.
pub fn write_cell(out: &mut Vec<u8>, cell: &Cell<'_>) {
    match cell {
        Cell::Null => out.push(b'n'),
        Cell::Bool(value) => out.push(if *value { b't' } else { b'f' }),
        Cell::Int(value) => write_int(out, *value),
        Cell::Float(value) => write_number(out, &Number::from(*value)),
        Cell::Decimal(value, scale) => write_number(out, &Number::decimal(*value, *scale)),
        Cell::Text(value) => tagged(out, b's', value.as_bytes()),
        Cell::Bytes(value) => tagged(out, b'b', value),
        Cell::Date(days) => tagged(out, b'd', days.to_string().as_bytes()),
        Cell::Datetime(nanos) => tagged(out, b'l', nanos.to_string().as_bytes()),
        Cell::Instant(nanos) => tagged(out, b'i', nanos.to_string().as_bytes()),
        Cell::List(list) => {
            out.push(b'[');
            list.cells().for_each(|item| frame_with(out, |out| write_cell(out, &item)));
        }
        Cell::Struct(members) => {
            out.push(b'{');
            write_members(out, members.cells().collect(), |out, cell| write_cell(out, cell));
        }
    }
}

/// Appends the canonical bytes of a value.
pub fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(b'n'),
        Value::Bool(value) => out.push(if *value { b't' } else { b'f' }),
        Value::Int(value) => write_int(out, *value),
        Value::Float(value) => write_number(out, &Number::from(*value)),
        Value::Decimal(value, _) => write_number(out, value),
        Value::Text(value) => tagged(out, b's', value.as_bytes()),
        Value::Bytes(value) => tagged(out, b'b', value),
        Value::Date(days) => tagged(out, b'd', days.to_string().as_bytes()),
        Value::Datetime(nanos) => tagged(out, b'l', nanos.to_string().as_bytes()),
        Value::Instant(nanos) => tagged(out, b'i', nanos.to_string().as_bytes()),
        Value::List(items) => {
            out.push(b'[');
            items.iter().for_each(|item| frame_with(out, |out| write_value(out, item)));
        }
        Value::Struct(members) => {
            out.push(b'{');
            let members = members.iter().map(|(name, value)| (name.as_str(), value)).collect();
            write_members(out, members, |out, value| write_value(out, value));
        }
    }
}

/// Appends the canonical bytes of a struct of these columns' cells in one row.
///
/// Columns must be in byte order of their names, as [`by_name`] sorts them; a secret column's
/// value is written as `*`.
pub fn write_row(out: &mut Vec<u8>, columns: &[(&str, Option<&Column>)], row: usize) {
    out.push(b'{');
    for (name, column) in columns {
        frame(out, name.as_bytes());
        match column {
            Some(column) => frame_with(out, |out| write_cell(out, &column.cell(row))),
            None => frame(out, b"*"),
        }
    }
}

/// Sorts named things into the order of a canonical struct.
pub fn by_name<T>(members: &mut [(&str, T)]) {
    members.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
}

fn write_members<T>(
    out: &mut Vec<u8>,
    mut members: Vec<(&str, T)>,
    write: impl Fn(&mut Vec<u8>, &T),
) {
    by_name(&mut members);
    for (name, value) in &members {
        frame(out, name.as_bytes());
        frame_with(out, |out| write(out, value));
    }
}

fn tagged(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

/// The common case of [`write_number`], without big numbers.
fn write_int(out: &mut Vec<u8>, value: i128) {
    let (mut digits, mut zeros) = (value, 0);
    while digits != 0 && digits % 10 == 0 {
        digits /= 10;
        zeros += 1;
    }
    let text = if digits == 0 { "#0".to_owned() } else { format!("#{digits}e{zeros}") };
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_are_written_as_the_numbers_they_are() {
        for value in [0, 5, -5, 100, 120_000, i128::from(u64::MAX), i128::from(i64::MIN)] {
            let (mut fast, mut slow) = (Vec::new(), Vec::new());
            write_int(&mut fast, value);
            write_number(&mut slow, &Number::from(value));
            assert_eq!(fast, slow);
        }
    }

    #[test]
    fn struct_members_stand_in_the_order_of_their_names() {
        let a = Value::Struct(vec![("b".into(), 1.into()), ("a".into(), 2.into())]);
        let b = Value::Struct(vec![("a".into(), 2.into()), ("b".into(), 1.into())]);
        assert_eq!(a.canonical(), b.canonical());
    }

    #[test]
    fn null_empty_and_absent_differ() {
        let null = Value::Struct(vec![("a".into(), Value::Null)]);
        let empty = Value::Struct(vec![("a".into(), "".into())]);
        let absent = Value::Struct(vec![]);
        assert_ne!(null.canonical(), empty.canonical());
        assert_ne!(null.canonical(), absent.canonical());
    }
}
