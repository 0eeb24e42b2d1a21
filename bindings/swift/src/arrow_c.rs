//! Arrow's C stream interface: the one place where memory of others is touched.

use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use trueup::{Error, Kind, Result};

/// The stream at this address, which is moved out and left released.
///
/// Swift's half promises that a valid `ArrowArrayStream` is there, which nobody else uses meanwhile.
pub(crate) fn read(address: u64) -> Result<Box<dyn RecordBatchReader + Send>> {
    let place = address as usize as *mut FFI_ArrowArrayStream;
    if place.is_null() {
        return Err(Error::new(Kind::Invalid, "there is no stream at the address 0"));
    }
    // SAFETY: by the promise above; what stays behind is released, and so neither read nor freed again.
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(place) };
    if stream.release().is_none() {
        let message = "the stream was read before, and can be read only once";
        return Err(Error::new(Kind::Invalid, message));
    }
    let reader = RecordBatchStreamReader::try_new(stream)
        .map_err(|cause| Error::new(Kind::Data, format!("the columns cannot be read: {cause}")))?;
    Ok(Box::new(reader))
}

/// Puts a stream of the batches at this address; the columns are shared, not copied.
///
/// Swift's half promises that there is room for an `ArrowArrayStream`, which needs no release.
pub(crate) fn write(address: u64, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<()> {
    let place = address as usize as *mut FFI_ArrowArrayStream;
    if place.is_null() {
        return Err(Error::new(Kind::Invalid, "there is no room for a stream at the address 0"));
    }
    let reader = RecordBatchIterator::new(batches.into_iter().map(Ok::<_, ArrowError>), schema);
    // SAFETY: by the promise above; whatever stands there needs no release, so it may be overwritten.
    unsafe { place.write(FFI_ArrowArrayStream::new(Box::new(reader))) };
    Ok(())
}
