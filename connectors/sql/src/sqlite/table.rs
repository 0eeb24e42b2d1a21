//! One table that records are written to, inside a transaction.

use rusqlite::types::{Value as Kept, ValueRef};
use rusqlite::{Connection, Row as SqliteRow, ToSql, params_from_iter};
use trueup_connector::{Error, Kind, Operation, Result, Schema, Standing, Value};

use super::bind::bind;
use super::catalog::Described;
use super::cell;
use super::doubles::Doubles;
use super::error::Stop;
use super::open::OpenColumns;
use crate::source::quote;
use crate::writing::{Row, Write, check_kept, has_key, keys, misfit};

/// A table that records are written to.
pub(crate) struct Table {
    pub(crate) schema: Schema,
    name: String,
    select: String,
    found_by: String,
    doubles: Doubles,
    open: OpenColumns,
}

/// A record as it was found, and its key as SQLite keeps it.
struct Found {
    row: Row,
    key: Vec<Kept>,
}

impl Table {
    pub(crate) fn new(described: Described) -> Self {
        let (name, schema) = (quote(&described.shape.name), described.schema);
        let columns: Vec<String> = schema.names().map(quote).collect();
        let select = format!("select {} from main.{name}", columns.join(", "));
        let found_by = conditions(&schema, "=");
        let (doubles, open) = (Doubles::new(&schema, &name), OpenColumns::new(&schema, &name));
        Self { schema, name, select, found_by, doubles, open }
    }

    /// Carries a change out, if its precondition holds; what is done is checked, and is undone by the
    /// caller where this fails.
    pub(crate) fn carry_out(
        &mut self,
        db: &Connection,
        write: &Write<'_>,
    ) -> Result<Standing, Stop> {
        self.doubles.check(db, &self.schema, &write.change.key)?;
        let found = self.find(db, &write.change.key)?;
        let standing = write.standing(&self.schema, found.as_ref().map(|found| &found.row));
        match (standing, found) {
            (Standing::Holds, None) => self.insert(db, write)?,
            (Standing::Holds, Some(found)) => {
                self.check_free(db, write)?;
                self.change(db, write, found)?;
            }
            (Standing::Stale, None) if write.renames() => return self.renamed(db, write),
            _ => {}
        }
        Ok(standing)
    }

    /// Checks that no record has the new key in another form, which no constraint of SQLite's finds.
    fn check_free(&self, db: &Connection, write: &Write<'_>) -> Result<(), Stop> {
        let renames = write.change.operation == Operation::Update && write.renames();
        if renames && self.doubles.possible() && self.find(db, &write.wished)?.is_some() {
            let message = "another record has the new key already";
            return Err(Error::new(Kind::Conflict, message).into());
        }
        Ok(())
    }

    /// Whether the record stands under its new name already.
    fn renamed(&self, db: &Connection, write: &Write<'_>) -> Result<Standing, Stop> {
        let found = self.find(db, &write.wished)?;
        Ok(match write.standing(&self.schema, found.as_ref().map(|found| &found.row)) {
            Standing::Already => Standing::Already,
            _ => Standing::Stale,
        })
    }

    /// The record with this key. Upper and lower case are different, whatever the column's collation
    /// says; and a number or time that is written in some other way is the same.
    fn find(&self, db: &Connection, key: &[Value]) -> Result<Option<Found>, Stop> {
        let by_key = format!("{} where {}", self.select, self.found_by);
        let bound = self.bound(keys(&self.schema).map(|(at, _)| at).zip(key))?;
        let found = self.search(db, &by_key, &bound, key)?;
        match found {
            None if self.doubles.possible() => self.search(db, &self.select, &[], key),
            found => Ok(found),
        }
    }

