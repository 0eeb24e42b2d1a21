//! The rows on which both sides agree.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use trueup_connector::{Error, Kind, Result};

use super::super::rules::Side;
use super::super::table::Row;
use super::Report;
use super::live::Live;
use super::render::SECRET;

impl Report {
    /// The expected side's rows of the keys that matched, a batch after the other in the order of
    /// the snapshot; whole rows in canonical names, with secret values masked.
    ///
    /// # Errors
    /// `unsupported` for a loaded report, which has no records.
    ///
    /// ```
    /// # use trueup::*;
    /// # use std::num::NonZero;
    /// # let rows = |json: &str| Snapshot::from_json(&serde_json::from_str::<Vec<_>>(json).unwrap());
    /// let wish = rows(r#"[{"id": 1, "site": "berlin"}, {"id": 2, "site": "ghent"}]"#)?;
    /// let state = rows(r#"[{"id": 1, "site": "berlin"}]"#)?;
    /// let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
    /// let report = Reconciliation::new("fleet").with_key(["id"]).compare(&run, &wish, &state)?;
    /// let matched = report.matched()?.collect::<Result<Vec<_>>>()?;
    /// assert_eq!(matched[0].num_rows(), 1);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn matched(&self) -> Result<impl Iterator<Item = Result<RecordBatch>> + '_> {
        let live = self.live("matched rows")?;
        let keep = live.matched_masks().into_iter().map(BooleanArray::from);
        let schema = live.masked_schema();
        let batches = live.expected.snapshot.batches().iter().zip(keep);
        let batches = batches.map(move |(batch, keep)| {
            let batch = live.masked(batch, &schema)?;
            filter_record_batch(&batch, &keep).map_err(internal)
        });
        Ok(batches.filter(|batch| batch.as_ref().is_ok_and(|b| b.num_rows() > 0) || batch.is_err()))
    }
}

impl Live {
    /// Which of the expected side's rows matched, a mask a batch.
    pub(super) fn matched_masks(&self) -> Vec<Vec<bool>> {
        let lengths = self.expected.lengths();
        let mut masks: Vec<Vec<bool>> = lengths.map(|rows| vec![false; rows]).collect();
        self.expected.rows().for_each(|row| set(&mut masks, row, true));
        self.open_rows(Side::Expected).for_each(|row| set(&mut masks, row, false));
        masks
    }

    /// Every row of a side whose key did not match.
    pub(super) fn open_rows(&self, side: Side) -> impl Iterator<Item = Row> + '_ {
        let resolved = &self.resolved;
        let found = resolved.found.iter().filter_map(move |found| match side {
            Side::Expected => found.expected,
            Side::Actual => found.actual,
        });
        let groups = resolved.groups.iter().chain(&resolved.changed_groups);
        let groups = groups.flat_map(move |group| match side {
            Side::Expected => group.expected.iter().copied(),
            Side::Actual => group.actual.iter().copied(),
        });
        let [expected, actual] = &resolved.uncovered;
        let uncovered = if side == Side::Expected { expected } else { actual };
        found.chain(groups).chain(uncovered.iter().copied())
    }

    fn masked_schema(&self) -> SchemaRef {
        let arrow = self.expected.snapshot.arrow_schema();
        let fields =
            arrow.fields().iter().enumerate().map(|(place, field)| match self.is_secret(place) {
                true => Field::new(field.name(), DataType::Utf8, true)
                    .with_metadata(field.metadata().clone()),
                false => Field::clone(field),
            });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    fn masked(&self, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
        let columns =
            batch.columns().iter().enumerate().map(|(place, column)| match self.is_secret(place) {
                true => Arc::new(StringArray::from(vec![SECRET; batch.num_rows()])) as ArrayRef,
                false => column.clone(),
            });
        RecordBatch::try_new(schema.clone(), columns.collect()).map_err(internal)
    }

    /// Whether either side marks the field of the expected side's schema secret.
    fn is_secret(&self, place: usize) -> bool {
        let field = self.expected.snapshot.schema().fields().get(place);
        field.is_none_or(|field| {
            let other = self.actual.snapshot.schema().field(&field.name);
            field.secret || other.is_ok_and(|other| other.secret)
        })
    }
}

/// Marks a row in a mask a batch.
pub(super) fn set(masks: &mut [Vec<bool>], row: Row, to: bool) {
    if let Some(mask) = masks.get_mut(row.batch()).and_then(|batch| batch.get_mut(row.row())) {
        *mask = to;
    }
}

fn internal(cause: impl std::fmt::Display) -> Error {
    Error::new(Kind::Internal, format!("the matched rows make no table: {cause}"))
}
