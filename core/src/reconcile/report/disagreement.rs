//! The findings as a plan needs them: whose rows they are of, with the values as they stand.

use trueup_connector::{Field, Mapping, Provenance, Result, Role, Value};

use super::super::finding::{Cause, FindingId, FindingKind, Found, Part};
use super::super::rules::{FieldRule, Fields, Side};
use super::super::table::Row;
use super::Report;
use super::live::Live;

/// All findings of a report that has its records, in the order of its table.
pub(crate) struct Disagreements<'a> {
    live: &'a Live,
}

/// One finding, with its records.
#[derive(Clone, Copy)]
pub(crate) struct Disagreement<'a> {
    live: &'a Live,
    found: &'a Found,
    pub(crate) id: FindingId,
}

impl Report {
    /// The findings with their records.
    ///
    /// # Errors
    /// `unsupported` for a loaded report: it has no records.
    pub(crate) fn disagreements(&self) -> Result<Disagreements<'_>> {
        Ok(Disagreements { live: self.live("plan")? })
    }
}

impl<'a> Disagreements<'a> {
    /// Every finding; those of one record follow each other.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Disagreement<'a>> + use<'a> {
        let live = self.live;
        let found = live.found().iter().zip(live.ids());
        found.map(move |(found, id)| Disagreement { live, found, id: *id })
    }

    pub(crate) fn fields(&self) -> &'a Fields {
        &self.live.fields
    }

    /// How a side calls things.
    pub(crate) fn mapping(&self, side: Side) -> Mapping {
        self.live.mapping(side).clone()
    }

    /// Where a side's records come from.
    pub(crate) fn provenance(&self, side: Side) -> &'a Provenance {
        self.live.source(side).provenance()
    }

    /// How many records a side has.
    pub(crate) fn rows(&self, side: Side) -> u64 {
        self.live.sides().table(side).rows().count() as u64
    }

    /// How many of a side's records the other side's coverage includes.
    pub(crate) fn covered_rows(&self, side: Side) -> u64 {
        let [expected, actual] = &self.live.resolved.uncovered;
        let uncovered = if side == Side::Expected { expected } else { actual };
        self.rows(side).saturating_sub(uncovered.len() as u64)
    }

    /// A side's field, under its canonical name.
    pub(crate) fn field(&self, side: Side, name: &str) -> Option<&'a Field> {
        self.schema(side).iter().find(|field| field.name == name)
    }

    /// Whether a side says which of its fields can be written.
    pub(crate) fn says_writable(&self, side: Side) -> bool {
        self.schema(side).iter().any(|field| field.writable)
    }

    fn schema(&self, side: Side) -> &'a [Field] {
        self.live.sides().table(side).snapshot.schema().fields()
    }
}

impl<'a> Disagreement<'a> {
    pub(crate) fn kind(&self) -> FindingKind {
        self.found.kind
    }

    pub(crate) fn cause(&self) -> Option<Cause> {
        self.found.cause
    }

    /// The field that differs, if it is about one.
    pub(crate) fn rule(&self) -> Option<&'a FieldRule> {
        self.live.field(self.found)
    }

    /// Whether a side has its record.
    pub(crate) fn has_row(&self, side: Side) -> bool {
        self.row(side).is_some()
    }

    /// Whether one side lacks its record.
    pub(crate) fn is_one_sided(&self) -> bool {
        !Side::BOTH.iter().all(|side| self.has_row(*side))
    }

    /// Whether it is the key that differs: a rename.
    pub(crate) fn renames(&self) -> bool {
        matches!(self.found.part, Part::Key(_))
    }

    /// Whether two findings are about the same records.
    pub(crate) fn of_same_record(&self, other: &Self) -> bool {
        (self.found.expected, self.found.actual) == (other.found.expected, other.found.actual)
            && self.found.kind == other.found.kind
    }

    /// A field's value as a side has it, in canonical words; null where the side has no such row.
    pub(crate) fn value(&self, side: Side, field: &FieldRule) -> Value {
        self.row(side).map_or(Value::Null, |row| self.live.raw(field, side, row))
    }

    /// The value of the field that plays this part in a side's row.
    pub(crate) fn role(&self, side: Side, role: Role) -> Option<Value> {
        let table = self.live.sides().table(side);
        let place = table.snapshot.schema().fields().iter().position(|field| field.role == role)?;
        Some(table.value(place, self.row(side)?))
    }

    fn row(&self, side: Side) -> Option<Row> {
        match side {
            Side::Expected => self.found.expected,
            Side::Actual => self.found.actual,
        }
    }
}
