//! One table that records are written to, inside a transaction.

use std::collections::HashMap;

use tokio_postgres::types::{FromSql, ToSql, Type};
use tokio_postgres::{Client, Row as PostgresRow, Statement};
use trueup_connector::{
    Column, Error, Kind, LogicalType, Number, Operation, Result, Schema, Standing, Value,
};

use super::bind::{Bound, bind};
use super::catalog::{ColumnShape, Shape, get};
use super::cell;
use super::error::error;
use super::types::Wire;
use crate::columns::Columns;
use crate::source::quote;
use crate::writing::{Row, Write, check_kept, has_key, keys, misfit};

/// A table that records are written to.
pub(crate) struct Table {
    pub(crate) schema: Schema,
    shape: Shape,
    /// Which columns are numerics whose digits the catalogue leaves open: they are read as text.
    open: Vec<bool>,
    statements: HashMap<String, Statement>,
}

impl Table {
    pub(crate) fn new(mut shape: Shape) -> Result<Self> {
        let open = shape.columns.iter().map(|column| column.ty.ty.is_none()).collect();
        for column in shape.columns.iter_mut().filter(|column| column.ty.ty.is_none()) {
            read_as_text(column);
        }
        let described = shape.describe(&[])?;
        let (shape, schema) = (described.shape, described.schema);
        Ok(Self { schema, shape, open, statements: HashMap::new() })
    }

    /// Carries a change out, if its precondition holds; what is done is checked, and is undone by the
    /// caller where this fails.
    pub(crate) async fn carry_out(&mut self, db: &Client, write: &Write<'_>) -> Result<Standing> {
        let found = self.find(db, &write.change.key, &write.change.operation).await?;
        let standing = write.standing(&self.schema, found.as_ref());
        match (standing, found) {
            (Standing::Holds, None) => self.insert(db, write).await?,
            (Standing::Holds, Some(_)) => self.change(db, write).await?,
            (Standing::Stale, None) if write.renames() => {
                let found = self.find(db, &write.wished, &write.change.operation).await?;
                let renamed = write.standing(&self.schema, found.as_ref());
                let is_there = renamed == Standing::Already;
                return Ok(if is_there { Standing::Already } else { Standing::Stale });
            }
            _ => {}
        }
        Ok(standing)
    }

