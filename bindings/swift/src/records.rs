//! What a caller may give as records.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatchReader;
use arrow_buffer::Buffer;
use serde_json::{Map, Value as Json};
use trueup::{Context, Error, Kind, Result, Schema};
use trueup_bindings::given;

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

/// Records of a resource.
#[derive(uniffi::Record)]
pub struct NamedRecords {
    /// The resource's name.
    pub name: String,
    /// The records.
    pub records: Arc<Records>,
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
        let read = |fields: String| given::schema(wire::read(&fields, "the schema")?);
        let schema = schema.map(read).transpose()?;
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
            Self::Ipc(bytes) => given::ipc(bytes),
            Self::Path(path) => given::file(&path, context),
            Self::Stream(stream) => read_stream(&stream),
        }
    }
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
