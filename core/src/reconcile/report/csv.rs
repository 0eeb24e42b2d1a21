//! Findings as CSV (RFC 4180).

use std::fmt::Write as _;
use std::io::Write;

use arrow_array::RecordBatch;
use trueup_connector::{Column, Error, Kind, Result, Value};

use super::Report;

impl Report {
    /// Writes the findings as CSV: RFC 4180, UTF-8, a header row, the columns of
    /// [`Report::findings_schema`] in their text form.
    ///
    /// A null is an empty cell, an empty text `""`. Values stand as they are, so that the file can
    /// be read back: one that begins with `=`, `+`, `-` or `@` may be taken for a formula by a
    /// spreadsheet. Import columns as text where records come from people you do not trust.
    ///
    /// # Errors
    /// `unavailable` where the writer fails, `data` where a value cannot be shown under its rule.
    pub fn write_csv(&self, mut out: impl Write) -> Result<()> {
        let schema = self.findings_schema();
        let mut text = String::new();
        for (i, field) in schema.fields().iter().enumerate() {
            separate(&mut text, i);
            cell(&mut text, field.name());
        }
        text.push_str("\r\n");
        for batch in self.findings() {
            rows(&mut text, &batch?)?;
            out.write_all(text.as_bytes()).map_err(cannot)?;
            text.clear();
        }
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(cannot)
    }
}

fn rows(text: &mut String, batch: &RecordBatch) -> Result<()> {
    let columns = batch.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
    let mut shown = String::new();
    for row in 0..batch.num_rows() {
        for (i, column) in columns.iter().enumerate() {
            separate(text, i);
            match column.value(row) {
                Value::Null => {}
                value => {
                    shown.clear();
                    // Writing to a text cannot fail.
                    let _ = write!(shown, "{value}");
                    cell(text, &shown);
                }
            }
        }
        text.push_str("\r\n");
    }
    Ok(())
}

fn separate(text: &mut String, column: usize) {
    if column > 0 {
        text.push(',');
    }
}

fn cell(text: &mut String, value: &str) {
    if !value.is_empty() && !value.contains(['"', ',', '\r', '\n']) {
        text.push_str(value);
        return;
    }
    text.push('"');
    text.push_str(&value.replace('"', "\"\""));
    text.push('"');
}

fn cannot(cause: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("the findings cannot be written: {cause}"))
        .with_source(cause)
}
