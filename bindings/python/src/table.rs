//! Tables: what comes out, for any library that takes Arrow.

use arrow_array::RecordBatch;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList, PyString};
use trueup::{Column, Value};
use trueup_bindings::given;

use crate::errors::OrRaise;
use crate::{capsule, convert};

/// Columns that can be taken out by `__arrow_c_stream__`, as often as anybody likes.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Table(pub(crate) given::Table);

#[pymethods]
impl Table {
    fn rows(&self) -> usize {
        self.0.rows()
    }

    fn column_names(&self) -> Vec<String> {
        self.0.column_names()
    }

    /// Some rows as dicts.
    fn dicts<'py>(
        &self,
        py: Python<'py>,
        start: usize,
        count: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        self.0.slice(start, count).iter().try_for_each(|batch| append(&list, batch))?;
        Ok(list)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface lets a producer keep its own types.
        let _ = requested_schema;
        capsule::stream(py, self.0.schema.clone(), self.0.batches.clone())
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::schema(py, &self.0.schema)
    }
}

fn append(list: &Bound<'_, PyList>, batch: &RecordBatch) -> PyResult<()> {
    let py = list.py();
    let columns = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| {
            let name = PyString::new(py, field.name()).unbind();
            Column::new(array).or_raise(py).map(|column| (name, column))
        })
        .collect::<PyResult<Vec<_>>>()?;
    for row in 0..batch.num_rows() {
        let dict = PyDict::new(py);
        for (name, column) in &columns {
            let cell = match column.value(row) {
                Value::Text(text) => PyString::new(py, &text).into_any(),
                other => convert::python(py, &other)?,
            };
            dict.set_item(name, cell)?;
        }
        list.append(dict)?;
    }
    Ok(())
}
