//! Ours. Everything that touches the engine's API is in `compare`, `compare_csv` and `delta`.

use std::any::Any;
use std::path::Path;

use arrow::array::RecordBatch;
use trueup_benches::Result;
use trueup_benches::measure::{Case, Counts, report};

/// Counts, and what must not be dropped while the clock runs: the findings.
type Found = (Counts, Box<dyn Any>);

const TOOL: &str = "trueup";

fn main() -> Result<()> {
    let case = Case::from_args()?;
    let key: Vec<&str> = case.key.iter().map(String::as_str).collect();
    match case.name.as_str() {
        name if name.starts_with("csv") => {
            let (expected, actual) = (case.warm("expected.csv")?, case.warm("actual.csv")?);
            report(TOOL, &case, || compare_csv(&expected, &actual, &key))
        }
        name if name.starts_with("delta") => run_delta(&case, &key),
        _ => {
            let (expected, actual) = (case.read("expected.arrow")?, case.read("actual.arrow")?);
            // The clones share their buffers; they keep the freeing of the inputs out of the time.
            report(TOOL, &case, || compare(expected.clone(), actual.clone(), &key))
        }
    }
}

/// Index building is reported by itself, on its own line, as `index`.
fn run_delta(case: &Case, key: &[&str]) -> Result<()> {
    let (expected, actual) = (case.read("expected.arrow")?, case.read("actual.arrow")?);
    let (upserts, removed) = (case.read("delta-upserts.arrow")?, case.read("delta-removed.arrow")?);
    let mut indexed = None;
    report("index", case, || {
        indexed = Some(index(expected.clone(), actual.clone(), key)?);
        Ok((Counts::default(), ()))
    })?;
    let indexed = indexed.ok_or("no index was built")?;
    report(TOOL, case, || delta(indexed, upserts.clone(), removed.clone()))
}

/// A keyed compare of batches in memory, with two threads and the findings materialised.
fn compare(_expected: Vec<RecordBatch>, _actual: Vec<RecordBatch>, _key: &[&str]) -> Result<Found> {
    Err("not written yet".into())
}

/// The same from two CSV files, typed.
fn compare_csv(_expected: &Path, _actual: &Path, _key: &[&str]) -> Result<Found> {
    Err("not written yet".into())
}

/// Whatever the engine needs of both sides to take deltas to the actual one.
fn index(
    _expected: Vec<RecordBatch>,
    _actual: Vec<RecordBatch>,
    _key: &[&str],
) -> Result<Box<dyn Any>> {
    Err("not written yet".into())
}

/// Takes the delta (whole changed rows; rows whose keys are removed) and counts anew.
fn delta(
    _indexed: Box<dyn Any>,
    _upserts: Vec<RecordBatch>,
    _removed: Vec<RecordBatch>,
) -> Result<Found> {
    Err("not written yet".into())
}
