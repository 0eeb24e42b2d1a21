//! The store, and runs that journal into it.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value as Json;
use trueup::{Progress, Result};
use trueup_bindings::run::{self, Finished, Gate, Running, Start, Target};
use trueup_bindings::store;

use crate::approvals::{BreakGlass, Grant, Key};
use crate::connector::Source;
use crate::convert;
use crate::errors::{OrRaise, cause, raise};
use crate::guard::{Decision, Policy, read_request};
use crate::plan::Plan;
use crate::reconcile::read_side;
use crate::report::Report;
use crate::snapshot::Snapshot;
use crate::work::{Deliver, Delivery, Task, Work, delivery};

/// One SQLite file that remembers what was read, found, planned, permitted and done.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Store(store::Store);

#[pymethods]
impl Store {
    /// `opening` is `create`, `open`, `open_or_create` or `in_memory`.
    #[staticmethod]
    fn make(
        py: Python<'_>,
        path: PathBuf,
        opening: &Bound<'_, PyAny>,
        settings: &Bound<'_, PyAny>,
    ) -> PyResult<Work> {
        let opening = convert::read(opening, "opening")?;
        let settings = convert::json(settings, "settings")?;
        Work::start(py, move |_| store::Store::make(&path, opening, settings))
    }

    #[staticmethod]
    fn restore(py: Python<'_>, backup: PathBuf, to: PathBuf) -> PyResult<Work> {
        Work::start(py, move |_| store::Store::restore(&backup, &to))
    }

    /// What is asked in plain data.
    fn ask(&self, py: Python<'_>, question: &Bound<'_, PyAny>) -> PyResult<Work> {
        let question = convert::json(question, "the question")?;
        self.work(py, move |store| store.ask(question))
    }

    fn note_reading(&self, py: Python<'_>, snapshot: &Snapshot) -> PyResult<Work> {
        let snapshot = snapshot.0.clone();
        self.work(py, move |store| store.note_reading(&snapshot))
    }

    fn note_agreed(&self, py: Python<'_>, report: &Report) -> PyResult<Work> {
        let report = report.0.clone();
        self.work(py, move |store| store.note_agreed(&report))
    }

    fn follow(&self, py: Python<'_>, report: &Report) -> PyResult<Work> {
        let report = report.0.clone();
        self.work(py, move |store| store.follow(&report))
    }

    fn suppress(
        &self,
        py: Python<'_>,
        report: &Report,
        finding: String,
        owner: String,
        reason: String,
        until: i64,
    ) -> PyResult<Work> {
        let report = report.0.clone();
        self.work(py, move |store| store.suppress(&report, &finding, &owner, &reason, until))
    }

    fn unsuppress(
        &self,
        py: Python<'_>,
        report: &Report,
        finding: String,
        by: String,
    ) -> PyResult<Work> {
        let report = report.0.clone();
        self.work(py, move |store| store.unsuppress(&report, &finding, &by))
    }

    fn keep_plan(&self, py: Python<'_>, plan: &Plan) -> PyResult<Work> {
        let plan = plan.0.clone();
        self.work(py, move |store| store.keep_plan(&plan))
    }

    fn plan(&self, py: Python<'_>, digest: String) -> PyResult<Work> {
        self.work(py, move |store| store.plan(&digest))
    }

    fn keep_decision(&self, py: Python<'_>, decision: &Decision) -> PyResult<Work> {
        let decision = decision.0.clone();
        self.work(py, move |store| store.keep_decision(&decision))
    }

    fn keep_grant(&self, py: Python<'_>, grant: &Grant) -> PyResult<Work> {
        let grant = grant.0.clone();
        self.work(py, move |store| store.keep_grant(&grant))
    }

    fn checkpoint(&self, py: Python<'_>, key: &Key) -> PyResult<Work> {
        let key = key.0.clone();
        self.work(py, move |store| store.checkpoint(&key))
    }

