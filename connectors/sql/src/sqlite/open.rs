//! Columns without a declared type, whose values decide how a reading reads them.

use std::collections::HashMap;

use rusqlite::Connection;
use rusqlite::types::{Type, ValueRef};
use trueup_connector::{Error, Kind, LogicalType, Schema, Value};

use super::cell;
use super::error::Stop;
use super::types::Classes;
use crate::source::quote;
use crate::writing::Write;

/// The whole numbers of which a float holds every one.
const EXACT: i64 = 1 << 53;

/// What such columns are read as. A change must not make them unreadable.
pub(super) struct OpenColumns {
    table: String,
    /// By position; a column stands here once a change has set it.
    types: HashMap<usize, LogicalType>,
    open: Vec<usize>,
}

impl OpenColumns {
    /// `table` is the table's name in quotes.
    pub(super) fn new(schema: &Schema, table: &str) -> Self {
        let open = schema.fields().iter().enumerate();
        let open = open.filter(|(_, field)| field.ty == LogicalType::Null).map(|(at, _)| at);
        Self { table: table.to_owned(), types: HashMap::new(), open: open.collect() }
    }

    /// Sees what the columns are read as that a change is about to set.
    pub(super) fn look(
        &mut self,
        db: &Connection,
        schema: &Schema,
        write: &Write<'_>,
    ) -> Result<(), Stop> {
        for (at, _) in &write.sets {
            let Some(field) = schema.fields().get(*at).filter(|_| self.open.contains(at)) else {
                continue;
            };
            if !self.types.contains_key(at) {
                let classes = self.classes(db, &quote(&field.name))?;
                self.types.insert(*at, classes.ty());
            }
        }
        Ok(())
    }

    /// Takes a value that a change has set, if the column can still be read with it.
    pub(super) fn take(
        &mut self,
        db: &Connection,
        schema: &Schema,
        at: usize,
        wished: &Value,
        kept: ValueRef<'_>,
    ) -> Result<(), Stop> {
        let (Some(ty), Some(field)) = (self.types.get(&at), schema.fields().get(at)) else {
            return Ok(());
        };
        let next = match (ty, kept) {
            (_, ValueRef::Null) => return Ok(()),
            (LogicalType::Null, _) => one(kept),
            // Whole numbers and others are read as floats, where that loses none of them.
            (LogicalType::Int, ValueRef::Real(_)) if !self.long(db, &quote(&field.name))? => {
                LogicalType::Float
            }
            (LogicalType::Int, ValueRef::Integer(value))
                if value.unsigned_abs() > EXACT.unsigned_abs()
                    && self.classes(db, &quote(&field.name))?.reals > 0 =>
            {
                return Err(as_read(schema, at, wished, ty));
            }
            _ if cell::value(ty, kept).is_some() => return Ok(()),
            // It may have taken the place of the only value of another kind.
            _ if self.classes(db, &quote(&field.name))?.is_one() => one(kept),
            _ => return Err(as_read(schema, at, wished, ty)),
        };
        self.types.insert(at, next);
        Ok(())
    }

    /// Counts the storage classes of a column.
    fn classes(&self, db: &Connection, column: &str) -> rusqlite::Result<Classes> {
        let sql = format!("select typeof({column}), count(*) from main.{} group by 1", self.table);
        let mut statement = db.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        let mut classes = Classes::default();
        while let Some(row) = rows.next()? {
            let (class, many): (String, i64) = (row.get(0)?, row.get(1)?);
            let many = many.unsigned_abs();
            match class.as_str() {
                "integer" => classes.integers = many,
                "real" => classes.reals = many,
                "text" => classes.texts = many,
                "blob" => classes.blobs = many,
                _ => {}
            }
        }
        Ok(classes)
    }

    /// Whether a column has a whole number that may not be a float.
    fn long(&self, db: &Connection, column: &str) -> rusqlite::Result<bool> {
        let sql = format!(
            "select exists(select 1 from main.{} where typeof({column}) = 'integer' \
             and ({column} > {EXACT} or {column} < -{EXACT}))",
            self.table
        );
        db.prepare_cached(&sql)?.query_row([], |row| row.get(0))
    }
}

/// What a column is read as that has this value alone.
fn one(value: ValueRef<'_>) -> LogicalType {
    match value.data_type() {
        Type::Null => LogicalType::Null,
        Type::Integer => LogicalType::Int,
        Type::Real => LogicalType::Float,
        Type::Text => LogicalType::Text,
        Type::Blob => LogicalType::Bytes,
    }
}

fn as_read(schema: &Schema, at: usize, wished: &Value, ty: &LogicalType) -> Stop {
    let name = schema.fields().get(at).map_or("", |field| field.name.as_str());
    let message = format!(
        "the {} of the change does not fit the column, which is read as {ty} for the values it has; state its type in the settings",
        wished.type_name()
    );
    Error::new(Kind::Data, message).with("column", name).into()
}
