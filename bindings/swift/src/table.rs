//! Tables: what comes out, as Arrow or as packed rows.

use std::sync::Arc;

use trueup::{Column, Result};
use trueup_bindings::given;

use crate::bytes::Bytes;
use crate::call::Call;
use crate::errors::Told;
use crate::{arrow_c, rows};

/// Columns that can be taken out as often as anybody likes.
#[derive(uniffi::Object)]
pub struct Table(given::Table);

pub(crate) fn shared(table: impl Into<given::Table>) -> Arc<Table> {
    Arc::new(Table(table.into()))
}

#[uniffi::export]
impl Table {
    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.0.rows() as u64
    }

    /// The names of the columns.
    pub fn column_names(&self) -> Vec<String> {
        self.0.column_names()
    }

    /// Some rows, packed: the cells of a row stand in the order of the columns.
    pub fn cells(&self, start: u64, count: u64) -> Told<Vec<u8>> {
        let mut bytes = Vec::new();
        for batch in self.0.slice(start as usize, count as usize) {
            let columns = batch.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
            for row in 0..batch.num_rows() {
                columns.iter().for_each(|column| rows::pack(&mut bytes, &column.value(row)));
            }
        }
        Ok(bytes)
    }

    /// Arrow IPC bytes, of the streaming format.
    pub async fn ipc(&self, call: Arc<Call>) -> Told<Arc<Bytes>> {
        let table = self.0.clone();
        call.start(move |_| table.ipc().map(|bytes| Arc::new(bytes.into()))).await
    }

    /// Puts an Arrow C stream at this address.
    pub fn export_stream(&self, address: u64) -> Told<()> {
        Ok(arrow_c::write(address, self.0.schema.clone(), self.0.batches.clone())?)
    }
}
