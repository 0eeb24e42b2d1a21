//! Reconciling: documents, runs, and the index for changes.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use trueup::{Context, Error, Kind, Result, Run, Side, Snapshot};

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
            let [expected, actual] = resolve(sides, context)?;
            let base = base.map(|base| base.resolve(context)).transpose()?;
            let run = fresh(threads)?.with_context(context.clone());
            match base {
                None => document.compare(&run, &expected, &actual),
                Some(base) => document.compare_three_way(&run, &expected, &actual, &base),
            }
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
        Work::start(py, move |context| {
            let [expected, actual] = resolve(sides, context)?;
            // The index lives on, so it must not keep the context of the call that made it.
            let run = fresh(threads)?;
            let schemas = [expected.clone(), actual.clone()].map(|side| side.schema().clone());
            let index = trueup::Incremental::new(document, &run, &expected, &actual)?;
            Ok(Held { index, schemas })
        })
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

fn fresh(threads: Option<usize>) -> Result<Run> {
    let run = Run::fresh()?;
    match threads.map(std::num::NonZero::new) {
        None => Ok(run),
        Some(Some(threads)) => Ok(run.with_threads(threads)),
        Some(None) => Err(Error::new(Kind::Invalid, "`threads` must be at least 1")),
    }
}

/// An index, and the fields of both sides.
struct Held {
    index: trueup::Incremental,
    schemas: [trueup::Schema; 2],
}

/// Two snapshots side by side, with an index that takes changes.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Incremental(Arc<Mutex<Held>>);

#[pymethods]
impl Incremental {
    fn change(&self, py: Python<'_>, side: &str, records: &Bound<'_, PyAny>) -> PyResult<Work> {
        let (side, input) = (read_side(py, side)?, Input::of(records, "records", None)?);
        self.work(py, move |held, context| held.index.change(side, &input.resolve(context)?))
    }

    fn remove(&self, py: Python<'_>, side: &str, keys: &Bound<'_, PyAny>) -> PyResult<Work> {
        let (side, input) = (read_side(py, side)?, Input::of(keys, "keys", None)?);
        self.work(py, move |held, context| held.index.remove(side, &input.resolve(context)?))
    }

    fn report(&self, py: Python<'_>) -> PyResult<Work> {
        self.work(py, |held, _| held.index.report())
    }

    /// The fields of a side.
    fn fields<'py>(&self, py: Python<'py>, side: &str) -> PyResult<Bound<'py, PyAny>> {
        let side = read_side(py, side)?;
        let fields = py.detach(|| {
            let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            held.schemas.get(side as usize).map(|schema| serde_json::json!(schema.fields()))
        });
        convert::object(py, &fields.unwrap_or_default())
    }
}

impl Incremental {
    fn work<T: Deliver>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Held, &Context) -> Result<T> + Send + 'static,
    ) -> PyResult<Work> {
        let held = self.0.clone();
        Work::start(py, move |context| {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            context.check()?;
            work(&mut held, context)
        })
    }
}

impl Deliver for Held {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Incremental(Arc::new(Mutex::new(self))))?.into_any())
    }
}

/// `expected` or `actual`.
pub(crate) fn read_side(py: Python<'_>, name: &str) -> PyResult<Side> {
    let side = Side::BOTH.into_iter().find(|side| side.name() == name).ok_or_else(|| {
        let nearest = trueup::suggest(name, Side::BOTH.map(Side::name));
        Error::new(Kind::Invalid, format!("unknown side `{name}`{nearest}"))
    });
    side.or_raise(py)
}
