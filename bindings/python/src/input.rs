//! What a caller may give as records.

use std::path::PathBuf;

use arrow_array::RecordBatchReader;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use trueup::{Context, Result, Schema, Snapshot};
use trueup_bindings::given;

use crate::convert::class_name;
use crate::errors::OrRaise;
use crate::{capsule, rows, snapshot};

/// Records as they were given; what takes long is left for [`Input::resolve`].
pub(crate) enum Input {
    Snapshot(Snapshot),
    Stream(Box<dyn RecordBatchReader + Send>),
    Path(PathBuf),
}

impl Input {
    /// Takes what was given for the argument `what`; a schema goes with rows only.
    pub(crate) fn of(
        object: &Bound<'_, PyAny>,
        what: &str,
        schema: Option<&Schema>,
    ) -> PyResult<Self> {
        let py = object.py();
        if let Ok(rows) = object.cast::<PyList>() {
            let batch = rows::batch(rows, schema)?;
            return Snapshot::from_batch(batch).or_raise(py).map(Self::Snapshot);
        }
        if schema.is_some() {
            let class = class_name(object);
            let message =
                format!("a schema goes with rows; `{what}` is {class}, which has its own");
            return Err(PyTypeError::new_err(message));
        }
        if let Ok(snapshot) = object.cast::<snapshot::Snapshot>() {
            return Ok(Self::Snapshot(snapshot.get().0.clone()));
        }
        Self::of_arrow(object).or_else(|| Self::of_path(object)).unwrap_or_else(|| {
            let class = class_name(object);
            Err(PyTypeError::new_err(format!(
                "`{what}` must be a table (any object with `__arrow_c_stream__`), a list of dicts, a path or a Snapshot, not {class}"
            )))
        })
    }

    /// The snapshot; reads streams and files.
    pub(crate) fn resolve(self, context: &Context) -> Result<Snapshot> {
        match self {
            Self::Snapshot(snapshot) => Ok(snapshot),
            Self::Stream(reader) => Snapshot::from_reader(reader),
            Self::Path(path) => given::file(&path, context),
        }
    }

    fn of_arrow(object: &Bound<'_, PyAny>) -> Option<PyResult<Self>> {
        let py = object.py();
        let has = |name| object.hasattr(name).unwrap_or(false);
        if has(intern!(py, "__arrow_c_stream__")) {
            return Some(capsule::read_stream(object).map(Self::Stream));
        }
        let batch = || Snapshot::from_batch(capsule::read_array(object)?).or_raise(py);
        has(intern!(py, "__arrow_c_array__")).then(|| batch().map(Self::Snapshot))
    }

    fn of_path(object: &Bound<'_, PyAny>) -> Option<PyResult<Self>> {
        let is_path = object.is_instance_of::<PyString>()
            || object.hasattr(intern!(object.py(), "__fspath__")).unwrap_or(false);
        is_path.then(|| object.extract().map(Self::Path))
    }
}
