//! Comparing rows value by value, under the rules.

use smallvec::SmallVec;
use trueup_connector::{Context, Result};

use super::fast::Joined;
use super::parallel::each_thread;
use super::rules::Fields;
use super::table::{Row, Table};

/// How many pairs a thread takes at a time.
const CHUNK: usize = 1024;

/// Compared fields, by their place among them; few in most cases.
pub(super) type FieldPlaces = SmallVec<[u16; 4]>;

/// One pair of rows, and the compared fields (by their place among them) in which they differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Differing {
    pub(super) expected: Row,
    pub(super) actual: Row,
    pub(super) fields: FieldPlaces,
}

/// What joining found, with its suspects compared.
#[derive(Debug)]
pub(super) struct Compared {
    /// Its matched keys are all; it has no suspects any more.
    pub(super) joined: Joined,
    pub(super) differing: Vec<Differing>,
}

impl Compared {
    /// Compares the suspects.
    pub(super) fn new(
        sides: &Sides<'_>,
        mut joined: Joined,
        threads: usize,
        context: &Context,
    ) -> Result<Self> {
        let mut suspects = std::mem::take(&mut joined.suspects);
        // In the order of their memory, on one side at least.
        suspects.sort_unstable();
        let differing = sides.compare(&suspects, threads, context)?;
        joined.matched += (suspects.len() - differing.len()) as u64;
        Ok(Self { joined, differing })
    }
}

/// Both sides and their rules, as everything after joining needs them.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) fields: &'a Fields,
    pub(super) expected: &'a Table,
    pub(super) actual: &'a Table,
}

impl Sides<'_> {
    /// The fields in which two rows differ; none where they agree.
    pub(super) fn differing(&self, expected: Row, actual: Row) -> Result<FieldPlaces> {
        let differing = self.differing_all(&[(expected, actual)])?;
        Ok(differing.into_iter().flatten().collect())
    }

    /// The fields in which the rows of each pair differ.
    ///
    /// It goes field by field, so that the processor waits for the memory of many rows together.
    fn differing_all(&self, pairs: &[(Row, Row)]) -> Result<Vec<FieldPlaces>> {
        let mut differing = vec![FieldPlaces::new(); pairs.len()];
        for (place, field) in (0..).zip(&self.fields.compared) {
            for ((expected, actual), differing) in pairs.iter().zip(&mut differing) {
                let e = self.expected.cell(field.expected, *expected);
                let a = self.actual.cell(field.actual, *actual);
                let agree = field.rule.agree_cells(&e, &a);
                if !agree.map_err(|error| error.with("field", &field.name))? {
                    differing.push(place);
                }
            }
        }
        Ok(differing)
    }

    /// The pairs that differ in some field, in no particular order.
    pub(super) fn compare(
        &self,
        pairs: &[(Row, Row)],
        threads: usize,
        context: &Context,
    ) -> Result<Vec<Differing>> {
        let chunks: Vec<&[(Row, Row)]> = pairs.chunks(CHUNK).collect();
        let found = each_thread(threads, context, &chunks, |chunks| {
            let mut found = Vec::new();
            for pairs in chunks {
                let fields = self.differing_all(pairs)?;
                let pairs = pairs.iter().zip(fields).filter(|(_, fields)| !fields.is_empty());
                found.extend(pairs.map(|((expected, actual), fields)| Differing {
                    expected: *expected,
                    actual: *actual,
                    fields,
                }));
            }
            Ok(found)
        })?;
        Ok(found.concat())
    }
}
