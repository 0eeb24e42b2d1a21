//! State digests: what a finding says, as a hash (`docs/spec/findings.md`).

use trueup_connector::record::canonical;
use trueup_connector::{Hash, Result};

use super::super::fast::Group;
use super::super::finding::{FindingKind, Found};
use super::super::rules::{FieldRule, Side};
use super::super::table::Row;
use super::digest::Framed;
use super::live::Live;

impl Live {
    /// The digest of what a finding says.
    pub(super) fn state(&self, found: &Found) -> Result<Hash> {
        let (rule, expected, actual, members) = match (self.field(found), self.group(found)) {
            (Some(field), _) => {
                let (e, a) = (
                    self.cell_part(field, Side::Expected, found)?,
                    self.cell_part(field, Side::Actual, found)?,
                );
                (field.rule.digest(), e, a, Vec::new())
            }
            (None, Some(group)) if found.kind == FindingKind::Duplicate => {
                let e = self.rows_part(Side::Expected, &group.expected)?;
                let a = self.rows_part(Side::Actual, &group.actual)?;
                (self.fields.rules_digest, e, a, Vec::new())
            }
            (None, group) => {
                let (e, a) = (
                    self.row_part(Side::Expected, found.expected)?,
                    self.row_part(Side::Actual, found.actual)?,
                );
                (self.fields.rules_digest, e, a, self.members_part(found, group))
            }
        };
        let cause = found.cause.map_or("", |cause| cause.name());
        let framed = Framed::new("trueup/state/1").part(found.kind.name().as_bytes());
        Ok(framed
            .part(cause.as_bytes())
            .part(&rule)
            .part(&expected)
            .part(&actual)
            .part(&members)
            .finish())
    }

    fn cell_part(&self, field: &FieldRule, side: Side, found: &Found) -> Result<Vec<u8>> {
        let row = match side {
            Side::Expected => found.expected,
            Side::Actual => found.actual,
        };
        match row {
            Some(_) if field.secret => Ok(b"*".to_vec()),
            Some(row) => self.sides().value_bytes(field, side, row),
            None => Ok(Vec::new()),
        }
    }

    fn row_part(&self, side: Side, row: Option<Row>) -> Result<Vec<u8>> {
        row.map_or(Ok(Vec::new()), |row| self.sides().row_bytes(side, row, true))
    }

    fn rows_part(&self, side: Side, rows: &[Row]) -> Result<Vec<u8>> {
        let rows = rows.iter().map(|row| self.sides().row_bytes(side, *row, true));
        let mut rows = rows.collect::<Result<Vec<_>>>()?;
        rows.sort_unstable();
        Ok(frames(&rows))
    }

    /// The keys that an ambiguous row meets on the other side.
    fn members_part(&self, found: &Found, group: Option<&Group>) -> Vec<u8> {
        let Some((group, (side, _))) = group.zip(found.shown()) else { return Vec::new() };
        let others = match side {
            Side::Expected => &group.actual,
            Side::Actual => &group.expected,
        };
        let mut keys: Vec<_> =
            others.iter().map(|row| self.sides().key_bytes(side.other(), *row)).collect();
        keys.sort_unstable();
        keys.dedup();
        frames(&keys)
    }
}

fn frames(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    parts.iter().for_each(|part| canonical::frame(&mut bytes, part));
    bytes
}
