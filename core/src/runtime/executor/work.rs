//! What a run is to do: the changes in their systems' words, and who carries them out.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use sha2::{Digest, Sha256};
use trueup_connector::record::canonical;
use trueup_connector::{
    Change, Connector, Error, Hash, Idempotency, Kind, Operation, Result, Value, Writer,
};

use super::super::store::Deed;
use crate::plan::{FieldValue, Plan};
use crate::reconcile::Side;

/// The systems of the two sides, as far as they are needed.
#[derive(Clone, Debug, Default)]
pub struct Systems {
    expected: Option<Arc<dyn Connector>>,
    actual: Option<Arc<dyn Connector>>,
}

impl Systems {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the system of a side.
    #[must_use]
    pub fn with(mut self, side: Side, connector: Arc<dyn Connector>) -> Self {
        match side {
            Side::Expected => self.expected = Some(connector),
            Side::Actual => self.actual = Some(connector),
        }
        self
    }

    fn get(&self, side: Side) -> Result<&Arc<dyn Connector>> {
        let connector = match side {
            Side::Expected => self.expected.as_ref(),
            Side::Actual => self.actual.as_ref(),
        };
        connector.ok_or_else(|| {
            let message =
                format!("the plan writes to the {side} side, and no system was given for it");
            Error::new(Kind::Invalid, message)
        })
    }
}

/// What a run is to do.
#[derive(Debug)]
pub(super) struct Work {
    plan: Plan,
    tasks: Vec<Task>,
    targets: Vec<Target>,
    /// The secret values that it writes, as text; the longest first.
    secrets: Vec<String>,
}

/// One change, and the place of its target.
#[derive(Debug)]
struct Task {
    change: Change,
    target: usize,
    key_names: Vec<String>,
}

/// One resource that is written.
#[derive(Debug)]
pub(super) struct Target {
    side: Side,
    pub(super) resource: String,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) writer: Arc<dyn Writer>,
    scope: String,
}

