//! Plans.

use napi_derive::napi;
use serde_json::json;
use trueup_bindings::plan::Planning;
use trueup_bindings::{flat, plan};

use crate::errors::OrThrow;
use crate::reconcile::read_side;
use crate::report::Report;
use crate::wire;
use crate::work::Work;

/// An ordered set of changes with a digest.
#[napi]
pub struct Plan(pub(crate) trueup::Plan);

#[napi]
impl Plan {
    /// The plan that settles a report's findings; `planning` has `kinds`, `references` and `stages`.
    #[napi]
    pub fn make(report: &Report, planning: String) -> napi::Result<Work> {
        let planning: Planning = wire::read(&planning, "the planner's settings").or_throw()?;
        let report = report.0.clone();
        Work::start(move |_| plan::make(&report, planning).map(Self))
    }

    /// A plan of changes that somebody proposes.
    #[napi]
    pub fn propose(
        name: String,
        reading: String,
        covered_rows: f64,
        changes: String,
    ) -> napi::Result<Plan> {
        let reading = wire::parse(&reading, "`reading`").or_throw()?;
        let changes = wire::parse(&changes, "`changes`").or_throw()?;
        plan::propose(&name, reading, covered_rows as u64, changes).or_throw().map(Self)
    }

    /// Reads the JSON form, and holds it to its digest.
    #[napi(factory)]
    pub fn from_json(text: String) -> napi::Result<Self> {
        trueup::Plan::from_json(&text).or_throw().map(Self)
    }

    /// The plan as JSON, with wide integers as decimals.
    #[napi(js_name = "toJSON")]
    pub fn to_json(&self) -> String {
        wire::text(self.0.to_json())
    }

    /// Everything but the changes.
    #[napi]
    pub fn facts(&self) -> String {
        wire::text(plan::facts(&self.0))
    }

    /// The changes.
    #[napi]
    pub fn changes(&self) -> String {
        wire::values(self.0.changes().iter().map(flat::change).collect())
    }

    /// The plan of the changes at these places.
    #[napi]
    pub fn narrow(&self, keep: Vec<bool>) -> napi::Result<Plan> {
        plan::narrow(&self.0, keep).or_throw().map(Self)
    }

    /// The plan that undoes these effects.
    #[napi]
    pub fn rollback(&self, effects: String, reading: String) -> napi::Result<Undoing> {
        let effects = wire::parse(&effects, "`effects`").or_throw()?;
        let reading = wire::parse(&reading, "`reading`").or_throw()?;
        plan::rollback(&self.0, effects, reading).or_throw().map(Undoing)
    }

    /// What a side's system calls the resource.
    #[napi]
    pub fn resource(&self, side: String) -> napi::Result<String> {
        Ok(self.0.resource(read_side(&side)?).to_owned())
    }
}

/// A plan that undoes another.
#[napi]
pub struct Undoing(trueup::Rollback);

#[napi]
impl Undoing {
    /// The plan.
    #[napi]
    pub fn plan(&self) -> Plan {
        Plan(self.0.plan.clone())
    }

    /// The places of changes that cannot be undone, as JSON.
    #[napi]
    pub fn irreversible(&self) -> String {
        json!(self.0.irreversible).to_string()
    }
}
