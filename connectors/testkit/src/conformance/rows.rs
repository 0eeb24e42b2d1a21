//! Records as sets of rows that can be compared whatever their encoding.

use std::collections::HashMap;
use std::fmt;

use arrow_array::RecordBatch;
use trueup_connector::{Column, Error, Kind, Schema, Snapshot, Value};

/// One record.
#[derive(Clone)]
pub(super) struct Row {
    /// Its fields by name, in byte order of the names.
    fields: Vec<(String, Value)>,
    /// The canonical bytes of the whole record.
    pub(super) bytes: Vec<u8>,
    /// The record for messages, without secrets.
    text: String,
}

impl Row {
    pub(super) fn field(&self, name: &str) -> Value {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map_or(Value::Null, |(_, value)| value.clone())
    }

    /// The canonical bytes of these fields.
    pub(super) fn key(&self, fields: &[&str]) -> Vec<u8> {
        key_of(fields.iter().map(|name| self.field(name)).collect())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The canonical bytes of the values of a key.
pub(super) fn key_of(values: Vec<Value>) -> Vec<u8> {
    Value::List(values).canonical()
}

/// The records of a batch.
pub(super) fn rows_of(batch: &RecordBatch, schema: &Schema) -> Result<Vec<Row>, Error> {
    let arrow = batch.schema();
    let columns = arrow.fields().iter().zip(batch.columns());
    let columns = columns.map(|(field, array)| Ok((field.name().clone(), Column::new(array)?)));
    let mut columns = columns.collect::<Result<Vec<_>, Error>>()?;
    columns.sort_by(|(a, _), (b, _)| a.cmp(b));
    let secret = |name: &str| schema.field(name).is_ok_and(|field| field.secret);
    Ok((0..batch.num_rows()).map(|row| row_of(&columns, row, &secret)).collect())
}

/// The records of a snapshot, told by these names; other columns are an error.
pub(super) fn truth_of(snapshot: &Snapshot, schema: &Schema) -> Result<Vec<Row>, Error> {
    let names = |schema: &Schema| {
        let mut names: Vec<String> = schema.names().map(str::to_owned).collect();
        names.sort_unstable();
        names
    };
    let (told, described) = (names(snapshot.schema()), names(schema));
    if told != described {
        let (told, described) = (told.join(", "), described.join(", "));
        let message = format!("the truth has the columns {told}, the resource {described}");
        return Err(Error::new(Kind::Invalid, message));
    }
    let rows = snapshot.batches().iter().map(|batch| rows_of(batch, schema));
    Ok(rows.collect::<Result<Vec<_>, Error>>()?.concat())
}

fn row_of(columns: &[(String, Column)], row: usize, secret: &dyn Fn(&str) -> bool) -> Row {
    let fields = columns.iter().map(|(name, column)| (name.clone(), column.value(row)));
    let fields: Vec<(String, Value)> = fields.collect();
    let shown = fields.iter().map(|(name, value)| match secret(name) {
        true => format!("{name}: ‹secret›"),
        false => format!("{name}: {}", value.to_json()),
    });
    let text = format!("{{{}}}", shown.collect::<Vec<_>>().join(", "));
    Row { bytes: Value::Struct(fields.clone()).canonical(), fields, text }
}

/// How two sets of records differ, if they do.
///
/// `repeats`: whether more of a record than there should be is as it should be.
pub(super) fn difference(given: &[Row], truth: &[Row], repeats: bool) -> Option<String> {
    let count = |rows: &[Row]| {
        let mut counts: HashMap<Vec<u8>, (usize, String)> = HashMap::new();
        for row in rows {
            counts.entry(row.bytes.clone()).or_insert_with(|| (0, row.text.clone())).0 += 1;
        }
        counts
    };
    let (given_counts, truth_counts) = (count(given), count(truth));
    let of = |counts: &HashMap<Vec<u8>, (usize, String)>, row: &Row| {
        counts.get(&row.bytes).map_or(0, |(count, _)| *count)
    };
    let totals = format!("{} records given, {} are there", given.len(), truth.len());
    let lost = truth.iter().find(|row| of(&given_counts, row) < of(&truth_counts, row));
    if let Some(row) = lost {
        let (got, want) = (of(&given_counts, row), of(&truth_counts, row));
        return Some(format!("{} was given {got} times, not {want} ({totals})", row.text));
    }
    let extra = given.iter().find(|row| match of(&truth_counts, row) {
        0 => true,
        want => !repeats && of(&given_counts, row) > want,
    });
    extra.map(|row| {
        let (got, want) = (of(&given_counts, row), of(&truth_counts, row));
        format!("{} was given {got} times, not {want} ({totals})", row.text)
    })
}
