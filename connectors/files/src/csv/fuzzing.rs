//! The quick scan held to the careful one, for the fuzzer.

use super::cells::{Cell, Wrong};
use super::dialect::Dialect;
use super::{careful, scan};
use crate::config::FileSettings;

/// Reads bytes both ways.
pub fn csv(bytes: &[u8], width: usize) {
    let Ok(dialect) = Dialect::new(&FileSettings::new("input.csv")) else { return };
    let both = [true, false].map(|is_quick| {
        let mut found = Vec::new();
        let mut sink = |bytes: &[u8], cells: &[Cell]| {
            found.extend(cells.iter().map(|cell| (*cell, cell.shown(bytes, &dialect))));
            Ok::<(), Wrong>(())
        };
        let result = match is_quick {
            true => scan::scan(bytes, &dialect, width, &mut sink),
            false => careful::scan(bytes, 0, &dialect, Some(width), &mut sink),
        };
        result.map(|()| found)
    });
    let [quick, careful] = both;
    assert_eq!(quick, careful);
}
