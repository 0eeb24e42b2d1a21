//! Break-glass against clocks: it lifts the freezes and windows of the rules it names, and no others.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeSet;

use trueup::guard::{
    Actor, Answer, Approval, Approver, BreakGlass, Decision, GrantedBy, Opening, Outcome, Policy,
    Request, Standing,
};
use trueup::{FieldValue, Impact, Operation, Origin, Plan, PlannedChange, Provenance, Side};

const NOW: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z, 01:00 in Rome
const HOUR: i64 = 3_600_000;

const FREEZE: &str =
    "freeze = [{ zone = \"Europe/Rome\", from = \"2025-12-20T18:00\", to = \"2026-01-04T08:00\" }]";
const WINDOW: &str = "window = [{ zone = \"Europe/Rome\", from = \"18:00\", to = \"23:00\" }]";

/// A policy whose rule `updates` lets updates through at some times only, and with these rules besides.
fn policy(when: &str, more: &str) -> Policy {
    let head = "version = 1\nname = \"n\"\nbreak_glass = \"owner\"\n";
    let rule = "[[rule]]\nid = \"updates\"\naction = \"update\"\noutcome = \"allow\"\n";
    Policy::from_toml(&format!("{head}{rule}{when}\n{more}")).unwrap()
}

fn plan() -> Plan {
    let read = Provenance::read("s", "devices").with_read_id("r");
    let update = PlannedChange::new(Side::Actual, Operation::Update)
        .with_key([FieldValue::new("id", "1")])
        .with_after([FieldValue::new("name", "x")]);
    Plan::propose(Origin::new("n", &read), [Impact::new(Side::Actual, 240)], vec![update]).unwrap()
}

fn request(now: i64) -> Request {
    Request::new(Actor::new("person:ana"), now)
}

fn opened(policy: &Policy, lifts: &[&str]) -> BreakGlass {
    let opening = Opening {
        requester: request(NOW).actor().clone(),
        lifts: lifts.iter().map(|id| (*id).to_owned()).collect(),
        reason: "outage 17".into(),
        from: NOW,
        until: NOW + 2 * HOUR,
    };
    let asked = opening.asked(policy).unwrap();
    let answers = ["person:bo", "person:cy"].map(|person| {
        let approver = Approver::new(person, ["owner"]);
        Approval::new(Answer::Approve, approver, asked.binding().clone(), NOW).attested("desk")
    });
    BreakGlass::open(policy, opening, &answers, NOW, &no_keys).unwrap()
}

fn no_keys(_: &Approver, _: &str, _: &[u8], _: &[u8]) -> bool {
    false
}

fn lifted(decision: &Decision) -> Vec<&str> {
    decision.lifted().iter().map(|id| &**id).collect()
}

#[test]
fn it_lifts_a_freeze_and_a_window() {
    for when in [FREEZE, WINDOW, &format!("{FREEZE}\n{WINDOW}")] {
        let (policy, plan, now) = (policy(when, ""), plan(), NOW + HOUR);
        assert_eq!(policy.decide(&plan, &request(now)).outcome(), Outcome::Deny, "{when}");
        let glass = opened(&policy, &["updates"]);
        let decision = glass.decide(&policy, &plan, &request(now)).unwrap();
        assert_eq!(decision.outcome(), Outcome::Allow, "{when}");
        assert_eq!(lifted(&decision), ["updates"]);
        assert_eq!(decision.valid_until(), NOW + 2 * HOUR, "no longer than it is open");

        let (grant, review) = glass.grant(&decision, &[], &BTreeSet::new(), now, &no_keys).unwrap();
        assert!(matches!(grant.by(), GrantedBy::BreakGlass { people, .. } if people.len() == 2));
        assert_eq!((review.plan, review.due), (plan.digest(), now + 48 * HOUR));
        grant.permits(&decision, now).unwrap();
        let without = policy.decide(&plan, &request(now));
        assert!(grant.permits(&without, now).is_err(), "the clocks hold without break-glass");
    }
}

#[test]
fn what_clocks_it_lifted_only_break_glass_grants() {
    let (policy, plan) = (policy(FREEZE, ""), plan());
    let decision = opened(&policy, &["updates"]).decide(&policy, &plan, &request(NOW)).unwrap();
    let asked = decision.asked().unwrap();
    let Standing::Granted(plain) = asked.standing(&[], NOW, &no_keys) else {
        panic!("nobody is asked, so it stands")
    };
    let error = plain.permits(&decision, NOW).unwrap_err();
    assert!(error.message().contains("only break-glass grants it"), "{error}");
}

#[test]
fn a_grant_of_one_opening_serves_under_no_other() {
    let other = format!("[[rule]]\nid = \"everything\"\noutcome = \"allow\"\n{FREEZE}\n");
    let (policy, plan) = (policy(WINDOW, &other), plan());
    let decide =
        |lifts: &[&str]| opened(&policy, lifts).decide(&policy, &plan, &request(NOW)).unwrap();
    let both = opened(&policy, &["updates", "everything"]);
    let (grant, _) = both
        .grant(&decide(&["updates", "everything"]), &[], &BTreeSet::new(), NOW, &no_keys)
        .unwrap();
    let mut opening = both.opening().clone();
    opening.reason = "another outage".into();
    let asked = opening.asked(&policy).unwrap();
    let answers = ["person:bo", "person:cy"].map(|person| {
        let approver = Approver::new(person, ["owner"]);
        Approval::new(Answer::Approve, approver, asked.binding().clone(), NOW).attested("desk")
    });
    let another = BreakGlass::open(&policy, opening, &answers, NOW, &no_keys).unwrap();
    let decision = another.decide(&policy, &plan, &request(NOW)).unwrap();
    assert_eq!(decision.outcome(), Outcome::Allow);
    let error = grant.permits(&decision, NOW).unwrap_err();
    assert!(error.message().contains("of the same opening"), "{error}");
    assert!(both.grant(&decision, &[], &BTreeSet::new(), NOW, &no_keys).is_err());
}

#[test]
fn clocks_of_other_rules_stay() {
    let other = format!("[[rule]]\nid = \"everything\"\noutcome = \"allow\"\n{FREEZE}\n");
    let (policy, plan) = (policy(WINDOW, &other), plan());
    let decide = |lifts: &[&str]| {
        opened(&policy, lifts).decide(&policy, &plan, &request(NOW)).unwrap().outcome()
    };
    assert_eq!(decide(&["updates"]), Outcome::Deny, "the freeze of `everything` holds");
    assert_eq!(decide(&["everything"]), Outcome::Deny, "the window of `updates` is closed");
    assert_eq!(decide(&["everything", "updates"]), Outcome::Allow);
}

#[test]
fn clocks_that_say_never_stay_and_so_does_a_denial() {
    let never = format!("{FREEZE}\nnever = true");
    let error = Opening {
        requester: request(NOW).actor().clone(),
        lifts: vec!["updates".into()],
        reason: "outage 17".into(),
        from: NOW,
        until: NOW + HOUR,
    }
    .asked(&policy(&never, ""))
    .unwrap_err();
    assert!(error.message().contains("says `never`"), "{error}");

    let denial = "[[rule]]\nid = \"no\"\noutcome = \"deny\"\n";
    let (policy, plan) = (policy(FREEZE, denial), plan());
    let decision = opened(&policy, &["updates"]).decide(&policy, &plan, &request(NOW)).unwrap();
    assert_eq!(decision.outcome(), Outcome::Deny);
    assert_eq!(lifted(&decision), ["updates"]);
}
