//! Work in the background as Python sees it.

use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::Value as Json;
use trueup::{Context, Progress, Result, Snapshot};
use trueup_bindings::given;
use trueup_bindings::job::Job;

use crate::errors::OrRaise;
use crate::{convert, snapshot, table};

/// What work gives, once Python asks for it.
pub(crate) trait Deliver: Send + 'static {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>>;
}

pub(crate) type Delivery = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// Work that goes on in the background, without holding up Python.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Work(Arc<dyn Task>);

/// A job, whatever it gives.
pub(crate) trait Task: Send + Sync {
    fn wait(&self, limit: Duration) -> bool;
    fn cancel(&self);
    fn progress(&self) -> Option<Progress>;
    fn when_over(&self, bell: Box<dyn FnOnce() + Send>);
    fn take(&self) -> Option<Result<Delivery>>;
}

impl<T: Deliver> Task for Job<T> {
    fn wait(&self, limit: Duration) -> bool {
        self.wait(limit)
    }

    fn cancel(&self) {
        self.cancel();
    }

    fn progress(&self) -> Option<Progress> {
        self.progress()
    }

    fn when_over(&self, bell: Box<dyn FnOnce() + Send>) {
        self.when_over(bell);
    }

    fn take(&self) -> Option<Result<Delivery>> {
        self.take().map(|outcome| outcome.map(delivery))
    }
}

impl Work {
    /// Starts work on a thread of its own.
    pub(crate) fn start<T: Deliver>(
        py: Python<'_>,
        work: impl FnOnce(&Context) -> Result<T> + Send + 'static,
    ) -> PyResult<Self> {
        Job::start(work).or_raise(py).map(Self::of)
    }

    /// Starts reading on the runtime.
    pub(crate) fn read<T: Deliver, F>(
        py: Python<'_>,
        work: impl FnOnce(Context) -> F,
    ) -> PyResult<Self>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        Job::read(work).or_raise(py).map(Self::of)
    }

    /// A job that goes on already.
    pub(crate) fn of(job: impl Task + 'static) -> Self {
        Self(Arc::new(job))
    }
}

#[pymethods]
impl Work {
    /// Waits until it is over, but no longer than this; whether it is over.
    fn wait(&self, py: Python<'_>, seconds: f64) -> bool {
        let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO);
        py.detach(|| self.0.wait(limit))
    }

    fn cancel(&self) {
        self.0.cancel();
    }

    /// How far it is (stage, rows done, rows in all), where it said so since the last call.
    fn progress(&self) -> Option<(&'static str, u64, Option<u64>)> {
        self.0.progress().map(|progress| (progress.stage, progress.done, progress.total))
    }

    /// Calls back once, from any thread, as soon as it is over.
    fn when_over(&self, py: Python<'_>, callback: Py<PyAny>) {
        let ring = move || {
            // An interpreter that is shutting down has nobody left to tell.
            Python::try_attach(|py| {
                if let Err(error) = callback.call0(py) {
                    error.write_unraisable(py, None);
                }
            });
        };
        py.detach(|| self.0.when_over(Box::new(ring)));
    }

    /// What came of it; to be asked once, when it is over.
    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let outcome = self.0.take();
        let outcome =
            outcome.ok_or_else(|| PyRuntimeError::new_err("there is no result to take"))?;
        outcome.or_raise(py)?(py)
    }
}

pub(crate) fn delivery<T: Deliver>(value: T) -> Delivery {
    Box::new(move |py| value.deliver(py))
}

impl Deliver for () {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(py.None())
    }
}

impl Deliver for String {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.into_pyobject(py)?.into_any().unbind())
    }
}

impl Deliver for usize {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.into_pyobject(py)?.into_any().unbind())
    }
}

impl Deliver for Vec<u8> {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(PyBytes::new(py, &self).into_any().unbind())
    }
}

impl Deliver for Vec<String> {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.into_pyobject(py)?.into_any().unbind())
    }
}

impl Deliver for Json {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(convert::object(py, &self)?.unbind())
    }
}

impl Deliver for Snapshot {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, snapshot::Snapshot(self))?.into_any())
    }
}

impl Deliver for given::Table {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, table::Table(self))?.into_any())
    }
}
