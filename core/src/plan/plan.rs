//! The plan.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use trueup_connector::record::canonical;
use trueup_connector::{Change, Error, Hash, Identity, Kind, Mapping, Operation, Result, Value};

use super::change::PlannedChange;
use super::digest;
use super::evident;
use super::origin::{Impact, Origin};
use super::value::FieldValue;
use super::writable;
use crate::reconcile::{FindingId, Side};

/// An ordered set of changes with a digest: what people approve and the executor runs, exactly.
///
/// Cheap to clone. The digest covers what the plan was made from, every change and its place, and
/// what guard is told of them. A plan made from a new reading has another digest, and its changes
/// have other idempotency keys; a change of the same reading keeps its key in every plan.
///
/// ```
/// use trueup::{FieldValue, Impact, Operation, Origin, Plan, PlannedChange, Provenance, Side};
///
/// let read = Provenance::read("intune", "devices").with_read_id("r-17");
/// let sync = PlannedChange::new(Side::Actual, Operation::Action("sync".into()))
///     .with_key([FieldValue::new("serial", "A1")]);
/// let plan = Plan::propose(Origin::new("nightly sync", &read), [Impact::new(Side::Actual, 1)], vec![sync])?;
/// assert_eq!(plan.changes().len(), 1);
/// assert_eq!(plan.impact(Side::Actual).actions, 1);
/// # Ok::<(), trueup::Error>(())
/// ```
#[derive(Clone)]
pub struct Plan(Arc<Inner>);

#[derive(Clone)]
pub(super) struct Inner {
    pub(super) origin: Origin,
    /// What each side's system calls the resource.
    pub(super) resources: [String; 2],
    pub(super) mappings: [Mapping; 2],
    pub(super) impacts: [Impact; 2],
    pub(super) changes: Vec<PlannedChange>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) digest: Hash,
}

/// A finding that a plan does not settle, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// Which finding.
    pub finding: FindingId,
    /// Why no change settles it.
    pub reason: Reason,
}

/// Why a plan leaves a finding out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// Findings of its kind are for people to settle: which row is right cannot be told.
    NeverPlanned,
    /// The planner was not told to settle findings of this kind.
    KindNotChosen,
    /// The field has no owner.
    NoOwner,
    /// The field cannot be written in the target.
    NotWritable,
    /// The field has another owner than the record whose key changes, so both sides would move.
    KeyOwner,
}

impl Plan {
    /// A plan of these changes, proposed by whoever asks for them rather than found by comparing.
    ///
    /// `impacts` says how large the systems are that it writes; the changes are counted here. It is the
    /// proposer's claim, and guard lets it soften nothing.
    /// Changes are put in the order of their waves, and keep their order within a wave.
    ///
    /// # Errors
    /// `invalid` where a record is changed twice, a change lacks what its operation needs, or the
    /// reading of a side that is written has no id.
    pub fn propose(
        origin: Origin,
        impacts: impl IntoIterator<Item = Impact>,
        changes: Vec<PlannedChange>,
    ) -> Result<Self> {
        let none = |side| Impact { claimed: true, ..Impact::new(side, 0) };
        let mut both = Side::BOTH.map(none);
        for impact in impacts {
            if let Some(place) = both.iter_mut().find(|other| other.target == impact.target) {
                *place = Impact { claimed: true, ..impact };
            }
        }
        let resources = Side::BOTH.map(|_| origin.resource.clone());
        Self::new(origin, resources, Default::default(), both, changes, Vec::new())
    }

