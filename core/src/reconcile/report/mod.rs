//! The report: what two snapshots agree and disagree on.

mod advance;
mod csv;
pub(crate) mod digest;
mod disagreement;
mod drift;
mod explain;
mod facts;
mod files;
mod html;
mod inputs;
mod live;
mod matched;
mod members;
mod page;
mod remedy;
mod render;
mod states;
mod stored;
#[cfg(feature = "parquet")]
mod table_file;
#[cfg(feature = "parquet")]
mod verify;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use trueup_connector::{Error, Hash, Kind, Result};

use super::finding::{Counts, FindingId};
pub(crate) use disagreement::{Disagreement, Disagreements};
pub use drift::{Drift, DriftCounts, drift};
pub use explain::Explanation;
use facts::Facts;
pub use inputs::{Input, Inputs};
pub(super) use live::Live;
use stored::Stored;

/// What two snapshots agree and disagree on; cheap to clone, and the same for the same inputs
/// whatever the order of rows, batches and threads.
///
/// A report holds on to its snapshots: findings are made into a table, and the digest computed, when
/// they are asked for.
#[derive(Clone)]
pub struct Report(Arc<Inner>);

struct Inner {
    head: Head,
    source: Source,
    digest: OnceLock<Hash>,
}

/// Everything but the findings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub(crate) name: String,
    pub(crate) tenant: String,
    pub(crate) resource: String,
    pub(crate) key: Vec<String>,
    pub(crate) three_way: bool,
    /// The normal forms of the rules, as in the rules digest.
    pub(crate) rules: Json,
    pub(crate) rules_digest: String,
    /// The normal forms of both sides' coverage.
    pub(crate) coverage: [Json; 2],
    pub(crate) counts: Counts,
    pub(crate) counts_by_field: BTreeMap<String, u64>,
}

/// Where findings come from.
enum Source {
    /// The snapshots that were compared.
    Live(Box<Live>),
    /// A file.
    #[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "only files make one"))]
    Stored(Box<Stored>),
}

impl Report {
    pub(super) fn of(live: Live, head: Head) -> Self {
        Self::new(Source::Live(Box::new(live)), head)
    }

    fn new(source: Source, head: Head) -> Self {
        Self(Arc::new(Inner { head, source, digest: OnceLock::new() }))
    }

    /// The name of the reconciliation.
    pub fn name(&self) -> &str {
        &self.0.head.name
    }

    /// Whose data was compared.
    pub fn tenant(&self) -> &str {
        &self.0.head.tenant
    }

    /// The resource that was compared.
    pub fn resource(&self) -> &str {
        &self.0.head.resource
    }

    /// The key fields.
    pub fn key(&self) -> &[String] {
        &self.0.head.key
    }

    /// How many keys there are of each kind.
    pub fn counts(&self) -> &Counts {
        &self.0.head.counts
    }

    /// How many cells differ, by field; fields without a difference are not in it.
    pub fn counts_by_field(&self) -> &BTreeMap<String, u64> {
        &self.0.head.counts_by_field
    }

    /// Whether both sides agree, as far as can be told: nothing but matched keys.
    pub fn converged(&self) -> bool {
        self.counts().converged()
    }

    /// How many findings there are: a row each in the table.
    pub fn len(&self) -> usize {
        match &self.0.source {
            Source::Live(live) => live.len(),
            Source::Stored(stored) => stored.marks.len(),
        }
    }

    /// Whether there is no finding.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns of the table of findings: `finding_id`, `kind`, the key columns under their own
    /// names and types, `field`, `expected`, `actual`, and after a three-way comparison `cause`.
    ///
    /// A key column with one of these names is called `key.<name>`.
    pub fn findings_schema(&self) -> SchemaRef {
        match &self.0.source {
            Source::Live(live) => live.schema().clone(),
            Source::Stored(stored) => stored.table.schema(),
        }
    }

