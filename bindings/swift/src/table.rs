//! Tables: what comes out, as Arrow or as packed rows.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};
use trueup::{Column, Error, Kind, Result};

use crate::arrow_c;
use crate::bytes::Bytes;
use crate::call::Call;
use crate::errors::Told;
use crate::rows;

/// Columns that can be taken out as often as anybody likes.
#[derive(uniffi::Object)]
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

#[uniffi::export]
impl Table {
    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64
    }

    /// The names of the columns.
    pub fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Some rows, packed: the cells of a row stand in the order of the columns.
    pub fn cells(&self, start: u64, count: u64) -> Told<Vec<u8>> {
        let (mut skip, mut left) = (start as usize, count as usize);
        let mut bytes = Vec::new();
        for batch in &self.batches {
            let from = skip.min(batch.num_rows());
            let some = batch.slice(from, left.min(batch.num_rows() - from));
            (skip, left) = (skip - from, left - some.num_rows());
            append(&mut bytes, &some)?;
        }
        Ok(bytes)
    }

    /// Arrow IPC bytes, of the streaming format.
    pub async fn ipc(&self, call: Arc<Call>) -> Told<Arc<Bytes>> {
        let (schema, batches) = (self.schema.clone(), self.batches.clone());
        let work = move || write(&schema, &batches).map(|bytes| Arc::new(Bytes::from(bytes)));
        call.start(move |_| {
            work().map_err(|cause| {
                Error::new(Kind::Internal, format!("the table cannot be written: {cause}"))
            })
        })
        .await
    }

    /// Puts an Arrow C stream at this address.
    pub fn export_stream(&self, address: u64) -> Told<()> {
        Ok(arrow_c::write(address, self.schema.clone(), self.batches.clone())?)
    }
}

fn write(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.into_inner()
}

fn append(bytes: &mut Vec<u8>, batch: &RecordBatch) -> Result<()> {
    let columns = batch.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
    for row in 0..batch.num_rows() {
        columns.iter().for_each(|column| rows::pack(bytes, &column.value(row)));
    }
    Ok(())
}