    pub(super) fn new(
        origin: Origin,
        resources: [String; 2],
        mappings: [Mapping; 2],
        impacts: [Impact; 2],
        mut changes: Vec<PlannedChange>,
        left_out: Vec<LeftOut>,
    ) -> Result<Self> {
        changes.sort_by_key(PlannedChange::wave);
        evident::state(&mut changes);
        check(&origin, &changes)?;
        if impacts.iter().zip(Side::BOTH).any(|(impact, side)| impact.target != side) {
            return Err(invalid("the numbers of the two sides stand in each other's place"));
        }
        let impacts = impacts.map(|impact| impact.counting(&changes));
        let digest = digest::plan(&origin, &changes, &mappings, &resources, &impacts);
        let inner = Inner { origin, resources, mappings, impacts, changes, left_out, digest };
        Ok(Self(Arc::new(inner)))
    }

    /// What it was made from.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// The changes, in the order in which they are made.
    pub fn changes(&self) -> &[PlannedChange] {
        &self.0.changes
    }

    /// What it would do to the system on one side, in numbers.
    pub fn impact(&self, target: Side) -> &Impact {
        let [expected, actual] = &self.0.impacts;
        match target {
            Side::Expected => expected,
            Side::Actual => actual,
        }
    }

    /// What the system on one side calls the resource.
    pub fn resource(&self, target: Side) -> &str {
        let [expected, actual] = &self.0.resources;
        match target {
            Side::Expected => expected,
            Side::Actual => actual,
        }
    }

    /// The system that was read for one side, and that alone may be written there; what the reading
    /// did not know of it is empty.
    pub fn system(&self, target: Side) -> &Identity {
        self.origin().system(target)
    }

    /// The digest over origin and changes (`docs/spec/plan.md`).
    pub fn digest(&self) -> Hash {
        self.0.digest
    }

