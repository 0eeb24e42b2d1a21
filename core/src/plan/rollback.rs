//! The way back: a new plan that undoes what a plan did.

use std::cmp::Reverse;

use trueup_connector::{Error, Kind, Operation, Provenance, Result, Schema, Value, hex};

use super::change::PlannedChange;
use super::plan::{Inner, Plan};
use super::value::FieldValue;

/// A change of a plan that took place, and what its receipt said of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Effect {
    /// The place of the change in the plan.
    pub place: usize,
    /// The target's own identifier of the record, where the receipt gave one.
    pub id: Option<String>,
    /// The target's version of the record since, where the receipt gave one.
    pub version: Option<String>,
}

/// A plan that undoes another, and what it cannot undo.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rollback {
    /// The changes back. It goes through the same gate as any plan.
    pub plan: Plan,
    /// The place of the change that each change back undoes.
    pub places: Vec<usize>,
    /// The places of changes that took place and have no way back: actions, and what was changed
    /// without the values before it being recorded.
    pub irreversible: Vec<usize>,
    /// What the changes back do not restore, by the place of the change that is undone.
    pub unrestored: Vec<Unrestored>,
}

/// A part of a record that a change back does not restore.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unrestored {
    /// The place of the change that is undone.
    pub place: usize,
    /// The field; empty for the target's own identifier of the record.
    pub field: String,
    /// Why it is not restored.
    pub why: Unrestorable,
}

/// Why a part of a record is not restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unrestorable {
    /// It is secret, and its value was not saved.
    Secret,
    /// The target gives records their identifiers itself: the record gets another.
    Assigned,
    /// The target does not let it be set.
    NotWritable,
}

impl Rollback {
    /// Leaves out what a resource with these fields does not let be set when a record is made again,
    /// and lists it.
    ///
    /// # Errors
    /// `internal` only.
    pub fn fitting(mut self, schema: &Schema) -> Result<Self> {
        let settable = |name: &str| schema.field(name).is_ok_and(|field| field.writable);
        let (mut places, mut changes) = (self.places.iter(), Vec::new());
        for change in self.plan.changes() {
            let place = places.next().copied().unwrap_or_default();
            let words = self.plan.mapping(change.target());
            let (kept, left): (Vec<_>, Vec<_>) =
                change.after().iter().cloned().partition(|field| {
                    *change.operation() != Operation::Create
                        || settable(words.system_name(field.name()))
                });
            let (why, field) =
                (Unrestorable::NotWritable, |left: FieldValue| left.name().to_owned());
            let left = left.into_iter().map(|it| Unrestored { place, field: field(it), why });
            self.unrestored.extend(left);
            changes.push(change.clone().with_after(kept));
        }
        let Inner { origin, resources, mappings, impacts, .. } = self.plan.inner().clone();
        self.plan = Plan::new(origin, resources, mappings, impacts, changes, Vec::new())?;
        Ok(self)
    }
}

impl Effect {
    /// The change at this place took place.
    pub fn new(place: usize) -> Self {
        Self { place, id: None, version: None }
    }

    /// Sets the target's own identifier of the record.
    #[must_use]
    pub fn with_id(mut self, id: Option<String>) -> Self {
        self.id = id;
        self
    }

    /// Sets the target's version of the record since.
    #[must_use]
    pub fn with_version(mut self, version: Option<String>) -> Self {
        self.version = version;
        self
    }
}

impl Plan {
    /// The plan that undoes these changes, from the values recorded before and after, in the
    /// opposite order: the last wave first.
    ///
    /// Each change back holds only where the record is still as this plan left it. A record that
    /// was removed is made again; the target may give it another identifier. `reading` names the
    /// reading after which it is proposed, so that undoing twice makes two plans.
    ///
    /// A secret that was not saved is left as it is, and listed; so is what else does not come back.
    ///
    /// # Errors
    /// `invalid` where an effect is of no change of this plan or stands twice, or the reading has no
    /// id.
    pub fn rollback(&self, effects: &[Effect], reading: &Provenance) -> Result<Rollback> {
        let last = self.waves().saturating_sub(1);
        let (mut back, mut irreversible, mut unrestored) = (Vec::new(), Vec::new(), Vec::new());
        let mut effects: Vec<&Effect> = effects.iter().collect();
        effects.sort_by_key(|effect| Reverse(effect.place));
        for effect in effects {
            let change = self.changes().get(effect.place).ok_or_else(|| none(effect.place))?;
            match undo(change, effect, last - change.wave().min(last)) {
                Some((change, lost)) => {
                    back.push((effect.place, change));
                    unrestored.extend(lost);
                }
                None => irreversible.push(effect.place),
            }
        }
        // As the plan will have them.
        back.sort_by_key(|(_, change)| change.wave());
        let (places, changes) = back.into_iter().unzip();
        let Inner { origin, resources, mappings, impacts, .. } = self.inner().clone();
        let mut origin = origin;
        origin.expected_read = format!("rollback of {}", hex(&self.digest()));
        origin.actual_read = reading.read_id.clone();
        let plan = Self::new(origin, resources, mappings, impacts, changes, Vec::new())?;
        irreversible.sort_unstable();
        unrestored.sort_by(|a, b| (a.place, &a.field).cmp(&(b.place, &b.field)));
        Ok(Rollback { plan, places, irreversible, unrestored })
    }
}

/// The change that undoes one, and what it does not restore; `None` where there is no way back.
fn undo(
    change: &PlannedChange,
    effect: &Effect,
    wave: u32,
) -> Option<(PlannedChange, Vec<Unrestored>)> {
    let operation = match change.operation() {
        Operation::Create => Operation::Delete,
        Operation::Delete => Operation::Create,
        Operation::Update => Operation::Update,
        _ => return None,
    };
    let place = effect.place;
    let (after, secret): (Vec<_>, Vec<_>) =
        change.before().iter().cloned().partition(|field| field.reveal().is_some());
    if after.is_empty() && operation != Operation::Delete {
        return None;
    }
    let secret = secret.into_iter().map(|field| field.name().to_owned());
    let secret = secret.map(|field| Unrestored { place, field, why: Unrestorable::Secret });
    let assigned = (operation == Operation::Create && change.id().is_some()).then(|| Unrestored {
        place,
        field: String::new(),
        why: Unrestorable::Assigned,
    });
    let id = effect.id.clone().map(Value::Text).or_else(|| change.id().cloned());
    let id = id.filter(|_| operation != Operation::Create);
    let version = effect.version.clone().map(Value::Text);
    let version = version.filter(|_| operation != Operation::Create);
    // Guard sees in the way back what it saw in the way there.
    let shares = change.facts().get("shares_id").map(|fact| ("shares_id".to_owned(), fact.clone()));
    let back = PlannedChange::new(change.target(), operation)
        .with_key(key_after(change))
        .with_id(id)
        .with_version(version)
        .with_before(change.after().iter().filter(|field| field.reveal().is_some()).cloned())
        .with_after(after)
        .with_wave(wave)
        .with_facts(shares.into_iter().collect())
        .with_fact("rollback", true);
    Some((back, secret.chain(assigned).collect()))
}

/// The key that the record has since: a rename gave it another.
fn key_after(change: &PlannedChange) -> Vec<FieldValue> {
    let now = |field: &FieldValue| {
        let renamed = change.after().iter().find(|after| after.name() == field.name());
        renamed.unwrap_or(field).clone()
    };
    change.key().iter().map(now).collect()
}

fn none(place: usize) -> Error {
    Error::new(Kind::Invalid, format!("there is no change {place} in the plan to undo"))
}
