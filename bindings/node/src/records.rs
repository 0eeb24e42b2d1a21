//! What a caller may give as records.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatchIterator;
use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileReader, StreamDecoder};
use arrow_schema::ArrowError;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use serde_json::{Value as Json, json};
use trueup::{Context, Error, Field, Kind, Result, Schema};
use trueup_files::Files;

use crate::errors::OrThrow;
use crate::rows::{self, Pack, Packed};
use crate::{snapshot, wire};

/// Records as they were given; what takes long is left for the work that uses them.
#[napi]
pub struct Records(Given);

#[derive(Clone, Debug)]
pub(crate) enum Given {
    Snapshot(trueup::Snapshot),
    Rows(GivenRows),
    Ipc(Buffer),
    Path(PathBuf),
}

#[derive(Clone, Debug)]
pub(crate) struct GivenRows {
    packs: Arc<Vec<Packed>>,
    schema: Option<Schema>,
    positional: bool,
}

#[napi]
impl Records {
    /// Packed rows, of a schema or not; `positional` rows are arrays in the order of the schema.
    #[napi(factory)]
    pub fn rows(packs: Vec<Pack>, schema: Option<String>, positional: bool) -> napi::Result<Self> {
        let packs = Arc::new(packs.into_iter().map(Packed::from).collect());
        let schema = schema.map(|fields| read_schema(&fields)).transpose().or_throw()?;
        Ok(Self(Given::Rows(GivenRows { packs, schema, positional })))
    }

    /// Arrow IPC bytes, of the streaming or the file format. They are copied, since JavaScript may
    /// write to them at any time.
    #[napi(factory)]
    pub fn ipc(bytes: Uint8Array) -> Self {
        Self(Given::Ipc(Buffer::from_vec(bytes.to_vec())))
    }

    /// A file.
    #[napi(factory)]
    pub fn path(path: String) -> Self {
        Self(Given::Path(path.into()))
    }

    /// A snapshot.
    #[napi(factory)]
    pub fn snapshot(snapshot: &snapshot::Snapshot) -> Self {
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
            Self::Rows(rows) => Self::Rows(GivenRows {
                schema: rows.schema.or_else(|| Some(schema.clone())),
                ..rows
            }),
            other => other,
        }
    }

    /// The snapshot; converts rows, and reads bytes and files.
    pub(crate) fn resolve(self, context: &Context) -> Result<trueup::Snapshot> {
        match self {
            Self::Snapshot(snapshot) => Ok(snapshot),
            Self::Rows(rows) => {
                let batch = rows::batch(&rows.packs, rows.schema.as_ref(), rows.positional)?;
                trueup::Snapshot::from_batch(batch)
            }
            Self::Ipc(bytes) => read_ipc(bytes),
            Self::Path(path) => read_file(&path, context),
        }
    }
}

/// A schema from `[{"name": …, "type": …}, …]`, or `[[name, type], …]`.
pub(crate) fn read_schema(fields: &str) -> Result<Schema> {
    let fields: Vec<Json> = wire::read(fields, "the schema")?;
    let field = |json: Json| match json.as_array().map(Vec::as_slice) {
        Some([name, ty]) => json!({"name": name, "type": ty}),
        _ => json,
    };
    let fields: Result<Vec<Field>, _> =
        serde_json::from_value(fields.into_iter().map(field).collect());
    Schema::new(
        fields
            .map_err(|cause| Error::new(Kind::Invalid, format!("the schema is wrong: {cause}")))?,
    )
}

fn read_ipc(bytes: Buffer) -> Result<trueup::Snapshot> {
    const FILE: &[u8] = b"ARROW1";
    if bytes.starts_with(FILE) {
        let reader = FileReader::try_new(Cursor::new(bytes), None);
        return trueup::Snapshot::from_reader(reader.map_err(|cause| malformed(&cause))?);
    }
    let read = stream(bytes).map_err(|cause| malformed(&cause))?;
    trueup::Snapshot::from_reader(read)
}

/// The batches of a stream, whose columns stay where the bytes are.
fn stream(
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
