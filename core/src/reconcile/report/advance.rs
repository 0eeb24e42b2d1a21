//! The next base of a three-way comparison: what both sides last agreed on.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::{Field, Schema};
use arrow_select::concat::concat;
use arrow_select::filter::filter;
use trueup_connector::record::column_from_values;
use trueup_connector::{Column, Error, Kind, LogicalType, Provenance, Result, Snapshot, Value};

use super::super::base::Base;
use super::super::rules::{FieldRule, Fields, Side};
use super::super::table::Row;
use super::Report;
use super::live::Live;
use super::matched::set;
use super::render::common;

/// The name and version of this step.
const STEP: &str = "trueup/advance/1";

impl Report {
    /// The base for the next three-way comparison: one record a key, with the key and compared
    /// fields in canonical names.
    ///
    /// - A key that matched gets the expected side's values.
    /// - A key that is on neither side is dropped, if both sides would have it.
    /// - Every other key of `base` stays as it was: both sides do not agree on it now.
    ///
    /// A key with several rows a side has no one record to agree on, and also stays as it was. The
    /// base holds secret values: the next comparison needs them.
    ///
    /// # Errors
    /// `unsupported` for a loaded report; `incompatible` where the base lacks a field or has it in a
    /// type that does not go with the expected side's; `data` where it has a null or repeated key.
    ///
    /// ```
    /// # use trueup::*;
    /// # use std::num::NonZero;
    /// # let rows = |json: &str| Snapshot::from_json(&serde_json::from_str::<Vec<_>>(json).unwrap());
    /// let wish = rows(r#"[{"id": 1, "os": "14"}, {"id": 2, "os": "14"}]"#)?;
    /// let state = rows(r#"[{"id": 1, "os": "14"}, {"id": 2, "os": "13"}]"#)?;
    /// let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
    /// let fleet = Reconciliation::new("fleet").with_key(["id"]);
    /// let base = fleet.compare(&run, &wish, &state)?.advance(None)?;
    /// assert_eq!(base.rows(), 1);
    /// let next = fleet.compare_three_way(&run, &wish, &state, &base)?;
    /// assert_eq!(next.counts().changed, 1);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn advance(&self, base: Option<&Snapshot>) -> Result<Snapshot> {
        let live = self.live("next base")?;
        let mut pieces = live.agreed()?;
        if let Some(base) = base {
            pieces.extend(live.kept(base)?);
        }
        let fields = ordered(&live.fields);
        let mut next = Provenance::default().with_tenant(self.tenant());
        next.resource = self.resource().to_owned();
        next.derived_by = Some(STEP.to_owned());
        next.derived_from = live.read_ids(base);
        Ok(snapshot(live, &fields, pieces)?.with_provenance(next))
    }
}

/// The columns of some records, in the order of the base's fields.
type Piece = Vec<ArrayRef>;

impl Live {
    /// The records that both sides agree on, if a key has one.
    fn agreed(&self) -> Result<Vec<Piece>> {
        let places: Vec<usize> = ordered(&self.fields).iter().map(|field| field.expected).collect();
        pieces(&self.expected.snapshot, &places, self.agreed_masks())
    }

    fn agreed_masks(&self) -> Vec<Vec<bool>> {
        let mut masks = self.matched_masks();
        let several = self.resolved.matched_groups.iter().flat_map(|group| &group.expected);
        several.for_each(|row| set(&mut masks, *row, false));
        masks
    }

    /// The records of the old base that stay as they were.
    fn kept(&self, base: &Snapshot) -> Result<Vec<Piece>> {
        let fields = self.with_places_in(base)?;
        let (table, mut rows) = Base::new(base, &fields)?.into_rows();
        let mut masks: Vec<Vec<bool>> = table.lengths().map(|rows| vec![false; rows]).collect();
        for (side, row) in self.not_agreed() {
            let old = rows.remove(&self.sides().key_bytes(side, row));
            old.into_iter().for_each(|row| set(&mut masks, row, true));
        }
        self.drop_agreed(&mut rows);
        for row in rows.into_values() {
            let value = |name: &str| {
                let place = base.schema().index(name);
                Ok(place.map_or(Value::Null, |place| table.value(place, row)))
            };
            // Who does not look cannot say that a key is gone.
            if !(fields.covers(Side::Expected, &value)? && fields.covers(Side::Actual, &value)?) {
                set(&mut masks, row, true);
            }
        }
        let places: Vec<usize> = ordered(&fields).iter().filter_map(|field| field.base).collect();
        pieces(base, &places, masks)
    }

