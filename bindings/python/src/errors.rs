//! Errors as exceptions, and exceptions as errors.

use pyo3::exceptions::{PyConnectionError, PyNotImplementedError, PyTimeoutError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use trueup::{Error, Kind, Result};
use trueup_bindings::failure::{self, Failure};

/// The error as an exception of its kind. An exception that led to it is its `__cause__`.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error).unwrap_or_else(|failed| failed)
}

/// An exception of a connector as an error, which keeps it with its traceback.
pub(crate) fn caught(py: Python<'_>, exception: PyErr) -> Error {
    let said = said(py, &exception);
    let known = kind_of(py, &exception).unwrap_or_default();
    let error = match known {
        Some(kind) => Error::new(kind, said),
        None => Error::new(kind_by_class(py, &exception), format!("the connector raised `{said}`")),
    };
    error.with_source(exception)
}

/// Makes an exception of an error.
pub(crate) trait OrRaise<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raise(py, &error))
    }
}

fn exception(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let failure = Failure::of(error);
    let class = py.import(intern!(py, "trueup._errors"))?.getattr(failure.class)?;
    let details = PyDict::new(py);
    for (name, value) in &failure.context {
        details.set_item(name, value)?;
    }
    let made = class.call1((failure.message, details, failure.retry, failure.retry_after))?;
    let exception = PyErr::from_value(made);
    exception.set_cause(py, cause(error).map(|cause| cause.clone_ref(py)));
    Ok(exception)
}

/// The exception that led to an error.
pub(crate) fn cause(error: &Error) -> Option<&PyErr> {
    let mut at = std::error::Error::source(error);
    while let Some(cause) = at {
        if let Some(exception) = cause.downcast_ref::<PyErr>() {
            return Some(exception);
        }
        at = cause.source();
    }
    None
}

/// What an exception says: its text if it is one of ours, else with its class.
pub(crate) fn said(py: Python<'_>, exception: &PyErr) -> String {
    shown(py, exception).unwrap_or_else(|_| "an exception that cannot be shown".to_owned())
}

fn shown(py: Python<'_>, exception: &PyErr) -> PyResult<String> {
    let text = exception.value(py).str()?.to_string();
    let class = exception.get_type(py).name()?.to_string();
    Ok(match (kind_of(py, exception)?, text.as_str()) {
        (Some(_), _) => text,
        (None, "") => class,
        (None, _) => format!("{class}: {text}"),
    })
}

/// The kind of an exception of ours.
fn kind_of(py: Python<'_>, exception: &PyErr) -> PyResult<Option<Kind>> {
    let ours = py.import(intern!(py, "trueup._errors"))?.getattr(intern!(py, "Error"))?;
    if !exception.value(py).is_instance(&ours)? {
        return Ok(None);
    }
    let kind: String = exception.value(py).getattr(intern!(py, "kind"))?.extract()?;
    Ok(Some(failure::kind(&kind).unwrap_or(Kind::Internal)))
}

/// What Python's own exceptions mean; any other is a mistake in the connector.
fn kind_by_class(py: Python<'_>, exception: &PyErr) -> Kind {
    if exception.is_instance_of::<PyConnectionError>(py)
        || exception.is_instance_of::<PyTimeoutError>(py)
    {
        return Kind::Unavailable;
    }
    match exception.is_instance_of::<PyNotImplementedError>(py) {
        true => Kind::Unsupported,
        false => Kind::Protocol,
    }
}
