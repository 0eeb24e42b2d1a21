//! Columns from a host's rows, cell by cell and without a copy in between.
//!
//! order: types → column

mod column;
mod types;

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::Schema as ArrowSchema;
use trueup::{Error, Field, Kind, LogicalType, Result, Schema, Value, suggest};

use column::Column;

/// One cell of a host's row.
#[derive(Clone, Debug)]
pub enum HostCell<'a> {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// A float.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// Anything else.
    Other(Value),
}

/// Rows while they are taken over from a host, as columns.
///
/// ```
/// use trueup_bindings::rows::{HostCell, Rows};
///
/// let mut rows = Rows::default();
/// let (id, os) = (rows.column("id"), rows.column("os"));
/// rows.push(id, HostCell::Int(7))?;
/// rows.push(os, HostCell::Text("14.2"))?;
/// rows.end_row();
/// assert_eq!(rows.finish()?.num_rows(), 1);
/// # Ok::<(), trueup::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Rows {
    columns: Vec<(String, Column)>,
    places: HashMap<String, usize>,
    rows: usize,
}

impl Rows {
    /// The place of a column; a new one is null in all rows so far.
    pub fn column(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.columns.len();
        self.columns.push((name.to_owned(), Column::default()));
        self.places.insert(name.to_owned(), place);
        place
    }

    /// Sets the next column to one of this name, even where the name stands already: for rows
    /// without names, whose columns a schema names.
    pub fn next_column(&mut self, name: &str) {
        self.columns.push((name.to_owned(), Column::default()));
    }

    /// The name of a column; empty where there is none.
    pub fn name(&self, place: usize) -> &str {
        self.columns.get(place).map_or("", |(name, _)| name)
    }

    /// Sets a cell of the row that is being taken over.
    ///
    /// # Errors
    /// `invalid` for a column that is not there or stands twice in the row.
    pub fn push(&mut self, place: usize, cell: HostCell<'_>) -> Result<()> {
        let row = self.rows;
        let (name, column) = self.columns.get_mut(place).ok_or_else(|| no_column(place))?;
        if column.len() > row {
            let message = format!("a row names the column `{name}` twice");
            return Err(Error::new(Kind::Data, message).with("row", row));
        }
        column.pad(row);
        column.push(cell)
    }

    /// Ends the row; columns that it did not set are null in it.
    pub fn end_row(&mut self) {
        self.rows += 1;
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows as a batch whose columns have the narrowest types that hold all values exactly.
    ///
    /// # Errors
    /// `data` where the values of a column have no common type, naming column and row.
    pub fn finish(self) -> Result<RecordBatch> {
        let rows = self.rows;
        let columns = self.columns.into_iter().map(|(name, mut column)| {
            column.pad(rows);
            let array = column.finish().map_err(|error| error.with("column", &name))?;
            let ty = LogicalType::from_arrow(array.data_type())?;
            Ok((Field::new(name, ty), array))
        });
        let (fields, arrays): (Vec<_>, _) =
            columns.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        batch(&Schema::new(fields)?, arrays, rows)
    }

    /// The rows as a batch of a declared schema. Text stands for values that plain data lacks: dates,
    /// instants, decimals, bytes. A field that no row has is null.
    ///
    /// # Errors
    /// `data` for a value that does not fit, naming column and row, and for a column that the schema
    /// does not have.
    pub fn finish_as(self, schema: &Schema) -> Result<RecordBatch> {
        let rows = self.rows;
        if let Some((name, _)) = self.columns.iter().find(|(name, _)| schema.index(name).is_none())
        {
            let nearest = suggest(name, schema.names());
            return Err(Error::new(Kind::Data, format!("unknown field `{name}`{nearest}")));
        }
        let mut columns: HashMap<String, Column> = self.columns.into_iter().collect();
        let arrays = schema.fields().iter().map(|field| {
            let mut column = columns.remove(&field.name).unwrap_or_default();
            column.pad(rows);
            column.finish_as(&field.ty).map_err(|error| error.with("column", &field.name))
        });
        batch(schema, arrays.collect::<Result<_>>()?, rows)
    }
}

fn batch(schema: &Schema, arrays: Vec<arrow_array::ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let arrow = schema.to_arrow();
    let fields = arrow.fields().iter().zip(&arrays).map(|(field, array)| {
        arrow_schema::Field::clone(field).with_data_type(array.data_type().clone())
    });
    let arrow = Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()));
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(arrow, arrays, &options)
        .map_err(|cause| Error::new(Kind::Internal, format!("the rows make no table: {cause}")))
}

fn no_column(place: usize) -> Error {
    Error::new(Kind::Invalid, format!("there is no column {place}"))
}

#[cfg(test)]
mod tests;
