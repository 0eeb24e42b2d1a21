//! Parquet and Arrow files with changes: all records anew, in the file's own types.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use trueup_connector::{Error, Kind, Result};

use crate::config::FileSettings;
use crate::{arrow, parquet as own};

/// The bytes of a Parquet file with these records, compressed as the file is now.
pub(super) fn parquet(file: &FileSettings, records: &RecordBatch) -> Result<Vec<u8>> {
    let (schema, codec) = own::writing(file)?;
    let records = relabel(records, &schema)?;
    let properties = WriterProperties::builder().set_compression(codec).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, Some(properties)).map_err(failed)?;
    writer.write(&records).map_err(failed)?;
    writer.close().map_err(failed)?;
    Ok(bytes)
}

/// The bytes of an Arrow file or stream, as the file is now, with these records.
pub(super) fn arrow(file: &FileSettings, records: &RecordBatch) -> Result<Vec<u8>> {
    let (schema, is_stream) = arrow::writing(file)?;
    let records = relabel(records, &schema)?;
    match is_stream {
        true => {
            let mut writer = StreamWriter::try_new(Vec::new(), &schema).map_err(failed)?;
            writer.write(&records).map_err(failed)?;
            writer.into_inner().map_err(failed)
        }
        false => {
            let mut writer = FileWriter::try_new(Vec::new(), &schema).map_err(failed)?;
            writer.write(&records).map_err(failed)?;
            writer.into_inner().map_err(failed)
        }
    }
}

/// The records with the file's own schema, without what the settings add to it.
fn relabel(records: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    RecordBatch::try_new(Arc::clone(schema), records.columns().to_vec()).map_err(failed)
}

fn failed(cause: impl std::error::Error) -> Error {
    Error::new(Kind::Data, format!("the records do not fit the file: {cause}"))
}