    fn search(
        &self,
        db: &Connection,
        sql: &str,
        bound: &[Kept],
        key: &[Value],
    ) -> Result<Option<Found>, Stop> {
        let mut statement = db.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(bound))?;
        while let Some(row) = rows.next()? {
            let found = self.read(row)?;
            if has_key(&self.schema, &found.row, key) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn read(&self, row: &SqliteRow<'_>) -> Result<Found, Stop> {
        let all = 0..self.schema.fields().len();
        let cells =
            all.map(|at| self.value(at, row.get_ref(at)?)).collect::<Result<Row, Stop>>()?;
        let key = keys(&self.schema).map(|(at, _)| row.get(at));
        Ok(Found { row: cells, key: key.collect::<rusqlite::Result<_>>()? })
    }

    fn value(&self, at: usize, value: ValueRef<'_>) -> Result<Value, Stop> {
        let field = self.schema.fields().get(at);
        let read = field.and_then(|field| cell::value(&field.ty, value));
        read.ok_or_else(|| {
            let message = format!("the record has the {} where it does not fit", cell::show(value));
            let name = field.map_or("", |field| &field.name);
            Error::new(Kind::Data, message).with("column", name).into()
        })
    }

    fn insert(&mut self, db: &Connection, write: &Write<'_>) -> Result<(), Stop> {
        let columns: Vec<&str> = self.names(write).collect();
        let columns: Vec<String> = columns.into_iter().map(quote).collect();
        let marks: Vec<String> = (1..=columns.len()).map(|n| format!("?{n}")).collect();
        // `or abort`, whatever the table says is to be done on a conflict: `replace` would lose records.
        let sql = format!(
            "insert or abort into main.{} ({columns}) values ({}) returning {columns}",
            self.name,
            marks.join(", "),
            columns = columns.join(", "),
        );
        let bound = self.bound(write.sets.iter().copied())?;
        self.keep(db, write, &sql, &bound)
    }

    fn change(&mut self, db: &Connection, write: &Write<'_>, found: Found) -> Result<(), Stop> {
        let by_key = conditions(&self.schema, "is");
        if write.change.operation == Operation::Delete {
            let sql = format!("delete from main.{} where {by_key}", self.name);
            let deleted = db.prepare_cached(&sql)?.execute(params_from_iter(found.key))?;
            return match deleted {
                1 => Ok(()),
                _ => {
                    Err(Error::new(Kind::Data, "the table kept the record: a trigger prevents it")
                        .into())
                }
            };
        }
        let columns: Vec<String> = self.names(write).map(quote).collect();
        let first = found.key.len();
        let sets =
            columns.iter().enumerate().map(|(i, name)| format!("{name} = ?{}", first + i + 1));
        let sql = format!(
            "update or abort main.{} set {} where {by_key} returning {}",
            self.name,
            sets.collect::<Vec<_>>().join(", "),
            columns.join(", "),
        );
        let mut bound = found.key;
        bound.extend(self.bound(write.sets.iter().copied())?);
        self.keep(db, write, &sql, &bound)
    }

    /// Runs a statement that returns what it has set, and checks that.
    fn keep(
        &mut self,
        db: &Connection,
        write: &Write<'_>,
        sql: &str,
        bound: &[Kept],
    ) -> Result<(), Stop> {
        self.open.look(db, &self.schema, write)?;
        let mut statement = db.prepare_cached(sql)?;
        let mut rows =
            statement.query(params_from_iter(bound.iter().map(|value| value as &dyn ToSql)))?;
        let mut kept = Vec::new();
        while let Some(row) = rows.next()? {
            for (place, (at, wished)) in write.sets.iter().enumerate() {
                let value = row.get_ref(place)?;
                let read = self.value(*at, value);
                kept.push(read.map_err(|_| misfit(&self.schema, *at, wished, None))?);
                self.open.take(db, &self.schema, *at, wished, value)?;
            }
        }
        Ok(check_kept(write, &self.schema, &kept)?)
    }

    fn names<'a>(&'a self, write: &'a Write<'_>) -> impl Iterator<Item = &'a str> {
        write.sets.iter().filter_map(|(at, _)| Some(self.schema.fields().get(*at)?.name.as_str()))
    }

    fn bound<'a>(
        &self,
        values: impl Iterator<Item = (usize, &'a Value)>,
    ) -> Result<Vec<Kept>, Stop> {
        let bound = values.map(|(at, value)| {
            let ty = self.schema.fields().get(at).map(|field| &field.ty);
            let kept = ty.and_then(|ty| bind(ty, value));
            kept.ok_or_else(|| misfit(&self.schema, at, value, None).into())
        });
        bound.collect()
    }
}

/// `"a" = ?1 and "b" = ?2` for the key.
fn conditions(schema: &Schema, relation: &str) -> String {
    let names = keys(schema).map(|(_, field)| quote(&field.name)).enumerate();
    let conditions = names.map(|(i, name)| format!("{name} {relation} ?{}", i + 1));
    conditions.collect::<Vec<_>>().join(" and ")
}
