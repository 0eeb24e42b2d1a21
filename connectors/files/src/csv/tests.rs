//! The quick scan against the careful one, and both against the `csv` crate.

use proptest::prelude::*;

use super::cells::{Cell, Wrong};
use super::dialect::Dialect;
use super::scan::last_end;
use super::{careful, scan};
use crate::config::FileSettings;
use crate::pieces::split;

type Rows = Vec<Vec<String>>;

fn dialect() -> Dialect {
    Dialect::new(&FileSettings::new("a.csv")).unwrap()
}

fn collect(bytes: &[u8], width: usize, quick: bool) -> Result<Rows, Wrong> {
    let (mut rows, dialect) = (Rows::new(), dialect());
    let mut sink = |bytes: &[u8], cells: &[Cell]| {
        let texts: Vec<_> = cells.iter().map(|cell| cell.shown(bytes, &dialect)).collect();
        rows.extend(texts.chunks(width).map(<[String]>::to_vec));
        Ok(())
    };
    match quick {
        true => scan::scan(bytes, &dialect, width, &mut sink)?,
        false => careful::scan(bytes, 0, &dialect, Some(width), &mut sink)?,
    }
    Ok(rows)
}

/// Bytes that are mostly what matters to the grammar.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop::sample::select(b"\"\"\",,\n\n\rab".to_vec());
    prop::collection::vec(byte, 0..200)
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z0-9]{0,9}", 1 => "[\",\r\n a]{0,9}", 1 => "\\PC{0,40}"]
}

fn table() -> impl Strategy<Value = Rows> {
    (1..5_usize)
        .prop_flat_map(|width| prop::collection::vec(prop::collection::vec(field(), width), 1..30))
}

/// The table as the `csv` crate writes it.
fn written(table: &Rows, terminator: csv::Terminator) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
    table.iter().for_each(|row| writer.write_record(row).unwrap());
    writer.into_inner().unwrap()
}

proptest! {
    #[test]
    fn the_quick_scan_is_the_careful_one(bytes in bytes(), width in 1..4_usize) {
        prop_assert_eq!(collect(&bytes, width, true), collect(&bytes, width, false));
    }

    #[test]
    fn what_the_csv_crate_writes_is_read(table in table(), crlf in any::<bool>()) {
        let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let bytes = written(&table, terminator);
        prop_assert_eq!(collect(&bytes, table[0].len(), true).unwrap(), table);
    }

    #[test]
    fn what_is_read_is_what_the_csv_crate_reads(bytes in bytes(), width in 2..4_usize) {
        // It takes a lone carriage return for a line end, and ours does not.
        let bytes: Vec<u8> = bytes.into_iter().filter(|byte| *byte != b'\r').collect();
        if let Ok(rows) = collect(&bytes, width, true) {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[..]);
            let theirs: Rows = reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(rows, theirs);
        }
    }

    #[test]
    fn parts_are_the_whole(table in table(), parts in 1..6_usize) {
        let (bytes, width) = (written(&table, csv::Terminator::CRLF), table[0].len());
        let parts = split(&bytes, parts, &dialect());
        let rows: Rows =
            parts.iter().flat_map(|(_, part)| collect(part, width, true).unwrap()).collect();
        prop_assert_eq!(rows, table);
        prop_assert_eq!(parts.iter().map(|(_, part)| part.len()).sum::<usize>(), bytes.len());
    }

    #[test]
    fn a_cut_is_where_the_careful_scan_would_cut(bytes in bytes()) {
        if collect(&bytes, 2, false).is_ok() {
            prop_assert_eq!(last_end(&bytes, &dialect()), careful::last_end(&bytes, &dialect()));
        }
    }
}
