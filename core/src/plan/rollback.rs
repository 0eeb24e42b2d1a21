//! The way back: a new plan that undoes what a plan did.

use trueup_connector::{Error, Kind, Operation, Provenance, Result, Value, hex};

use super::change::{PlannedChange, operation_name};
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
    /// The places of changes that took place and have no way back: actions.
    pub irreversible: Vec<usize>,
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
    /// # Errors
    /// `invalid` where an effect is of no change of this plan or stands twice, or the reading has no
    /// id; `unsupported` where a secret that would have to be written back was not saved.
    pub fn rollback(&self, effects: &[Effect], reading: &Provenance) -> Result<Rollback> {
        let last = self.waves().saturating_sub(1);
        let (mut changes, mut irreversible) = (Vec::new(), Vec::new());
        for effect in effects.iter().rev() {
            let change = self.changes().get(effect.place).ok_or_else(|| none(effect.place))?;
            match back(change, effect, last - change.wave().min(last))? {
                Some(back) => changes.push(back),
                None => irreversible.push(effect.place),
            }
        }
        let Inner { origin, resources, mappings, impacts, .. } = self.inner().clone();
        let mut origin = origin;
        origin.expected_read = format!("rollback of {}", hex(&self.digest()));
        origin.actual_read = reading.read_id.clone();
        let plan = Self::new(origin, resources, mappings, impacts, changes, Vec::new())?;
        irreversible.sort_unstable();
        Ok(Rollback { plan, irreversible })
    }
}

/// The change that undoes one; `None` for an action.
fn back(change: &PlannedChange, effect: &Effect, wave: u32) -> Result<Option<PlannedChange>> {
    let operation = match change.operation() {
        Operation::Create => Operation::Delete,
        Operation::Delete => Operation::Create,
        Operation::Update => Operation::Update,
        _ => return Ok(None),
    };
    for field in change.before() {
        if field.reveal().is_none() {
            return Err(no_secret(change, field));
        }
    }
    let id = effect.id.clone().map(Value::Text).or_else(|| change.id().cloned());
    let id = id.filter(|_| operation != Operation::Create);
    let version = effect.version.clone().map(Value::Text);
    let shares = change.facts().get("shares_id").map(|fact| ("shares_id".to_owned(), fact.clone()));
    Ok(Some(
        PlannedChange::new(change.target(), operation)
            .with_key(key_after(change))
            .with_id(id)
            .with_version(version)
            .with_before(change.after().to_vec())
            .with_after(change.before().to_vec())
            .with_wave(wave)
            .with_facts(shares.into_iter().collect())
            .with_fact("rollback", true),
    ))
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

fn no_secret(change: &PlannedChange, field: &FieldValue) -> Error {
    let what = operation_name(change.operation());
    let message = format!(
        "undoing the {what} would write back the secret `{}`, which is not at hand",
        field.name()
    );
    Error::new(Kind::Unsupported, message)
}
