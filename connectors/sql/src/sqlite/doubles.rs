//! Keys that several records of a table have, each in a form of its own.

use std::collections::HashMap;

use rusqlite::Connection;
use trueup_connector::record::canonical;
use trueup_connector::{Error, Kind, LogicalType, Schema, Value};

use super::cell;
use super::error::Stop;
use crate::source::quote;
use crate::writing::keys;

/// What is known of such keys. A number or time can be kept in several ways, which are different
/// keys for SQLite and the same one for every reader.
pub(super) struct Doubles {
    /// Reads the keys; `None` where a key has one form only.
    sql: Option<String>,
    /// How many records have each such key, once that was counted.
    counted: Option<HashMap<Vec<u8>, usize>>,
}

impl Doubles {
    /// `table` is the table's name in quotes.
    pub(super) fn new(schema: &Schema, table: &str) -> Self {
        let possible = keys(schema).any(|(_, field)| has_forms(&field.ty));
        let names: Vec<String> = keys(schema).map(|(_, field)| quote(&field.name)).collect();
        let sql = possible.then(|| format!("select {} from main.{table}", names.join(", ")));
        Self { sql, counted: None }
    }

    /// Whether two records can have the same key.
    pub(super) fn possible(&self) -> bool {
        self.sql.is_some()
    }

    /// Checks that no two records have this key. They are counted once in a transaction, in which
    /// nobody else writes.
    pub(super) fn check(
        &mut self,
        db: &Connection,
        schema: &Schema,
        key: &[Value],
    ) -> Result<(), Stop> {
        let Some(sql) = &self.sql else { return Ok(()) };
        let counted = match self.counted.take() {
            Some(counted) => counted,
            None => count(db, sql, schema)?,
        };
        let many = self.counted.insert(counted).get(&canonical(key));
        many.map_or(Ok(()), |many| {
            let message = format!("{many} records have this key, so none of them is meant");
            Err(Error::new(Kind::Data, message).into())
        })
    }
}

fn has_forms(ty: &LogicalType) -> bool {
    matches!(ty, LogicalType::Decimal(..) | LogicalType::Datetime | LogicalType::Instant)
}

fn count(db: &Connection, sql: &str, schema: &Schema) -> Result<HashMap<Vec<u8>, usize>, Stop> {
    let types: Vec<&LogicalType> = keys(schema).map(|(_, field)| &field.ty).collect();
    let mut counted = HashMap::new();
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let mut key = Vec::with_capacity(types.len());
        for (at, ty) in types.iter().enumerate() {
            key.push(cell::value(ty, row.get_ref(at)?));
        }
        // What cannot be read is nobody's key.
        if let Some(key) = key.into_iter().collect::<Option<Vec<Value>>>() {
            *counted.entry(canonical(&key)).or_insert(0) += 1;
        }
    }
    counted.retain(|_, many| *many > 1);
    Ok(counted)
}

fn canonical(key: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in key {
        canonical::frame_with(&mut bytes, |out| canonical::write_value(out, value));
    }
    bytes
}
