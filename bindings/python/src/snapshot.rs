//! Snapshots.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};
use serde_json::{Value as Json, json};
use trueup::Schema;
use trueup_bindings::{given, snapshot};

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
        Work::start(py, move |context| snapshot::with_facts(input.resolve(context)?, &facts))
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
        snapshot::with_facts(self.0.clone(), &facts).or_raise(py).map(Self)
    }

    /// The snapshot with other facts of a field: `role`, `writable`, `immutable`, `secret`.
    fn with_field(&self, py: Python<'_>, name: &str, facts: &Bound<'_, PyAny>) -> PyResult<Self> {
        let facts = convert::json(facts, "with_field")?;
        snapshot::with_field(self.0.clone(), name, &facts).or_raise(py).map(Self)
    }

    fn rows(&self) -> usize {
        self.0.rows()
    }

    /// The fields, the coverage, the provenance, the consistency.
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let facts = convert::object(py, &snapshot::facts(&self.0))?;
        facts.set_item("coverage", convert::valued(py, &self.0.coverage().to_json())?)?;
        Ok(facts)
    }

    fn content_root(&self, py: Python<'_>, key: Vec<String>) -> PyResult<Work> {
        let snapshot = self.0.clone();
        Work::start(py, move |_| snapshot::content_root(&snapshot, &key))
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
    given::schema(fields).or_raise(py)
}
