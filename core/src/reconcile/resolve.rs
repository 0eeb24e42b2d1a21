//! From joined rows to findings: duplicates, alternate keys, coverage, causes.

use std::collections::HashMap;

use trueup_connector::record::canonical;
use trueup_connector::{Context, Result};

use super::base::Base;
use super::compare::{Compared, Differing, Sides};
use super::fast::Group;
use super::finding::{Counts, FindingKind, Found, Part};
use super::rules::{FieldRule, Side};
use super::table::{Row, Table};

/// Everything reconciling finds, in no particular order.
#[derive(Clone, Debug, Default)]
pub(super) struct Resolved {
    pub(super) found: Vec<Found>,
    pub(super) counts: Counts,
    /// The rows of duplicate keys, and of keys that meet on an alternate key.
    pub(super) groups: Vec<Group>,
    /// The rows of keys with several that matched: equal ones cancelled, and what was left agrees.
    pub(super) matched_groups: Vec<Group>,
    /// The rows of keys with several that are `changed`: all but one a side cancelled.
    pub(super) changed_groups: Vec<Group>,
    /// Rows whose absence on the other side cannot be told.
    pub(super) uncovered: [Vec<Row>; 2],
}

/// Turns what was joined and compared into findings.
///
/// # Errors
/// `incompatible` where coverage cannot be told; `cancelled`.
pub(super) fn resolve(
    sides: Sides<'_>,
    compared: Compared,
    base: Option<&Base>,
    context: &Context,
) -> Result<Resolved> {
    let Compared { joined, differing } = compared;
    let mut resolver = Resolver { sides, base, resolved: Resolved::default() };
    resolver.resolved.counts.matched = joined.matched;
    let of_pairs: usize = differing.iter().map(|pair| pair.fields.len()).sum();
    resolver.resolved.found.reserve(of_pairs + joined.expected.len() + joined.actual.len());
    for pair in differing {
        resolver.pair(pair, &[])?;
    }
    for group in joined.groups {
        resolver.group(group)?;
    }
    context.check()?;
    let mut alone = [joined.expected, joined.actual];
    for fields in &sides.fields.alternates {
        alone = resolver.join_alternate(fields, alone)?;
    }
    let [expected, actual] = alone;
    for row in expected {
        resolver.alone(Side::Expected, row)?;
    }
    for row in actual {
        resolver.alone(Side::Actual, row)?;
    }
    let [expected, actual] = joined.unkeyed;
    resolver.unkeyed(Side::Expected, expected)?;
    resolver.unkeyed(Side::Actual, actual)?;
    Ok(resolver.resolved)
}

struct Resolver<'a> {
    sides: Sides<'a>,
    base: Option<&'a Base>,
    resolved: Resolved,
}

