//! Records as a host gives them: files, Arrow IPC bytes, and what tables come out.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use arrow_array::{RecordBatch, RecordBatchIterator};
use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileReader, StreamDecoder};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};
use serde_json::{Value as Json, json};
use trueup::{Context, Error, Field, Kind, Result, Schema, Snapshot};
use trueup_files::Files;

/// A table that comes out: columns that can be taken as often as anybody likes.
#[derive(Clone, Debug)]
pub struct Table {
    /// The columns' names and types.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Vec<RecordBatch>,
}

impl Table {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The names of the columns.
    pub fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Some of the rows, in the batches they are in.
    pub fn slice(&self, start: usize, count: usize) -> Vec<RecordBatch> {
        let (mut skip, mut left) = (start, count);
        let some = |batch: &RecordBatch| {
            let from = skip.min(batch.num_rows());
            let some = batch.slice(from, left.min(batch.num_rows() - from));
            (skip, left) = (skip - from, left - some.num_rows());
            some
        };
        self.batches.iter().map(some).filter(|batch| batch.num_rows() > 0).collect()
    }

    /// The rows as Arrow IPC bytes, of the streaming format.
    ///
    /// # Errors
    /// `internal` where they cannot be written.
    pub fn ipc(&self) -> Result<Vec<u8>> {
        let write = || {
            let mut writer = StreamWriter::try_new(Vec::new(), &self.schema)?;
            self.batches.iter().try_for_each(|batch| writer.write(batch))?;
            writer.into_inner()
        };
        write().map_err(|cause: ArrowError| {
            Error::new(Kind::Internal, format!("the table cannot be written: {cause}"))
        })
    }
}

impl From<RecordBatch> for Table {
    fn from(batch: RecordBatch) -> Self {
        Self { schema: batch.schema(), batches: vec![batch] }
    }
}

impl From<&Snapshot> for Table {
    fn from(snapshot: &Snapshot) -> Self {
        Self { schema: snapshot.arrow_schema().clone(), batches: snapshot.batches().to_vec() }
    }
}

/// A schema from `[{"name": …, "type": …}, …]`, or from `[[name, type], …]`.
///
/// # Errors
/// `invalid`, naming what is wrong.
pub fn schema(fields: Json) -> Result<Schema> {
    let field = |json: Json| match json.as_array().map(Vec::as_slice) {
        Some([name, ty]) => json!({"name": name, "type": ty}),
        _ => json,
    };
    let fields = match fields {
        Json::Array(fields) => fields.into_iter().map(field).collect(),
        other => other,
    };
    let fields: Vec<Field> = serde_json::from_value(fields)
        .map_err(|cause| Error::new(Kind::Invalid, format!("the schema is wrong: {cause}")))?;
    Schema::new(fields)
}

/// Reads Arrow IPC bytes, of the streaming or the file format; columns stay where the bytes are.
///
/// # Errors
/// `data` for anything else.
pub fn ipc(bytes: Buffer) -> Result<Snapshot> {
    const FILE: &[u8] = b"ARROW1";
    if bytes.starts_with(FILE) {
        let reader = FileReader::try_new(Cursor::new(bytes), None);
        return Snapshot::from_reader(reader.map_err(|cause| malformed(&cause))?);
    }
    let (schema, batches) = stream(bytes).map_err(|cause| malformed(&cause))?;
    Snapshot::from_reader(RecordBatchIterator::new(batches.into_iter().map(Ok), schema))
}

/// Reads one file whole. A saved snapshot is a Parquet file too, but one that says what it covers.
///
/// # Errors
/// Those of the file.
pub fn file(path: &Path, context: &Context) -> Result<Snapshot> {
    let files = Files::open(path)?;
    if is_saved(path).unwrap_or(false) {
        return Snapshot::load(path);
    }
    let file = files.settings().files.first();
    let name = file.map(|file| file.name()).transpose()?.unwrap_or_default();
    files.read_blocking(context, &name)
}

/// A snapshot's records in one piece, as a page has them.
///
/// # Errors
/// `limit` where they are too many for that.
pub fn one_batch(snapshot: &Snapshot) -> Result<RecordBatch> {
    match snapshot.batches() {
        [] => Ok(RecordBatch::new_empty(snapshot.arrow_schema().clone())),
        [batch] => Ok(batch.clone()),
        several => arrow_select::concat::concat_batches(snapshot.arrow_schema(), several)
            .map_err(|cause| Error::new(Kind::Limit, format!("the page is too large: {cause}"))),
    }
}

fn stream(mut bytes: Buffer) -> Result<(SchemaRef, Vec<RecordBatch>), ArrowError> {
    let (mut decoder, mut batches) = (StreamDecoder::new(), Vec::new());
    while !bytes.is_empty() {
        batches.extend(decoder.decode(&mut bytes)?);
    }
    decoder.finish()?;
    let schema = decoder.schema();
    let schema =
        schema.ok_or_else(|| ArrowError::IpcError("there is no schema in them".to_owned()))?;
    Ok((schema, batches))
}

fn malformed(cause: &ArrowError) -> Error {
    Error::new(Kind::Data, format!("the bytes are no whole Arrow IPC stream or file: {cause}"))
}

/// Whether the footer of a Parquet file has a snapshot's description. Any Parquet file can be loaded
/// as a snapshot, so a word that only looks like it does no harm.
fn is_saved(path: &Path) -> std::io::Result<bool> {
    const MARK: &[u8] = b"trueup.snapshot";
    let mut file = File::open(path)?;
    let mut end = [0; 8];
    file.seek(SeekFrom::End(-8))?;
    file.read_exact(&mut end)?;
    let [a, b, c, d, magic @ ..] = end;
    if magic != *b"PAR1" {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-8 - i64::from(u32::from_le_bytes([a, b, c, d]))))?;
    let mut footer = Vec::new();
    file.read_to_end(&mut footer)?;
    Ok(footer.windows(MARK.len()).any(|bytes| bytes == MARK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipc_bytes_go_there_and_back() {
        let rows = json!([{"id": 1, "os": "14"}, {"id": 2, "os": null}, {"id": 3, "os": "13"}]);
        let rows: Vec<_> = serde_json::from_value(rows).unwrap();
        let table = Table::from(&Snapshot::from_json(&rows).unwrap());
        assert_eq!((table.rows(), table.column_names().len()), (3, 2));
        let again = ipc(Buffer::from_vec(table.ipc().unwrap())).unwrap();
        assert_eq!(one_batch(&again).unwrap(), table.batches[0]);
        assert_eq!(table.slice(2, 5).iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
        for wrong in [b"nothing".to_vec(), Vec::new(), table.ipc().unwrap()[..40].to_vec()] {
            assert_eq!(ipc(Buffer::from_vec(wrong)).unwrap_err().kind(), Kind::Data);
        }
    }

    #[test]
    fn a_schema_is_read_from_names_and_types() {
        let by_pairs = schema(json!([["id", "int"], ["os", "text"]])).unwrap();
        let by_name = json!([{"name": "id", "type": "int"}, {"name": "os", "type": "text"}]);
        assert_eq!(by_pairs, schema(by_name).unwrap());
        assert_eq!(schema(json!({"id": "int"})).unwrap_err().kind(), Kind::Invalid);
    }
}
