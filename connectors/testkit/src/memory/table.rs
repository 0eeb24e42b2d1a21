//! The records of one resource, in all their versions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::{ArrowError, Field as ArrowField, Schema as ArrowSchema, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use trueup_connector::record::batch_from_values;
use trueup_connector::{
    Change, Column, Coverage, Error, Kind, Operation, Removed, Result, Role, Schema, Snapshot,
    Standing, Value,
};

use super::cursor::Place;
use super::record;

/// Every version stays, so that a reading goes on with the one that it began with.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) schema: Schema,
    pub(super) coverage: Coverage,
    arrow: SchemaRef,
    versions: Vec<Vec<RecordBatch>>,
}

/// A part of the records, or of what changed.
pub(super) struct Slice {
    pub(super) records: RecordBatch,
    pub(super) removed: Vec<Removed>,
    /// Where the next part begins, if there is one.
    pub(super) next: Option<usize>,
}

/// Records from JSON objects, with these fields as key; for tests.
///
/// # Panics
/// Where the text is no list of objects, their values have no common types, or a key is not there.
#[expect(clippy::expect_used, reason = "a test with wrong records cannot go on")]
pub fn rows(key: &[&str], json: &str) -> Snapshot {
    let rows: Vec<_> = serde_json::from_str(json).expect("a list of objects");
    let records = Snapshot::from_json(&rows).expect("values of common types");
    let as_key = |records: Snapshot, name: &&str| {
        records.with_field(name, |field| field.with_role(Role::Key)).expect("a key that is there")
    };
    key.iter().fold(records, as_key)
}

impl Table {
    pub(super) fn new(records: &Snapshot) -> Self {
        Self {
            schema: records.schema().clone(),
            coverage: Coverage::Complete,
            arrow: records.arrow_schema().clone(),
            versions: vec![records.batches().to_vec()],
        }
    }