    /// The findings that it does not settle, and why.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.0.left_out
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.changes.is_empty()
    }

    /// How many waves it has.
    pub fn waves(&self) -> u32 {
        self.0.changes.last().map_or(0, |change| change.wave() + 1)
    }

    /// The plan of those changes that `keep` is true for: another plan, with another digest.
    ///
    /// # Errors
    /// `internal` only.
    ///
    /// ```
    /// # use trueup::*;
    /// # fn narrow(plan: &Plan) -> Result<Plan> {
    /// // Whatever guard denies is left for another day.
    /// plan.narrow(|change| *change.operation() != Operation::Delete)
    /// # }
    /// ```
    pub fn narrow(&self, mut keep: impl FnMut(&PlannedChange) -> bool) -> Result<Self> {
        let changes = self.changes().iter().filter(|change| keep(change)).cloned().collect();
        let inner = (*self.0).clone();
        let Inner { origin, resources, mappings, impacts, left_out, .. } = inner;
        Self::new(origin, resources, mappings, impacts, changes, left_out)
    }

    /// A change as the connector of its side gets it: in that system's words, with the key that
    /// makes sending it again recognisable.
    ///
    /// # Errors
    /// `not_found` where there is no such change; `data` for a value that cannot be mapped;
    /// `unsupported` where it carries a secret and the plan was loaded: secrets are not saved.
    pub fn change_for(&self, place: usize) -> Result<Change> {
        let planned = self.changes().get(place).ok_or_else(|| no_change(place, self))?;
        let target = planned.target();
        let mapping = self.mapping(target);
        let named = |fields| in_system_words(mapping, fields);
        let key = named(planned.key())?.into_iter().map(|(_, value)| value).collect();
        let mut change = Change::new(self.resource(target), planned.operation().clone(), key);
        change.id = text(planned.id());
        change.version = text(planned.version());
        change.before = named(planned.before())?;
        change.after = named(planned.after())?;
        let resource = self.resource(target);
        change.idempotency_key = digest::idempotency_key(self.origin(), resource, mapping, planned);
        Ok(change)
    }

    /// What the system on one side calls fields and values.
    pub fn mapping(&self, side: Side) -> &Mapping {
        let [expected, actual] = &self.0.mappings;
        match side {
            Side::Expected => expected,
            Side::Actual => actual,
        }
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

fn in_system_words(mapping: &Mapping, fields: &[FieldValue]) -> Result<Vec<(String, Value)>> {
    let word = |field: &FieldValue| {
        let value = field.reveal().ok_or_else(|| withheld(field.name()))?;
        let name = mapping.system_name(field.name()).to_owned();
        Ok((name, mapping.to_system(field.name(), value)?))
    };
    fields.iter().map(word).collect()
}

fn text(value: Option<&Value>) -> Option<String> {
    value.filter(|value| !value.is_null()).map(Value::to_string)
}

fn withheld(field: &str) -> Error {
    let message = format!(
        "the plan was loaded, and secrets are not saved: there is no value of `{field}`; plan again from the two snapshots"
    );
    Error::new(Kind::Unsupported, message)
}

fn no_change(place: usize, plan: &Plan) -> Error {
    let count = plan.changes().len();
    Error::new(Kind::NotFound, format!("there is no change {place} in a plan of {count}"))
}

fn check(origin: &Origin, changes: &[PlannedChange]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for change in changes {
        complete(change).map_err(|error| error.with("change", change))?;
        if let Some(wrong) = writable::wrong(change) {
            return Err(invalid(&wrong).with("change", change));
        }
        let mut key = Vec::new();
        for field in change.key() {
            canonical::frame_with(&mut key, |out| field.write(out));
        }
        let action = match change.operation() {
            Operation::Action(name) => name.as_str(),
            _ => "",
        };
        if !seen.insert((change.target().name(), key, action)) {
            let message = "the plan changes this record twice; make it one change";
            return Err(invalid(message).with("change", change));
        }
    }
    let written = |side| changes.iter().any(|change| change.target() == side);
    let reads = [(Side::Expected, &origin.expected_read), (Side::Actual, &origin.actual_read)];
    match reads.into_iter().find(|(side, read)| read.is_empty() && written(*side)) {
        Some((side, _)) => Err(no_reading(side)),
        None => Ok(()),
    }
}

fn no_reading(side: Side) -> Error {
    invalid(&format!(
        "the {side} side is written, and its reading has no id, so the plan could not be told from one on another reading; give its provenance a `read_id`, new for every reading"
    ))
}

/// Whether a change has what its operation needs.
fn complete(change: &PlannedChange) -> Result<()> {
    let (before, after) = (!change.before().is_empty(), !change.after().is_empty());
    let wrong = match change.operation() {
        _ if change.key().is_empty() => "a change needs the key of its record",
        _ if change.key().iter().any(FieldValue::is_secret) => "a secret cannot be a key",
        Operation::Create if before || !after => "a create has values after, and none before",
        Operation::Update if !after => "an update needs values after",
        Operation::Delete if after => "a delete has no values after",
        Operation::Action(name) if ["create", "update", "delete", ""].contains(&&**name) => {
            "an action needs a name of its own"
        }
        _ => return Ok(()),
    };
    Err(invalid(wrong))
}

fn invalid(message: &str) -> Error {
    Error::new(Kind::Invalid, message)
}

impl PartialEq for Plan {
    /// Whether both have the same digest: the same origin and changes.
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl Eq for Plan {}

impl fmt::Display for Plan {
    /// `2 to create, 1 to update, 0 to delete on the actual side`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = Side::BOTH.map(|side| self.impact(side));
        let mut first = true;
        for impact in written.into_iter().filter(|impact| impact.changes() > 0) {
            f.write_str(if first { "" } else { "; " })?;
            first = false;
            let Impact { creates, updates, deletes, actions, target, .. } = impact;
            write!(f, "{creates} to create, {updates} to update, {deletes} to delete")?;
            if *actions > 0 {
                write!(f, ", {actions} actions")?;
            }
            write!(f, " on the {target} side")?;
        }
        if first { f.write_str("nothing to change") } else { Ok(()) }
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = trueup_connector::hex(&self.digest());
        f.debug_struct("Plan")
            .field("origin", self.origin())
            .field("changes", &self.changes().len())
            .field("digest", &digest)
            .finish_non_exhaustive()
    }
}
