//! Telling keys apart by their values, where their codes cannot.

use std::collections::HashMap;

use trueup_connector::record::canonical;

use super::super::table::{Row, Table};
use super::entry::{Group, Joined};

/// Whether two rows have one key.
pub(super) fn same_key(expected: &Table, actual: &Table, e: Row, a: Row) -> bool {
    (0..expected.key.len()).all(|k| expected.key_cell(k, e) == actual.key_cell(k, a))
}

/// Sorts rows that share a hash by their real keys.
pub(crate) fn split(rows: Group, tables: [&Table; 2]) -> Vec<Group> {
    let mut keys: HashMap<Vec<u8>, Group> = HashMap::new();
    let [expected, actual] = tables;
    for row in rows.expected {
        keys.entry(key_bytes(expected, row)).or_default().expected.push(row);
    }
    for row in rows.actual {
        keys.entry(key_bytes(actual, row)).or_default().actual.push(row);
    }
    keys.into_values().collect()
}

pub(super) fn split_into(rows: Group, tables: [&Table; 2], joined: &mut Joined) {
    for group in split(rows, tables) {
        match (group.expected.as_slice(), group.actual.as_slice()) {
            ([e], [a]) => joined.suspects.push((*e, *a)),
            ([e], []) => joined.expected.push(*e),
            ([], [a]) => joined.actual.push(*a),
            _ => joined.groups.push(group),
        }
    }
}

/// The canonical bytes of a row's normalised key.
pub(crate) fn key_bytes(table: &Table, row: Row) -> Vec<u8> {
    let mut bytes = Vec::new();
    for k in 0..table.key.len() {
        canonical::frame_with(&mut bytes, |out| {
            canonical::write_cell(out, &table.key_cell(k, row))
        });
    }
    bytes
}
