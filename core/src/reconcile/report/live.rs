//! A report's findings while its snapshots are at hand.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arrow_schema::SchemaRef;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use trueup_connector::record::canonical;
use trueup_connector::{Context, Hash, Mapping, Result, Snapshot, Value};

use super::super::compare::Sides;
use super::super::fast::Group;
use super::super::finding::{FindingId, Found, Part};
use super::super::order;
use super::super::parallel::each_thread;
use super::super::resolve::Resolved;
use super::super::rules::{FieldRule, Fields, Side};
use super::super::table::{Row, Table};
use super::digest::Ids;
use super::render;

/// How many findings a thread takes at a time.
const PIECE: usize = 2048;

/// The findings of a comparison, as places of rows in its snapshots.
pub(in super::super) struct Live {
    pub(super) fields: Fields,
    pub(super) expected: Arc<Table>,
    pub(super) actual: Arc<Table>,
    pub(super) resolved: Resolved,
    ids: Ids,
    schema: SchemaRef,
    /// How many threads make tables and digests.
    pub(super) threads: usize,
    /// Both sides as their systems gave them, where a mapping changed them.
    sources: Option<[Snapshot; 2]>,
    /// How both sides call things.
    mappings: [Mapping; 2],
    /// The findings in order, once somebody has asked for one.
    sorted: OnceLock<Vec<Found>>,
    /// Their ids, in this order.
    ids_sorted: OnceLock<Vec<FindingId>>,
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
        let (sorted, ids_sorted) = Default::default();
        let (threads, sources, mappings) = (1, None, Default::default());
        Self {
            fields,
            expected,
            actual,
            resolved,
            ids,
            schema,
            threads,
            sources,
            mappings,
            sorted,
            ids_sorted,
        }
    }

    /// Sets how many threads make tables and digests; it has no influence on them.
    #[must_use]
    pub(in super::super) fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Sets both sides as their systems gave them, before any mapping.
    #[must_use]
    pub(in super::super) fn with_sources(mut self, sources: [Snapshot; 2]) -> Self {
        self.sources = Some(sources);
        self
    }

    /// Sets how both sides call things.
    #[must_use]
    pub(in super::super) fn with_mappings(mut self, mappings: [Mapping; 2]) -> Self {
        self.mappings = mappings;
        self
    }

    /// How a side calls things.
    pub(super) fn mapping(&self, side: Side) -> &Mapping {
        let [expected, actual] = &self.mappings;
        if side == Side::Expected { expected } else { actual }
    }

    /// A side's records as its system gave them.
    pub(super) fn source(&self, side: Side) -> &Snapshot {
        match (&self.sources, side) {
            (Some([expected, _]), Side::Expected) => expected,
            (Some([_, actual]), Side::Actual) => actual,
            (None, side) => &self.sides().table(side).snapshot,
        }
    }

    /// The findings in order.
    pub(super) fn found(&self) -> &[Found] {
        self.sorted.get_or_init(|| {
            order::sort(&self.resolved.found, &self.sides(), self.threads, |found| self.id(found))
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

    /// The findings' ids, in the order of [`Live::found`].
    pub(super) fn ids(&self) -> &[FindingId] {
        self.ids_sorted.get_or_init(|| {
            let found = self.found();
            let ids = self.pieces(found, |found, bytes| Ok(self.id_with(found, bytes)));
            // Making ids cannot fail.
            ids.unwrap_or_else(|_| found.iter().map(|found| self.id(found)).collect())
        })
    }

    fn id(&self, found: &Found) -> FindingId {
        self.id_with(found, &mut Vec::new())
    }

    /// The id of a finding; `bytes` is room to work in.
    fn id_with(&self, found: &Found, bytes: &mut Vec<u8>) -> FindingId {
        bytes.clear();
        canonical::frame_with(bytes, |bytes| self.write_key(found, bytes));
        canonical::frame(bytes, self.field(found).map_or("", |field| &field.name).as_bytes());
        self.ids.id(bytes)
    }

    fn write_key(&self, found: &Found, bytes: &mut Vec<u8>) {
        let (Some((side, row)), sides) = (found.shown(), self.sides()) else { return };
        for position in 0..self.fields.key.len() {
            let cell = sides.table(side).key_cell(position, row);
            canonical::frame_with(bytes, |bytes| canonical::write_cell(bytes, &cell));
        }
        if let Part::Occurrence(occurrence) = found.part {
            let row = sides.row_bytes(side, row, true).unwrap_or_default();
            canonical::frame(bytes, side.name().as_bytes());
            canonical::frame(bytes, &Sha256::digest(row));
            canonical::frame(bytes, occurrence.to_string().as_bytes());
        }
    }

    /// Every finding's id and state, in the order of [`Live::found`].
    pub(super) fn marks(&self) -> Result<Vec<(FindingId, Hash)>> {
        let states = self.pieces(self.found(), |found, _| self.state(found))?;
        Ok(self.ids().iter().copied().zip(states).collect())
    }

    /// What is made of each finding, in their order, by several threads.
    fn pieces<T: Clone + Send>(
        &self,
        found: &[Found],
        make: impl Fn(&Found, &mut Vec<u8>) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let pieces: Vec<_> = found.chunks(PIECE).enumerate().collect();
        let mut made = each_thread(self.threads, &Context::new(), &pieces, |pieces| {
            let mut bytes = Vec::new();
            let mut piece = |found: &[Found]| -> Result<Vec<T>> {
                found.iter().map(|f| make(f, &mut bytes)).collect()
            };
            pieces
                .map(|(n, found)| Ok((*n, piece(found)?)))
                .collect::<Result<Vec<(usize, Vec<T>)>>>()
        })?
        .concat();
        made.sort_unstable_by_key(|(n, _)| *n);
        Ok(made.into_iter().flat_map(|(_, made)| made).collect())
    }

    /// A field's value as a side has it.
    pub(super) fn raw(&self, field: &FieldRule, side: Side, row: Row) -> Value {
        let place = if side == Side::Expected { field.expected } else { field.actual };
        self.sides().table(side).value(place, row)
    }

    /// What the two values of a field were compared as, where that is not as they stand.
    pub(super) fn compared(&self, found: &Found) -> Result<Option<Json>> {
        let Some(field) =
            self.field(found).filter(|field| !field.secret && field.rule.normalises())
        else {
            return Ok(None);
        };
        let mut members = Map::new();
        for (side, row) in [(Side::Expected, found.expected), (Side::Actual, found.actual)] {
            let Some(row) = row else { continue };
            let (raw, compared) =
                (self.raw(field, side, row), self.sides().normalised(field, side, row)?);
            if raw.to_string() != compared.to_string() || raw.is_null() != compared.is_null() {
                members.insert(side.name().to_owned(), compared.to_string().into());
            }
        }
        Ok((!members.is_empty()).then_some(Json::Object(members)))
    }
}
