//! Reports, and how they drift.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use pyo3::prelude::*;
use trueup::Result;
use trueup_bindings::compare;
use trueup_bindings::flat;
use trueup_bindings::given::Table;

use crate::convert;
use crate::errors::OrRaise;
use crate::input::Input;
use crate::work::{Deliver, Work};

/// What two snapshots agree and disagree on.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Report(pub(crate) trueup::Report);

#[pymethods]
impl Report {
    /// Everything that is known without computing more.
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::object(py, &compare::facts(&self.0))
    }

    fn digest(&self, py: Python<'_>) -> PyResult<Work> {
        self.work(py, |report| report.digest().map(|digest| trueup::hex(&digest)))
    }

    fn findings(&self, py: Python<'_>) -> PyResult<Work> {
        self.work(py, compare::findings)
    }

    /// Every finding's id and the digest of its state.
    fn states(&self, py: Python<'_>) -> PyResult<Work> {
        self.work(py, compare::states)
    }

    fn explain(&self, py: Python<'_>, finding: &str) -> PyResult<Work> {
        let id = finding.parse().or_raise(py)?;
        self.work(py, move |report| report.explain(id).map(|said| flat::explanation(&said)))
    }

    fn members(&self, py: Python<'_>, finding: &str) -> PyResult<Work> {
        let id = finding.parse().or_raise(py)?;
        self.work(py, move |report| report.members(id).map(Table::from))
    }

    fn matched(&self, py: Python<'_>) -> PyResult<Work> {
        self.work(py, compare::matched)
    }

    fn inputs(&self, py: Python<'_>) -> PyResult<Work> {
        self.work(py, compare::inputs)
    }

    #[pyo3(signature = (base))]
    fn advance(&self, py: Python<'_>, base: Option<&Bound<'_, PyAny>>) -> PyResult<Work> {
        let base = base.map(|base| Input::of(base, "base", None)).transpose()?;
        let report = self.0.clone();
        Work::start(py, move |context| {
            let base = base.map(|base| base.resolve(context)).transpose()?;
            report.advance(base.as_ref())
        })
    }

    fn html(&self, py: Python<'_>) -> PyResult<Work> {
        self.work(py, trueup::Report::html)
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<Work> {
        self.work(py, move |report| report.save(path))
    }

    fn to_html(&self, py: Python<'_>, path: PathBuf) -> PyResult<Work> {
        self.work(py, move |report| report.to_html(path))
    }

    fn to_csv(&self, py: Python<'_>, path: PathBuf) -> PyResult<Work> {
        self.work(py, move |report| report.to_csv(path))
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Work> {
        Work::start(py, move |_| trueup::Report::load(path))
    }
}

impl Report {
    fn work<T: Deliver>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&trueup::Report) -> Result<T> + Send + 'static,
    ) -> PyResult<Work> {
        let report = self.0.clone();
        Work::start(py, move |_| work(&report))
    }
}

impl Deliver for trueup::Report {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Report(self))?.into_any())
    }
}

/// What became of findings between two reports.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Drift(Arc<trueup::Drift>);

#[pymethods]
impl Drift {
    #[staticmethod]
    fn make(py: Python<'_>, before: &Report, after: &Report) -> PyResult<Work> {
        let (before, after) = (before.0.clone(), after.0.clone());
        Work::start(py, move |_| trueup::drift(&before, &after))
    }

    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::object(py, &compare::drift(&self.0))
    }

    fn opened(&self, py: Python<'_>) -> PyResult<Work> {
        self.table(py, trueup::Drift::opened)
    }

    fn changed(&self, py: Python<'_>) -> PyResult<Work> {
        self.table(py, trueup::Drift::changed)
    }

    fn resolved(&self, py: Python<'_>) -> PyResult<Work> {
        self.table(py, trueup::Drift::resolved)
    }

    fn unchanged_ids(&self) -> Vec<String> {
        self.0.unchanged_ids().map(|id| id.to_string()).collect()
    }
}

impl Drift {
    fn table(
        &self,
        py: Python<'_>,
        make: fn(&trueup::Drift) -> Result<RecordBatch>,
    ) -> PyResult<Work> {
        let drift = self.0.clone();
        Work::start(py, move |_| make(&drift).map(Table::from))
    }
}

impl Deliver for trueup::Drift {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Drift(Arc::new(self)))?.into_any())
    }
}