impl Resolver<'_> {
    fn table(&self, side: Side) -> &Table {
        match side {
            Side::Expected => self.sides.expected,
            Side::Actual => self.sides.actual,
        }
    }

    /// Two rows of one record that differ, perhaps in the key too.
    fn pair(&mut self, pair: Differing, renamed: &[u16]) -> Result<()> {
        let Differing { expected, actual, fields } = pair;
        let parts =
            renamed.iter().map(|k| Part::Key(*k)).chain(fields.into_iter().map(Part::Field));
        self.resolved.counts.renamed += u64::from(!renamed.is_empty());
        let Some(base) = self.base else {
            self.resolved.counts.changed += 1;
            let found = Found {
                kind: FindingKind::Changed,
                cause: None,
                part: Part::Whole,
                expected: Some(expected),
                actual: Some(actual),
            };
            self.resolved.found.extend(parts.map(|part| Found { part, ..found }));
            return Ok(());
        };
        let parts: Vec<Part> = parts.collect();
        let causes = parts.iter().map(|part| base.cause(&self.sides, *part, expected, actual));
        let causes = causes.collect::<Result<Vec<_>>>()?;
        let conflict = causes.contains(&super::finding::Cause::Both);
        let kind = if conflict { FindingKind::Conflict } else { FindingKind::Changed };
        let counts = &mut self.resolved.counts;
        *(if conflict { &mut counts.conflict } else { &mut counts.changed }) += 1;
        let (expected, actual) = (Some(expected), Some(actual));
        let found = parts.into_iter().zip(causes.into_iter().map(Some));
        let found = found.map(|(part, cause)| Found { kind, cause, part, expected, actual });
        self.resolved.found.extend(found);
        Ok(())
    }

    /// The rows of a key with several on a side: equal ones cancel, one for one.
    fn group(&mut self, group: Group) -> Result<()> {
        let (expected, actual) = self.cancel(&group)?;
        match (expected.as_slice(), actual.as_slice()) {
            ([], []) => self.resolved.counts.matched += 1,
            ([e], [a]) => {
                let before = self.resolved.found.len();
                self.compare_pair(*e, *a, &[])?;
                if self.resolved.found.len() > before {
                    self.resolved.changed_groups.push(group);
                    return Ok(());
                }
            }
            _ => return self.duplicate(group),
        }
        self.resolved.matched_groups.push(group);
        Ok(())
    }

    fn compare_pair(&mut self, expected: Row, actual: Row, renamed: &[u16]) -> Result<()> {
        let fields = self.sides.differing(expected, actual)?;
        if fields.is_empty() && renamed.is_empty() {
            self.resolved.counts.matched += 1;
            return Ok(());
        }
        self.pair(Differing { expected, actual, fields }, renamed)
    }

    /// The rows that no equal row of the other side cancels.
    fn cancel(&self, group: &Group) -> Result<(Vec<Row>, Vec<Row>)> {
        let Sides { expected, actual, .. } = self.sides;
        let mut open: HashMap<Vec<u8>, Vec<Row>> = HashMap::new();
        // The greatest of equal rows cancel, so that the least are left, whatever the order of rows.
        for row in sorted(expected, &group.expected) {
            open.entry(self.whole(Side::Expected, row)?).or_default().push(row);
        }
        let mut left = Vec::new();
        for row in sorted(actual, &group.actual).into_iter().rev() {
            let equal = open.get_mut(&self.whole(Side::Actual, row)?).and_then(Vec::pop);
            if equal.is_none() {
                left.push(row);
            }
        }
        Ok((open.into_values().flatten().collect(), left))
    }

    /// A row's normalised values as canonical bytes, secret ones too.
    fn whole(&self, side: Side, row: Row) -> Result<Vec<u8>> {
        self.sides.row_bytes(side, row, false)
    }

    fn duplicate(&mut self, group: Group) -> Result<()> {
        self.resolved.counts.duplicate += 1;
        let least = |table: &Table, rows: &[Row]| {
            rows.iter()
                .copied()
                .min_by(|a, b| super::order::by_shown_key(table, self.sides.fields, *a, *b))
        };
        let expected = least(self.sides.expected, &group.expected);
        let actual = least(self.sides.actual, &group.actual);
        let part = Part::Group(self.resolved.groups.len() as u32);
        self.resolved.groups.push(group);
        let kind = FindingKind::Duplicate;
        self.resolved.found.push(Found { kind, cause: None, part, expected, actual });
        Ok(())
    }

    /// Joins rows that stand alone by an alternate key; gives back those that still do.
    fn join_alternate(
        &mut self,
        fields: &[FieldRule],
        alone: [Vec<Row>; 2],
    ) -> Result<[Vec<Row>; 2]> {
        let mut meet: HashMap<Vec<u8>, Group> = HashMap::new();
        let mut left = [Vec::new(), Vec::new()];
        let [expected, actual] = alone;
        for (side, rows) in [(Side::Expected, expected), (Side::Actual, actual)] {
            for row in rows {
                let Some(bytes) = self.alternate(fields, side, row)? else {
                    keep(&mut left, side, row);
                    continue;
                };
                let group = meet.entry(bytes).or_default();
                match side {
                    Side::Expected => group.expected.push(row),
                    Side::Actual => group.actual.push(row),
                }
            }
        }
        for group in meet.into_values() {
            match (group.expected.as_slice(), group.actual.as_slice()) {
                ([e], [a]) => self.rename(*e, *a)?,
                (expected, []) => {
                    expected.iter().for_each(|row| keep(&mut left, Side::Expected, *row))
                }
                ([], actual) => actual.iter().for_each(|row| keep(&mut left, Side::Actual, *row)),
                _ => self.ambiguous(group),
            }
        }
        Ok(left)
    }

    /// The canonical bytes of an alternate key; `None` where one of its values is null.
    fn alternate(&self, fields: &[FieldRule], side: Side, row: Row) -> Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        for field in fields {
            let value = self.sides.normalised(field, side, row)?;
            if value.is_null() {
                return Ok(None);
            }
            canonical::frame_with(&mut bytes, |out| canonical::write_value(out, &value));
        }
        Ok(Some(bytes))
    }

    fn rename(&mut self, expected: Row, actual: Row) -> Result<()> {
        let Sides { expected: e, actual: a, .. } = self.sides;
        let keys = (0..e.key.len()).filter(|k| e.key_cell(*k, expected) != a.key_cell(*k, actual));
        let renamed: Vec<u16> = keys.map(|k| k as u16).collect();
        self.compare_pair(expected, actual, &renamed)
    }

    fn ambiguous(&mut self, group: Group) {
        let part = Part::Group(self.resolved.groups.len() as u32);
        let kind = FindingKind::Ambiguous;
        let found = |expected, actual| Found { kind, cause: None, part, expected, actual };
        let expected = group.expected.iter().map(|row| found(Some(*row), None));
        let actual = group.actual.iter().map(|row| found(None, Some(*row)));
        self.resolved.found.extend(expected.chain(actual));
        self.resolved.counts.ambiguous += (group.expected.len() + group.actual.len()) as u64;
        self.resolved.groups.push(group);
    }

    /// A row whose key only one side has.
    fn alone(&mut self, side: Side, row: Row) -> Result<()> {
        if !self.covered(side, row)? {
            self.resolved.counts.uncovered += 1;
            keep(&mut self.resolved.uncovered, side, row);
            return Ok(());
        }
        let (kind, cause) = match self.base {
            None => (FindingKind::absence(side), None),
            Some(base) => {
                base.alone(&self.sides, side, row).map(|(kind, cause)| (kind, Some(cause)))?
            }
        };
        let counts = &mut self.resolved.counts;
        *(match kind {
            FindingKind::Missing => &mut counts.missing,
            FindingKind::Unexpected => &mut counts.unexpected,
            _ => &mut counts.conflict,
        }) += 1;
        self.resolved.found.push(one_sided(kind, cause, Part::Whole, side, row));
        Ok(())
    }

    /// Whether the other side would have the row if it were there.
    fn covered(&self, side: Side, row: Row) -> Result<bool> {
        let table = self.table(side);
        let value = |name: &str| {
            let field = table.snapshot.schema().index(name);
            Ok(field.map_or(trueup_connector::Value::Null, |field| table.value(field, row)))
        };
        self.sides.fields.covers(side.other(), &value)
    }

    fn unkeyed(&mut self, side: Side, rows: Vec<Row>) -> Result<()> {
        self.resolved.counts.unkeyed += rows.len() as u64;
        let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
        for row in sorted(self.table(side), &rows) {
            let occurrence = seen.entry(self.sides.row_bytes(side, row, true)?).or_default();
            let part = Part::Occurrence(*occurrence);
            *occurrence += 1;
            self.resolved.found.push(one_sided(FindingKind::Unkeyed, None, part, side, row));
        }
        Ok(())
    }
}

fn keep(rows: &mut [Vec<Row>; 2], side: Side, row: Row) {
    let [expected, actual] = rows;
    match side {
        Side::Expected => expected.push(row),
        Side::Actual => actual.push(row),
    }
}

fn one_sided(
    kind: FindingKind,
    cause: Option<super::finding::Cause>,
    part: Part,
    side: Side,
    row: Row,
) -> Found {
    let (expected, actual) = match side {
        Side::Expected => (Some(row), None),
        Side::Actual => (None, Some(row)),
    };
    Found { kind, cause, part, expected, actual }
}

/// Rows by all their values in the order of the schema, least first.
fn sorted(table: &Table, rows: &[Row]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| super::order::by_all(table, *a, *b));
    rows
}
