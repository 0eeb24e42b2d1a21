//! Policies, and what they decide.

use pyo3::prelude::*;
use serde_json::json;
use trueup::{Result, guard};
use trueup_bindings::approvals;
use trueup_bindings::flat;

use crate::approvals::{BreakGlass, people};
use crate::convert;
use crate::errors::OrRaise;
use crate::plan::Plan;
use crate::work::{Deliver, Work};

/// Rules that say what may be done, by whom, when, how much of it, and who is asked.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Policy(pub(crate) guard::Policy);

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

    /// What it decides about a plan, maybe while glass is broken.
    #[pyo3(signature = (plan, request, glass))]
    fn decide(
        &self,
        py: Python<'_>,
        plan: &Plan,
        request: &Bound<'_, PyAny>,
        glass: Option<&BreakGlass>,
    ) -> PyResult<Work> {
        let (policy, plan, request) = (self.0.clone(), plan.0.clone(), read_request(request)?);
        let glass = glass.map(|glass| glass.0.clone());
        Work::start(py, move |_| match glass {
            Some(glass) => glass.decide(&policy, &plan, &request),
            None => Ok(policy.decide(&plan, &request)),
        })
    }

    fn explain(&self, py: Python<'_>, plan: &Plan, request: &Bound<'_, PyAny>) -> PyResult<Work> {
        let (policy, plan, request) = (self.0.clone(), plan.0.clone(), read_request(request)?);
        Work::start(py, move |_| Ok(flat::guard_explanation(&policy.explain(&plan, &request))))
    }

    /// The question whether to break glass.
    fn glass_question<'py>(&self, opening: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = opening.py();
        let opening = convert::json(opening, "opening")?;
        convert::object(py, &approvals::glass_question(&self.0, opening).or_raise(py)?)
    }

    fn break_glass(
        &self,
        opening: &Bound<'_, PyAny>,
        answers: &Bound<'_, PyAny>,
        keys: &Bound<'_, PyAny>,
        now: i64,
    ) -> PyResult<BreakGlass> {
        let (people, opening) = (people(keys)?, convert::json(opening, "opening")?);
        let answers = convert::json(answers, "answers")?;
        let opened = approvals::break_glass(&self.0, opening, answers, &people, now);
        opened.or_raise(keys.py()).map(BreakGlass)
    }
}

/// What a policy decided about a plan.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Decision(pub(crate) guard::Decision);

#[pymethods]
impl Decision {
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::object(py, &flat::decision(&self.0))
    }

    /// What it asks people.
    fn question<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::object(py, &approvals::question(&self.0).or_raise(py)?)
    }
}

impl Deliver for guard::Decision {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Decision(self))?.into_any())
    }
}

/// What a policy is asked.
pub(crate) fn read_request(data: &Bound<'_, PyAny>) -> PyResult<guard::Request> {
    let read: Result<_> = flat::request(&convert::json(data, "the question to the policy")?);
    read.or_raise(data.py())
}
