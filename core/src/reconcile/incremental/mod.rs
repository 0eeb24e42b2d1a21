//! Comparing again after a change, at a cost that follows the change.

mod index;
mod state;

use std::sync::Arc;

use trueup_connector::record::column_from_values;
use trueup_connector::{Column, Error, Kind, Result, Snapshot, Value};

use super::Report;
use super::compare::{Compared, Sides};
use super::fast::{Lanes, WideCode, WordCode, join};
use super::resolve::resolve;
use super::rules::{FieldRule, Fields, Reconciliation, Side};
use super::run::{Made, Run, report};
use super::table::{Pieces, Table};
use index::{Index, Indexed};

/// Two snapshots held side by side with an index of their keys, so that each may take changes.
///
/// A report made of it is the one that comparing the changed snapshots afresh would give, digest
/// included. Building the index takes longer than one comparison, and 15 to 50 bytes a row; then a
/// change costs what its own rows cost, and a report what its findings cost.
///
/// Rows that were replaced or removed keep their memory until the index is built anew.
///
/// ```
/// use trueup::{Incremental, Reconciliation, Run, Side, Snapshot};
/// # fn rows(json: &str) -> Snapshot {
/// #     Snapshot::from_json(&serde_json::from_str::<Vec<_>>(json).unwrap()).unwrap()
/// # }
/// let expected = rows(r#"[{"id": 1, "os": "14.2"}, {"id": 2, "os": "14.2"}]"#);
/// let actual = rows(r#"[{"id": 1, "os": "14.1"}, {"id": 2, "os": "14.2"}]"#);
/// let devices = Reconciliation::new("devices").with_key(["id"]);
/// let mut index = Incremental::new(devices, &Run::fresh()?, &expected, &actual)?;
/// assert_eq!(index.report()?.counts().changed, 1);
///
/// index.change(Side::Actual, &rows(r#"[{"id": 1, "os": "14.2"}]"#))?;
/// assert!(index.report()?.converged());
/// # Ok::<(), trueup::Error>(())
/// ```
#[derive(Debug)]
pub struct Incremental {
    document: Reconciliation,
    run: Run,
    fields: Fields,
    tables: [Arc<Table>; 2],
    /// Both sides as their systems gave them; batch for batch those of the tables.
    sources: [Snapshot; 2],
    index: Box<dyn Index>,
}

impl Incremental {
    /// Compares two snapshots, and indexes them.
    ///
    /// # Errors
    /// As [`Reconciliation::compare`].
    pub fn new(
        document: Reconciliation,
        run: &Run,
        expected: &Snapshot,
        actual: &Snapshot,
    ) -> Result<Self> {
        let sources = [expected.clone(), actual.clone()];
        let expected = document.map(Side::Expected, expected)?;
        let actual = document.map(Side::Actual, actual)?;
        let fields = Fields::resolve(&document, &expected, &actual, None)?;
        let expected = Arc::new(Table::of_side(&expected, &fields, Side::Expected)?);
        let actual = Arc::new(Table::of_side(&actual, &fields, Side::Actual)?);
        let index = {
            let sides = Sides { fields: &fields, expected: &expected, actual: &actual };
            build(sides, run)?
        };
        let (tables, run) = ([expected, actual], run.clone());
        Ok(Self { document, run, fields, tables, sources, index })
    }

    /// Puts these records in the place of those of a side that have their keys, and adds those whose
    /// keys are new.
    ///
    /// The records have all columns of the side's snapshot, as its system gives them. Nothing is
    /// changed where an error is returned.
    ///
    /// # Errors
    /// `data` where the columns are not those of the side's snapshot, or a record has a null in its
    /// key.
    pub fn change(&mut self, side: Side, records: &Snapshot) -> Result<()> {
        let source = self.source(side);
        if source.arrow_schema() != records.arrow_schema() {
            let (want, got) = (source.arrow_schema(), records.arrow_schema());
            return Err(other_columns(side, &want.to_string(), &got.to_string()));
        }
        let mapped = self.document.map(side, records)?;
        let delta = Table::of_side(&mapped, &self.fields, side)?;
        self.check_values(side, &delta)?;
        let first = self.table(side).batches();
        let changes = self.index.prepare(&delta, first)?;
        let source = source.append(records.batches())?;
        let place = side as usize;
        if let (Some(table), Some(held)) = (self.tables.get_mut(place), self.sources.get_mut(place))
        {
            Arc::make_mut(table).append(delta)?;
            *held = source;
        }
        let gone = self.index.change(sides(&self.fields, &self.tables), side, &changes)?;
        self.retire(side, gone);
        Ok(())
    }

