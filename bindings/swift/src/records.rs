//! What a caller may give as records.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{RecordBatchIterator, RecordBatchReader};
use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileReader, StreamDecoder};
use arrow_schema::ArrowError;
use serde_json::{Map, Value as Json};
use trueup::{Context, Error, Field, Kind, Result, Schema};
use trueup_files::Files;

use crate::bytes::Bytes;
use crate::errors::Told;
use crate::snapshot::Snapshot;
use crate::{arrow_c, rows, wire};

/// Records as they were given; what takes long is left for the work that uses them.
#[derive(uniffi::Object)]
pub struct Records(Given);

#[derive(Clone)]
pub(crate) enum Given {
    Snapshot(trueup::Snapshot),
    Rows(Arc<GivenRows>, Option<Schema>),
    Json(Arc<Vec<u8>>),
    Ipc(Buffer),
    Path(PathBuf),
    Stream(Stream),
}

pub(crate) struct GivenRows {
    names: Vec<String>,
    bytes: Vec<u8>,
    positional: bool,
}

/// A stream, until it is read.
type Stream = Arc<Mutex<Option<Box<dyn RecordBatchReader + Send>>>>;

#[uniffi::export]
impl Records {
    /// Packed rows, of a schema or not; `positional` rows are lists in the order of the schema.
    #[uniffi::constructor]
    pub fn rows(
        names: Vec<String>,
        bytes: Arc<Bytes>,
        schema: Option<String>,
        positional: bool,
    ) -> Told<Self> {
        let schema = schema.map(|fields| read_schema(&fields)).transpose()?;
        let rows = GivenRows { names, bytes: bytes.take(), positional };
        Ok(Self(Given::Rows(Arc::new(rows), schema)))
    }

    /// A JSON array of objects.
    #[uniffi::constructor]
    pub fn json(bytes: Arc<Bytes>) -> Self {
        Self(Given::Json(Arc::new(bytes.take())))
    }

    /// Arrow IPC bytes, of the streaming or the file format.
    #[uniffi::constructor]
    pub fn ipc(bytes: Arc<Bytes>) -> Self {
        Self(Given::Ipc(Buffer::from_vec(bytes.take())))
    }

    /// The Arrow C stream at this address, which is moved out.
    #[uniffi::constructor]
    pub fn stream(address: u64) -> Told<Self> {
        let reader = arrow_c::read(address)?;
        Ok(Self(Given::Stream(Arc::new(Mutex::new(Some(reader))))))
    }

    /// A file.
    #[uniffi::constructor]
    pub fn path(path: String) -> Self {
        Self(Given::Path(path.into()))
    }

    /// A snapshot.
    #[uniffi::constructor]
    pub fn snapshot(snapshot: Arc<Snapshot>) -> Self {
        Self(Given::Snapshot(snapshot.0.clone()))
    }
}

impl Records {
    pub(crate) fn given(&self) -> Given {
        self.0.clone()
    }
}

impl Given {
    /// The same, but rows that have no schema have this one.
    pub(crate) fn of_schema(self, schema: &Schema) -> Self {
        match self {
            Self::Rows(rows, own) => Self::Rows(rows, own.or_else(|| Some(schema.clone()))),
            other => other,
        }
    }

    /// The snapshot; converts rows, and reads bytes and files.
    pub(crate) fn resolve(self, context: &Context) -> Result<trueup::Snapshot> {
        match self {
            Self::Snapshot(snapshot) => Ok(snapshot),
            Self::Rows(rows, schema) => {
                let GivenRows { names, bytes, positional } = &*rows;
                let batch = rows::batch(names, bytes, schema.as_ref(), *positional)?;
                trueup::Snapshot::from_batch(batch)
            }
            Self::Json(bytes) => read_json(&bytes),
            Self::Ipc(bytes) => read_ipc(bytes),
            Self::Path(path) => read_file(&path, context),
            Self::Stream(stream) => read_stream(&stream),
        }
    }
}

/// A schema from `[{"name": …, "type": …}, …]`.
fn read_schema(fields: &str) -> Result<Schema> {
    Schema::new(wire::read::<Vec<Field>>(fields, "the schema")?)
}

fn read_json(bytes: &[u8]) -> Result<trueup::Snapshot> {
    let rows: Vec<Map<String, Json>> = serde_json::from_slice(bytes).map_err(|cause| {
        Error::new(Kind::Data, format!("the bytes are no JSON array of objects: {cause}"))
    })?;
    trueup::Snapshot::from_json(&rows)
}

fn read_stream(stream: &Stream) -> Result<trueup::Snapshot> {
    let reader = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
    let reader = reader.ok_or_else(|| {
        let message =
            "the stream was read before, and can be read only once; make a snapshot of it";
        Error::new(Kind::Invalid, message)
    })?;
    trueup::Snapshot::from_reader(reader)
}

fn read_ipc(bytes: Buffer) -> Result<trueup::Snapshot> {
    const FILE: &[u8] = b"ARROW1";
    if bytes.starts_with(FILE) {
        let reader = FileReader::try_new(Cursor::new(bytes), None);
        return trueup::Snapshot::from_reader(reader.map_err(|cause| malformed(&cause))?);
    }
    trueup::Snapshot::from_reader(ipc_stream(bytes).map_err(|cause| malformed(&cause))?)
}

/// The batches of a stream, whose columns stay where the bytes are.
fn ipc_stream(
    mut bytes: Buffer,
) -> Result<
    RecordBatchIterator<impl Iterator<Item = Result<arrow_array::RecordBatch, ArrowError>>>,
    ArrowError,
> {
    let (mut decoder, mut batches) = (StreamDecoder::new(), Vec::new());
    while !bytes.is_empty() {
        batches.extend(decoder.decode(&mut bytes)?);
    }
    decoder.finish()?;
    let schema = decoder.schema();
    let schema =
        schema.ok_or_else(|| ArrowError::IpcError("there is no schema in them".to_owned()))?;
    Ok(RecordBatchIterator::new(batches.into_iter().map(Ok), schema))
}

fn malformed(cause: &ArrowError) -> Error {
    Error::new(Kind::Data, format!("the bytes are no whole Arrow IPC stream or file: {cause}"))
}

/// One file whole. A saved snapshot is a Parquet file too, but one that says what it covers.
fn read_file(path: &Path, context: &Context) -> Result<trueup::Snapshot> {
    let files = Files::open(path)?;
    if is_saved(path).unwrap_or(false) {
        return trueup::Snapshot::load(path);
    }
    let file = files.settings().files.first();
    let name = file.map(|file| file.name()).transpose()?.unwrap_or_default();
    files.read_blocking(context, &name)
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