impl Work {
    /// Everything that can be wrong about a plan and its systems is found here, before anything is
    /// done.
    pub(super) fn new(plan: &Plan, systems: &Systems) -> Result<Self> {
        if plan.is_empty() {
            return Err(Error::new(
                Kind::Invalid,
                "the plan has no changes: there is nothing to do",
            ));
        }
        let (tasks, targets, secrets) = (Vec::new(), Vec::new(), secrets(plan));
        let mut work = Self { plan: plan.clone(), tasks, targets, secrets };
        for (place, planned) in plan.changes().iter().enumerate() {
            let change = plan.change_for(place).map_err(|error| error.with("change", place))?;
            let target = work.target_of(planned.target(), &change.resource, systems)?;
            let words = plan.mapping(planned.target());
            let key_names = planned.key().iter();
            let key_names = key_names.map(|key| words.system_name(key.name()).to_owned()).collect();
            work.tasks.push(Task { change, target, key_names });
        }
        Ok(work)
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What must be held to do it, each once, in the same order everywhere.
    pub(super) fn scopes(&self) -> Vec<String> {
        let scopes: BTreeSet<_> = self.targets.iter().map(|target| target.scope.clone()).collect();
        scopes.into_iter().collect()
    }

    /// What is done to which records.
    pub(super) fn deeds(&self) -> Result<Vec<Deed>> {
        let changes = self.plan.changes().iter().zip(&self.tasks);
        changes.map(|(planned, task)| self.deed(planned.wave(), task)).collect()
    }

    fn deed(&self, wave: u32, task: &Task) -> Result<Deed> {
        let Target { scope, .. } = self.target(task.target)?;
        let key = task.change.key.as_slice();
        let record = digest(&[scope], key);
        let becomes = digest(&[scope], &renamed(&task.change, &task.key_names));
        let (plan, action) = (
            self.plan.origin(),
            match &task.change.operation {
                Operation::Action(name) => name.as_str(),
                _ => "",
            },
        );
        let deed = digest(&[&plan.expected_read, &plan.actual_read, scope, action], key);
        Ok(Deed { wave, record, becomes, deed })
    }

    pub(super) fn change(&self, place: usize) -> Result<&Change> {
        self.task(place).map(|task| &task.change)
    }

    /// What the target calls the fields of the change's key.
    pub(super) fn key_names(&self, place: usize) -> Result<&[String]> {
        self.task(place).map(|task| task.key_names.as_slice())
    }

    /// The place of the change's target.
    pub(super) fn target_at(&self, place: usize) -> Result<usize> {
        self.task(place).map(|task| task.target)
    }

    pub(super) fn target(&self, target: usize) -> Result<&Target> {
        self.targets.get(target).ok_or_else(gone)
    }

    pub(super) fn idempotency(&self, place: usize) -> Result<Idempotency> {
        let task = self.task(place)?;
        let Target { writer, resource, .. } = self.target(task.target)?;
        let declared = writer.idempotency(resource, &task.change.operation);
        // A condition that the change does not have keeps nothing from happening twice.
        let bare = task.change.version.is_none() && task.change.before.is_empty();
        let bare = bare && !matches!(task.change.operation, Operation::Create | Operation::Delete);
        Ok(match declared {
            Idempotency::Conditional if bare => Idempotency::AtMostOnce,
            declared => declared,
        })
    }

    /// Text of a target, without the secrets that the plan writes.
    pub(super) fn without_secrets(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "‹secret›"))
    }

    /// Whether reading the target back can show that the change took place.
    pub(super) fn can_be_seen(&self, place: usize) -> Result<bool> {
        Ok(!matches!(self.change(place)?.operation, Operation::Action(_)))
    }

    fn task(&self, place: usize) -> Result<&Task> {
        self.tasks.get(place).ok_or_else(gone)
    }

    fn target_of(&mut self, side: Side, resource: &str, systems: &Systems) -> Result<usize> {
        let known = self.targets.iter().position(|it| it.side == side && it.resource == resource);
        if let Some(known) = known {
            return Ok(known);
        }
        let connector = systems.get(side)?.clone();
        let writer = connector.writer().ok_or_else(|| {
            let message = format!("the system of the {side} side can only be read");
            Error::new(Kind::Unsupported, message)
        })?;
        let from = connector.identity();
        let tenant = &self.plan.origin().tenant;
        let scope = json!([tenant, from.system, from.instance, resource]).to_string();
        let resource = resource.to_owned();
        self.targets.push(Target { side, resource, connector, writer, scope });
        Ok(self.targets.len() - 1)
    }
}

/// The secrets of a plan as a target may show them.
fn secrets(plan: &Plan) -> Vec<String> {
    let fields = plan.changes().iter().flat_map(|it| it.before().iter().chain(it.after()));
    let secret = fields.filter(|field| field.is_secret()).filter_map(FieldValue::reveal);
    let texts = secret.filter(|value| !value.is_null()).map(Value::to_string);
    let texts: BTreeSet<String> = texts.filter(|text| !text.is_empty()).collect();
    let mut texts: Vec<String> = texts.into_iter().collect();
    texts.sort_by_key(|text| Reverse(text.len()));
    texts
}

/// The key that the record has once the change took place: a rename gives it another.
pub(super) fn renamed(change: &Change, key_names: &[String]) -> Vec<Value> {
    let wish = |name: &String, old: &Value| {
        let new = change.after.iter().find(|(field, _)| field == name);
        new.map_or_else(|| old.clone(), |(_, value)| value.clone())
    };
    key_names.iter().zip(&change.key).map(|(name, old)| wish(name, old)).collect()
}

fn digest(words: &[&str], values: &[Value]) -> Hash {
    let mut bytes = Vec::new();
    words.iter().for_each(|word| canonical::frame(&mut bytes, word.as_bytes()));
    values.iter().for_each(|value| {
        canonical::frame_with(&mut bytes, |out| canonical::write_value(out, value));
    });
    Sha256::digest(bytes).into()
}

fn gone() -> Error {
    Error::new(Kind::Internal, "a change of the plan is gone")
}
