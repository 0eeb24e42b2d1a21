//! A report's findings as they were saved, without its snapshots.

use arrow_array::{Array, RecordBatch, StringArray};
use serde_json::Value as Json;
use trueup_connector::{Error, Hash, Kind, Result};

use super::super::finding::FindingId;
use super::facts::Facts;

/// The findings of a loaded report.
pub(super) struct Stored {
    /// The table of findings.
    pub(super) table: RecordBatch,
    /// Each finding's id and state, in the order of the table.
    pub(super) marks: Vec<(FindingId, Hash)>,
    /// Rows of findings about several, as JSON.
    pub(super) members: StringArray,
    /// What values were compared as, as JSON, where that is not as they stand.
    pub(super) compared: StringArray,
    pub(super) facts: Facts,
}

impl Stored {
    pub(super) fn batch(&self, start: usize, end: usize) -> RecordBatch {
        let end = end.min(self.table.num_rows());
        let start = start.min(end);
        self.table.slice(start, end - start)
    }

    pub(super) fn members(&self, row: usize) -> Result<Option<Json>> {
        json(&self.members, row)
    }

    pub(super) fn compared(&self, row: usize) -> Result<Option<Json>> {
        json(&self.compared, row)
    }
}

fn json(texts: &StringArray, row: usize) -> Result<Option<Json>> {
    if row >= texts.len() || texts.is_null(row) {
        return Ok(None);
    }
    serde_json::from_str(texts.value(row)).map(Some).map_err(|cause| {
        Error::new(Kind::Data, format!("the finding in row {row} holds no JSON: {cause}"))
    })
}