    fn evidence(
        &self,
        py: Python<'_>,
        run: String,
        files: Vec<(String, String, Vec<u8>)>,
        key: &Key,
    ) -> PyResult<Work> {
        let key = key.0.clone();
        self.work(py, move |store| store.evidence(&run, files, &key))
    }

    fn open_runs(&self, py: Python<'_>) -> PyResult<Work> {
        run::open_runs(&self.0).or_raise(py).map(Work::of)
    }

    fn answer_for(
        &self,
        py: Python<'_>,
        run: String,
        place: usize,
        took_place: bool,
        by: String,
        reason: String,
    ) -> PyResult<Work> {
        run::answer(&self.0, run, place, took_place, by, reason).or_raise(py).map(Work::of)
    }

    /// Carries a plan out with its grant, or takes up the run of this name.
    #[pyo3(signature = (settings, plan, grant, run, systems, gate, events))]
    #[expect(clippy::too_many_arguments, reason = "only the Python half calls it")]
    fn run(
        &self,
        settings: &Bound<'_, PyAny>,
        plan: Option<&Plan>,
        grant: Option<&Grant>,
        run: Option<String>,
        systems: Vec<(String, Bound<'_, Source>)>,
        gate: (Bound<'_, Policy>, Bound<'_, PyAny>, Option<Bound<'_, BreakGlass>>),
        events: bool,
    ) -> PyResult<Run> {
        let py = settings.py();
        let settings = convert::json(settings, "settings")?;
        let plan = plan.map(|plan| plan.0.clone());
        let start = match (plan, grant, run) {
            (Some(plan), Some(grant), None) => Start::Execute(plan, Box::new(grant.0.clone())),
            (plan, _, run) => Start::Recover(run.unwrap_or_default(), plan),
        };
        let targets = systems.iter().map(|(side, source)| {
            let (connector, mishaps) = source.get().built_in(py)?;
            Ok(Target { side: read_side(py, side)?, connector, mishaps })
        });
        let targets = targets.collect::<PyResult<Vec<_>>>()?;
        let (policy, request, glass) = gate;
        let glass = glass.map(|glass| glass.get().0.clone());
        let gate = Gate { policy: policy.get().0.clone(), request: read_request(&request)?, glass };
        let running = run::run(&self.0, settings, start, targets, gate, events).or_raise(py)?;
        Ok(Run(Arc::new(running)))
    }
}

impl Store {
    fn work<T: Deliver>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&store::Store) -> Result<T> + Send + 'static,
    ) -> PyResult<Work> {
        let store = self.0.clone();
        Work::start(py, move |_| work(&store))
    }
}

impl Deliver for store::Store {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Store(self))?.into_any())
    }
}

/// A run that goes on by itself.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Run(Arc<Running>);

#[pymethods]
impl Run {
    fn work(&self) -> Work {
        Work::of(self.0.clone())
    }

    fn id(&self) -> Option<&str> {
        self.0.id()
    }

    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::object(py, &Json::from(self.0.events()))
    }
}

impl Task for Arc<Running> {
    fn wait(&self, limit: std::time::Duration) -> bool {
        self.job().wait(limit)
    }

    fn cancel(&self) {
        self.job().cancel();
    }

    fn progress(&self) -> Option<Progress> {
        self.job().progress()
    }

    fn when_over(&self, bell: Box<dyn FnOnce() + Send>) {
        self.job().when_over(bell);
    }

    fn take(&self) -> Option<Result<Delivery>> {
        self.job().take().map(|outcome| outcome.map(delivery))
    }
}

impl Deliver for Finished {
    /// What became of every change, with the exceptions that came out of `apply`, by place.
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let exceptions = PyDict::new(py);
        for (place, error) in self.mishaps() {
            let own = cause(error).map(|exception| exception.clone_ref(py));
            let exception = own.unwrap_or_else(|| raise(py, error));
            exceptions.set_item(place, exception.into_value(py))?;
        }
        let said = convert::object(py, &self.to_json())?;
        said.set_item("exceptions", exceptions)?;
        Ok(said.unbind())
    }
}
