//! The conformance suite over a connector of Python.

use std::sync::Arc;

use pyo3::prelude::*;
use serde_json::Value as Json;
use trueup::{Context, Error, Kind, Result};
use trueup_bindings::conform::{self, Made, Once, Truth};

use crate::errors::caught;
use crate::host::PyHost;
use crate::input::Input;
use crate::work::Work;

/// Checks every promise; `make` makes what is tested, once a promise: the connector, the records of
/// each resource, those that may be written, and what breaks and what changes the source.
#[pyfunction]
pub(crate) fn conformance(
    py: Python<'_>,
    make: Py<PyAny>,
    event_loop: Option<Py<PyAny>>,
) -> PyResult<Work> {
    let make = Arc::new(make);
    Work::start(py, move |context| {
        let checked = conform::check(context, |context| subject(&make, &event_loop, context))?;
        conform::all_kept(&checked).map(|()| checked.into_iter().collect::<Json>())
    })
}

/// What Python gives for a subject.
type Given<'py> = (
    Bound<'py, PyAny>,
    Vec<(String, Bound<'py, PyAny>)>,
    Option<(String, Bound<'py, PyAny>)>,
    Option<Py<PyAny>>,
    Option<Py<PyAny>>,
);

fn subject(make: &Py<PyAny>, event_loop: &Option<Py<PyAny>>, context: &Context) -> Result<Made> {
    let made = attached(|py| {
        let given = make.call0(py)?;
        let (object, truth, writes, breaking, change) = given.bind(py).extract::<Given<'_>>()?;
        let event_loop = event_loop.as_ref().map(|it| it.clone_ref(py));
        let host = PyHost::new(object.unbind(), event_loop);
        let writes = inputs(writes.into_iter().collect())?.pop();
        Ok((host, inputs(truth)?, writes, breaking, change))
    });
    let (host, truth, writes, breaking, change) = made?;
    let later = context.clone();
    Ok(Made {
        connector: conform::open(host, context)?,
        truth: resolve(truth, context)?,
        writes: writes
            .map(|one| resolve(vec![one], context))
            .transpose()?
            .and_then(|mut it| it.pop()),
        breaking: breaking
            .map(|it| -> Once<()> { Box::new(move || attached(|py| it.call0(py).map(drop))) }),
        change: change.map(|it| -> Once<Truth> {
            Box::new(move || resolve(attached(|py| inputs(it.call0(py)?.extract(py)?))?, &later))
        }),
    })
}

fn inputs(given: Vec<(String, Bound<'_, PyAny>)>) -> PyResult<Vec<(String, Input)>> {
    let input = |(name, records): (String, Bound<'_, PyAny>)| {
        Ok((name, Input::of(&records, "records", None)?))
    };
    given.into_iter().map(input).collect()
}

fn resolve(inputs: Vec<(String, Input)>, context: &Context) -> Result<Truth> {
    inputs.into_iter().map(|(name, input)| Ok((name, input.resolve(context)?))).collect()
}

/// Runs Python from a thread of ours; what it raises is the error's cause.
fn attached<T>(work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T> {
    let done = Python::try_attach(|py| work(py).map_err(|error| caught(py, error)));
    done.unwrap_or_else(|| Err(Error::new(Kind::Cancelled, "Python is shutting down")))
}
