//! What a report gives out, checked on small reports, the golden scenarios, and at random.

mod base;
mod drifts;
mod golden;
mod pages;
mod random;
#[cfg(feature = "parquet")]
mod saved;
mod words;

use std::num::NonZero;

use serde_json::Value as Json;

use crate::{Column, FindingId, Reconciliation, Report, Result, Run, Snapshot};

fn snapshot(json: &str) -> Snapshot {
    Snapshot::from_json(&serde_json::from_str::<Vec<_>>(json).unwrap()).unwrap()
}

fn run() -> Run {
    Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4])
}

fn document(json: Json) -> Reconciliation {
    Reconciliation::from_json(&json.to_string()).unwrap()
}

fn compare(document: &Reconciliation, expected: &str, actual: &str) -> Report {
    document.compare(&run(), &snapshot(expected), &snapshot(actual)).unwrap()
}

/// A table's rows as text, `null` and all.
fn rows(batch: &arrow_array::RecordBatch) -> Vec<Vec<String>> {
    let columns: Vec<Column> = batch.columns().iter().map(|c| Column::new(c).unwrap()).collect();
    let row = |row| columns.iter().map(|column| column.value(row).to_string()).collect();
    (0..batch.num_rows()).map(row).collect()
}

/// The ids in the order of the table.
fn ids(report: &Report) -> Vec<FindingId> {
    let table = report.findings_table().unwrap();
    rows(&table).iter().map(|row| row[0].parse().unwrap()).collect()
}

/// One of everything: missing, unexpected, changed, duplicate, unkeyed, a rename, ambiguous ones.
fn varied() -> Report {
    let document = document(serde_json::json!({
        "name": "fleet", "tenant": "acme", "resource": "devices", "key": ["id"],
        "alternate_keys": [["serial"]], "compare": {"os": {"text": {"case": "ignore"}}}
    }));
    let row = |id: &str, serial: &str, os: &str| {
        format!(r#"{{"id":{id},"serial":{serial},"os":"{os}"}}"#)
    };
    let expected = [
        row("1", "\"a\"", "macOS"),
        row("2", "\"b\"", "Linux"),
        row("3", "\"c\"", "One"),
        row("3", "\"c\"", "Two"),
        row("null", "\"d\"", "None"),
        row("5", "\"e\"", "Old"),
        row("6", "\"f\"", "X"),
        row("7", "\"f\"", "X"),
        row("9", "null", "Gone"),
    ];
    let actual = [
        row("1", "\"a\"", "MACOS"),
        row("2", "\"b\"", "BSD"),
        row("3", "\"c\"", "Three"),
        row("50", "\"e\"", "Old"),
        row("60", "\"f\"", "X"),
        row("10", "null", "New"),
    ];
    compare(&document, &format!("[{}]", expected.join(",")), &format!("[{}]", actual.join(",")))
}
