//! Snapshots.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};
use serde_json::{Value as Json, json};
use trueup::{Consistency, Coverage, Error, Field, Kind, Provenance, Schema};

use crate::errors::OrRaise;
use crate::input::Input;
use crate::work::Work;
use crate::{capsule, convert};

/// Records of one resource, with where they come from and what they cover.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Snapshot(pub(crate) trueup::Snapshot);

#[pymethods]
impl Snapshot {
    /// Takes records over; `facts` may have `coverage`, `provenance` and `consistency`.
    #[staticmethod]
    #[pyo3(signature = (data, what, schema, facts))]
    fn make(
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        what: &str,
        schema: Option<&Bound<'_, PyAny>>,
        facts: &Bound<'_, PyAny>,
    ) -> PyResult<Work> {
        let schema = schema.map(|fields| read_schema(fields)).transpose()?;
        let input = Input::of(data, what, schema.as_ref())?;
        let facts = convert::json(facts, "Snapshot")?;
        Work::start(py, move |context| with_facts(input.resolve(context)?, &facts))
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Work> {
        Work::start(py, move |_| trueup::Snapshot::load(path))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<Work> {
        let snapshot = self.0.clone();
        Work::start(py, move |_| snapshot.save(path))
    }

    /// The snapshot with other facts: those of `make`.
    fn with_facts(&self, py: Python<'_>, facts: &Bound<'_, PyAny>) -> PyResult<Self> {
        let facts = convert::json(facts, "Snapshot")?;
        with_facts(self.0.clone(), &facts).or_raise(py).map(Self)
    }

    /// The snapshot with other facts of a field: `role`, `writable`, `immutable`, `secret`.
    fn with_field(&self, py: Python<'_>, name: &str, facts: &Bound<'_, PyAny>) -> PyResult<Self> {
        let facts = convert::json(facts, "with_field")?;
        let old = self.0.schema().field(name).or_raise(py)?;
        let new = merged(old, &facts).or_raise(py)?;
        self.0.clone().with_field(name, |_| new).or_raise(py).map(Self)
    }

    fn rows(&self) -> usize {
        self.0.rows()
    }

    /// The fields, the coverage, the provenance, the consistency.
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let facts = json!({
            "fields": self.0.schema().fields(),
            "provenance": self.0.provenance(),
            "consistency": self.0.consistency(),
        });
        let facts = convert::object(py, &facts)?;
        facts.set_item("coverage", convert::object(py, &self.0.coverage().to_json())?)?;
        Ok(facts)
    }

    fn content_root(&self, py: Python<'_>, key: Vec<String>) -> PyResult<Work> {
        let snapshot = self.0.clone();
        Work::start(py, move |_| {
            let key: Vec<&str> = key.iter().map(String::as_str).collect();
            snapshot.content(&key).map(|tree| trueup::hex(&tree.root()))
        })
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface lets a producer keep its own types.
        let _ = requested_schema;
        capsule::stream(py, self.0.arrow_schema().clone(), self.0.batches().to_vec())
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::schema(py, self.0.arrow_schema())
    }
}

/// A schema from `[{"name": …, "type": …}, …]` or `{name: type}`.
pub(crate) fn read_schema(fields: &Bound<'_, PyAny>) -> PyResult<Schema> {
    let py = fields.py();
    let fields = match fields.cast::<PyDict>() {
        // Columns stay in the order in which they are named.
        Ok(members) => members
            .iter()
            .map(|(name, ty)| {
                let [name, ty] = [convert::json(&name, "schema")?, convert::json(&ty, "schema")?];
                Ok(json!({"name": name, "type": ty}))
            })
            .collect::<PyResult<Json>>()?,
        Err(_) => convert::json(fields, "schema")?,
    };
    let fields: Result<Vec<Field>, _> = serde_json::from_value(fields);
    let fields = fields.map_err(|cause| wrong("schema", &cause)).or_raise(py)?;
    Schema::new(fields).or_raise(py)
}

fn with_facts(snapshot: trueup::Snapshot, facts: &Json) -> trueup::Result<trueup::Snapshot> {
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

fn merged(field: &Field, facts: &Json) -> trueup::Result<Field> {
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
