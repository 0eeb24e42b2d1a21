//! Ours. Everything that touches the engine's API is in `compare`, `compare_csv` and `delta`, and in
//! `decide.rs` and `writes.rs`.

mod decide;
mod writes;

use std::any::Any;
use std::num::NonZero;
use std::path::Path;

use arrow::array::RecordBatch;
use trueup::{Counts as Total, Incremental, Reconciliation, Report, Run, Side, Snapshot};
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
        name if name.starts_with("decide") => decide::each(&case),
        name if name.starts_with("mass") => decide::all(&case),
        name if name.starts_with("writes") => writes::run(&case),
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
fn compare(expected: Vec<RecordBatch>, actual: Vec<RecordBatch>, key: &[&str]) -> Result<Found> {
    found(reconciliation(key).compare(&run()?, &snapshot(expected)?, &snapshot(actual)?)?)
}

/// The same from two CSV files, typed.
fn compare_csv(expected: &Path, actual: &Path, key: &[&str]) -> Result<Found> {
    let (expected, actual) = (trueup_files::read(expected)?, trueup_files::read(actual)?);
    found(reconciliation(key).compare(&run()?, &expected, &actual)?)
}

/// Whatever the engine needs of both sides to take deltas to the actual one.
fn index(
    expected: Vec<RecordBatch>,
    actual: Vec<RecordBatch>,
    key: &[&str],
) -> Result<Incremental> {
    let (expected, actual) = (snapshot(expected)?, snapshot(actual)?);
    Ok(Incremental::new(reconciliation(key), &run()?, &expected, &actual)?)
}

/// Takes the delta (whole changed rows; rows whose keys are removed) and counts anew.
fn delta(
    mut indexed: Incremental,
    upserts: Vec<RecordBatch>,
    removed: Vec<RecordBatch>,
) -> Result<(Counts, Incremental)> {
    indexed.remove(Side::Actual, &snapshot(removed)?)?;
    indexed.change(Side::Actual, &snapshot(upserts)?)?;
    let counts = counts(&indexed.report()?);
    Ok((counts, indexed))
}

fn reconciliation(key: &[&str]) -> Reconciliation {
    Reconciliation::new("bench").with_key(key.iter().copied())
}

fn run() -> Result<Run> {
    Ok(Run::fresh()?.with_threads(NonZero::new(2).ok_or("two is not zero")?))
}

fn snapshot(batches: Vec<RecordBatch>) -> Result<Snapshot> {
    let schema = batches.first().ok_or("no batches")?.schema();
    Ok(Snapshot::new(schema, batches)?)
}

fn found(report: Report) -> Result<Found> {
    let table = report.findings_table()?;
    Ok((counts(&report), Box::new((report, table))))
}

fn counts(report: &Report) -> Counts {
    let cells = report.counts_by_field().values().sum();
    let Total { matched, missing, unexpected, changed, .. } = *report.counts();
    Counts { matched, missing, unexpected, changed, cells }
}