    /// The findings as batches of a table, made one after the other as they are taken.
    ///
    /// They are ordered by key, kind and field. A `changed` or `conflict` key has a row a differing
    /// field, every other finding one row.
    pub fn findings(&self) -> impl Iterator<Item = Result<RecordBatch>> + '_ {
        let starts = (0..self.len()).step_by(BATCH);
        starts.map(|start| self.findings_between(start, (start + BATCH).min(self.len())))
    }

    /// The findings as one table.
    ///
    /// # Errors
    /// `data` where a value cannot be shown under its rule, `limit` where a column of the table would
    /// have more than 2 GiB: take [`Report::findings`] then.
    pub fn findings_table(&self) -> Result<RecordBatch> {
        self.findings_between(0, self.len())
    }

    /// The digest over name, rules, coverage, counts and every finding's id and state.
    ///
    /// Equal digests mean equal findings; the byte-level spec is `docs/spec/report.md`.
    ///
    /// # Errors
    /// `data` where a value cannot be normalised under its rule.
    pub fn digest(&self) -> Result<Hash> {
        if let Some(digest) = self.0.digest.get() {
            return Ok(*digest);
        }
        let digest = digest::report(&self.0.head, self.states()?);
        Ok(*self.0.digest.get_or_init(|| digest))
    }

    /// Every finding's id and the digest of its state, in ascending order.
    ///
    /// # Errors
    /// As [`Report::digest`].
    pub fn states(&self) -> Result<Vec<(FindingId, Hash)>> {
        let mut states = self.marks()?;
        states.sort_unstable();
        Ok(states)
    }

    /// The digest of the rules the comparison went by.
    pub fn rules_digest(&self) -> &str {
        &self.0.head.rules_digest
    }

    pub(crate) fn head(&self) -> &Head {
        &self.0.head
    }

    fn findings_between(&self, start: usize, end: usize) -> Result<RecordBatch> {
        match &self.0.source {
            Source::Live(live) => live.batch(start, end),
            Source::Stored(stored) => Ok(stored.batch(start, end)),
        }
    }

    fn source(&self) -> &Source {
        &self.0.source
    }

    fn facts(&self) -> Facts {
        Facts::of(&self.0.head, &self.0.source)
    }

    /// What needs the records that were compared.
    fn live(&self, what: &str) -> Result<&Live> {
        match &self.0.source {
            Source::Live(live) => Ok(live),
            Source::Stored(_) => {
                let message = format!(
                    "a loaded report has no records to make its {what} of; reconcile the two snapshots again"
                );
                Err(Error::new(Kind::Unsupported, message))
            }
        }
    }

    /// Every finding's id and state, in the order of the table.
    fn marks(&self) -> Result<Vec<(FindingId, Hash)>> {
        match &self.0.source {
            Source::Live(live) => live.marks(),
            Source::Stored(stored) => Ok(stored.marks.clone()),
        }
    }

    /// Where a finding stands in the table.
    fn find(&self, id: FindingId) -> Result<usize> {
        let row = match &self.0.source {
            Source::Live(live) => live.ids().iter().position(|other| *other == id),
            Source::Stored(stored) => stored.marks.iter().position(|(other, _)| *other == id),
        };
        row.ok_or_else(|| Error::new(Kind::NotFound, format!("the report has no finding `{id}`")))
    }

    /// The rows of the finding in this row of the table, if it is about several.
    fn members_json(&self, row: usize) -> Result<Option<Json>> {
        match &self.0.source {
            Source::Live(live) => Ok(live.found().get(row).and_then(|found| live.members(found))),
            Source::Stored(stored) => stored.members(row),
        }
    }

    /// What values were compared as, where that is not as they stand.
    fn compared_json(&self, row: usize) -> Result<Option<Json>> {
        match &self.0.source {
            Source::Live(live) => {
                live.found().get(row).map_or(Ok(None), |found| live.compared(found))
            }
            Source::Stored(stored) => stored.compared(row),
        }
    }
}

/// How many findings a batch has.
const BATCH: usize = 8192;

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("name", &self.name())
            .field("counts", self.counts())
            .finish_non_exhaustive()
    }
}
