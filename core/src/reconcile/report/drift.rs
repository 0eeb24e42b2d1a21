//! Drift: findings followed from one report to the next.

use std::cmp::Ordering;
use std::fmt;

use arrow_array::{RecordBatch, UInt64Array};
use arrow_select::take::take_record_batch;
use trueup_connector::{Error, Hash, Kind, Result};

use super::super::finding::FindingId;
use super::Report;

/// Compares the findings of two reports of one reconciliation, by id and state.
///
/// It is a pure function of the two reports, live or loaded.
///
/// # Errors
/// `incompatible` where the reports are of another tenant, name, resource or key: their ids would
/// never meet. `data` where a value cannot be normalised under its rule.
///
/// ```
/// # use trueup::*;
/// # use std::num::NonZero;
/// # let rows = |json: &str| Snapshot::from_json(&serde_json::from_str::<Vec<_>>(json).unwrap());
/// let wish = rows(r#"[{"id": 1, "os": "14"}, {"id": 2, "os": "14"}]"#)?;
/// let monday = rows(r#"[{"id": 1, "os": "13"}, {"id": 2, "os": "14"}]"#)?;
/// let tuesday = rows(r#"[{"id": 1, "os": "14"}]"#)?;
/// let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
/// let fleet = Reconciliation::new("fleet").with_key(["id"]);
/// let before = fleet.compare(&run, &wish, &monday)?;
/// let after = fleet.compare(&run, &wish, &tuesday)?;
/// let drift = drift(&before, &after)?;
/// assert_eq!(drift.to_string(), "1 opened, 0 changed, 1 resolved, 0 unchanged");
/// # Ok::<(), Error>(())
/// ```
pub fn drift(before: &Report, after: &Report) -> Result<Drift> {
    check_same(before, after)?;
    let mut drift = Drift {
        before: before.clone(),
        after: after.clone(),
        opened: Vec::new(),
        changed: Vec::new(),
        resolved: Vec::new(),
        unchanged: Vec::new(),
    };
    let (old, new) = (marks(before)?, marks(after)?);
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.id.cmp(&b.id),
        };
        let old = if order.is_le() { old.next() } else { None };
        let new = if order.is_ge() { new.next() } else { None };
        drift.follow(old, new);
    }
    Ok(drift.sorted())
}

/// What became of findings between two reports; from [`drift`].
#[derive(Clone, Debug)]
pub struct Drift {
    before: Report,
    after: Report,
    opened: Vec<Place>,
    changed: Vec<Place>,
    resolved: Vec<Place>,
    unchanged: Vec<Place>,
}

/// How many findings went which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DriftCounts {
    /// Findings that were not there before.
    pub opened: u64,
    /// Findings that say something else than before.
    pub changed: u64,
    /// Findings that are not there any more.
    pub resolved: u64,
    /// Findings that say what they said before.
    pub unchanged: u64,
}

/// A finding, and its row in the table of its report.
#[derive(Clone, Copy, Debug)]
struct Place {
    id: FindingId,
    row: u64,
}

struct Mark {
    id: FindingId,
    state: Hash,
    row: u64,
}

impl Drift {
    /// How many findings went which way.
    pub fn counts(&self) -> DriftCounts {
        let count = |places: &[Place]| places.len() as u64;
        DriftCounts {
            opened: count(&self.opened),
            changed: count(&self.changed),
            resolved: count(&self.resolved),
            unchanged: count(&self.unchanged),
        }
    }

    /// The findings that were not there before.
    ///
    /// # Errors
    /// As [`Report::findings_table`].
    pub fn opened(&self) -> Result<RecordBatch> {
        rows(&self.after, &self.opened)
    }

    /// The findings that say something else than before, as they are after.
    ///
    /// # Errors
    /// As [`Report::findings_table`].
    pub fn changed(&self) -> Result<RecordBatch> {
        rows(&self.after, &self.changed)
    }

    /// The findings that are not there any more, as they were before.
    ///
    /// # Errors
    /// As [`Report::findings_table`].
    pub fn resolved(&self) -> Result<RecordBatch> {
        rows(&self.before, &self.resolved)
    }

