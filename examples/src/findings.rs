//! Walking a table of findings without copying it.

use arrow_array::RecordBatch;
use trueup::{Cell, Column};

use crate::Result;

const COLUMNS: [&str; 7] =
    ["finding_id", "kind", "package", "architecture", "field", "expected", "actual"];

/// A table of findings about packages, ready to be walked.
#[derive(Debug)]
pub struct Findings {
    columns: Vec<Column>,
    rows: usize,
}

/// One finding, as it stands in the table.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'a> {
    /// Its lasting id.
    pub id: &'a str,
    /// What kind of disagreement.
    pub kind: &'a str,
    /// The key: the package…
    pub package: &'a str,
    /// …and its architecture.
    pub architecture: &'a str,
    /// The field that differs, if it is about one.
    pub field: Option<&'a str>,
    /// What should be.
    pub expected: Option<&'a str>,
    /// What is.
    pub actual: Option<&'a str>,
}

impl Findings {
    /// Prepares a table, or a batch of it.
    ///
    /// # Errors
    /// Where it has other columns.
    pub fn new(table: &RecordBatch) -> Result<Self> {
        let columns = COLUMNS.into_iter().map(|name| column(table, name)).collect::<Result<_>>()?;
        Ok(Self { columns, rows: table.num_rows() })
    }

    /// The findings in their order.
    pub fn iter(&self) -> impl Iterator<Item = Finding<'_>> {
        (0..self.rows).map(|row| {
            let mut cells = self.columns.iter().map(|column| text(column, row));
            let mut next = || cells.next().flatten();
            Finding {
                id: next().unwrap_or_default(),
                kind: next().unwrap_or_default(),
                package: next().unwrap_or_default(),
                architecture: next().unwrap_or_default(),
                field: next(),
                expected: next(),
                actual: next(),
            }
        })
    }
}

/// A column by name.
pub(crate) fn column(table: &RecordBatch, name: &str) -> Result<Column> {
    let array = table.column_by_name(name);
    let array = array.ok_or_else(|| format!("the table has no column `{name}`"))?;
    Ok(Column::new(array)?)
}

/// A cell of text; `None` for a null.
pub(crate) fn text(column: &Column, row: usize) -> Option<&str> {
    match column.cell(row) {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}
