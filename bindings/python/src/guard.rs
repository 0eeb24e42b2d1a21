//! Policies.

use pyo3::prelude::*;
use serde_json::json;
use trueup::guard;
use trueup_bindings::flat;

use crate::convert;
use crate::errors::OrRaise;
use crate::plan::Plan;
use crate::work::Work;

/// Rules that say what may be done, by whom, when, how much of it, and who is asked.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Policy(guard::Policy);

#[pymethods]
impl Policy {
    #[staticmethod]
    fn from_toml(py: Python<'_>, text: &str) -> PyResult<Self> {
        guard::Policy::from_toml(text).or_raise(py).map(Self)
    }

    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        guard::Policy::from_json(text).or_raise(py).map(Self)
    }

    #[staticmethod]
    fn standard(py: Python<'_>) -> PyResult<Self> {
        guard::Policy::standard().or_raise(py).map(Self)
    }

    /// The document of the standard policy.
    #[staticmethod]
    fn standard_document() -> &'static str {
        guard::Policy::STANDARD
    }

    /// The JSON Schema of the document.
    #[staticmethod]
    fn schema() -> String {
        guard::Policy::schema().to_string()
    }

    fn to_json(&self) -> String {
        self.0.to_json().to_string()
    }

    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let facts = json!({
            "name": self.0.name(),
            "hash": trueup::hex(&self.0.hash()),
            "rule_ids": self.0.rule_ids().collect::<Vec<_>>(),
        });
        convert::object(py, &facts)
    }

    fn decide(&self, py: Python<'_>, plan: &Plan, request: &Bound<'_, PyAny>) -> PyResult<Work> {
        let (policy, plan) = (self.0.clone(), plan.0.clone());
        let request = flat::request(&convert::json(request, "decide")?).or_raise(py)?;
        Work::start(py, move |_| Ok(flat::decision(&policy.decide(&plan, &request))))
    }

    fn explain(&self, py: Python<'_>, plan: &Plan, request: &Bound<'_, PyAny>) -> PyResult<Work> {
        let (policy, plan) = (self.0.clone(), plan.0.clone());
        let request = flat::request(&convert::json(request, "explain")?).or_raise(py)?;
        Work::start(py, move |_| Ok(flat::guard_explanation(&policy.explain(&plan, &request))))
    }
}
