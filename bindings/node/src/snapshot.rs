//! Snapshots.

use napi_derive::napi;
use serde_json::{Value as Json, json};
use trueup::{Consistency, Coverage, Error, Field, Kind, Provenance, Result};

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
        let given = records.given();
        let facts: Json = wire::read(&facts, "the snapshot's facts").or_throw()?;
        Work::start(move |context| with_facts(given.resolve(context)?, &facts).map(Self))
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
        with_facts(self.0.clone(), &facts).or_throw().map(Self)
    }

    /// The snapshot with other facts of a field: `role`, `writable`, `immutable`, `secret`.
    #[napi]
    pub fn with_field(&self, name: String, facts: String) -> napi::Result<Snapshot> {
        let facts: Json = wire::read(&facts, "the field's facts").or_throw()?;
        let old = self.0.schema().field(&name).or_throw()?;
        let new = merged(old, &facts).or_throw()?;
        self.0.clone().with_field(&name, |_| new).or_throw().map(Self)
    }

    /// How many records there are.
    #[napi]
    pub fn rows(&self) -> f64 {
        self.0.rows() as f64
    }

    /// The fields, the coverage, the provenance, the consistency.
    #[napi]
    pub fn facts(&self) -> String {
        wire::text(json!({
            "fields": self.0.schema().fields(),
            "coverage": self.0.coverage().to_json(),
            "provenance": self.0.provenance(),
            "consistency": self.0.consistency(),
        }))
    }

    /// The root of the tree over all records.
    #[napi]
    pub fn content_root(&self, key: Vec<String>) -> napi::Result<Work> {
        let snapshot = self.0.clone();
        Work::start(move |_| {
            let key: Vec<&str> = key.iter().map(String::as_str).collect();
            snapshot.content(&key).map(|tree| trueup::hex(&tree.root()))
        })
    }

    /// The records as a table.
    #[napi]
    pub fn table(&self) -> Table {
        Table::new(self.0.arrow_schema().clone(), self.0.batches().to_vec())
    }
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
