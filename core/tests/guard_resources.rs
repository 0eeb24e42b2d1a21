//! Rules hold for what is written, whatever a plan calls it.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use std::num::NonZero;

use serde_json::json;
use trueup::guard::{Actor, Outcome, Policy, Request};
use trueup::{Plan, Planner, Provenance, Reconciliation, Run, Snapshot};

/// A plan that brings a record of `payroll` in line, under the reconciliation's own word for it.
fn plan(called: &str) -> Plan {
    let side = |os: &str, reading| {
        let rows = [json!({"id": 1, "os": os})].map(|row| row.as_object().unwrap().clone());
        let read = Provenance::read("fleet", "payroll").with_instance("eu").with_read_id(reading);
        Snapshot::from_json(&rows).unwrap().with_provenance(read)
    };
    let document = Reconciliation::new("n").with_resource(called).with_key(["id"]);
    let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
    let report = document.compare(&run, &side("14", "e"), &side("13", "a")).unwrap();
    Planner::new().plan(&report).unwrap()
}

fn decide(called: &str, rules: serde_json::Value) -> (Outcome, String) {
    let document = json!({ "version": 1, "name": "t", "rule": rules });
    let policy = Policy::from_json(&document.to_string()).unwrap();
    let request = Request::new(Actor::new("agent:sync"), 0);
    let explained = policy.explain(&plan(called), &request).to_string();
    (policy.decide(&plan(called), &request).outcome(), explained)
}

#[test]
fn a_denial_holds_for_the_resource_that_is_written_and_for_what_a_plan_calls_it() {
    let rules = |resource: &str| {
        json!([
            { "id": "all", "outcome": "allow" },
            { "id": "no", "resource": resource, "outcome": "deny" },
        ])
    };
    for called in ["", "harmless", "payroll"] {
        assert_eq!(decide(called, rules("payroll")).0, Outcome::Deny, "called `{called}`");
    }
    let (outcome, why) = decide("people", rules("people"));
    assert_eq!(outcome, Outcome::Deny);
    assert!(why.contains("the resource is `payroll` where it is written"), "{why}");
    assert_eq!(decide("harmless", rules("people")).0, Outcome::Allow);
}

#[test]
fn a_permission_holds_for_the_resource_that_is_written_alone() {
    let rules = |resource: &str| json!([{ "id": "a", "resource": resource, "outcome": "allow" }]);
    assert_eq!(decide("harmless", rules("harmless")).0, Outcome::Deny);
    assert_eq!(decide("harmless", rules("payroll")).0, Outcome::Allow);
}

#[test]
fn conditions_see_the_system_that_is_written() {
    let rules = json!([
        { "id": "all", "outcome": "allow" },
        { "id": "eu", "outcome": "ask",
          "when": "plan.system == 'fleet' && plan.instance == 'eu' && plan.resource == 'payroll'" },
    ]);
    assert_eq!(decide("harmless", rules).0, Outcome::Ask);
}
