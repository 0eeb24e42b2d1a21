//! Plans.

use std::sync::Arc;

use serde_json::Value as Json;
use trueup_bindings::{compare, flat, plan};

use crate::call::Call;
use crate::errors::Told;
use crate::report::Report;
use crate::wire;

/// An ordered set of changes with a digest.
#[derive(uniffi::Object)]
pub struct Plan(pub(crate) trueup::Plan);

/// The plan that settles a report's findings.
#[uniffi::export]
pub async fn make_plan(report: Arc<Report>, settings: String, call: Arc<Call>) -> Told<Arc<Plan>> {
    let planning = wire::read(&settings, "the planner's settings")?;
    call.start(move |_| plan::make(&report.0, planning).map(shared)).await
}

pub(crate) fn shared(plan: trueup::Plan) -> Arc<Plan> {
    Arc::new(Plan(plan))
}

#[uniffi::export]
impl Plan {
    /// A plan of changes that somebody proposes.
    #[uniffi::constructor]
    pub fn propose(
        name: String,
        reading: String,
        covered_rows: u64,
        changes: String,
    ) -> Told<Self> {
        let reading = wire::read(&reading, "`reading`")?;
        let changes = wire::read(&changes, "`changes`")?;
        Ok(Self(plan::propose(&name, reading, covered_rows, changes)?))
    }

    /// Reads the JSON form, and holds it to its digest.
    #[uniffi::constructor]
    pub fn from_json(text: String) -> Told<Self> {
        Ok(Self(trueup::Plan::from_json(&text)?))
    }

    /// The plan as JSON.
    pub fn to_json(&self) -> String {
        self.0.to_json().to_string()
    }

    /// Everything but the changes.
    pub fn facts(&self) -> String {
        plan::facts(&self.0).to_string()
    }

    /// The changes, as JSON.
    pub fn changes(&self) -> String {
        Json::from_iter(self.0.changes().iter().map(flat::change)).to_string()
    }

    /// What a side's system calls the resource.
    pub fn resource(&self, side: String) -> Told<String> {
        Ok(self.0.resource(compare::side(&side)?).to_owned())
    }

    /// The plan of the changes at these places.
    pub fn narrow(&self, keep: Vec<bool>) -> Told<Self> {
        Ok(Self(plan::narrow(&self.0, keep)?))
    }

    /// The plan that undoes these effects.
    pub fn rollback(&self, effects: String, reading: String) -> Told<Undoing> {
        let effects = wire::read(&effects, "`effects`")?;
        let reading = wire::read(&reading, "`reading`")?;
        let undoing = plan::rollback(&self.0, effects, reading)?;
        let irreversible = undoing.irreversible.iter().map(|place| *place as u64).collect();
        Ok(Undoing { plan: shared(undoing.plan), irreversible })
    }
}

/// A plan that undoes another.
#[derive(uniffi::Record)]
pub struct Undoing {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The places of changes that cannot be undone.
    pub irreversible: Vec<u64>,
}
