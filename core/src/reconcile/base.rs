//! Three-way: what both sides last agreed on tells which of them changed.

use std::collections::HashMap;

use trueup_connector::{Error, Kind, Result, Snapshot};

use super::compare::Sides;
use super::fast::key_bytes;
use super::finding::{Cause, FindingKind, Part};
use super::rules::{FieldRule, Fields, Side};
use super::table::{Row, Table};

/// The last agreed values, by key.
pub(super) struct Base {
    table: Table,
    rows: HashMap<Vec<u8>, Row>,
}

impl Base {
    /// # Errors
    /// `data` where the base has a null or repeated key.
    pub(super) fn new(snapshot: &Snapshot, fields: &Fields) -> Result<Self> {
        let table = Table::new(snapshot, fields, |field| field.base.unwrap_or(usize::MAX))?;
        let mut rows = HashMap::with_capacity(snapshot.rows());
        for row in table.rows() {
            let null = (0..table.key.len()).any(|k| table.key_cell(k, row).is_null());
            if null || rows.insert(key_bytes(&table, row), row).is_some() {
                let key: Vec<_> = (0..table.key.len())
                    .map(|k| table.key_cell(k, row).to_value().to_string())
                    .collect();
                let what = if null { "a null in the key" } else { "a repeated key" };
                return Err(Error::new(
                    Kind::Data,
                    format!("the base has {what}: `{}`", key.join(", ")),
                ));
            }
        }
        Ok(Self { table, rows })
    }

    /// The records, and where each key's stands.
    pub(super) fn into_rows(self) -> (Table, HashMap<Vec<u8>, Row>) {
        (self.table, self.rows)
    }

    /// Which side changed a field in which two rows differ.
    pub(super) fn cause(
        &self,
        sides: &Sides<'_>,
        part: Part,
        expected: Row,
        actual: Row,
    ) -> Result<Cause> {
        let (e, a) =
            (sides.key_bytes(Side::Expected, expected), sides.key_bytes(Side::Actual, actual));
        let (of_e, of_a) = (self.rows.get(&e), self.rows.get(&a));
        let base = match (of_e, of_a) {
            (Some(_), Some(_)) if e != a => return Ok(Cause::Unknown),
            (Some(base), _) | (None, Some(base)) => *base,
            (None, None) => return Ok(Cause::Unknown),
        };
        let field = match part {
            Part::Field(place) => sides.fields.compared.get(usize::from(place)),
            _ => None,
        };
        let Some(field) = field else {
            // The key: who still has the base's key did not change it.
            return Ok(if of_e.is_some() { Cause::ActualChanged } else { Cause::ExpectedChanged });
        };
        let e_kept = self.agrees(sides, field, Side::Expected, expected, base)?;
        let a_kept = self.agrees(sides, field, Side::Actual, actual, base)?;
        Ok(match (e_kept, a_kept) {
            (false, true) => Cause::ExpectedChanged,
            (true, false) => Cause::ActualChanged,
            (false, false) => Cause::Both,
            // Only tolerances and subset let both agree with the base and not with each other.
            (true, true) => Cause::Unknown,
        })
    }

    /// What a row is that only one side has.
    pub(super) fn alone(
        &self,
        sides: &Sides<'_>,
        side: Side,
        row: Row,
    ) -> Result<(FindingKind, Cause)> {
        let Some(base) = self.rows.get(&sides.key_bytes(side, row)) else {
            return Ok((FindingKind::absence(side), Cause::Unknown));
        };
        for field in &sides.fields.compared {
            if !self.agrees(sides, field, side, row, *base)? {
                return Ok((FindingKind::Conflict, Cause::Both));
            }
        }
        Ok(match side {
            Side::Expected => (FindingKind::Missing, Cause::ActualChanged),
            Side::Actual => (FindingKind::Unexpected, Cause::ExpectedChanged),
        })
    }

    /// Whether a side's value agrees with the base's; the one nearer to the expected side stands
    /// first, as subset is not symmetric.
    fn agrees(
        &self,
        sides: &Sides<'_>,
        field: &FieldRule,
        side: Side,
        row: Row,
        base: Row,
    ) -> Result<bool> {
        let base = self.table.cell(field.base.unwrap_or(usize::MAX), base);
        match side {
            Side::Expected => {
                field.rule.agree_cells(&sides.expected.cell(field.expected, row), &base)
            }
            Side::Actual => field.rule.agree_cells(&base, &sides.actual.cell(field.actual, row)),
        }
    }
}
