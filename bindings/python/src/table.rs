//! Tables: what comes out, for any library that takes Arrow.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList, PyString};
use trueup::{Column, Value};

use crate::errors::OrRaise;
use crate::{capsule, convert};

/// Columns that can be taken out by `__arrow_c_stream__`, as often as anybody likes.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Table {
    pub(crate) fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self { schema, batches }
    }
}

impl From<RecordBatch> for Table {
    fn from(batch: RecordBatch) -> Self {
        Self::new(batch.schema(), vec![batch])
    }
}

#[pymethods]
impl Table {
    fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Some rows as dicts.
    fn dicts<'py>(
        &self,
        py: Python<'py>,
        start: usize,
        count: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        let (mut skip, mut left) = (start, count);
        for batch in &self.batches {
            let from = skip.min(batch.num_rows());
            let some = batch.slice(from, left.min(batch.num_rows() - from));
            (skip, left) = (skip - from, left - some.num_rows());
            append(&list, &some)?;
        }
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
        capsule::stream(py, self.schema.clone(), self.batches.clone())
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::schema(py, &self.schema)
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
