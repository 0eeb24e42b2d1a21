//! A snapshot in canonical words.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::builder::LargeStringBuilder;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field as ArrowField, Schema as ArrowSchema, SchemaRef};

use super::{Mapping, Table, collision};
use crate::error::{Error, Kind, Result, suggest};
use crate::record::{Cell, Column, Field, LogicalType, Schema};
use crate::snapshot::{Condition, Coverage, Predicate, Snapshot};

impl Mapping {
    /// The snapshot in canonical words, its coverage too; columns without a value table are not
    /// copied.
    ///
    /// # Errors
    /// `invalid` for a mapped field that the snapshot does not have, a canonical name that would stand
    /// twice, a value table of a field that is not text, or a coverage that a value table cannot
    /// translate; `data`, naming the value, where a table cannot be applied.
    pub fn canonical(&self, snapshot: &Snapshot) -> Result<Snapshot> {
        self.check(snapshot.schema())?;
        let arrow = self.rename(snapshot);
        let batches =
            snapshot.batches().iter().map(|batch| self.map_batch(snapshot, &arrow, batch));
        let batches = batches.collect::<Result<Vec<_>>>()?;
        let coverage = self.map_coverage(snapshot.coverage())?;
        Ok(Snapshot::new(arrow, batches)?
            .with_provenance(snapshot.provenance().clone())
            .with_coverage(coverage)
            .with_consistency(snapshot.consistency()))
    }

    fn check(&self, schema: &Schema) -> Result<()> {
        self.fields.values().try_for_each(|system| schema.field(system).map(drop))?;
        let mut names = BTreeSet::new();
        for name in schema.names().map(|system| self.canonical_name(system)) {
            if !names.insert(name) {
                return Err(invalid(format!("the mapping gives two fields called `{name}`")));
            }
        }
        self.values.keys().try_for_each(|name| {
            let mut fields = schema.fields().iter();
            let field = fields.find(|field| self.canonical_name(&field.name) == name);
            match field.map(|field| &field.ty) {
                Some(LogicalType::Text) => Ok(()),
                Some(ty) => Err(invalid(format!(
                    "the value table of `{name}` needs a text field, and `{name}` is {ty}"
                ))),
                None => {
                    let nearest = suggest(name, names.iter().copied());
                    Err(invalid(format!("unknown field `{name}` of a value table{nearest}")))
                }
            }
        })
    }

    fn rename(&self, snapshot: &Snapshot) -> SchemaRef {
        let old = Schema::annotate(snapshot.schema(), snapshot.arrow_schema());
        let fields = old.fields().iter().map(|field| {
            let name = self.canonical_name(field.name());
            let mapped = self.values.contains_key(name);
            let ty = if mapped { DataType::LargeUtf8 } else { field.data_type().clone() };
            ArrowField::new(name, ty, true).with_metadata(field.metadata().clone())
        });
        Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()))
    }

    fn map_batch(
        &self,
        snapshot: &Snapshot,
        arrow: &SchemaRef,
        batch: &RecordBatch,
    ) -> Result<RecordBatch> {
        let fields = snapshot.schema().fields().iter().zip(batch.columns());
        let columns = fields.map(|(field, array)| {
            let name = self.canonical_name(&field.name);
            match self.values.get(name) {
                Some(table) => map_column(table, name, field, array),
                None => Ok(array.clone()),
            }
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(arrow.clone(), columns, &options)
            .map_err(|cause| Error::new(Kind::Internal, cause.to_string()))
    }

    fn map_coverage(&self, coverage: &Coverage) -> Result<Coverage> {
        match coverage {
            Coverage::Within(predicate) => self.map_predicate(predicate).map(Coverage::Within),
            other => Ok(other.clone()),
        }
    }

    fn map_predicate(&self, predicate: &Predicate) -> Result<Predicate> {
        predicate.try_map(&mut |system, condition| {
            let name = self.canonical_name(system);
            if !self.values.contains_key(name) {
                return Ok((name.to_owned(), condition.clone()));
            }
            let untranslatable = match condition {
                Condition::Is(_) | Condition::In(_) => None,
                Condition::StartsWith(_) => Some("starts_with"),
                Condition::Range(Some(_), _) => Some("from"),
                Condition::Range(None, _) => Some("to"),
            };
            if let Some(member) = untranslatable {
                return Err(invalid(format!(
                    "the coverage of `{name}`, which has a value table, takes `is` and `in` only, not `{member}`"
                )));
            }
            let condition = condition.try_map(&|value| self.to_canonical(name, value))?;
            Ok((name.to_owned(), condition))
        })
    }
}

fn map_column(table: &Table, name: &str, field: &Field, array: &ArrayRef) -> Result<ArrayRef> {
    let column = Column::new(array)?;
    let mut mapped = LargeStringBuilder::with_capacity(column.len(), 0);
    for row in 0..column.len() {
        match column.cell(row) {
            Cell::Text(text) => {
                let shown = if field.secret { "‹secret›" } else { text };
                let canonical = table.canonical(text).ok_or_else(|| collision(name, shown));
                mapped.append_value(canonical?);
            }
            _ => mapped.append_null(),
        }
    }
    Ok(Arc::new(mapped.finish()))
}

fn invalid(message: String) -> Error {
    Error::new(Kind::Invalid, message)
}
