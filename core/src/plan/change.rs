//! One change of a plan.

use std::collections::BTreeMap;
use std::fmt;

use trueup_connector::{Operation, Value};

use super::fact::Fact;
use super::value::FieldValue;
use crate::reconcile::{FindingId, Side};

/// One write that a plan holds: what is done to which record, on what it rests, what is known of it.
///
/// All names and values are canonical; [`Plan::change_for`](crate::Plan::change_for) gives it in the
/// words of the system that is written.
///
/// ```
/// use trueup::{FieldValue, Operation, PlannedChange, Side};
///
/// let retire = PlannedChange::new(Side::Actual, Operation::Action("retire".into()))
///     .with_key([FieldValue::new("serial", "A1")])
///     .with_after([FieldValue::new("keep_enrolment", false)])
///     .with_fact("lost", true);
/// assert_eq!(retire.to_string(), "retire serial = A1 on the actual side");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedChange {
    target: Side,
    operation: Operation,
    key: Vec<FieldValue>,
    id: Option<Value>,
    version: Option<Value>,
    before: Vec<FieldValue>,
    after: Vec<FieldValue>,
    wave: u32,
    facts: BTreeMap<String, Fact>,
    findings: Vec<FindingId>,
}

impl PlannedChange {
    /// A change of the system on this side; it needs a key yet.
    pub fn new(target: Side, operation: Operation) -> Self {
        Self {
            target,
            operation,
            key: Vec::new(),
            id: None,
            version: None,
            before: Vec::new(),
            after: Vec::new(),
            wave: 0,
            facts: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    /// Sets the key of the record as its system has it; of a create, as it is to be.
    #[must_use]
    pub fn with_key(mut self, key: impl IntoIterator<Item = FieldValue>) -> Self {
        self.key = key.into_iter().collect();
        self
    }

    /// Sets the target's own identifier of the record.
    #[must_use]
    pub fn with_id(mut self, id: Option<Value>) -> Self {
        self.id = id;
        self
    }

    /// Sets the target's version of the record, which must still hold when the change is made.
    #[must_use]
    pub fn with_version(mut self, version: Option<Value>) -> Self {
        self.version = version;
        self
    }

    /// Sets the values that must still hold when the change is made.
    #[must_use]
    pub fn with_before(mut self, before: impl IntoIterator<Item = FieldValue>) -> Self {
        self.before = before.into_iter().collect();
        self
    }

    /// Sets the values that it gives the record; of an action, its arguments.
    #[must_use]
    pub fn with_after(mut self, after: impl IntoIterator<Item = FieldValue>) -> Self {
        self.after = after.into_iter().collect();
        self
    }

    /// Sets in which wave it is made; waves are made in order, from 0.
    #[must_use]
    pub fn with_wave(mut self, wave: u32) -> Self {
        self.wave = wave;
        self
    }

    /// Adds something known of it, for the policy to ask about.
    #[must_use]
    pub fn with_fact(mut self, name: impl Into<String>, fact: impl Into<Fact>) -> Self {
        self.facts.insert(name.into(), fact.into());
        self
    }

    #[must_use]
    pub(super) fn with_findings(mut self, findings: impl IntoIterator<Item = FindingId>) -> Self {
        self.findings = findings.into_iter().collect();
        self
    }

    /// Says that something is so, whatever was said of it.
    pub(super) fn state(&mut self, name: &str) {
        self.facts.insert(name.to_owned(), Fact::Bool(true));
    }

    pub(super) fn with_facts(mut self, facts: BTreeMap<String, Fact>) -> Self {
        self.facts = facts;
        self
    }

    /// The side whose system is written.
    pub fn target(&self) -> Side {
        self.target
    }

    /// What is done.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The key of the record, field by field.
    pub fn key(&self) -> &[FieldValue] {
        &self.key
    }

    /// The target's own identifier of the record, where it is known.
    pub fn id(&self) -> Option<&Value> {
        self.id.as_ref()
    }

    /// The target's version of the record, where it is known.
    pub fn version(&self) -> Option<&Value> {
        self.version.as_ref()
    }

    /// The values that must still hold: of an update those that change, of a delete all.
    pub fn before(&self) -> &[FieldValue] {
        &self.before
    }

    /// The values that it gives the record; of an action, its arguments.
    pub fn after(&self) -> &[FieldValue] {
        &self.after
    }

    /// The names of the fields that it writes.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.after.iter().map(FieldValue::name)
    }

    /// In which wave it is made.
    pub fn wave(&self) -> u32 {
        self.wave
    }

    /// What is known of it beside its values. In a plan that is `renamed` where the key itself changes
    /// and `shares_id` where a record to delete and one to create have the same id, whoever proposes
    /// them; the planner says `shares_id` of a shared alternate key, too, and `cause` after a three-way
    /// comparison.
    pub fn facts(&self) -> &BTreeMap<String, Fact> {
        &self.facts
    }

    /// The findings that it settles.
    pub fn findings(&self) -> &[FindingId] {
        &self.findings
    }
}

/// What an operation is called: `create`, `update`, `delete`, or the action's name.
pub(crate) fn operation_name(operation: &Operation) -> &str {
    match operation {
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Delete => "delete",
        Operation::Action(name) => name,
        _ => "unknown",
    }
}

impl fmt::Display for PlannedChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key: Vec<String> = self.key.iter().map(FieldValue::to_string).collect();
        let (what, key) = (operation_name(&self.operation), key.join(", "));
        write!(f, "{what} {key} on the {} side", self.target)
    }
}
