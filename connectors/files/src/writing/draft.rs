//! The records of a file as they are to be: those that are there, and what is changed of them.

use std::collections::{BTreeMap, HashMap};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::interleave::interleave_record_batch;
use trueup_connector::record::batch_from_values;
use trueup_connector::{
    Change, Column, Error, Kind, Operation, Result, Role, Schema, Standing, Value,
};

/// A file's records, and what is to become of them.
pub(crate) struct Draft {
    pub(crate) schema: Schema,
    arrow: SchemaRef,
    old: RecordBatch,
    columns: Vec<Column>,
    /// Where the records of each key stand.
    places: HashMap<Vec<u8>, Vec<Place>>,
    edits: BTreeMap<usize, Edit>,
    /// Records that are made; `None` for one that was deleted again.
    added: Vec<Option<Vec<Value>>>,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Old(usize),
    Added(usize),
}

/// What becomes of a record that is there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Edit {
    /// Fields by position, and what they are set to.
    Set(BTreeMap<usize, Value>),
    /// It goes.
    Gone,
}

impl Draft {
    pub(crate) fn new(schema: Schema, arrow: SchemaRef, batches: &[RecordBatch]) -> Result<Self> {
        let old = concat_batches(&arrow, batches).map_err(internal)?;
        let columns = old.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
        let (edits, added, places) = (BTreeMap::new(), Vec::new(), HashMap::new());
        let mut draft = Self { schema, arrow, old, columns, places, edits, added };
        for row in 0..draft.old.num_rows() {
            let key = draft.key(Place::Old(row));
            draft.places.entry(key).or_default().push(Place::Old(row));
        }
        Ok(draft)
    }

    /// What stands in the way of nothing: whether anything is to be changed.
    pub(crate) fn is_untouched(&self) -> bool {
        self.edits.is_empty() && self.added.is_empty()
    }

    /// What becomes of the record of this number.
    pub(crate) fn edit(&self, row: usize) -> Option<&Edit> {
        self.edits.get(&row)
    }

    /// The records that are made.
    pub(crate) fn added(&self) -> impl Iterator<Item = &Vec<Value>> {
        self.added.iter().flatten()
    }

    /// Takes a change that its resource can take; an error says why it cannot be done.
    pub(crate) fn take(&mut self, change: &Change) -> Result<Standing> {
        let found = self.find(&change.key)?;
        let mut standing = self.standing(change, found);
        let wished = change.key_after(&self.schema);
        if found.is_none() && standing == Standing::Stale && wished != change.key {
            let renamed = self.find(&wished)?;
            if self.standing(change, renamed) == Standing::Already {
                standing = Standing::Already;
            }
        }
        if standing == Standing::Holds {
            if wished != change.key && self.find(&wished)?.is_some() {
                let message = "another record has the key that this one is to get";
                return Err(Error::new(Kind::Conflict, message));
            }
            self.carry_out(change, found)?;
        }
        Ok(standing)
    }

    /// The records as they will be read: those that stay in their order, then those that are made.
    pub(crate) fn result(&self) -> Result<RecordBatch> {
        let mut new: Vec<Vec<Value>> = Vec::new();
        let mut picks = Vec::with_capacity(self.old.num_rows() + self.added.len());
        for row in 0..self.old.num_rows() {
            match self.edits.get(&row) {
                None => picks.push((0, row)),
                Some(Edit::Gone) => {}
                Some(Edit::Set(_)) => {
                    picks.push((1, new.len()));
                    new.push(self.values(Place::Old(row)));
                }
            }
        }
        for record in self.added() {
            picks.push((1, new.len()));
            new.push(record.clone());
        }
        let new = self.batch(&new)?;
        interleave_record_batch(&[&self.old, &new], &picks).map_err(internal)
    }

    fn carry_out(&mut self, change: &Change, found: Option<Place>) -> Result<()> {
        let sets = change.sets(&self.schema);
        let before = found.map_or_else(Vec::new, |place| self.values(place));
        let width = self.schema.fields().len();
        let mut record = if found.is_some() { before } else { vec![Value::Null; width] };
        for (at, value) in &sets {
            if let Some(cell) = record.get_mut(*at) {
                *cell = (*value).clone();
            }
        }
        if change.operation != Operation::Delete {
            self.check_fits(&record)?;
        }
        self.places.remove(&canonical(&change.key));
        let is_gone = change.operation == Operation::Delete;
        let place = match found {
            None => {
                self.added.push(Some(record));
                Place::Added(self.added.len() - 1)
            }
            Some(Place::Added(at)) => {
                if let Some(added) = self.added.get_mut(at) {
                    *added = (!is_gone).then_some(record);
                }
                Place::Added(at)
            }
            Some(Place::Old(row)) => {
                self.edit_old(row, sets, is_gone);
                Place::Old(row)
            }
        };
        if !is_gone {
            let key = canonical(&change.key_after(&self.schema));
            self.places.entry(key).or_default().push(place);
        }
        Ok(())
    }

