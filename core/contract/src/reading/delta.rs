//! What changed since a reading, with everything said once.

use std::collections::{HashMap, HashSet};

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;

use super::pages::Reading;
use crate::connector::{Connector, Removed};
use crate::error::{Error, Kind, Result};
use crate::record::{Column, Role, canonical};
use crate::snapshot::Snapshot;

/// What changed in a resource since a reading.
///
/// Every record is said once, as it is now: where the pages told of it several times, the last one
/// counts. First the removed ones go, then the records take the place of those with their keys.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Delta {
    /// The records that were made or changed. Its provenance has the cursor to go on from.
    pub records: Snapshot,
    /// The records that are gone, by key or by the system's own identifier. One that came back is
    /// also among the records.
    pub removed: Vec<Removed>,
}

impl Delta {
    pub(super) fn new(mut reading: Reading, connector: &(impl Connector + ?Sized)) -> Result<Self> {
        let last = Told::of(&reading)?;
        let stays = reading.batches.iter().enumerate().map(|(n, batch)| last.only_last(n, batch));
        reading.batches = stays.collect::<Result<_>>()?;
        let removed = std::mem::take(&mut reading.removed);
        let removed = removed.into_iter().map(|(_, removed)| removed).collect();
        Ok(Self { records: reading.finish(connector)?, removed })
    }
}

/// Which rows of a delta are the last that is told of their records.
struct Told {
    last: HashSet<(usize, usize)>,
}

impl Told {
    fn of(reading: &Reading) -> Result<Self> {
        let key = reading.resource.schema.key();
        if key.is_empty() {
            return Err(reading.broken("it tells what changed in a resource without a key"));
        }
        let mut rows = HashMap::new();
        let mut ids: HashMap<String, Vec<u8>> = HashMap::new();
        let mut removed = reading.removed.iter().peekable();
        for (place, batch) in reading.batches.iter().enumerate() {
            while let Some((_, gone)) = removed.next_if(|(before, _)| *before <= place) {
                forget(&mut rows, &mut ids, gone);
            }
            let names = Columns::of(batch, &key, reading)?;
            for row in 0..batch.num_rows() {
                let bytes = names.key(row);
                names.id(row).map(|id| ids.insert(id, bytes.clone()));
                rows.insert(bytes, (place, row));
            }
        }
        Ok(Self { last: rows.into_values().collect() })
    }

    fn only_last(&self, place: usize, batch: &RecordBatch) -> Result<RecordBatch> {
        let stays = (0..batch.num_rows()).map(|row| self.last.contains(&(place, row)));
        let stays: BooleanArray = stays.map(Some).collect();
        filter_record_batch(batch, &stays)
            .map_err(|cause| Error::new(Kind::Internal, format!("a page cannot be cut: {cause}")))
    }
}

type Rows = HashMap<Vec<u8>, (usize, usize)>;

/// A record that was told of, and is gone since.
fn forget(rows: &mut Rows, ids: &mut HashMap<String, Vec<u8>>, gone: &Removed) {
    match gone {
        Removed::Key(values) => {
            let mut bytes = Vec::new();
            values.iter().for_each(|value| canonical::frame(&mut bytes, &value.canonical()));
            rows.remove(&bytes);
        }
        Removed::Id(id) => {
            if let Some(key) = ids.remove(id) {
                rows.remove(&key);
            }
        }
    }
}

/// The columns of a page that say which record a row is.
struct Columns {
    key: Vec<Column>,
    id: Option<Column>,
}

impl Columns {
    fn of(batch: &RecordBatch, key: &[&str], reading: &Reading) -> Result<Self> {
        let column = |name: &str| match batch.column_by_name(name) {
            Some(array) => Column::new(array),
            None => Err(reading.broken("a page lacks a column of the key")),
        };
        let fields = reading.resource.schema.fields();
        let id = fields.iter().find(|field| field.role == Role::Id);
        let id = id.map(|field| column(&field.name)).transpose()?;
        Ok(Self { key: key.iter().map(|name| column(name)).collect::<Result<_>>()?, id })
    }

    fn key(&self, row: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for column in &self.key {
            canonical::frame_with(&mut bytes, |out| canonical::write_cell(out, &column.cell(row)));
        }
        bytes
    }

    fn id(&self, row: usize) -> Option<String> {
        let value = self.id.as_ref()?.value(row);
        (!value.is_null()).then(|| value.to_string())
    }
}