    /// The rows of keys that are there, but on which both sides do not agree as one record.
    fn not_agreed(&self) -> impl Iterator<Item = (Side, Row)> + '_ {
        Side::BOTH.into_iter().flat_map(move |side| {
            let several = self.resolved.matched_groups.iter().flat_map(move |group| match side {
                Side::Expected => group.expected.iter().copied(),
                Side::Actual => group.actual.iter().copied(),
            });
            self.open_rows(side).chain(several).map(move |row| (side, row))
        })
    }

    /// Takes the keys that both sides agree on out of the old base's.
    fn drop_agreed(&self, rows: &mut HashMap<Vec<u8>, Row>) {
        let masks = self.agreed_masks();
        let agreed =
            |row: &Row| masks.get(row.batch()).and_then(|mask| mask.get(row.row())) == Some(&true);
        for row in self.expected.rows().filter(agreed) {
            if rows.is_empty() {
                return;
            }
            rows.remove(&self.sides().key_bytes(Side::Expected, row));
        }
    }

    fn with_places_in(&self, base: &Snapshot) -> Result<Fields> {
        let mut fields = self.fields.clone();
        for field in fields.key.iter_mut().chain(&mut fields.compared) {
            field.base = base.schema().index(&field.name);
            if field.base.is_none() {
                let message = format!("the base has no field `{}`; start a new base", field.name);
                return Err(Error::new(Kind::Incompatible, message));
            }
        }
        Ok(fields)
    }

    fn read_ids(&self, base: Option<&Snapshot>) -> Vec<String> {
        let sides = Side::BOTH.map(|side| self.source(side).provenance().read_id.clone());
        let base = base.map(|base| base.provenance().read_id.clone());
        sides.into_iter().chain(base).filter(|id| !id.is_empty()).collect()
    }
}

/// The fields of a base, in the order of the expected side's schema.
fn ordered(fields: &Fields) -> Vec<&FieldRule> {
    let mut fields: Vec<_> = fields.key.iter().chain(&fields.compared).collect();
    fields.sort_by_key(|field| field.expected);
    fields.dedup_by_key(|field| field.expected);
    fields
}

/// Some columns of the marked rows.
fn pieces(of: &Snapshot, places: &[usize], masks: Vec<Vec<bool>>) -> Result<Vec<Piece>> {
    let batches = of.batches().iter().zip(masks.into_iter().map(BooleanArray::from));
    let piece = |(batch, mask): (&RecordBatch, BooleanArray)| -> Result<Piece> {
        let columns = places.iter().filter_map(|place| batch.columns().get(*place));
        columns.map(|column| filter(column, &mask).map_err(internal)).collect()
    };
    batches.map(piece).collect()
}

fn snapshot(live: &Live, fields: &[&FieldRule], pieces: Vec<Piece>) -> Result<Snapshot> {
    let columns = fields.iter().enumerate().map(|(place, field)| {
        let arrays: Vec<ArrayRef> =
            pieces.iter().filter_map(|piece| piece.get(place).cloned()).collect();
        column(live, field, &arrays).map_err(|error| error.with("field", &field.name))
    });
    let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
    let arrow = live.expected.snapshot.arrow_schema();
    let schema = fields.iter().zip(&columns).filter_map(|(field, column)| {
        let old = arrow.fields().get(field.expected)?;
        let new = Field::new(&field.name, column.data_type().clone(), true);
        Some(new.with_metadata(old.metadata().clone()))
    });
    let schema = Schema::new(schema.collect::<Vec<_>>());
    Snapshot::from_batch(RecordBatch::try_new(Arc::new(schema), columns).map_err(internal)?)
}

/// The pieces of a column as one, in a type that holds them all.
fn column(live: &Live, field: &FieldRule, pieces: &[ArrayRef]) -> Result<ArrayRef> {
    let own = live.expected.snapshot.arrow_schema().fields().get(field.expected);
    let own = own.map(|field| field.data_type().clone()).unwrap_or(arrow_schema::DataType::Null);
    let full: Vec<&ArrayRef> = pieces.iter().filter(|piece| !piece.is_empty()).collect();
    let Some(first) = full.first() else { return Ok(arrow_array::new_empty_array(&own)) };
    if full.iter().all(|piece| piece.data_type() == first.data_type()) {
        let full: Vec<&dyn Array> = full.iter().map(|piece| piece.as_ref()).collect();
        return concat(&full).map_err(internal);
    }
    let mut ty = LogicalType::from_arrow(&own)?;
    for piece in &full {
        let other = LogicalType::from_arrow(piece.data_type())?;
        ty = agreed_type(&ty, &other)?;
    }
    let values = full.iter().map(|piece| Column::new(piece));
    let values = values.collect::<Result<Vec<Column>>>()?;
    let values = values.iter().flat_map(|column| (0..column.len()).map(|row| column.value(row)));
    let values: Vec<Value> = values.collect();
    column_from_values(&ty, &values.iter().collect::<Vec<_>>())
}

fn agreed_type(own: &LogicalType, base: &LogicalType) -> Result<LogicalType> {
    match common(own, base) {
        LogicalType::Text if [own, base].iter().any(|ty| **ty != LogicalType::Text) => {
            let message = format!(
                "the base has this field as {base}, the expected side as {own}; start a new base"
            );
            Err(Error::new(Kind::Incompatible, message))
        }
        ty => Ok(ty),
    }
}

fn internal(cause: impl std::fmt::Display) -> Error {
    Error::new(Kind::Internal, format!("the next base makes no table: {cause}"))
}
