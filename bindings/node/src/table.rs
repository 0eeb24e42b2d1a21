//! Tables: what comes out, as Arrow IPC bytes or as rows.

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use serde_json::Value as Json;
use trueup::{Column, Error, Kind, Result};

use crate::errors::OrThrow;
use crate::wire;
use crate::work::Work;

/// Columns that can be taken out as often as anybody likes.
#[napi]
pub struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Table {
    pub(crate) fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self { schema, batches }
    }
}

impl From<RecordBatch> for Table {
    fn from(batch: RecordBatch) -> Self {
        Self::new(batch.schema(), vec![batch])
    }
}

#[napi]
impl Table {
    /// How many rows there are.
    #[napi]
    pub fn rows(&self) -> f64 {
        self.batches.iter().map(RecordBatch::num_rows).sum::<usize>() as f64
    }

    /// The names of the columns.
    #[napi]
    pub fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Some rows, as JSON: a list a column.
    #[napi]
    pub fn cells(&self, start: u32, count: u32) -> napi::Result<String> {
        let (mut skip, mut left) = (start as usize, count as usize);
        let mut columns = vec![Vec::new(); self.schema.fields().len()];
        for batch in &self.batches {
            let from = skip.min(batch.num_rows());
            let some = batch.slice(from, left.min(batch.num_rows() - from));
            (skip, left) = (skip - from, left - some.num_rows());
            append(&mut columns, &some).or_throw()?;
        }
        Ok(Json::from_iter(columns).to_string())
    }

    /// Arrow IPC bytes, of the streaming format.
    #[napi]
    pub fn ipc(&self) -> napi::Result<Work> {
        let (schema, batches) = (self.schema.clone(), self.batches.clone());
        Work::start(move |_| {
            let bytes = write(&schema, &batches);
            bytes.map(Uint8Array::from).map_err(|cause| {
                Error::new(Kind::Internal, format!("the table cannot be written: {cause}"))
            })
        })
    }
}

fn write(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.into_inner()
}

fn append(columns: &mut [Vec<Json>], batch: &RecordBatch) -> Result<()> {
    for (cells, array) in columns.iter_mut().zip(batch.columns()) {
        let column = Column::new(array)?;
        cells.extend((0..batch.num_rows()).map(|row| wire::cell(&column.value(row))));
    }
    Ok(())
}
