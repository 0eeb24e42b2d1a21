//! Reports, and how they drift.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use pyo3::prelude::*;
use serde_json::json;
use trueup::{Kind, Result};
use trueup_bindings::flat;

use crate::convert;
use crate::errors::OrRaise;
use crate::input::Input;
use crate::table::Table;
use crate::work::{Deliver, Work};

/// What two snapshots agree and disagree on.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Report(pub(crate) trueup::Report);

#[pymethods]
impl Report {
    /// Everything that is known without computing more.
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let facts = json!({
            "name": self.0.name(),
            "tenant": self.0.tenant(),
            "resource": self.0.resource(),
            "key": self.0.key(),
            "counts": flat::counts(self.0.counts()),
            "counts_by_field": self.0.counts_by_field(),
            "converged": self.0.converged(),
            "rules_digest": self.0.rules_digest(),
            "findings": self.0.len(),
        });
        convert::object(py, &facts)
    }

    fn digest(&self, py: Python<'_>) -> PyResult<Work> {
        self.work(py, |report| report.digest().map(|digest| trueup::hex(&digest)))
    }

    fn findings(&self, py: Python<'_>) -> PyResult<Work> {
        self.work(py, findings)
    }

    /// Every finding's id and the digest of its state.
    fn states(&self, py: Python<'_>) -> PyResult<Work> {
        self.work(py, |report| {
            let states = report.states()?;
            let pairs =
                states.iter().map(|(id, state)| (id.to_string(), json!(trueup::hex(state))));
            Ok(serde_json::Value::Object(pairs.collect()))
        })
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
        self.work(py, |report| {
            let batches = report.matched()?.collect::<Result<Vec<_>>>()?;
            let schema = batches.first().map(|batch| batch.schema());
            // Nothing matched: then a table without columns says so.
            Ok(Table::new(
                schema.unwrap_or_else(|| Arc::new(arrow_schema::Schema::empty())),
                batches,
            ))
        })
    }

    fn inputs(&self, py: Python<'_>) -> PyResult<Work> {
        self.work(py, |report| {
            let inputs = report.inputs()?;
            let [expected, actual] = [flat::input(&inputs.expected)?, flat::input(&inputs.actual)?];
            Ok(json!({"expected": expected, "actual": actual}))
        })
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

/// In one piece, unless a column would be too large for that.
fn findings(report: &trueup::Report) -> Result<Table> {
    match report.findings_table() {
        Ok(table) => Ok(table.into()),
        Err(error) if error.kind() == Kind::Limit => {
            let batches = report.findings().collect::<Result<Vec<_>>>()?;
            Ok(Table::new(report.findings_schema(), batches))
        }
        Err(error) => Err(error),
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
        let facts = json!({
            "counts": flat::drift_counts(&self.0.counts()),
            "rules_changed": self.0.rules_changed(),
            "coverage_changed": self.0.coverage_changed(),
            "is_empty": self.0.is_empty(),
            "text": self.0.to_string(),
        });
        convert::object(py, &facts)
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
