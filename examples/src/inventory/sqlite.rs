//! The inventory as an SQLite file.

use std::path::{Path, PathBuf};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};
use tempfile::TempDir;
use trueup::{Cell, Column, Snapshot};

use super::TABLE;
use crate::Result;

/// The inventory in an SQLite file of a temporary folder.
#[derive(Debug)]
pub struct SqliteInventory {
    path: PathBuf,
    _folder: TempDir,
}

impl SqliteInventory {
    pub(super) fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("trueup-demo-").tempdir()?;
        Ok(Self { path: folder.path().join("inventory.db"), _folder: folder })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn run(&self, sql: &str) -> Result<()> {
        Ok(Connection::open(&self.path)?.execute_batch(sql)?)
    }

    pub(super) fn insert(&self, records: &Snapshot) -> Result<()> {
        let mut connection = Connection::open(&self.path)?;
        let transaction = connection.transaction()?;
        let places = vec!["?"; records.schema().fields().len()].join(", ");
        let mut insert = transaction.prepare(&format!("insert into {TABLE} values ({places})"))?;
        for batch in records.batches() {
            let columns: Vec<_> =
                batch.columns().iter().map(Column::new).collect::<Result<_, _>>()?;
            for row in 0..batch.num_rows() {
                let cells = columns.iter().map(|column| bound(column.cell(row)));
                insert.execute(params_from_iter(cells.collect::<Result<Vec<_>>>()?))?;
            }
        }
        drop(insert);
        Ok(transaction.commit()?)
    }
}

fn bound(cell: Cell<'_>) -> Result<ToSqlOutput<'_>> {
    Ok(match cell {
        Cell::Null => ToSqlOutput::Borrowed(ValueRef::Null),
        Cell::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        Cell::Int(number) => ToSqlOutput::from(i64::try_from(number)?),
        Cell::Bool(truth) => ToSqlOutput::from(truth),
        other => return Err(format!("the inventory has no column for {other:?}").into()),
    })
}