    /// The record with this key, which stays as it is until the transaction ends. Upper and lower
    /// case are different, whatever the column's collation says.
    async fn find(
        &mut self,
        db: &Client,
        key: &[Value],
        operation: &Operation,
    ) -> Result<Option<Row>> {
        let columns = self.shape.columns.iter();
        let columns: Vec<String> = columns.map(|column| read(column, "t.")).collect();
        let lock = if *operation == Operation::Create { "" } else { " for update" };
        let sql = format!(
            "select {} from {} as t where {}{lock}",
            columns.join(", "),
            self.shape.from,
            self.by_key(0),
        );
        let bound = self.bound(keys(&self.schema).map(|(at, _)| at).zip(key))?;
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        for row in self.query(db, &sql, &bound).await? {
            let row = self.row(&row, &all)?;
            if has_key(&self.schema, &row, key) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    async fn insert(&mut self, db: &Client, write: &Write<'_>) -> Result<()> {
        let columns: Vec<&ColumnShape> = self.set(write).collect();
        let names: Vec<String> = columns.iter().map(|column| quote(&column.name)).collect();
        let marks = columns.iter().enumerate().map(|(i, column)| mark(i + 1, column));
        let returning: Vec<String> = columns.iter().map(|column| read(column, "")).collect();
        let sql = format!(
            "insert into {} ({}) values ({}) returning {}",
            self.shape.from,
            names.join(", "),
            marks.collect::<Vec<_>>().join(", "),
            returning.join(", "),
        );
        let bound = self.bound(write.sets.iter().copied())?;
        self.keep(db, write, &sql, &bound).await
    }

    async fn change(&mut self, db: &Client, write: &Write<'_>) -> Result<()> {
        let key = self.bound(keys(&self.schema).map(|(at, _)| at).zip(&write.change.key))?;
        if write.change.operation == Operation::Delete {
            let sql = format!(
                "delete from {} as t where {} returning true",
                self.shape.from,
                self.by_key(0)
            );
            return match self.query(db, &sql, &key).await?.len() {
                1 => Ok(()),
                _ => Err(Error::new(
                    Kind::Data,
                    "the table kept the record: a trigger or rule prevents it",
                )),
            };
        }
        let sets = self.set(write).enumerate();
        let sets =
            sets.map(|(i, column)| format!("{} = {}", quote(&column.name), mark(i + 1, column)));
        let returning: Vec<String> = self.set(write).map(|column| read(column, "t.")).collect();
        let sql = format!(
            "update {} as t set {} where {} returning {}",
            self.shape.from,
            sets.collect::<Vec<_>>().join(", "),
            self.by_key(write.sets.len()),
            returning.join(", "),
        );
        let mut bound = self.bound(write.sets.iter().copied())?;
        bound.extend(key);
        self.keep(db, write, &sql, &bound).await
    }

    /// Runs a statement that returns what it has set, and checks that.
    async fn keep(
        &mut self,
        db: &Client,
        write: &Write<'_>,
        sql: &str,
        bound: &[Bound],
    ) -> Result<()> {
        let set: Vec<usize> = write.sets.iter().map(|(at, _)| *at).collect();
        let mut kept = Vec::new();
        for row in self.query(db, sql, bound).await? {
            kept.extend(self.row(&row, &set)?);
        }
        check_kept(write, &self.schema, &kept)
    }

    async fn query(&mut self, db: &Client, sql: &str, bound: &[Bound]) -> Result<Vec<PostgresRow>> {
        let known = self.statements.get(sql).cloned();
        let statement = match known {
            Some(statement) => statement,
            None => {
                let types: Vec<Type> = bound.iter().map(Bound::ty).collect();
                let statement = db.prepare_typed(sql, &types).await.map_err(error)?;
                self.statements.insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        let bound: Vec<&(dyn ToSql + Sync)> = bound.iter().map(Bound::to_sql).collect();
        db.query(&statement, &bound).await.map_err(error)
    }

    /// The values of a row that has these columns, read as every reading reads them.
    fn row(&self, row: &PostgresRow, columns: &[usize]) -> Result<Row> {
        let fields = self.schema.fields();
        let schema = Schema::new(columns.iter().filter_map(|at| fields.get(*at)).cloned())?;
        let mut cells = Columns::new(&schema)?;
        for (place, (at, builder)) in columns.iter().zip(&mut cells.builders).enumerate() {
            let Some(column) = self.shape.columns.get(*at) else { continue };
            let value: Raw<'_> = get(row, place)?;
            cell::append(builder, &column.ty.wire, value.0)
                .map_err(|what| Error::new(Kind::Data, what).with("column", &column.name))?;
        }
        cells.end_row();
        let batch = cells.finish()?;
        let values = batch.columns().iter().zip(columns);
        values.map(|(array, at)| self.closed(*at, Column::new(array)?.value(0))).collect()
    }

    /// The value, where a numeric was read as text.
    fn closed(&self, at: usize, value: Value) -> Result<Value> {
        match self.open.get(at) {
            Some(true) => numeric(value),
            _ => Ok(value),
        }
    }

    /// The columns that a change sets.
    fn set<'a>(&'a self, write: &'a Write<'_>) -> impl Iterator<Item = &'a ColumnShape> {
        write.sets.iter().filter_map(|(at, _)| self.shape.columns.get(*at))
    }

    /// The condition on the key, whose parameters stand after so many others.
    fn by_key(&self, after: usize) -> String {
        let columns = keys(&self.schema).filter_map(|(at, _)| self.shape.columns.get(at));
        let conditions = columns.enumerate().map(|(i, column)| {
            format!("t.{} = {}", quote(&column.name), mark(after + i + 1, column))
        });
        conditions.collect::<Vec<_>>().join(" and ")
    }

    fn bound<'a>(&self, values: impl Iterator<Item = (usize, &'a Value)>) -> Result<Vec<Bound>> {
        let bound = values.map(|(at, value)| {
            let column = self.shape.columns.get(at);
            let wire = match self.open.get(at) {
                Some(true) => Some(open_wire(column)),
                _ => column.map(|column| column.ty.wire.clone()),
            };
            let bound = wire.and_then(|wire| bind(&wire, value));
            bound.ok_or_else(|| misfit(&self.schema, at, value, None))
        });
        bound.collect()
    }
}

impl Bound {
    fn ty(&self) -> Type {
        match self {
            Self::One(_) => Type::TEXT,
            Self::Many(_) => Type::TEXT_ARRAY,
        }
    }

    fn to_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::One(text) => text,
            Self::Many(texts) => texts,
        }
    }
}

/// A value as it came over the wire.
struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A column as it is read.
fn read(column: &ColumnShape, table: &str) -> String {
    format!("{table}{}{}", quote(&column.name), column.ty.cast)
}

/// The place of a parameter, made a value of the column's type.
fn mark(number: usize, column: &ColumnShape) -> String {
    format!("${number}::{}", column.type_name)
}

fn read_as_text(column: &mut ColumnShape) {
    let text = LogicalType::Text;
    match column.ty.wire {
        Wire::List(_) => {
            column.ty.wire = Wire::List(Box::new(Wire::Text));
            column.ty.ty = Some(LogicalType::List(Box::new(text)));
            column.ty.cast = "::text[]";
        }
        _ => (column.ty.wire, column.ty.ty, column.ty.cast) = (Wire::Text, Some(text), "::text"),
    }
}

fn open_wire(column: Option<&ColumnShape>) -> Wire {
    match column.map(|column| &column.ty.wire) {
        Some(Wire::List(_)) => Wire::List(Box::new(Wire::Numeric)),
        _ => Wire::Numeric,
    }
}

fn numeric(value: Value) -> Result<Value> {
    match value {
        Value::Text(text) => {
            let number: Number = text.parse()?;
            let scale = number.digits().map_or(0, |(scale, _)| scale);
            Ok(Value::Decimal(number, scale.max(0)))
        }
        Value::List(items) => {
            items.into_iter().map(numeric).collect::<Result<_>>().map(Value::List)
        }
        other => Ok(other),
    }
}
