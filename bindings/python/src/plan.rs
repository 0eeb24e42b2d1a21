//! Plans.

use pyo3::prelude::*;
use trueup_bindings::{flat, plan};

use crate::convert;
use crate::errors::OrRaise;
use crate::reconcile::read_side;
use crate::report::Report;
use crate::work::{Deliver, Work};

/// An ordered set of changes with a digest.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Plan(pub(crate) trueup::Plan);

#[pymethods]
impl Plan {
    /// The plan that settles a report's findings; `planning` has `kinds`, `references` and `stages`.
    #[staticmethod]
    fn make(py: Python<'_>, report: &Report, planning: &Bound<'_, PyAny>) -> PyResult<Work> {
        let planning = convert::read(planning, "plan")?;
        let report = report.0.clone();
        Work::start(py, move |_| plan::make(&report, planning))
    }

    /// A plan of changes that somebody proposes.
    #[staticmethod]
    fn propose(
        py: Python<'_>,
        name: &str,
        reading: &Bound<'_, PyAny>,
        covered_rows: u64,
        changes: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let reading = convert::json(reading, "reading")?;
        let changes = convert::json(changes, "changes")?;
        plan::propose(name, reading, covered_rows, changes).or_raise(py).map(Self)
    }

    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        trueup::Plan::from_json(text).or_raise(py).map(Self)
    }

    fn to_json(&self) -> String {
        self.0.to_json().to_string()
    }

    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::object(py, &plan::facts(&self.0))
    }

    fn changes<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.0.changes().iter().map(|change| convert::change(py, &flat::change(change))).collect()
    }

    /// The plan of the changes at these places.
    fn narrow(&self, py: Python<'_>, keep: Vec<bool>) -> PyResult<Self> {
        plan::narrow(&self.0, keep).or_raise(py).map(Self)
    }

    /// The plan that undoes these effects, and the places of those that have no way back.
    fn rollback(
        &self,
        effects: &Bound<'_, PyAny>,
        reading: &Bound<'_, PyAny>,
    ) -> PyResult<(Self, Vec<usize>)> {
        let py = effects.py();
        let reading = convert::json(reading, "reading")?;
        let back = plan::rollback(&self.0, convert::json(effects, "effects")?, reading);
        back.or_raise(py).map(|back| (Self(back.plan), back.irreversible))
    }

    /// What a side's system calls the resource.
    fn resource(&self, py: Python<'_>, side: &str) -> PyResult<String> {
        Ok(self.0.resource(read_side(py, side)?).to_owned())
    }
}

impl Deliver for trueup::Plan {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Plan(self))?.into_any())
    }
}
