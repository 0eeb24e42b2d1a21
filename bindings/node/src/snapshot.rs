//! Snapshots.

use napi_derive::napi;
use serde_json::Value as Json;
use trueup_bindings::snapshot;

use crate::errors::OrThrow;
use crate::records::Records;
use crate::table::Table;
use crate::wire;
use crate::work::Work;

/// Records of one resource, with where they come from and what they cover.
#[napi]
pub struct Snapshot(pub(crate) trueup::Snapshot);

#[napi]
impl Snapshot {
    /// Takes records over; `facts` may have `coverage`, `provenance` and `consistency`.
    #[napi]
    pub fn make(records: &Records, facts: String) -> napi::Result<Work> {
        let given = records.given().or_throw()?;
        let facts: Json = wire::read(&facts, "the snapshot's facts").or_throw()?;
        Work::start(move |context| snapshot::with_facts(given.resolve(context)?, &facts).map(Self))
    }

    /// Loads what `save` saved.
    #[napi]
    pub fn load(path: String) -> napi::Result<Work> {
        Work::start(move |_| trueup::Snapshot::load(path).map(Self))
    }

    /// Saves it as a Parquet file.
    #[napi]
    pub fn save(&self, path: String) -> napi::Result<Work> {
        let snapshot = self.0.clone();
        Work::start(move |_| snapshot.save(path))
    }

    /// The snapshot with other facts: those of `make`.
    #[napi]
    pub fn with_facts(&self, facts: String) -> napi::Result<Snapshot> {
        let facts: Json = wire::read(&facts, "the snapshot's facts").or_throw()?;
        snapshot::with_facts(self.0.clone(), &facts).or_throw().map(Self)
    }

    /// The snapshot with other facts of a field: `role`, `writable`, `immutable`, `secret`.
    #[napi]
    pub fn with_field(&self, name: String, facts: String) -> napi::Result<Snapshot> {
        let facts: Json = wire::read(&facts, "the field's facts").or_throw()?;
        snapshot::with_field(self.0.clone(), &name, &facts).or_throw().map(Self)
    }

    /// How many records there are.
    #[napi]
    pub fn rows(&self) -> f64 {
        self.0.rows() as f64
    }

    /// The fields, the coverage, the provenance, the consistency.
    #[napi]
    pub fn facts(&self) -> String {
        wire::text(snapshot::facts(&self.0))
    }

    /// The root of the tree over all records.
    #[napi]
    pub fn content_root(&self, key: Vec<String>) -> napi::Result<Work> {
        let snapshot = self.0.clone();
        Work::start(move |_| snapshot::content_root(&snapshot, &key))
    }

    /// The records as a table.
    #[napi]
    pub fn table(&self) -> Table {
        Table((&self.0).into())
    }
}
