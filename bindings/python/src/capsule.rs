//! Arrow's C interfaces in Python's capsules: the one place where memory of others is touched.
#![expect(unsafe_code, reason = "columns cross as pointers by the Arrow PyCapsule interface")]

use std::ffi::CStr;
use std::ptr::NonNull;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{RecordBatch, RecordBatchIterator, RecordBatchReader, StructArray};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};
use trueup::{Error, Kind};

use crate::errors::raise;

const STREAM: &CStr = c"arrow_array_stream";
const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";

/// A stream of the batches, for `__arrow_c_stream__`; the columns are shared, not copied.
pub(crate) fn stream<'py>(
    py: Python<'py>,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
) -> PyResult<Bound<'py, PyCapsule>> {
    let reader = RecordBatchIterator::new(batches.into_iter().map(Ok::<_, ArrowError>), schema);
    // What is not taken out of the capsule is released when it is dropped.
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(reader)), STREAM)
}

/// The schema, for `__arrow_c_schema__`.
pub(crate) fn schema<'py>(py: Python<'py>, schema: &SchemaRef) -> PyResult<Bound<'py, PyCapsule>> {
    let ffi = FFI_ArrowSchema::try_from(schema.as_ref()).map_err(|cause| malformed(py, &cause))?;
    PyCapsule::new_with_value(py, ffi, SCHEMA)
}

/// What an object gives by `__arrow_c_stream__`; it is read later, and only once.
pub(crate) fn read_stream(
    object: &Bound<'_, PyAny>,
) -> PyResult<Box<dyn RecordBatchReader + Send>> {
    let capsule = object.call_method0("__arrow_c_stream__")?;
    let place = pointer::<FFI_ArrowArrayStream>(capsule.cast::<PyCapsule>()?, STREAM)?;
    // SAFETY: the capsule says by its name that it points to a valid stream, which is moved out: what
    // stays behind is released, and so neither read nor freed by anybody else.
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(place.as_ptr()) };
    if stream.release().is_none() {
        return Err(raise(object.py(), &taken()));
    }
    let py = object.py();
    let reader = py.detach(|| RecordBatchStreamReader::try_new(stream));
    Ok(Box::new(reader.map_err(|cause| malformed(py, &cause))?))
}

/// What an object gives by `__arrow_c_array__`: one batch.
pub(crate) fn read_array(object: &Bound<'_, PyAny>) -> PyResult<RecordBatch> {
    let py = object.py();
    let pair = object.call_method0("__arrow_c_array__")?;
    let (schema, array) =
        pair.cast::<PyTuple>()?.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
    let schema = pointer::<FFI_ArrowSchema>(schema.cast::<PyCapsule>()?, SCHEMA)?;
    let array = pointer::<FFI_ArrowArray>(array.cast::<PyCapsule>()?, ARRAY)?;
    // SAFETY: the capsule says by its name that it points to a valid array, which is moved out: what
    // stays behind is released, and so neither read nor freed by anybody else.
    let array = unsafe { FFI_ArrowArray::from_raw(array.as_ptr()) };
    if array.is_released() {
        return Err(raise(py, &taken()));
    }
    // SAFETY: `pair` keeps the schema's capsule, and so the schema, until the end of this function,
    // and by the interface the array is of this schema.
    let data = unsafe { from_ffi(array, schema.as_ref()) };
    let data = data.map_err(|cause| malformed(py, &cause))?;
    if !matches!(data.data_type(), arrow_schema::DataType::Struct(_)) {
        let message = format!("an array of {} has no columns; give a table", data.data_type());
        return Err(raise(py, &Error::new(Kind::Invalid, message)));
    }
    Ok(RecordBatch::from(StructArray::from(data)))
}

/// Where the value of a capsule of this name stands.
fn pointer<T>(capsule: &Bound<'_, PyCapsule>, name: &CStr) -> PyResult<NonNull<T>> {
    Ok(capsule.pointer_checked(Some(name))?.cast())
}

fn taken() -> Error {
    Error::new(Kind::Invalid, "the stream was read before, and can be read only once")
}

fn malformed(py: Python<'_>, cause: &ArrowError) -> PyErr {
    raise(py, &Error::new(Kind::Data, format!("the columns cannot be read: {cause}")))
}
