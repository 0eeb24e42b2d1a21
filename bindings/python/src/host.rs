//! Connectors written in Python.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use serde_json::Value as Json;
use trueup::{Context, Error, Kind, Page, ReadRequest, Resource, Result, Schema, async_trait};
use trueup_bindings::page::{Host, PageFacts};
use trueup_bindings::write::{self, HostWriter};
use trueup_bindings::{given, process};

use crate::convert;
use crate::errors::{OrRaise, caught};
use crate::input::Input;

/// What the record as it is now means for a change.
#[pyfunction]
#[pyo3(signature = (change, record))]
pub(crate) fn change_standing(
    change: &Bound<'_, PyAny>,
    record: Option<&Bound<'_, PyAny>>,
) -> PyResult<&'static str> {
    let py = change.py();
    let change = convert::json(change, "change")?;
    let record = record.map(|record| convert::json(record, "record")).transpose()?;
    write::standing(change, record.as_ref(), None).or_raise(py)
}

/// A connector's object, and the event loop its coroutines run on: that of whoever started the run.
#[derive(Clone, Debug)]
pub(crate) struct PyHost {
    object: Arc<Py<PyAny>>,
    event_loop: Option<Arc<Py<PyAny>>>,
}

/// Tells the waiting side of a call that nobody waits for its answer any more.
#[pyclass(frozen, module = "trueup._native")]
struct Stop {
    context: Context,
    given_up: Arc<AtomicBool>,
}

#[pymethods]
impl Stop {
    fn is_set(&self) -> bool {
        self.context.is_cancelled() || self.given_up.load(Ordering::Relaxed)
    }
}

/// Gives a call up when it is dropped.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl PyHost {
    pub(crate) fn new(object: Py<PyAny>, event_loop: Option<Py<PyAny>>) -> Self {
        Self { object: Arc::new(object), event_loop: event_loop.map(Arc::new) }
    }

    /// Calls a method on a thread that may block: Python makes it wait, and so may the connector.
    async fn call<T: Send + 'static>(
        &self,
        context: Context,
        method: &'static str,
        asked: Asked,
        take: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T> + Send + 'static,
    ) -> Result<T> {
        let (host, waiting) = (self.clone(), Waiting(Arc::default()));
        let stop = Stop { context, given_up: waiting.0.clone() };
        // An interpreter that ends under a call would take the process down with it.
        let given_up = waiting.0.clone();
        let held = process::hold(move || given_up.store(true, Ordering::Relaxed));
        let call = move || {
            let _held = held;
            Python::try_attach(|py| {
                let answer = host.answer(py, stop, method, asked);
                answer.and_then(|answer| take(&answer)).map_err(|error| caught(py, error))
            })
        };
        let answer = tokio::task::spawn_blocking(call).await;
        drop(waiting);
        let gone = |_| Error::new(Kind::Cancelled, "the call of the connector was given up");
        answer.map_err(gone)?.unwrap_or_else(|| {
            Err(Error::new(Kind::Cancelled, "Python is shutting down; the connector is not called"))
        })
    }

    fn answer<'py>(
        &self,
        py: Python<'py>,
        stop: Stop,
        method: &str,
        asked: Asked,
    ) -> PyResult<Bound<'py, PyAny>> {
        let bridge = py.import(intern!(py, "trueup._bridge"))?.getattr(intern!(py, "call"))?;
        let asked = match asked {
            Asked::Nothing => None,
            Asked::Page(request) => Some(fields(py, &request)?.into_any()),
            Asked::Changes(changes) => Some(said(py, &changes)?.into_any()),
            Asked::Handle(handle) => Some(PyString::new(py, &handle).into_any()),
        };
        let event_loop = self.event_loop.as_ref().map(|it| it.clone_ref(py));
        bridge.call1((self.object.clone_ref(py), method, asked, event_loop, stop))
    }
}

#[async_trait]
impl Host for PyHost {
    async fn describe(&self, context: Context) -> Result<Json> {
        self.call(context, "describe", Asked::Nothing, |said| convert::json(said, "describe()"))
            .await
    }

    async fn check(&self, context: Context) -> Result<()> {
        self.call(context, "check", Asked::Nothing, |_| Ok(())).await
    }

    async fn read_page(
        &self,
        context: Context,
        request: ReadRequest,
        resource: &Resource,
    ) -> Result<Page> {
        let schema = resource.schema.clone();
        let inner = context.clone();
        self.call(context, "read_page", Asked::Page(request), move |said| {
            page(said, &schema, &inner)
        })
        .await
    }

    fn writer(&self) -> Option<Box<dyn HostWriter>> {
        Some(Box::new(self.clone()))
    }
}

#[async_trait]
impl HostWriter for PyHost {
    async fn apply(&self, context: Context, changes: Json) -> Result<Json> {
        self.call(context, "apply", Asked::Changes(changes), |said| convert::json(said, "apply()"))
            .await
    }

    async fn status(&self, context: Context, handle: String) -> Result<Json> {
        let asked = Asked::Handle(handle);
        self.call(context, "status", asked, |said| convert::json(said, "status()")).await
    }
}

/// What a method is called with.
enum Asked {
    Nothing,
    Page(ReadRequest),
    Changes(Json),
    Handle(String),
}

/// The arguments of a `ReadRequest` of Python.
fn fields<'py>(py: Python<'py>, request: &ReadRequest) -> PyResult<Bound<'py, PyTuple>> {
    let cursor = request.cursor.as_ref().map(|cursor| cursor.as_str());
    let since = request.since.as_ref().map(|since| since.as_str());
    (request.resource.as_str(), cursor, since, request.page_size).into_pyobject(py)
}

/// Changes as dicts.
fn said<'py>(py: Python<'py>, changes: &Json) -> PyResult<Bound<'py, PyList>> {
    let changes = changes.as_array().into_iter().flatten();
    PyList::new(py, changes.map(|one| convert::change(py, one)).collect::<PyResult<Vec<_>>>()?)
}

/// A page from what the bridge made of the answer: its records, and what it says beside them.
fn page(said: &Bound<'_, PyAny>, schema: &Schema, context: &Context) -> PyResult<Page> {
    let py = said.py();
    let (records, facts) = said.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
    let facts = PageFacts::from_json(convert::json(&facts, "read_page()")?).or_raise(py)?;
    let rows = records.is_instance_of::<PyList>();
    let input = Input::of(&records, "records", rows.then_some(schema))?;
    let snapshot = py.detach(|| input.resolve(context)).or_raise(py)?;
    Ok(facts.page(given::one_batch(&snapshot).or_raise(py)?))
}
