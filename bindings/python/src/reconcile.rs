//! Reconciling: documents, runs, and the index for changes.

use pyo3::prelude::*;
use serde_json::json;
use trueup::{Context, Result, Side, Snapshot};
use trueup_bindings::compare::{self, Index};

use crate::convert;
use crate::errors::OrRaise;
use crate::input::Input;
use crate::work::{Deliver, Work};

/// What is compared and how.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Reconciliation(trueup::Reconciliation);

#[pymethods]
impl Reconciliation {
    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        trueup::Reconciliation::from_json(text).or_raise(py).map(Self)
    }

    /// From the members of the document's JSON form.
    #[staticmethod]
    fn from_data(py: Python<'_>, members: &Bound<'_, PyAny>) -> PyResult<Self> {
        let text = convert::json(members, "the reconciliation")?.to_string();
        Self::from_json(py, &text)
    }

    fn to_json(&self) -> String {
        self.0.to_json().to_string()
    }

    /// Compares; `base` makes it a three-way comparison.
    #[pyo3(signature = (expected, actual, base, threads))]
    fn run(
        &self,
        py: Python<'_>,
        expected: &Bound<'_, PyAny>,
        actual: &Bound<'_, PyAny>,
        base: Option<&Bound<'_, PyAny>>,
        threads: Option<usize>,
    ) -> PyResult<Work> {
        let sides = sides(expected, actual)?;
        let base = base.map(|base| Input::of(base, "base", None)).transpose()?;
        let document = self.0.clone();
        Work::start(py, move |context| {
            let sides = resolve(sides, context)?;
            let base = base.map(|base| base.resolve(context)).transpose()?;
            compare::compare(&document, context, &sides, base.as_ref(), threads)
        })
    }

    /// Compares, and keeps an index that takes changes.
    #[pyo3(signature = (expected, actual, threads))]
    fn index(
        &self,
        py: Python<'_>,
        expected: &Bound<'_, PyAny>,
        actual: &Bound<'_, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<Work> {
        let (sides, document) = (sides(expected, actual)?, self.0.clone());
        Work::start(py, move |context| Index::new(document, &resolve(sides, context)?, threads))
    }
}

fn sides(expected: &Bound<'_, PyAny>, actual: &Bound<'_, PyAny>) -> PyResult<[Input; 2]> {
    Ok([Input::of(expected, "expected", None)?, Input::of(actual, "actual", None)?])
}

fn resolve([expected, actual]: [Input; 2], context: &Context) -> Result<[Snapshot; 2]> {
    let side = |input: Input, side: Side| {
        context.check()?;
        input.resolve(context).map_err(|error| error.with("side", side))
    };
    Ok([side(expected, Side::Expected)?, side(actual, Side::Actual)?])
}

/// Two snapshots side by side, with an index that takes changes.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Incremental(Index);

#[pymethods]
impl Incremental {
    fn change(&self, py: Python<'_>, side: &str, records: &Bound<'_, PyAny>) -> PyResult<Work> {
        let (side, input) = (read_side(py, side)?, Input::of(records, "records", None)?);
        self.work(py, move |index, context| {
            let records = input.resolve(context)?;
            index.with(context, |index| index.change(side, &records))
        })
    }

    fn remove(&self, py: Python<'_>, side: &str, keys: &Bound<'_, PyAny>) -> PyResult<Work> {
        let (side, input) = (read_side(py, side)?, Input::of(keys, "keys", None)?);
        self.work(py, move |index, context| {
            let keys = input.resolve(context)?;
            index.with(context, |index| index.remove(side, &keys))
        })
    }

    fn report(&self, py: Python<'_>) -> PyResult<Work> {
        self.work(py, |index, context| index.with(context, |index| index.report()))
    }

    /// The fields of a side.
    fn fields<'py>(&self, py: Python<'py>, side: &str) -> PyResult<Bound<'py, PyAny>> {
        let side = read_side(py, side)?;
        convert::object(py, &json!(self.0.schema(side).fields()))
    }
}

impl Incremental {
    fn work<T: Deliver>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Index, &Context) -> Result<T> + Send + 'static,
    ) -> PyResult<Work> {
        let index = self.0.clone();
        Work::start(py, move |context| work(&index, context))
    }
}

impl Deliver for Index {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Incremental(self))?.into_any())
    }
}

/// `expected` or `actual`.
pub(crate) fn read_side(py: Python<'_>, name: &str) -> PyResult<Side> {
    compare::side(name).or_raise(py)
}
