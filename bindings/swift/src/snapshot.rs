//! Snapshots.

use std::sync::Arc;

use serde_json::Value as Json;
use trueup_bindings::{given, snapshot};

use crate::call::Call;
use crate::errors::Told;
use crate::records::Records;
use crate::table::{self, Table};
use crate::wire;

/// Records of one resource, with where they come from and what they cover.
#[derive(uniffi::Object)]
pub struct Snapshot(pub(crate) trueup::Snapshot);

/// Takes records over; `facts` may have `coverage`, `provenance` and `consistency`.
#[uniffi::export]
pub async fn make_snapshot(
    records: Arc<Records>,
    facts: String,
    call: Arc<Call>,
) -> Told<Arc<Snapshot>> {
    let given = records.given();
    let facts: Json = wire::read(&facts, "the snapshot's facts")?;
    call.start(move |context| snapshot::with_facts(given.resolve(context)?, &facts).map(shared))
        .await
}

/// Loads what `save` saved.
#[uniffi::export]
pub async fn load_snapshot(path: String, call: Arc<Call>) -> Told<Arc<Snapshot>> {
    call.start(move |_| trueup::Snapshot::load(path).map(shared)).await
}

#[uniffi::export]
impl Snapshot {
    /// Saves it as a Parquet file.
    pub async fn save(&self, path: String, call: Arc<Call>) -> Told<()> {
        let snapshot = self.0.clone();
        call.start(move |_| snapshot.save(path)).await
    }

    /// The snapshot with other facts: those of `make_snapshot`.
    pub fn with_facts(&self, facts: String) -> Told<Self> {
        let facts: Json = wire::read(&facts, "the snapshot's facts")?;
        Ok(Self(snapshot::with_facts(self.0.clone(), &facts)?))
    }

    /// The snapshot with other facts of a field: `role`, `writable`, `immutable`, `secret`.
    pub fn with_field(&self, name: String, facts: String) -> Told<Self> {
        let facts: Json = wire::read(&facts, "the field's facts")?;
        Ok(Self(snapshot::with_field(self.0.clone(), &name, &facts)?))
    }

    /// How many records there are.
    pub fn rows(&self) -> u64 {
        self.0.rows() as u64
    }

    /// The fields, the coverage, the provenance, the consistency.
    pub fn facts(&self) -> String {
        snapshot::facts(&self.0).to_string()
    }

    /// The root of the tree over all records.
    pub async fn content_root(&self, key: Vec<String>, call: Arc<Call>) -> Told<String> {
        let snapshot = self.0.clone();
        call.start(move |_| snapshot::content_root(&snapshot, &key)).await
    }

    /// The records as a table.
    pub fn table(&self) -> Arc<Table> {
        table::shared(given::Table::from(&self.0))
    }
}

pub(crate) fn shared(snapshot: trueup::Snapshot) -> Arc<Snapshot> {
    Arc::new(Snapshot(snapshot))
}
