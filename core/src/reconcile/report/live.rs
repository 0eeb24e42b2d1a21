//! A report's findings while its snapshots are at hand.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arrow_schema::SchemaRef;
use sha2::{Digest, Sha256};
use trueup_connector::record::canonical;
use trueup_connector::{Hash, Result};

use super::super::compare::Sides;
use super::super::fast::Group;
use super::super::finding::{FindingId, FindingKind, Found, Part};
use super::super::order;
use super::super::resolve::Resolved;
use super::super::rules::{FieldRule, Fields, Side};
use super::super::table::{Row, Table};
use super::digest::{Framed, Ids};
use super::render;

/// The findings of a comparison, as places of rows in its snapshots.
pub(in super::super) struct Live {
    pub(super) fields: Fields,
    pub(super) expected: Arc<Table>,
    pub(super) actual: Arc<Table>,
    pub(super) resolved: Resolved,
    ids: Ids,
    schema: SchemaRef,
    /// The findings in order, once somebody has asked for one.
    sorted: OnceLock<Vec<Found>>,
}

impl Live {
    /// Holds what was resolved; the names are tenant, name and resource.
    pub(in super::super) fn new(
        fields: Fields,
        [expected, actual]: [Arc<Table>; 2],
        resolved: Resolved,
        [tenant, name, resource]: [&str; 3],
        three_way: bool,
    ) -> Self {
        let schema = render::schema(&fields, [&expected, &actual], three_way);
        let ids = Ids::new(tenant, name, resource);
        let sorted = OnceLock::new();
        Self { fields, expected, actual, resolved, ids, schema, sorted }
    }

    /// The findings in order.
    pub(super) fn found(&self) -> &[Found] {
        self.sorted.get_or_init(|| {
            let mut found = self.resolved.found.clone();
            order::sort(&mut found, &self.sides(), |found| self.id(found));
            found
        })
    }

    /// How many findings there are.
    pub(super) fn len(&self) -> usize {
        self.resolved.found.len()
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn sides(&self) -> Sides<'_> {
        Sides { fields: &self.fields, expected: &self.expected, actual: &self.actual }
    }

    /// How many cells differ, by field.
    pub(in super::super) fn counts_by_field(&self) -> BTreeMap<String, u64> {
        let mut compared = vec![0; self.fields.compared.len()];
        let mut key = vec![0; self.fields.key.len()];
        for found in &self.resolved.found {
            let count = match found.part {
                Part::Field(place) => compared.get_mut(usize::from(place)),
                Part::Key(place) => key.get_mut(usize::from(place)),
                _ => None,
            };
            count.into_iter().for_each(|count| *count += 1);
        }
        let fields =
            self.fields.compared.iter().zip(compared).chain(self.fields.key.iter().zip(key));
        fields.filter(|(_, n)| *n > 0).map(|(field, n)| (field.name.clone(), n)).collect()
    }

    /// The field a finding is about, if it is about one.
    pub(super) fn field(&self, found: &Found) -> Option<&FieldRule> {
        match found.part {
            Part::Field(place) => self.fields.compared.get(usize::from(place)),
            Part::Key(place) => self.fields.key.get(usize::from(place)),
            _ => None,
        }
    }

    /// The rows of a finding that is about several.
    pub(super) fn group(&self, found: &Found) -> Option<&Group> {
        match found.part {
            Part::Group(place) => self.resolved.groups.get(place as usize),
            _ => None,
        }
    }

    pub(super) fn id(&self, found: &Found) -> FindingId {
        let sides = self.sides();
        let mut key = found.shown().map_or_else(Vec::new, |(side, row)| sides.key_bytes(side, row));
        if let (Part::Occurrence(occurrence), Some((side, row))) = (found.part, found.shown()) {
            let bytes = sides.row_bytes(side, row, true).unwrap_or_default();
            canonical::frame(&mut key, side.name().as_bytes());
            canonical::frame(&mut key, &Sha256::digest(bytes));
            canonical::frame(&mut key, occurrence.to_string().as_bytes());
        }
        self.ids.id(&key, self.field(found).map_or("", |field| &field.name))
    }

    /// Every finding's id and state, in no particular order.
    pub(super) fn states(&self) -> Result<Vec<(FindingId, Hash)>> {
        self.resolved.found.iter().map(|found| Ok((self.id(found), self.state(found)?))).collect()
    }

    /// The digest of what a finding says.
    fn state(&self, found: &Found) -> Result<Hash> {
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