    /// Removes the records of a side that have these keys; returns how many there were.
    ///
    /// `keys` has the key fields, by their canonical names and values; other columns do not matter.
    ///
    /// # Errors
    /// `invalid` where a key field is not there, `incompatible` where its type is another.
    pub fn remove(&mut self, side: Side, keys: &Snapshot) -> Result<usize> {
        let pieces = self
            .fields
            .key
            .iter()
            .enumerate()
            .map(|(place, field)| key_pieces(keys, field, self.table(side).key.get(place)));
        let delta = Table::of_keys(keys, pieces.collect::<Result<_>>()?)?;
        let changes = self.index.prepare(&delta, 0)?;
        let gone = self.index.remove(sides(&self.fields, &self.tables), side, &delta, &changes)?;
        let removed = gone.len();
        self.retire(side, gone);
        Ok(removed)
    }

    /// What the two sides agree and disagree on now.
    ///
    /// # Errors
    /// As [`Reconciliation::compare`].
    pub fn report(&self) -> Result<Report> {
        let compared = self.index.compared();
        let resolved = resolve(self.sides(), compared, None, self.run.context())?;
        let made =
            Made { sources: self.sources.clone(), threads: self.run.threads(), three_way: false };
        Ok(report(&self.document, self.fields.clone(), self.tables.clone(), resolved, made))
    }

    /// Normalises every value once, so that none can fail when it is too late.
    fn check_values(&self, side: Side, delta: &Table) -> Result<()> {
        for field in self.fields.compared.iter().filter(|field| field.rule.normalises()) {
            let place = if side == Side::Expected { field.expected } else { field.actual };
            for row in delta.rows() {
                field
                    .rule
                    .normalise(delta.value(place, row))
                    .map_err(|e| e.with("field", &field.name))?;
            }
        }
        Ok(())
    }

    fn sides(&self) -> Sides<'_> {
        sides(&self.fields, &self.tables)
    }

    fn table(&self, side: Side) -> &Table {
        self.sides().table(side)
    }

    fn source(&self, side: Side) -> &Snapshot {
        let [expected, actual] = &self.sources;
        match side {
            Side::Expected => expected,
            Side::Actual => actual,
        }
    }

    fn retire(&mut self, side: Side, rows: Vec<super::table::Row>) {
        if let Some(table) = self.tables.get_mut(side as usize) {
            Arc::make_mut(table).retire(rows);
        }
    }
}

fn sides<'a>(fields: &'a Fields, tables: &'a [Arc<Table>; 2]) -> Sides<'a> {
    let [expected, actual] = tables;
    Sides { fields, expected, actual }
}

fn build(sides: Sides<'_>, run: &Run) -> Result<Box<dyn Index>> {
    let (threads, context) = (run.threads(), run.context());
    let lanes = Lanes::new(sides.fields, sides.expected, sides.actual, run.seed());
    let joined = join(&lanes, sides.expected, sides.actual, threads, context)?;
    let compared = Compared::new(&sides, joined, threads, context)?;
    Ok(match lanes.is_word() {
        true => Box::new(Indexed::<WordCode>::new(lanes, sides, compared, threads, context)?),
        false => Box::new(Indexed::<WideCode>::new(lanes, sides, compared, threads, context)?),
    })
}

/// A key column in the type that the index has it in.
fn key_pieces(keys: &Snapshot, field: &FieldRule, known: Option<&Pieces>) -> Result<Pieces> {
    let ty = &keys.schema().field(&field.name)?.ty;
    let place = keys.schema().index(&field.name).unwrap_or(usize::MAX);
    let arrays = keys.batches().iter().filter_map(|batch| batch.columns().get(place));
    let wanted = known.and_then(|pieces| pieces.first()).map(|column| column.array().data_type());
    let pieces = arrays.map(|array| {
        let column = Column::new(array)?;
        if !field.rule.normalises() && wanted.is_none_or(|wanted| wanted == array.data_type()) {
            return Ok(column);
        }
        let values = (0..column.len()).map(|row| field.rule.normalise(column.value(row)));
        let values = values.collect::<Result<Vec<Value>>>();
        let values = values.map_err(|error| error.with("field", &field.name))?;
        let column = column_from_values(ty, &values.iter().collect::<Vec<_>>())?;
        match wanted.is_none_or(|wanted| wanted == column.data_type()) {
            true => Column::new(&column),
            false => {
                let wanted = wanted.map_or_else(String::new, ToString::to_string);
                let message = format!(
                    "the key `{}` is {}, but {wanted} in the index",
                    field.name,
                    column.data_type()
                );
                Err(Error::new(Kind::Incompatible, message))
            }
        }
    });
    pieces.collect()
}

fn other_columns(side: Side, want: &str, got: &str) -> Error {
    let message = format!(
        "the changed records of the {} side have other columns than its snapshot",
        side.name()
    );
    Error::new(Kind::Data, message).with("wanted", want).with("given", got)
}

#[cfg(test)]
mod tests;
