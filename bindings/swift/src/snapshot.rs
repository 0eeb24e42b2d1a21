//! Snapshots.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use trueup::{Consistency, Coverage, Error, Field, Kind, Provenance, Result};
use trueup_bindings::flat::hex;

use crate::call::Call;
use crate::errors::Told;
use crate::records::Records;
use crate::table::Table;
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
    call.start(move |context| with_facts(given.resolve(context)?, &facts).map(shared)).await
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
        Ok(Self(with_facts(self.0.clone(), &facts)?))
    }

    /// The snapshot with other facts of a field: `role`, `writable`, `immutable`, `secret`.
    pub fn with_field(&self, name: String, facts: String) -> Told<Self> {
        let facts: Json = wire::read(&facts, "the field's facts")?;
        let new = merged(self.0.schema().field(&name)?, &facts)?;
        Ok(Self(self.0.clone().with_field(&name, |_| new)?))
    }

    /// How many records there are.
    pub fn rows(&self) -> u64 {
        self.0.rows() as u64
    }

    /// The fields, the coverage, the provenance, the consistency.
    pub fn facts(&self) -> String {
        let facts = json!({
            "fields": self.0.schema().fields(),
            "coverage": self.0.coverage().to_json(),
            "provenance": self.0.provenance(),
            "consistency": self.0.consistency(),
        });
        facts.to_string()
    }

    /// The root of the tree over all records.
    pub async fn content_root(&self, key: Vec<String>, call: Arc<Call>) -> Told<String> {
        let snapshot = self.0.clone();
        let root = move || {
            let key: Vec<&str> = key.iter().map(String::as_str).collect();
            snapshot.content(&key).map(|tree| hex(&tree.root()))
        };
        call.start(move |_| root()).await
    }

    /// The records as a table.
    pub fn table(&self) -> Table {
        Table::new(self.0.arrow_schema().clone(), self.0.batches().to_vec())
    }
}

pub(crate) fn shared(snapshot: trueup::Snapshot) -> Arc<Snapshot> {
    Arc::new(Snapshot(snapshot))
}

fn with_facts(snapshot: trueup::Snapshot, facts: &Json) -> Result<trueup::Snapshot> {
    let mut snapshot = snapshot;
    if let Some(coverage) = facts.get("coverage") {
        snapshot = snapshot.with_coverage(Coverage::from_json(coverage)?);
    }
    if let Some(provenance) = facts.get("provenance") {
        let mut whole = json!(snapshot.provenance());
        merge(&mut whole, provenance);
        let provenance: Result<Provenance, _> = serde_json::from_value(whole);
        snapshot =
            snapshot.with_provenance(provenance.map_err(|cause| wrong("provenance", &cause))?);
    }
    if let Some(consistency) = facts.get("consistency") {
        let consistency: Result<Consistency, _> = serde_json::from_value(consistency.clone());
        snapshot =
            snapshot.with_consistency(consistency.map_err(|cause| wrong("consistency", &cause))?);
    }
    Ok(snapshot)
}

fn merged(field: &Field, facts: &Json) -> Result<Field> {
    let mut whole = json!(field);
    merge(&mut whole, facts);
    serde_json::from_value(whole).map_err(|cause| wrong("field", &cause))
}

fn merge(into: &mut Json, from: &Json) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        into.extend(from.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
}

fn wrong(what: &str, cause: &serde_json::Error) -> Error {
    Error::new(Kind::Invalid, format!("the {what} is wrong: {cause}"))
}
