//! The order of rows and findings: by values, so that it is the same in every run.

use std::cmp::Ordering;

use trueup_connector::{Cell, Class, Context, LogicalType};

use super::compare::Sides;
use super::finding::{FindingId, Found, Part};
use super::parallel::each_thread;
use super::rules::{Fields, Side};
use super::table::{Row, Table};

/// Rows of one side by the values of all their fields, in the order of the schema.
pub(super) fn by_all(table: &Table, a: Row, b: Row) -> Ordering {
    let fields = 0..table.snapshot.schema().fields().len();
    let unequal = fields.map(|field| table.cell(field, a).order(&table.cell(field, b)));
    unequal.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Rows of one side by their key as the side has it.
pub(super) fn by_shown_key(table: &Table, fields: &Fields, a: Row, b: Row) -> Ordering {
    let places = fields.key.iter().map(|field| table.snapshot.schema().index(&field.name));
    let unequal = places.flatten().map(|place| table.cell(place, a).order(&table.cell(place, b)));
    let key = unequal.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
    key.then_with(|| by_all(table, a, b))
}

impl Found {
    /// The row that a finding's key is shown of.
    pub(super) fn shown(&self) -> Option<(Side, Row)> {
        let expected = self.expected.map(|row| (Side::Expected, row));
        expected.or(self.actual.map(|row| (Side::Actual, row)))
    }
}

/// How many findings a thread sorts at a time, at least.
const RUN: usize = 8 * 1024;

/// Sorts findings by key, kind and field, then by id.
pub(super) fn sort(
    found: &[Found],
    sides: &Sides<'_>,
    threads: usize,
    id: impl Fn(&Found) -> FindingId + Sync,
) -> Vec<Found> {
    let usable = prefix_is_order(sides);
    let keyed = |found: &Found| (if usable { prefix(sides, found) } else { 0 }, *found);
    let order = |(p, a): &(u128, Found), (q, b): &(u128, Found)| {
        p.cmp(q)
            .then_with(|| by_key(sides, a, b))
            .then_with(|| a.kind.cmp(&b.kind))
            .then_with(|| place(sides, a).cmp(&place(sides, b)))
            .then_with(|| id(a).cmp(&id(b)))
    };
    let pieces: Vec<&[Found]> = found.chunks((found.len() / threads.max(1)).max(RUN)).collect();
    let runs = each_thread(threads, &Context::new(), &pieces, |pieces| {
        let mut runs = Vec::new();
        for piece in pieces {
            let mut run: Vec<_> = piece.iter().map(keyed).collect();
            run.sort_unstable_by(order);
            runs.push(run);
        }
        Ok(runs)
    });
    // Nothing in it can fail; without runs everything is sorted here.
    let mut all =
        runs.map_or_else(|_| found.iter().map(keyed).collect(), |runs| runs.concat().concat());
    // Runs that are in order are only merged.
    all.sort_by(order);
    all.into_iter().map(|(_, found)| found).collect()
}

fn by_key(sides: &Sides<'_>, a: &Found, b: &Found) -> Ordering {
    let (Some((s, x)), Some((t, y))) = (a.shown(), b.shown()) else { return Ordering::Equal };
    if (s, x) == (t, y) {
        return Ordering::Equal;
    }
    let keys = 0..sides.fields.key.len();
    let unequal = keys.map(|k| sides.table(s).key_cell(k, x).order(&sides.table(t).key_cell(k, y)));
    unequal.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Where the field stands on the expected side.
fn place(sides: &Sides<'_>, found: &Found) -> usize {
    let field = match found.part {
        Part::Field(place) => sides.fields.compared.get(usize::from(place)),
        Part::Key(place) => sides.fields.key.get(usize::from(place)),
        _ => None,
    };
    field.map_or(0, |field| field.expected + 1)
}

/// Whether [`prefix`] orders both sides' first key values alike: not for numbers of other types.
fn prefix_is_order(sides: &Sides<'_>) -> bool {
    let Some(field) = sides.fields.key.first() else { return false };
    let ty =
        |table: &Table, place: usize| Some(table.snapshot.schema().fields().get(place)?.ty.clone());
    let types = [ty(sides.expected, field.expected), ty(sides.actual, field.actual)];
    let number = |ty: &LogicalType| ty.class() == Class::Number && *ty != LogicalType::Int;
    !types.iter().flatten().any(number)
}

/// A number in the order of the first key value: it decides most comparisons without a look at rows.
fn prefix(sides: &Sides<'_>, found: &Found) -> u128 {
    let Some((side, row)) = found.shown() else { return 0 };
    match sides.table(side).key_cell(0, row) {
        Cell::Null => u128::MAX,
        Cell::Int(value) => biased(value),
        Cell::Date(value) => biased(value.into()),
        Cell::Datetime(value) | Cell::Instant(value) => biased(value),
        Cell::Text(text) => leading(text.as_bytes()),
        Cell::Bytes(bytes) => leading(bytes),
        Cell::Bool(value) => u128::from(value),
        // Numbers of other types, lists and structs: only the whole comparison can tell.
        _ => 0,
    }
}

fn biased(value: i128) -> u128 {
    (value as u128) ^ (1 << 127)
}

fn leading(bytes: &[u8]) -> u128 {
    let mut first = [0; 16];
    first.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    u128::from_be_bytes(first)
}
