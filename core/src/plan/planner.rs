//! From findings to changes.

use std::collections::BTreeSet;

use trueup_connector::{Error, Kind, Result, Value, suggest};

use super::drafts::Drafts;
use super::origin::{Impact, Origin};
use super::plan::Plan;
use super::waves::Waves;
use crate::reconcile::{Disagreement, Disagreements, FindingKind, Report, Side};

/// Makes plans from reports: which findings are settled, and in which order.
///
/// A record that one side lacks is made or removed in the system of the side that does not own the
/// key; a field that differs is set there where it is not owned (the expected side owns, unless a
/// rule says otherwise). `duplicate`, `unkeyed` and `ambiguous` findings are never planned, and
/// conflicts only if they are asked for: then the owner's value wins.
///
/// ```
/// # use std::num::NonZero;
/// use trueup::{Planner, Provenance, Reconciliation, Run, Side, Snapshot};
/// # let rows = |json: &str| Snapshot::from_json(&serde_json::from_str::<Vec<_>>(json).unwrap());
///
/// let wish = rows(r#"[{"id": 1, "os": "14.2"}, {"id": 2, "os": "14.2"}]"#)?;
/// let state = rows(r#"[{"id": 1, "os": "13.9"}]"#)?
///     .with_provenance(Provenance::read("fleet", "devices").with_read_id("r-17"));
/// # let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
/// let report = Reconciliation::new("fleet").with_key(["id"]).compare(&run, &wish, &state)?;
/// let plan = Planner::new().plan(&report)?;
/// assert_eq!(plan.to_string(), "1 to create, 1 to update, 0 to delete on the actual side");
/// # Ok::<(), trueup::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Planner {
    kinds: BTreeSet<FindingKind>,
    waves: Waves,
}

impl Default for Planner {
    fn default() -> Self {
        Self::new()
    }
}

impl Planner {
    /// Settles what is missing, unexpected or changed, all in one wave.
    pub fn new() -> Self {
        use FindingKind::{Changed, Missing, Unexpected};
        Self { kinds: [Missing, Unexpected, Changed].into(), waves: Waves::default() }
    }

    /// Sets which kinds of findings are settled; of the others the plan says that they are left out.
    #[must_use]
    pub fn with_kinds(mut self, kinds: impl IntoIterator<Item = FindingKind>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    /// Says that a field's value is the key of another record of the resource: that one is made in
    /// an earlier wave, and removed in a later one.
    #[must_use]
    pub fn with_reference(mut self, field: impl Into<String>) -> Self {
        self.waves.references.push(field.into());
        self
    }

    /// Spreads the changes over stages, a wave or more each: the first for this percentage of the
    /// records, the next up to the second percentage, and so on; the rest comes last.
    ///
    /// Which stage a record is in follows from its key: the same ones are first in every plan.
    #[must_use]
    pub fn with_stages(mut self, percentages: impl IntoIterator<Item = u8>) -> Self {
        self.waves.stages = percentages.into_iter().collect();
        self
    }

    /// Makes the plan.
    ///
    /// # Errors
    /// `unsupported` for a loaded report, which has no records, and for references under a key of
    /// several fields; `invalid` where a side that would be
    /// written was read without a read id, stages do not rise, a reference is no field, or changes
    /// wait for each other in a circle; `data` for a value that its rule cannot normalise.
    pub fn plan(&self, report: &Report) -> Result<Plan> {
        let all = report.disagreements()?;
        self.check(&all)?;
        let mut drafts = Drafts::new(&all, &self.kinds);
        let mut record: Vec<Disagreement<'_>> = Vec::new();
        for finding in all.iter() {
            if record.last().is_some_and(|last| !last.of_same_record(&finding)) {
                drafts.record(&record)?;
                record.clear();
            }
            record.push(finding);
        }
        drafts.record(&record)?;
        let drafted = drafts.finish();
        let key = all.fields().key.first();
        let normal = |value: &Value| {
            let key = key.filter(|_| !value.is_null());
            key.map(|key| Ok(key.rule.normalise(value.clone())?.canonical())).transpose()
        };
        let changes = self.waves.assign(drafted.changes, drafted.sharing, &normal)?;
        let resources = Side::BOTH.map(|side| resource(report, &all, side));
        let mappings = Side::BOTH.map(|side| all.mapping(side));
        let impacts = Side::BOTH.map(|side| impact(&all, side));
        Plan::new(origin(report, &all), resources, mappings, impacts, changes, drafted.left_out)
    }

    fn check(&self, all: &Disagreements<'_>) -> Result<()> {
        let stages = &self.waves.stages;
        let rise = stages.windows(2).all(|pair| pair.first() < pair.last());
        if !rise || stages.iter().any(|percent| !(1..=100).contains(percent)) {
            let message = format!("the stages {stages:?} must rise, from 1 to 100 percent");
            return Err(Error::new(Kind::Invalid, message));
        }
        if !self.waves.references.is_empty() && all.fields().key.len() != 1 {
            let message = "a reference names its record by one value, and the key has more fields; leave out `with_reference`, or compare under a key of one field";
            return Err(Error::new(Kind::Unsupported, message));
        }
        let names: Vec<&str> = all.fields().compared.iter().map(|f| f.name.as_str()).collect();
        match self.waves.references.iter().find(|field| !names.contains(&field.as_str())) {
            None => Ok(()),
            Some(field) => {
                let nearest = suggest(field, names);
                let message = format!("the reference `{field}` is no compared field{nearest}");
                Err(Error::new(Kind::Invalid, message))
            }
        }
    }
}

fn origin(report: &Report, all: &Disagreements<'_>) -> Origin {
    let origin = Origin::new(report.name(), all.provenance(Side::Actual));
    let mut origin =
        origin.with_tenant(report.tenant()).with_expected(all.provenance(Side::Expected));
    origin.resource = report.resource().to_owned();
    origin
}

/// What the side's system calls the resource: as it was read, else as the reconciliation calls it.
fn resource(report: &Report, all: &Disagreements<'_>, side: Side) -> String {
    let read = &all.provenance(side).resource;
    if read.is_empty() { report.resource().to_owned() } else { read.clone() }
}

fn impact(all: &Disagreements<'_>, side: Side) -> Impact {
    Impact::new(side, all.covered_rows(side)).with_wanted_rows(all.rows(side.other()))
}
