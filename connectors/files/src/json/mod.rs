//! JSON lines and JSON arrays of objects.
use crate::chunks::Chunks;
use crate::config::{FileSettings, Format};
use crate::layout::Layout;
use crate::place::{Place, Stamp};
use crate::task::Stop;
use arrow_array::RecordBatch;
use std::sync::Arc;
use trueup_connector::{Error, Kind, Result};
pub(crate) fn look(_: &FileSettings, _: Format, _: usize, _: &Stop) -> Result<Layout> {
    Err(Error::new(Kind::Unsupported, "JSON is not read yet"))
}
pub(crate) struct JsonChunks;
impl JsonChunks {
    pub(crate) fn open(
        _: &FileSettings,
        _: Format,
        _: Arc<Layout>,
        _: Place,
        _: usize,
    ) -> Result<Self> {
        Err(Error::new(Kind::Unsupported, "JSON is not read yet"))
    }
}
impl Chunks for JsonChunks {
    fn place(&self) -> Place {
        Place::default()
    }
    fn at_end(&mut self) -> Result<bool> {
        Ok(true)
    }
    fn next(&mut self, _: &Stop) -> Result<Vec<RecordBatch>> {
        Ok(Vec::new())
    }
    fn stamp(&self) -> Stamp {
        Stamp { length: 0, changed: 0 }
    }
}
