//! What a caller may give as records.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_buffer::Buffer;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use trueup::{Context, Result, Schema};
use trueup_bindings::given;

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
        let schema = schema.map(|fields| given::schema(wire::parse(&fields, "the schema")?));
        let schema = schema.transpose().or_throw()?;
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
            Self::Ipc(bytes) => given::ipc(bytes),
            Self::Path(path) => given::file(&path, context),
        }
    }
}
