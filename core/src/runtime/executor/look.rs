//! Reading a target back: does it hold what was wished, what was before, or something else?

use std::collections::{HashMap, HashSet};

use trueup_connector::record::canonical;
use trueup_connector::{Change, Column, Coverage, Error, Kind, Operation, Result, Snapshot, Value};

use super::work::renamed;

/// What a target holds of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// What the change wished.
    Wish,
    /// What was there before the change.
    Before,
    /// Something else.
    Other,
    /// It cannot be told, because.
    Unclear(String),
}

/// What to look for: a change, and what its target calls the fields of its key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sought<'a> {
    pub(super) change: &'a Change,
    pub(super) key_names: &'a [String],
}

/// What a reading of the target says of each change.
pub(super) fn look(snapshot: &Snapshot, sought: &[Sought<'_>]) -> Result<Vec<Seen>> {
    let mut records = HashMap::new();
    let names: HashSet<&[String]> = sought.iter().map(|one| one.key_names).collect();
    for names in names {
        if names.iter().all(|name| snapshot.schema().index(name).is_some()) {
            let wanted = sought.iter().filter(|one| one.key_names == names);
            let wanted = wanted.flat_map(|one| [key(&one.change.key), key(&one.wished_key())]);
            records.insert(names, Records::find(snapshot, names, &wanted.collect())?);
        }
    }
    let seen = |one: &Sought<'_>| match records.get(one.key_names) {
        Some(records) => one.seen(snapshot, records),
        None => Seen::Unclear("the target's records do not have the key's fields".into()),
    };
    Ok(sought.iter().map(seen).collect())
}

/// The records with wanted keys: each a list of fields, more than one where a key is there twice.
struct Records(HashMap<Vec<u8>, Vec<Record>>);

type Record = HashMap<String, Value>;

impl Records {
    fn find(snapshot: &Snapshot, names: &[String], wanted: &HashSet<Vec<u8>>) -> Result<Self> {
        let mut found: HashMap<_, Vec<Record>> = HashMap::new();
        for batch in snapshot.batches() {
            let columns = batch.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
            let place =
                |name: &String| snapshot.schema().index(name).and_then(|at| columns.get(at));
            let keys: Vec<&Column> = names.iter().filter_map(place).collect();
            for row in 0..batch.num_rows() {
                let values: Vec<Value> = keys.iter().map(|column| column.value(row)).collect();
                let key = key(&values);
                if wanted.contains(&key) {
                    let fields = snapshot.schema().fields().iter().zip(&columns);
                    let record = fields.map(|(field, it)| (field.name.clone(), it.value(row)));
                    found.entry(key).or_default().push(record.collect());
                }
            }
        }
        Ok(Self(found))
    }

    /// The one record with this key, if there is one.
    fn one(&self, key_values: &[Value]) -> Result<Option<&Record>, Seen> {
        match self.0.get(&key(key_values)).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([record]) => Ok(Some(record)),
            Some(_) => Err(Seen::Unclear("the target has this key more than once".into())),
        }
    }
}

impl Sought<'_> {
    fn seen(&self, snapshot: &Snapshot, records: &Records) -> Seen {
        let Change { operation, before, after, .. } = self.change;
        let unknown =
            before.iter().chain(after).find(|(name, _)| snapshot.schema().index(name).is_none());
        if let Some((name, _)) = unknown {
            return Seen::Unclear(format!("the target's records have no field `{name}`"));
        }
        let (old, new) = match (records.one(&self.change.key), records.one(&self.wished_key())) {
            (Ok(old), Ok(new)) => (old, new),
            (Err(unclear), _) | (_, Err(unclear)) => return unclear,
        };
        let absence = matches!(snapshot.coverage(), Coverage::Complete);
        match operation {
            Operation::Create => match new {
                Some(record) if holds(record, after) => Seen::Wish,
                Some(_) => Seen::Other,
                None if absence => Seen::Before,
                None => not_covered(),
            },
            Operation::Delete => match old {
                None if absence => Seen::Wish,
                None => not_covered(),
                Some(record) if !before.is_empty() && holds(record, before) => Seen::Before,
                Some(_) => Seen::Other,
            },
            // A rename is done when the record has left its old name; one that was under the new
            // name already proves nothing.
            Operation::Update if self.renames() => match (old, new) {
                (None, Some(record)) if holds(record, after) && absence => Seen::Wish,
                (Some(record), None) if !before.is_empty() && holds(record, before) => Seen::Before,
                (None, _) if !absence => not_covered(),
                _ => Seen::Other,
            },
            Operation::Update => match (old, new) {
                (_, Some(record)) if holds(record, after) => Seen::Wish,
                (Some(record), _) if !before.is_empty() && holds(record, before) => Seen::Before,
                (None, None) if !absence => not_covered(),
                _ => Seen::Other,
            },
            _ => Seen::Unclear("the effect of an action cannot be read back".into()),
        }
    }

    fn renames(&self) -> bool {
        key(&self.wished_key()) != key(&self.change.key)
    }

    /// The record's key once the change has taken place: a rename changes it.
    fn wished_key(&self) -> Vec<Value> {
        renamed(self.change, self.key_names)
    }
}

fn holds(record: &Record, fields: &[(String, Value)]) -> bool {
    fields.iter().all(|(name, value)| record.get(name) == Some(value))
}

fn not_covered() -> Seen {
    Seen::Unclear("the reading does not cover every record, so absence proves nothing".into())
}

fn key(values: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    values.iter().for_each(|value| {
        canonical::frame_with(&mut bytes, |out| canonical::write_value(out, value));
    });
    bytes
}

/// The error of a target that cannot be read back.
pub(super) fn unreadable(cause: &Error) -> Error {
    Error::new(Kind::Unknown, format!("the target could not be read back: {cause}"))
}
