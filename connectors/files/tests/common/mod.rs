//! Files for tests, and what is read from them as text.
#![allow(clippy::unwrap_used, unreachable_pub, dead_code, reason = "each test uses what it needs")]

use std::path::PathBuf;

use tempfile::TempDir;
use trueup_connector::{Column, Context, Kind, Result, Snapshot, Value};
use trueup_files::{FileSettings, Files, Settings};

/// A file of this name in a folder of its own.
pub fn write(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// Reads a file of these bytes; `change` makes its settings.
pub fn read(
    name: &str,
    bytes: &[u8],
    change: impl FnOnce(FileSettings) -> FileSettings,
) -> Result<Snapshot> {
    let (_folder, path) = write(name, bytes);
    let file = change(FileSettings::new(path));
    let name = file.name()?;
    let files = Files::new(Settings::default().with_file(file))?;
    files.read_blocking(&Context::new(), &name)
}

/// The values of all rows as text, `∅` for null.
pub fn rows(snapshot: &Snapshot) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in snapshot.batches() {
        let columns: Vec<_> = batch.columns().iter().map(|c| Column::new(c).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<_> = columns.iter().map(|c| text(&c.value(row))).collect();
            rows.push(cells.join("|"));
        }
    }
    rows
}

/// The types of the columns, as one text.
pub fn types(snapshot: &Snapshot) -> String {
    let types: Vec<_> = snapshot.schema().fields().iter().map(|f| f.ty.to_string()).collect();
    types.join(" ")
}

/// Holds an error of the file's content to its line (0: none) and words.
#[track_caller]
pub fn check_error(result: Result<Snapshot>, line: u64, words: &str) {
    let error = result.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), Kind::Data, "{text}");
    assert!(text.contains(words) && text.contains("file: "), "{text}");
    assert!(line == 0 || text.contains(&format!("line: {line}")), "{text}");
}

fn text(value: &Value) -> String {
    if value.is_null() { "∅".to_owned() } else { value.to_string() }
}
