//! What a plan was made from, and what it would do in numbers.

use serde::{Deserialize, Serialize};
use trueup_connector::{Identity, Operation, Provenance};

use super::change::PlannedChange;
use crate::reconcile::Side;

/// What a plan was made from. All of it enters the plan's digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Origin {
    /// Whose records they are.
    pub tenant: String,
    /// The name of the reconciliation, or of what proposes the plan.
    pub name: String,
    /// What is compared, in the reconciliation's words.
    pub resource: String,
    /// Names the reading of the expected side.
    pub expected_read: String,
    /// Names the reading of the actual side.
    pub actual_read: String,
    /// The system that was read for the expected side; what is not known of it is empty.
    pub expected_system: Identity,
    /// The system that was read for the actual side; what is not known of it is empty.
    pub actual_system: Identity,
}

impl Origin {
    /// A plan under this name, on a reading of the actual side.
    pub fn new(name: impl Into<String>, actual: &Provenance) -> Self {
        Self {
            tenant: actual.tenant.clone(),
            name: name.into(),
            resource: actual.resource.clone(),
            actual_read: actual.read_id.clone(),
            actual_system: system(actual),
            ..Self::default()
        }
    }

    /// Sets whose records they are.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Sets the reading of the expected side.
    #[must_use]
    pub fn with_expected(mut self, expected: &Provenance) -> Self {
        self.expected_read = expected.read_id.clone();
        self.expected_system = system(expected);
        self
    }

    /// The system that was read for one side.
    pub(super) fn system(&self, side: Side) -> &Identity {
        match side {
            Side::Expected => &self.expected_system,
            Side::Actual => &self.actual_system,
        }
    }
}

fn system(read: &Provenance) -> Identity {
    Identity::new(&read.system, &read.instance).with_tenant(&read.tenant)
}

/// What a plan would do to the system on one side, in numbers: what limits are measured against.
///
/// ```
/// use trueup::{Impact, Side};
///
/// let impact = Impact::new(Side::Actual, 200).with_wanted_rows(180);
/// assert_eq!(impact.changes(), 0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Impact {
    /// The side whose system is written.
    pub target: Side,
    /// How many records are made.
    pub creates: u64,
    /// How many records are changed.
    pub updates: u64,
    /// How many records are removed.
    pub deletes: u64,
    /// How many actions are carried out.
    pub actions: u64,
    /// How many of the target's records the plan can speak of: those that the other side's coverage
    /// includes. Shares are shares of this number.
    pub covered_rows: u64,
    /// How many records the other side has: what the target is to be made like.
    pub wanted_rows: u64,
    /// Whether the rows are what a proposer says, not what was counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub claimed: bool,
}

impl Impact {
    /// No change yet, of a system with so many covered records.
    pub fn new(target: Side, covered_rows: u64) -> Self {
        Self {
            target,
            creates: 0,
            updates: 0,
            deletes: 0,
            actions: 0,
            covered_rows,
            wanted_rows: 0,
            claimed: false,
        }
    }

    /// Sets how many records the other side has.
    #[must_use]
    pub fn with_wanted_rows(mut self, rows: u64) -> Self {
        self.wanted_rows = rows;
        self
    }

    /// How many changes there are.
    pub fn changes(&self) -> u64 {
        self.creates + self.updates + self.deletes + self.actions
    }

    /// The same rows, with the changes of a plan counted.
    pub(super) fn counting(mut self, changes: &[PlannedChange]) -> Self {
        (self.creates, self.updates, self.deletes, self.actions) = (0, 0, 0, 0);
        for change in changes.iter().filter(|change| change.target() == self.target) {
            *match change.operation() {
                Operation::Create => &mut self.creates,
                Operation::Update => &mut self.updates,
                Operation::Delete => &mut self.deletes,
                _ => &mut self.actions,
            } += 1;
        }
        self
    }
}