    /// Lets every field be set that is data or key.
    #[expect(clippy::expect_used, reason = "names and types stay as they were")]
    pub(super) fn set_writable(&mut self) {
        let fields = self.schema.fields().iter().cloned().map(|field| match field.role {
            Role::Data | Role::Key => field.writable(),
            _ => field,
        });
        self.schema = Schema::new(fields).expect("the names were good before");
        let annotated = self.schema.to_arrow();
        let fields = annotated.fields().iter().zip(self.arrow.fields());
        let fields = fields
            .map(|(field, old)| ArrowField::clone(field).with_data_type(old.data_type().clone()));
        self.arrow = Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()));
        for batch in self.versions.iter_mut().flatten() {
            let columns = batch.columns().to_vec();
            *batch = RecordBatch::try_new(self.arrow.clone(), columns).expect("the same columns");
        }
    }

    pub(super) fn latest(&self) -> usize {
        self.versions.len().saturating_sub(1)
    }

    pub(super) fn snapshot(&self) -> Result<Snapshot> {
        Snapshot::new(self.arrow.clone(), self.version(self.latest()).to_vec())
    }

    pub(super) fn set(&mut self, records: &Snapshot) -> Result<()> {
        let new = records.batches().iter().map(|batch| {
            RecordBatch::try_new(self.arrow.clone(), batch.columns().to_vec()).map_err(misfit)
        });
        let new = new.collect::<Result<Vec<_>>>()?;
        let keys: HashSet<Vec<u8>> = new
            .iter()
            .map(|b| self.keys(b))
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .map(|(key, _)| key)
            .collect();
        let mut all = self.select(self.latest(), |key| !keys.contains(key))?;
        all.extend(new);
        self.versions.push(all);
        Ok(())
    }

    pub(super) fn remove(&mut self, key: &[Value]) -> Result<()> {
        let gone = Value::List(key.to_vec()).canonical();
        let before: usize = self.version(self.latest()).iter().map(RecordBatch::num_rows).sum();
        let rest = self.select(self.latest(), |key| key != gone)?;
        if before == rest.iter().map(RecordBatch::num_rows).sum::<usize>() {
            return Err(Error::new(Kind::NotFound, "no record has this key"));
        }
        self.versions.push(rest);
        Ok(())
    }

    /// The record with this key, a value a field; the first where there are several.
    pub(super) fn record(&self, key: &[Value]) -> Result<Option<Vec<Value>>> {
        let wanted = Value::List(key.to_vec()).canonical();
        for batch in self.version(self.latest()) {
            let keys = self.keys(batch)?;
            let Some(row) = keys.iter().position(|(key, _)| *key == wanted) else { continue };
            let columns = batch.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
            return Ok(Some(columns.iter().map(|column| column.value(row)).collect()));
        }
        Ok(None)
    }

    /// Puts a record in the place of the one with the change's key; a created one stands beside it.
    pub(super) fn replace(&mut self, change: &Change, record: Option<Vec<Value>>) -> Result<()> {
        let new = record.map(|record| self.batch(&record)).transpose()?;
        let gone = Value::List(change.key.clone()).canonical();
        let stays = change.operation == Operation::Create;
        let mut all = match stays {
            true => self.version(self.latest()).to_vec(),
            false => self.select(self.latest(), |key| key != gone)?,
        };
        all.extend(new);
        let all = concat_batches(&self.arrow, &all).map_err(misfit)?;
        self.versions.push(vec![all]);
        Ok(())
    }

    /// Whether the record that a change renames stands under its new name already.
    pub(super) fn is_renamed(&self, change: &Change) -> Result<bool> {
        let wished = change.key_after(&self.schema);
        if change.operation != Operation::Update || wished == change.key {
            return Ok(false);
        }
        let found = self.record(&wished)?;
        Ok(record::fit(change, &self.schema, found.as_deref()).standing == Standing::Already)
    }

    /// The record as a batch of this table; a value that its columns cannot hold is an error.
    fn batch(&self, record: &[Value]) -> Result<RecordBatch> {
        let batch = batch_from_values(&self.schema, &[record.to_vec()])?;
        RecordBatch::try_new(self.arrow.clone(), batch.columns().to_vec()).map_err(misfit)
    }

    /// At most `size` records from a place on.
    pub(super) fn slice(&self, place: &Place, size: usize) -> Result<Slice> {
        let (batches, mut removed) = match place.since {
            None => (self.version(place.version).to_vec(), Vec::new()),
            Some(since) => self.changes(since, place.version)?,
        };
        if place.offset > 0 {
            removed.clear();
        }
        let all = concat_batches(&self.arrow, &batches).map_err(misfit)?;
        let rest = all.num_rows().saturating_sub(place.offset);
        let length = size.min(rest);
        let records = all.slice(place.offset.min(all.num_rows()), length);
        Ok(Slice { records, removed, next: (length < rest).then_some(place.offset + length) })
    }

    /// The records whose key has others than before, and the keys that are gone.
    fn changes(&self, since: usize, version: usize) -> Result<(Vec<RecordBatch>, Vec<Removed>)> {
        let (before, after) = (self.by_key(since)?, self.by_key(version)?);
        let same = |key: &[u8]| match (before.get(key), after.get(key)) {
            (Some(before), Some(after)) => before.rows == after.rows,
            _ => false,
        };
        let records = self.select(version, |key| !same(key))?;
        let gone = before.into_iter().filter(|(key, _)| !after.contains_key(key));
        Ok((records, gone.map(|(_, held)| Removed::Key(held.values)).collect()))
    }

    fn by_key(&self, version: usize) -> Result<HashMap<Vec<u8>, Held>> {
        let mut held: HashMap<Vec<u8>, Held> = HashMap::new();
        for batch in self.version(version) {
            let columns = batch.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
            for (row, (key, values)) in self.keys(batch)?.into_iter().enumerate() {
                let cells = columns.iter().map(|column| column.value(row)).collect();
                let held = held.entry(key).or_insert(Held { values, rows: Vec::new() });
                held.rows.push(Value::List(cells).canonical());
            }
        }
        held.values_mut().for_each(|held| held.rows.sort_unstable());
        Ok(held)
    }

    fn select(&self, version: usize, wanted: impl Fn(&[u8]) -> bool) -> Result<Vec<RecordBatch>> {
        let batches = self.version(version).iter().map(|batch| {
            let keys = self.keys(batch)?;
            let wanted: BooleanArray = keys.iter().map(|(key, _)| Some(wanted(key))).collect();
            filter_record_batch(batch, &wanted).map_err(misfit)
        });
        batches.collect()
    }

    /// The key of each record, as bytes and values.
    fn keys(&self, batch: &RecordBatch) -> Result<Vec<(Vec<u8>, Vec<Value>)>> {
        let fields = self.schema.fields().iter().zip(batch.columns());
        let columns = fields.filter(|(field, _)| field.role == Role::Key);
        let columns = columns.map(|(_, array)| Column::new(array)).collect::<Result<Vec<_>>>()?;
        if columns.is_empty() {
            return Err(Error::new(Kind::Invalid, "the resource has no key"));
        }
        let keys = (0..batch.num_rows()).map(|row| {
            let values: Vec<Value> = columns.iter().map(|column| column.value(row)).collect();
            (Value::List(values.clone()).canonical(), values)
        });
        Ok(keys.collect())
    }

    fn version(&self, version: usize) -> &[RecordBatch] {
        self.versions.get(version).map_or(&[], Vec::as_slice)
    }
}

/// What the records of one key are.
struct Held {
    values: Vec<Value>,
    rows: Vec<Vec<u8>>,
}

fn misfit(cause: ArrowError) -> Error {
    Error::new(Kind::Data, format!("these records do not fit the resource: {cause}"))
}