    fn edit_old(&mut self, row: usize, sets: Vec<(usize, &Value)>, is_gone: bool) {
        let edit = self.edits.entry(row).or_insert_with(|| Edit::Set(BTreeMap::new()));
        match edit {
            _ if is_gone => *edit = Edit::Gone,
            Edit::Set(cells) => {
                cells.extend(sets.into_iter().map(|(at, value)| (at, value.clone())));
            }
            Edit::Gone => {}
        }
    }

    /// Checks that the columns hold these values exactly.
    fn check_fits(&self, record: &[Value]) -> Result<()> {
        for ((at, field), wished) in self.schema.fields().iter().enumerate().zip(record) {
            let one = Schema::new([field.clone()])?;
            let kept = batch_from_values(&one, &[vec![wished.clone()]])
                .and_then(|batch| self.cast(at, batch.column(0)))
                .and_then(|array| Ok(Column::new(&array)?.value(0)));
            match kept {
                Ok(kept) if kept == *wished => {}
                _ => return Err(misfit(&self.schema, at, wished)),
            }
        }
        Ok(())
    }

    fn batch(&self, records: &[Vec<Value>]) -> Result<RecordBatch> {
        let batch = batch_from_values(&self.schema, records)?;
        let columns = batch.columns().iter().enumerate().map(|(at, array)| self.cast(at, array));
        RecordBatch::try_new(self.arrow.clone(), columns.collect::<Result<_>>()?).map_err(internal)
    }

    /// The column as the file's own pages have it.
    fn cast(&self, at: usize, array: &ArrayRef) -> Result<ArrayRef> {
        let wanted = self.old.column(at).data_type();
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(array, wanted, &strict).map_err(internal)
    }

    fn standing(&self, change: &Change, place: Option<Place>) -> Standing {
        let record = place.map(|place| self.values(place));
        let field = record.as_ref().map(|record| {
            |name: &str| {
                let value = self.schema.index(name).and_then(|at| record.get(at));
                value.cloned().unwrap_or(Value::Null)
            }
        });
        let standing = change.standing(field.as_ref().map(|f| f as &dyn Fn(&str) -> Value));
        match (standing, self.version_holds(change, record.as_deref())) {
            (Standing::Holds, false) => Standing::Stale,
            (standing, _) => standing,
        }
    }

    fn version_holds(&self, change: &Change, record: Option<&[Value]>) -> bool {
        let Some(version) = &change.version else { return true };
        let field = self.schema.fields().iter().position(|field| field.role == Role::Version);
        let now = field.and_then(|at| record?.get(at));
        now.is_some_and(|now| now.to_string() == *version)
    }

    fn find(&self, key: &[Value]) -> Result<Option<Place>> {
        match self.places.get(&canonical(key)).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([place]) => Ok(Some(*place)),
            Some(places) => {
                let message =
                    format!("{} records have this key, so none of them is meant", places.len());
                Err(Error::new(Kind::Data, message))
            }
        }
    }

    fn key(&self, place: Place) -> Vec<u8> {
        let fields = self.schema.fields().iter().enumerate();
        let keys = fields.filter(|(_, field)| field.role == Role::Key);
        let values = keys.map(|(at, _)| self.value(place, at));
        canonical(&values.collect::<Vec<_>>())
    }

    fn values(&self, place: Place) -> Vec<Value> {
        (0..self.columns.len()).map(|at| self.value(place, at)).collect()
    }

    fn value(&self, place: Place, at: usize) -> Value {
        let added = |record: usize| self.added.get(record)?.as_ref()?.get(at).cloned();
        match place {
            Place::Added(record) => added(record).unwrap_or(Value::Null),
            Place::Old(row) => match self.edits.get(&row) {
                Some(Edit::Set(cells)) if cells.contains_key(&at) => {
                    cells.get(&at).cloned().unwrap_or(Value::Null)
                }
                _ => self.columns.get(at).map_or(Value::Null, |column| column.value(row)),
            },
        }
    }
}

/// A value that a column of the file cannot hold.
pub(crate) fn misfit(schema: &Schema, at: usize, value: &Value) -> Error {
    let Some(field) = schema.fields().get(at) else {
        return Error::new(Kind::Internal, "a value of no column");
    };
    let shown = match field.secret {
        true => "‹secret›".to_owned(),
        false => value.to_string().chars().take(80).collect(),
    };
    let (kind, ty) = (value.type_name(), &field.ty);
    let message = format!("the {kind} `{shown}` does not fit the type {ty}");
    Error::new(Kind::Data, message).with("column", &field.name)
}

fn canonical(key: &[Value]) -> Vec<u8> {
    Value::List(key.to_vec()).canonical()
}

fn internal(cause: ArrowError) -> Error {
    Error::new(Kind::Data, format!("the records do not fit the file: {cause}"))
}
