//! Tables: what comes out, as Arrow IPC bytes or as rows.

use arrow_array::RecordBatch;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use serde_json::Value as Json;
use trueup::{Column, Result};
use trueup_bindings::given;

use crate::errors::OrThrow;
use crate::wire;
use crate::work::Work;

/// Columns that can be taken out as often as anybody likes.
#[napi]
pub struct Table(pub(crate) given::Table);

#[napi]
impl Table {
    /// How many rows there are.
    #[napi]
    pub fn rows(&self) -> f64 {
        self.0.rows() as f64
    }

    /// The names of the columns.
    #[napi]
    pub fn column_names(&self) -> Vec<String> {
        self.0.column_names()
    }

    /// Some rows, as JSON: a list a column.
    #[napi]
    pub fn cells(&self, start: u32, count: u32) -> napi::Result<String> {
        let mut columns = vec![Vec::new(); self.0.schema.fields().len()];
        let some = self.0.slice(start as usize, count as usize);
        some.iter().try_for_each(|batch| append(&mut columns, batch)).or_throw()?;
        Ok(Json::from_iter(columns).to_string())
    }

    /// Arrow IPC bytes, of the streaming format.
    #[napi]
    pub fn ipc(&self) -> napi::Result<Work> {
        let table = self.0.clone();
        Work::start(move |_| table.ipc().map(Uint8Array::from))
    }
}

fn append(columns: &mut [Vec<Json>], batch: &RecordBatch) -> Result<()> {
    for (cells, array) in columns.iter_mut().zip(batch.columns()) {
        let column = Column::new(array)?;
        cells.extend((0..batch.num_rows()).map(|row| wire::cell(&column.value(row))));
    }
    Ok(())
}
