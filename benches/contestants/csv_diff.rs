//! The `csv-diff` crate on two CSV files, as its documentation shows it, with its findings collected.

use std::fs::File;
use std::path::Path;

use csv_diff::csv::Csv;
use csv_diff::csv_diff::CsvByteDiffLocal;
use csv_diff::diff_result::DiffByteRecords;
use csv_diff::diff_row::DiffByteRecord;
use trueup_benches::measure::{Case, Counts, report};
use trueup_benches::{Error, Result};

fn main() -> Result<()> {
    let case = Case::from_args()?;
    let (expected, actual) = (case.warm("expected.csv")?, case.warm("actual.csv")?);
    let rows = rows(&expected)?;
    report("csv-diff", &case, || {
        let findings = compare(&expected, &actual)?;
        Ok((count(&findings, rows), findings))
    })
}

fn compare(expected: &Path, actual: &Path) -> Result<DiffByteRecords> {
    let diff = CsvByteDiffLocal::new().map_err(|e| Error::from(format!("{e:?}")))?;
    Ok(diff.diff(
        Csv::with_reader_seek(File::open(expected)?),
        Csv::with_reader_seek(File::open(actual)?),
    )?)
}

fn count(findings: &DiffByteRecords, rows: u64) -> Counts {
    let mut counts = Counts::default();
    for finding in findings.as_slice() {
        match finding {
            DiffByteRecord::Add(_) => counts.unexpected += 1,
            DiffByteRecord::Delete(_) => counts.missing += 1,
            DiffByteRecord::Modify { field_indices, .. } => {
                counts.changed += 1;
                counts.cells += field_indices.len() as u64;
            }
        }
    }
    counts.matched = rows.saturating_sub(counts.missing + counts.changed);
    counts
}

fn rows(path: &Path) -> Result<u64> {
    let mut reader = csv::Reader::from_path(path)?;
    Ok(reader.byte_records().count() as u64)
}
