//! Our policies: a plan of one change each, and one plan of all changes.

use serde_json::json;
use trueup::guard::{Actor, Outcome, Policy, Request};
use trueup::{Fact, FieldValue, Impact, Operation, Origin, Plan, PlannedChange, Provenance, Side};
use trueup_benches::Result;
use trueup_benches::measure::{Case, count, report, report_decisions};
use trueup_benches::rules::{ACTOR, Change, ENVIRONMENT, RESOURCE, Trial};

const NOW: i64 = 1_767_225_600_000;

/// Decides plans of one change each.
pub(crate) fn each(case: &Case) -> Result<()> {
    let trial = Trial::of_case(&case.name)?;
    let (policy, request) = (policy(&trial)?, request());
    let plans = trial.changes.iter().map(|change| plan(std::slice::from_ref(change)));
    let plans = plans.collect::<Result<Vec<_>>>()?;
    report_decisions(super::TOOL, case, &plans, |plan| {
        Ok(policy.decide(plan, &request).outcome() == Outcome::Allow)
    })
}

/// Decides one plan of all changes.
pub(crate) fn all(case: &Case) -> Result<()> {
    let trial = Trial::of_case(&case.name)?;
    let (policy, request, plan) = (policy(&trial)?, request(), plan(&trial.changes)?);
    report(super::TOOL, case, || {
        let decision = policy.decide(&plan, &request);
        let outcomes = (0..plan.changes().len()).map(|place| decision.change(place));
        let counts =
            count(outcomes.map(|one| Ok(one.ok_or("no decision")?.outcome() == Outcome::Allow)))?;
        Ok((counts, decision))
    })
}

fn policy(trial: &Trial) -> Result<Policy> {
    let rules: Vec<_> = trial.rules.iter().map(|rule| rule.policy()).collect();
    let facts = json!({ "size": "int", "owner": "string", "tags": "list", "managed": "bool" });
    let document = json!({ "version": 1, "name": "bench", "facts": facts, "rule": rules });
    Ok(Policy::from_json(&document.to_string())?)
}

fn request() -> Request {
    Request::new(Actor::new(ACTOR).on_behalf_of("person:ana"), NOW).with_environment(ENVIRONMENT)
}

fn plan(changes: &[Change]) -> Result<Plan> {
    let read = Provenance::read("bench", RESOURCE).with_read_id("r-1");
    let planned =
        changes.iter().enumerate().map(|(place, change)| planned(place, change)).collect();
    Ok(Plan::propose(Origin::new("bench", &read), [Impact::new(Side::Actual, 1_000_000)], planned)?)
}

fn planned(place: usize, change: &Change) -> PlannedChange {
    let (operation, after) = match change.action {
        "create" => (Operation::Create, Some(FieldValue::new("name", "x"))),
        "update" => (Operation::Update, Some(FieldValue::new("name", "x"))),
        _ => (Operation::Delete, None),
    };
    PlannedChange::new(Side::Actual, operation)
        .with_key([FieldValue::new("id", place.to_string())])
        .with_after(after)
        .with_fact("size", change.size)
        .with_fact("owner", &*change.owner)
        .with_fact("tags", Fact::List(change.tags.clone()))
        .with_fact("managed", change.managed)
}
