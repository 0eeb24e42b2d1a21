//! What a caller may give as records.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use arrow_buffer::Buffer;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use trueup::{Context, Error, Kind, Result, Schema};
use trueup_bindings::given;

use crate::errors::OrThrow;
use crate::rows::{self, Pack, Packed};
use crate::{snapshot, wire};

/// Records as they were given, for one use: they do not wait in memory until JavaScript's collector comes along. What
/// takes long is left for the work that uses them.
#[napi]
pub struct Records(Mutex<Option<Given>>);

pub(crate) enum Given {
    Snapshot(trueup::Snapshot),
    Rows(GivenRows),
    Ipc(Buffer),
    Path(PathBuf),
}

pub(crate) struct GivenRows {
    packs: Vec<Packed>,
    schema: Option<Schema>,
    positional: bool,
}

#[napi]
impl Records {
    /// Packed rows, of a schema or not; `positional` rows are arrays in the order of the schema.
    #[napi(factory)]
    pub fn rows(packs: Vec<Pack>, schema: Option<String>, positional: bool) -> napi::Result<Self> {
        let packs = packs.into_iter().map(Packed::from).collect();
        let schema = schema.map(|fields| given::schema(wire::parse(&fields, "the schema")?));
        let schema = schema.transpose().or_throw()?;
        Ok(Self::of(Given::Rows(GivenRows { packs, schema, positional })))
    }

    /// Arrow IPC bytes, of the streaming or the file format. They are copied, since JavaScript may write to them at
    /// any time; but for those that were transferred, so that nobody else can reach them.
    #[napi(factory)]
    pub fn ipc(bytes: Uint8Array, transferred: bool) -> Self {
        Self::of(Given::Ipc(match transferred {
            true => Buffer::from(bytes::Bytes::from_owner(Owned(bytes))),
            false => Buffer::from_vec(bytes.to_vec()),
        }))
    }

    /// A file.
    #[napi(factory)]
    pub fn path(path: String) -> Self {
        Self::of(Given::Path(path.into()))
    }

    /// A snapshot.
    #[napi(factory)]
    pub fn snapshot(snapshot: &snapshot::Snapshot) -> Self {
        Self::of(Given::Snapshot(snapshot.0.clone()))
    }
}

impl Records {
    /// The records, once.
    pub(crate) fn given(&self) -> Result<Given> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.ok_or_else(|| Error::new(Kind::Internal, "these records were used before"))
    }

    fn of(given: Given) -> Self {
        Self(Mutex::new(Some(given)))
    }
}

/// Bytes that are ours alone.
struct Owned(Uint8Array);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
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

    /// About how many cells are still to be converted.
    pub(crate) fn cells(&self) -> usize {
        match self {
            Self::Snapshot(_) => 0,
            Self::Rows(rows) => rows.packs.iter().map(Packed::cells).sum(),
            Self::Ipc(_) | Self::Path(_) => usize::MAX,
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
