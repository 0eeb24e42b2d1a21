//! A snapshot ready for comparing: its columns, and those that rules normalise, by field and batch.

use std::collections::HashSet;

use trueup_connector::record::column_from_values;
use trueup_connector::{Cell, Column, Error, Kind, LogicalType, Result, Snapshot, Value};

use super::rules::{FieldRule, Fields, Side};

/// A row's place: the number of its batch and of the row in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Row(u64);

impl Row {
    pub(super) fn new(batch: usize, row: usize) -> Self {
        Self(((batch as u64) << 32) | row as u64)
    }

    pub(super) fn batch(self) -> usize {
        (self.0 >> 32) as usize
    }

    pub(super) fn row(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }
}

/// One field's column, a piece a batch.
pub(super) type Pieces = Vec<Column>;

/// One side of a comparison.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// In canonical names and values.
    pub(super) snapshot: Snapshot,
    /// Every field, in the order of the schema.
    columns: Vec<Pieces>,
    /// The key fields, normalised.
    pub(super) key: Vec<Pieces>,
    /// The compared fields as they are fingerprinted: equal ones agree under their rule.
    pub(super) compared: Vec<Pieces>,
    /// Rows that deltas replaced or removed.
    gone: HashSet<Row>,
    /// The number of each batch's first row.
    starts: Vec<usize>,
}

/// How many rows a side may have: each has a number of 32 bits.
const MOST_ROWS: usize = u32::MAX as usize;

impl Table {
    pub(super) fn new(
        snapshot: &Snapshot,
        fields: &Fields,
        place: fn(&FieldRule) -> usize,
    ) -> Result<Self> {
        let columns = (0..snapshot.schema().fields().len()).map(|field| pieces(snapshot, field));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let key = fields.key.iter().map(|field| {
            normalised(snapshot, &columns, field, place(field), field.rule.normalises())
        });
        // Equal raw values agree under every rule, so only fields whose raw values cannot be compared
        // at all (a datetime against an instant) are normalised ahead.
        let compared = fields
            .compared
            .iter()
            .map(|field| normalised(snapshot, &columns, field, place(field), field.rule.zone()));
        let (key, compared) = (key.collect::<Result<_>>()?, compared.collect::<Result<_>>()?);
        let (snapshot, gone, starts) = (snapshot.clone(), HashSet::new(), starts(snapshot)?);
        Ok(Self { snapshot, columns, key, compared, gone, starts })
    }

    /// A table of key values and nothing else.
    pub(super) fn of_keys(snapshot: &Snapshot, key: Vec<Pieces>) -> Result<Self> {
        let (columns, compared) = (Vec::new(), Vec::new());
        let (snapshot, gone, starts) = (snapshot.clone(), HashSet::new(), starts(snapshot)?);
        Ok(Self { snapshot, columns, key, compared, gone, starts })
    }

    /// Adds the batches of a table of the same columns.
    pub(super) fn append(&mut self, other: Self) -> Result<()> {
        let snapshot = self.snapshot.append(other.snapshot.batches())?;
        (self.starts, self.snapshot) = (starts(&snapshot)?, snapshot);
        let mine = [&mut self.columns, &mut self.key, &mut self.compared];
        for (mine, its) in mine.into_iter().zip([other.columns, other.key, other.compared]) {
            mine.iter_mut().zip(its).for_each(|(mine, its)| mine.extend(its));
        }
        Ok(())
    }

    /// Takes rows out: their places stay.
    pub(super) fn retire(&mut self, rows: Vec<Row>) {
        self.gone.extend(rows);
    }

    /// A side as the document places its fields.
    pub(super) fn of_side(snapshot: &Snapshot, fields: &Fields, side: Side) -> Result<Self> {
        match side {
            Side::Expected => Self::new(snapshot, fields, |field| field.expected),
            Side::Actual => Self::new(snapshot, fields, |field| field.actual),
        }
    }