    /// The ids of the findings that were not there before, in their order.
    pub fn opened_ids(&self) -> impl Iterator<Item = FindingId> + '_ {
        self.opened.iter().map(|place| place.id)
    }

    /// The ids of the findings that say something else than before, in their order.
    pub fn changed_ids(&self) -> impl Iterator<Item = FindingId> + '_ {
        self.changed.iter().map(|place| place.id)
    }

    /// The ids of the findings that are not there any more, in the order they had.
    pub fn resolved_ids(&self) -> impl Iterator<Item = FindingId> + '_ {
        self.resolved.iter().map(|place| place.id)
    }

    /// The ids of the findings that say what they said before, in their order.
    pub fn unchanged_ids(&self) -> impl Iterator<Item = FindingId> + '_ {
        self.unchanged.iter().map(|place| place.id)
    }

    /// Whether no finding opened, changed or was resolved.
    pub fn is_empty(&self) -> bool {
        self.opened.is_empty() && self.changed.is_empty() && self.resolved.is_empty()
    }

    /// Whether the two reports went by other rules: then a finding may have changed, opened or gone
    /// although no record did.
    pub fn rules_changed(&self) -> bool {
        self.before.rules_digest() != self.after.rules_digest()
    }

    /// Whether a side covered something else: then a finding may have gone because nobody looked.
    pub fn coverage_changed(&self) -> bool {
        self.before.head().coverage != self.after.head().coverage
    }

    fn follow(&mut self, old: Option<&Mark>, new: Option<&Mark>) {
        let (mark, places) = match (old, new) {
            (Some(old), Some(new)) if old.state == new.state => (new, &mut self.unchanged),
            (Some(_), Some(new)) => (new, &mut self.changed),
            (None, Some(new)) => (new, &mut self.opened),
            (Some(old), None) => (old, &mut self.resolved),
            (None, None) => return,
        };
        places.push(Place { id: mark.id, row: mark.row });
    }

    /// Findings in the order of their reports.
    fn sorted(mut self) -> Self {
        let Self { opened, changed, resolved, unchanged, .. } = &mut self;
        for places in [opened, changed, resolved, unchanged] {
            places.sort_unstable_by_key(|place| place.row);
        }
        self
    }
}

impl fmt::Display for Drift {
    /// `1 opened, 0 changed, 2 resolved, 7 unchanged; the rules changed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DriftCounts { opened, changed, resolved, unchanged } = self.counts();
        write!(
            f,
            "{opened} opened, {changed} changed, {resolved} resolved, {unchanged} unchanged"
        )?;
        match (self.rules_changed(), self.coverage_changed()) {
            (true, true) => f.write_str("; the rules and the coverage changed"),
            (true, false) => f.write_str("; the rules changed"),
            (false, true) => f.write_str("; the coverage changed"),
            (false, false) => Ok(()),
        }
    }
}

fn check_same(before: &Report, after: &Report) -> Result<()> {
    let (old, new) = (before.head(), after.head());
    let pairs = [
        ("tenant", old.tenant.clone(), new.tenant.clone()),
        ("name", old.name.clone(), new.name.clone()),
        ("resource", old.resource.clone(), new.resource.clone()),
        ("key", old.key.join(", "), new.key.join(", ")),
    ];
    match pairs.iter().find(|(_, old, new)| old != new) {
        None if old.key == new.key => Ok(()),
        None => Err(other("key", &format!("{:?}", old.key), &format!("{:?}", new.key))),
        Some((what, old, new)) => Err(other(what, old, new)),
    }
}

fn other(what: &str, before: &str, after: &str) -> Error {
    let message = format!(
        "the reports are not of one reconciliation: the {what} was `{before}` and is `{after}`"
    );
    Error::new(Kind::Incompatible, message)
}

/// A report's findings by id.
fn marks(report: &Report) -> Result<Vec<Mark>> {
    let marks = report.marks()?;
    let mut marks: Vec<Mark> = marks
        .iter()
        .zip(0..)
        .map(|((id, state), row)| Mark { id: *id, state: *state, row })
        .collect();
    marks.sort_unstable_by_key(|mark| mark.id);
    Ok(marks)
}

fn rows(report: &Report, places: &[Place]) -> Result<RecordBatch> {
    let rows = UInt64Array::from_iter_values(places.iter().map(|place| place.row));
    take_record_batch(&report.findings_table()?, &rows)
        .map_err(|cause| Error::new(Kind::Internal, format!("the drift makes no table: {cause}")))
}