    /// The cell of a field, by its place in the schema, as the side has it.
    pub(super) fn cell(&self, field: usize, row: Row) -> Cell<'_> {
        self.columns.get(field).map_or(Cell::Null, |pieces| cell(pieces, row))
    }

    /// The value of a field, by its place in the schema.
    pub(super) fn value(&self, field: usize, row: Row) -> Value {
        self.cell(field, row).to_value()
    }

    /// The normalised value of a key field, by its place in the key.
    pub(super) fn key_cell(&self, position: usize, row: Row) -> Cell<'_> {
        self.key.get(position).map_or(Cell::Null, |pieces| cell(pieces, row))
    }

    /// A row's number, counted through all batches. It fits: see [`MOST_ROWS`].
    pub(super) fn number(&self, row: Row) -> u32 {
        (self.starts.get(row.batch()).map_or(0, |start| *start) + row.row()) as u32
    }

    /// The row of a number.
    pub(super) fn row(&self, number: u32) -> Row {
        let number = number as usize;
        let batch = self.starts.partition_point(|start| *start <= number).saturating_sub(1);
        Row::new(batch, number - self.starts.get(batch).map_or(0, |start| *start))
    }

    /// How many batches it has.
    pub(super) fn batches(&self) -> usize {
        self.snapshot.batches().len()
    }

    /// How many rows a batch has.
    pub(super) fn batch_rows(&self, batch: usize) -> usize {
        self.snapshot.batches().get(batch).map_or(0, |batch| batch.num_rows())
    }

    /// How many rows each batch has.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.snapshot.batches().iter().map(|batch| batch.num_rows())
    }

    /// Every row in order.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        self.lengths()
            .enumerate()
            .flat_map(|(batch, rows)| (0..rows).map(move |row| Row::new(batch, row)))
            .filter(|row| !self.gone.contains(row))
    }
}

/// The cell of a row in a column's pieces.
#[inline]
pub(super) fn cell(pieces: &Pieces, row: Row) -> Cell<'_> {
    pieces.get(row.batch()).map_or(Cell::Null, |column| column.cell(row.row()))
}

/// The number of each batch's first row.
fn starts(snapshot: &Snapshot) -> Result<Vec<usize>> {
    let mut rows = 0;
    let starts = snapshot.batches().iter().map(|batch| {
        let start = rows;
        rows += batch.num_rows();
        start
    });
    let starts = starts.collect();
    if rows > MOST_ROWS {
        let message =
            format!("{rows} rows on one side are more than {MOST_ROWS}: split them by key");
        return Err(Error::new(Kind::Invalid, message));
    }
    Ok(starts)
}

fn pieces(snapshot: &Snapshot, field: usize) -> Result<Pieces> {
    let arrays = snapshot.batches().iter().filter_map(|batch| batch.columns().get(field));
    arrays.map(Column::new).collect()
}

fn normalised(
    snapshot: &Snapshot,
    columns: &[Pieces],
    field: &FieldRule,
    place: usize,
    needed: bool,
) -> Result<Pieces> {
    let missing = || Error::new(Kind::Internal, format!("the field `{}` is not there", field.name));
    let raw = columns.get(place).ok_or_else(missing)?;
    if !needed {
        return Ok(raw.clone());
    }
    let ty = &snapshot.schema().fields().get(place).ok_or_else(missing)?.ty;
    let ty = if field.rule.zone() { &LogicalType::Instant } else { ty };
    raw.iter().map(|column| normalise(column, ty, field)).collect()
}

fn normalise(column: &Column, ty: &LogicalType, field: &FieldRule) -> Result<Column> {
    let values = (0..column.len()).map(|row| field.rule.normalise(column.value(row)));
    let values = values.collect::<Result<Vec<Value>>>();
    let values = values.map_err(|error| error.with("field", &field.name))?;
    let ty = match ty {
        // A default may give a column of nulls its type.
        LogicalType::Null => &type_of(&values),
        ty => ty,
    };
    let array = column_from_values(ty, &values.iter().collect::<Vec<_>>());
    Column::new(&array.map_err(|error| error.with("field", &field.name))?)
}

fn type_of(values: &[Value]) -> LogicalType {
    let first = values.iter().find(|value| !value.is_null());
    first.and_then(|value| value.type_name().parse().ok()).unwrap_or(LogicalType::Null)
}
