//! The decision lattice: order never matters, doubt only raises, R3 always asks, limits count all.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use trueup::guard::{Actor, NOTHING_MATCHES, Outcome, Policy, Request, Risk, SHARED_ID_ASKS};
use trueup::{Fact, FieldValue, Impact, Operation, Origin, Plan, PlannedChange, Provenance, Side};

const NOW: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z, a Thursday

fn change(place: usize, operation: Operation) -> PlannedChange {
    let of =
        if operation == Operation::Delete { vec![] } else { vec![FieldValue::new("name", "x")] };
    PlannedChange::new(Side::Actual, operation)
        .with_key([FieldValue::new("id", place.to_string())])
        .with_after(of)
}

fn plan_of(changes: Vec<PlannedChange>, covered: u64) -> Plan {
    let read = Provenance::read("s", "devices").with_read_id("r");
    let impact = Impact::new(Side::Actual, covered).with_wanted_rows(covered);
    Plan::propose(Origin::new("n", &read), [impact], changes).unwrap()
}

fn deletes(count: usize, covered: u64) -> Plan {
    plan_of((0..count).map(|i| change(i, Operation::Delete)).collect(), covered)
}

fn request() -> Request {
    Request::new(Actor::new("agent:sync").on_behalf_of("person:ana"), NOW)
        .with_environment("production")
}

fn policy(rules: Json) -> Policy {
    let facts = json!({ "a": "bool", "b": "int", "c": "string" });
    let document = json!({ "version": 1, "name": "t", "facts": facts, "rule": rules });
    Policy::from_json(&document.to_string()).unwrap()
}

// --- the standard policy ---------------------------------------------------------------------------

#[test]
fn the_standard_policy_denies_masses_and_asks_two_for_deletes() {
    let policy = Policy::standard().unwrap();
    for (count, covered, want) in [
        (1, 10, Outcome::Ask),
        (10, 10, Outcome::Ask),
        (11, 10, Outcome::Deny),
        (12, 240, Outcome::Ask),
        (13, 240, Outcome::Deny),
        (500, 10_000, Outcome::Ask),
        (501, 100_000, Outcome::Deny),
    ] {
        let request = request().with_covered_rows(Side::Actual, covered);
        let decision = policy.decide(&deletes(count, covered), &request);
        assert_eq!(decision.outcome(), want, "{count} of {covered}");
        assert_eq!(decision.risk(), Risk::R3);
        assert_eq!(decision.asks().iter().map(|ask| ask.count).collect::<Vec<_>>(), [2]);
    }
    let updates =
        |n: usize, of| plan_of((0..n).map(|i| change(i, Operation::Update)).collect(), of);
    assert_eq!(policy.decide(&updates(5, 100), &request()).outcome(), Outcome::Allow);
    assert_eq!(policy.decide(&updates(26, 100), &request()).outcome(), Outcome::Ask);
    let counted = request().with_covered_rows(Side::Actual, 100);
    assert_eq!(policy.decide(&updates(25, 100), &counted).outcome(), Outcome::Allow);
    let wipe = plan_of(vec![change(0, Operation::Action("wipe".into()))], 100);
    assert_eq!(policy.decide(&wipe, &request()).asks()[0].count, 2);
}

#[test]
fn a_side_that_shrank_denies_everything() {
    let policy = Policy::standard().unwrap();
    let plan = plan_of(vec![change(0, Operation::Update)], 80);
    assert_eq!(policy.decide(&plan, &request().with_agreed_rows(100)).outcome(), Outcome::Allow);
    let decision = policy.decide(&plan, &request().with_agreed_rows(101));
    assert_eq!(decision.outcome(), Outcome::Deny);
    assert!(decision.change(0).unwrap().rules().iter().any(|id| &**id == "shrunken"));
}

#[test]
fn a_shared_id_always_asks() {
    let policy = policy(json!([{ "id": "all", "outcome": "allow" }]));
    let plan = plan_of(
        vec![
            change(0, Operation::Update).with_fact("shares_id", true),
            change(1, Operation::Update),
        ],
        9,
    );
    let decision = policy.decide(&plan, &request());
    assert_eq!(decision.places(Outcome::Ask).collect::<Vec<_>>(), [0]);
    assert!(decision.change(0).unwrap().rules().iter().any(|id| &**id == SHARED_ID_ASKS));
}

#[test]
fn nothing_matches_is_denied() {
    let policy = policy(json!([{ "id": "others", "actor": "agent:other", "outcome": "allow" }]));
    let decision = policy.decide(&deletes(1, 9), &request());
    assert_eq!(decision.outcome(), Outcome::Deny);
    assert_eq!(&*decision.change(0).unwrap().rules()[0], NOTHING_MATCHES);
}

#[test]
fn the_explanation_names_the_smallest_change() {
    let policy = Policy::standard().unwrap();
    let counted = request().with_covered_rows(Side::Actual, 240);
    let text = policy.explain(&deletes(40, 240), &counted).to_string();
    assert!(text.contains("→ 40 of 240 rows on the actual side match, and 12 may (rule `delete-many`): narrow to 12 or fewer"), "{text}");
    let text = policy.explain(&deletes(12, 240), &counted).to_string();
    assert!(text.contains("→ ask 2 people with role `owner`"), "{text}");
    let unruled = Policy::from_toml("version = 1\nname = \"n\"\nrule = []").unwrap();
    let text = unruled.explain(&deletes(2, 9), &request()).to_string();
    assert!(
        text.contains("no rule lets anybody delete devices: leave out 2 changes, or write a rule"),
        "{text}"
    );
}

#[test]
fn windows_say_when_they_open() {
    let night = json!([{ "id": "night", "outcome": "allow",
        "window": [{ "zone": "Europe/Rome", "from": "18:00", "to": "24:00" }] }]);
    let (policy, plan) = (policy(night), deletes(1, 9));
    let decision = policy.decide(&plan, &request());
    assert_eq!(decision.outcome(), Outcome::Deny);
    let text = policy.explain(&plan, &request()).to_string();
    assert!(
        text.contains(
            "wait until 2026-01-01 18:00 Europe/Rome (2026-01-01T17:00:00Z) (rule `night`)"
        ),
        "{text}"
    );
    let opens = NOW + 17 * 3_600_000;
    let at = |now| policy.decide(&plan, &Request::new(Actor::new("agent:sync"), now));
    assert_eq!(at(opens - 1).outcome(), Outcome::Deny);
    assert_eq!(at(opens - 1).valid_until(), opens);
    assert_eq!(at(opens).outcome(), Outcome::Allow);
    assert!(!at(opens).zone_data().is_empty());
}

#[test]
fn usage_counts_against_rates_and_what_was_not_said_counts_as_used_up() {
    let rules = json!([{ "id": "r", "outcome": "allow", "rate": { "count": 10, "per": "1h" },
        "budget": { "count": 20, "per": "day", "zone": "UTC" } }]);
    let (policy, plan) = (policy(rules), deletes(3, 9));
    let with = |rate, budget| request().with_used("r/rate", rate).with_used("r/budget", budget);
    assert_eq!(policy.decide(&plan, &with(7, 17)).outcome(), Outcome::Allow);
    assert_eq!(policy.decide(&plan, &with(8, 0)).outcome(), Outcome::Deny);
    assert_eq!(policy.decide(&plan, &with(0, 18)).outcome(), Outcome::Deny);
    assert_eq!(policy.decide(&plan, &request()).outcome(), Outcome::Deny);
    let uses = policy
        .decide(&plan, &with(7, 17))
        .uses()
        .iter()
        .map(|u| (u.limit.clone(), u.count))
        .collect::<Vec<_>>();
    assert_eq!(uses, [("r/rate".to_owned(), 3), ("r/budget".to_owned(), 3)]);
    let since = policy.usages(&plan, NOW).iter().map(|u| u.since).collect::<Vec<_>>();
    assert_eq!(since, [NOW - 3_600_000, NOW]);
    let text = policy.explain(&plan, &with(8, 0)).to_string();
    assert!(text.contains("narrow to 2 or fewer"), "{text}");
}

#[test]
fn what_a_proposer_says_of_the_rows_softens_no_limit() {
    let (policy, plan) = (Policy::standard().unwrap(), deletes(500, u64::MAX));
    assert_eq!(policy.decide(&plan, &request()).outcome(), Outcome::Deny);
    let counted = |rows| request().with_covered_rows(Side::Actual, rows);
    assert_eq!(policy.decide(&plan, &counted(600)).outcome(), Outcome::Deny);
    assert_eq!(policy.decide(&plan, &counted(10_000)).outcome(), Outcome::Ask);
    let unseen = json!([{ "id": "all", "outcome": "allow" },
        { "id": "few", "when": "plan.covered_rows < 10", "outcome": "ask" }]);
    let decision = self::policy(unseen).decide(&plan, &request());
    assert_eq!(decision.outcome(), Outcome::Ask, "the claim is no knowledge");
    assert_eq!(decision.change(0).unwrap().doubts().len(), 1);
}

#[test]
fn a_plan_in_parts_is_counted_as_one() {
    let policy = Policy::standard().unwrap();
    let counted = request().with_covered_rows(Side::Actual, 240);
    let part = |from: usize| {
        let deletes = (from..from + 12).map(|i| change(i, Operation::Delete)).collect();
        plan_of(deletes, 240)
    };
    let first = policy.decide(&part(0), &counted);
    assert_eq!(first.outcome(), Outcome::Ask);
    // What the store answers once the first part was carried out.
    let after = first.uses().iter().filter(|taken| taken.limit.starts_with("delete-many/"));
    let after = after.fold(counted, |r, taken| r.with_used(taken.limit.clone(), taken.count));
    assert_eq!(policy.decide(&part(12), &after).outcome(), Outcome::Deny);
    let text = policy.explain(&part(12), &after).to_string();
    assert!(text.contains("12 of 12 on the actual side were done by other plans"), "{text}");
    let names: Vec<_> = policy.usages(&part(12), NOW).into_iter().map(|u| u.limit).collect();
    assert!(first.uses().iter().all(|taken| names.contains(&taken.limit)), "{names:?}");
}

#[test]
fn what_the_host_says_is_not_outdone_by_a_proposal() {
    let policy = policy(json!([{ "id": "all", "outcome": "allow" },
        { "id": "not-a", "when": "!facts.a", "outcome": "ask" }]));
    let claims = plan_of(vec![change(0, Operation::Update).with_fact("a", true)], 9);
    assert_eq!(policy.decide(&claims, &request()).outcome(), Outcome::Allow);
    assert_eq!(policy.decide(&claims, &request().with_fact("a", true)).outcome(), Outcome::Allow);
    let decision = policy.decide(&claims, &request().with_fact("a", false));
    assert_eq!(decision.outcome(), Outcome::Ask);
}

#[test]
fn a_limit_counts_what_it_may_match_and_so_cannot_be_evaded_by_silence() {
    let rules = json!([{ "id": "all", "outcome": "allow" },
        { "id": "few", "when": "facts.a", "limit": { "at_most": 1 } }]);
    let plan = plan_of(
        vec![change(0, Operation::Update).with_fact("a", true), change(1, Operation::Update)],
        9,
    );
    let decision = policy(rules).decide(&plan, &request());
    assert_eq!(decision.outcome(), Outcome::Deny);
    assert_eq!(&*decision.change(1).unwrap().doubts()[0], "few");
}

// --- properties ------------------------------------------------------------------------------------

fn rule(id: usize) -> impl Strategy<Value = Json> {
    let when = prop::option::of(prop::sample::select(vec![
        "facts.a",
        "!facts.a",
        "facts.b > 3",
        "facts.c == 'x' || facts.a",
        "has(facts.c) && facts.b / facts.b == 1",
        "plan.deletes > 2",
        "change.action == 'delete'",
        "10 / facts.b > 2",
    ]));
    let action =
        prop::option::of(prop::sample::select(vec!["create", "update", "delete", "*e", "wi*"]));
    let says = prop::sample::select(vec![
        json!({ "outcome": "allow" }),
        json!({ "outcome": "allow", "risk": "R1" }),
        json!({ "outcome": "ask", "ask": { "count": 2 } }),
        json!({ "outcome": "ask", "ask": { "roles": ["security"] }, "score": 9 }),
        json!({ "outcome": "deny" }),
        json!({ "risk": "R3" }),
        json!({ "risk": "R2", "score": 50, "timeout": "5m" }),
        json!({ "limit": { "at_most": 2 } }),
        json!({ "limit": { "at_least": 1, "share": "10%" }, "over": "ask" }),
        json!({ "outcome": "allow", "rate": { "count": 3, "per": "1h" }, "evidence": "pack" }),
        json!({ "outcome": "allow", "window": [{ "zone": "Europe/Rome", "from": "02:00", "to": "18:00" }] }),
    ]);
    (when, action, says).prop_map(move |(when, action, mut says)| {
        says["id"] = json!(format!("r{id}"));
        for (name, value) in [("when", when), ("action", action)] {
            if let Some(value) = value {
                says[name] = json!(value);
            }
        }
        says
    })
}

fn rules() -> impl Strategy<Value = Vec<Json>> {
    (1_usize..7).prop_flat_map(|n| (0..n).map(rule).collect::<Vec<_>>())
}

fn facts() -> impl Strategy<Value = Vec<(String, Fact)>> {
    let one = (
        prop::option::of(any::<bool>()),
        prop::option::of(0_i64..6),
        prop::option::of(prop::sample::select(vec!["x", "y"])),
    );
    one.prop_map(|(a, b, c)| {
        let a = a.map(|a| ("a".to_owned(), Fact::from(a)));
        let b = b.map(|b| ("b".to_owned(), Fact::from(b)));
        let c = c.map(|c| ("c".to_owned(), Fact::from(c)));
        [a, b, c].into_iter().flatten().collect()
    })
}

fn changes() -> impl Strategy<Value = Vec<PlannedChange>> {
    let operation = prop::sample::select(vec![
        Operation::Create,
        Operation::Update,
        Operation::Delete,
        Operation::Action("wipe".into()),
    ]);
    prop::collection::vec((operation, facts()), 1..6).prop_map(|all| {
        let with = |(place, (operation, facts)): (usize, (Operation, Vec<(String, Fact)>))| {
            facts
                .into_iter()
                .fold(change(place, operation), |change, (name, fact)| change.with_fact(name, fact))
        };
        all.into_iter().enumerate().map(with).collect()
    })
}

fn without(change: &PlannedChange, place: usize, fact: &str) -> PlannedChange {
    let bare = self::change(place, change.operation().clone());
    let kept = change.facts().iter().filter(|(name, _)| *name != fact);
    kept.fold(bare, |bare, (name, fact)| bare.with_fact(name.clone(), fact.clone()))
}

fn used(used: Option<u64>) -> Request {
    (0..7).fold(request(), |request, i| match used {
        Some(count) => request.with_used(format!("r{i}/rate"), count),
        None => request,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn order_never_matters((shuffled, sorted) in rules().prop_flat_map(|r| (Just(r.clone()).prop_shuffle(), Just(r))), changes in changes()) {
        let (plan, request) = (plan_of(changes, 9), used(Some(1)));
        let (one, other) = (policy(json!(shuffled)), policy(json!(sorted)));
        prop_assert_eq!(one.hash(), other.hash());
        let (one, other) = (one.decide(&plan, &request), other.decide(&plan, &request));
        prop_assert_eq!(one.to_json().to_string(), other.to_json().to_string());
        prop_assert_eq!(one, other);
    }

    #[test]
    fn unknown_facts_only_raise(rules in rules(), changes in changes(), fact in prop::sample::select(vec!["a", "b", "c"])) {
        // Whether a fact is known may itself be asked for; then not knowing it is knowledge.
        let rules: Vec<Json> = rules.into_iter().filter(|r| !r["when"].as_str().is_some_and(|w| w.contains("has("))).collect();
        let policy = policy(json!(rules));
        let silent = changes.iter().enumerate().map(|(i, c)| without(c, i, fact)).collect();
        let (known, unknown) = (plan_of(changes, 9), plan_of(silent, 9));
        let (known, unknown) = (policy.decide(&known, &used(Some(1))), policy.decide(&unknown, &used(Some(1))));
        prop_assert!(unknown.outcome() >= known.outcome());
        for place in 0.. {
            let (Some(before), Some(after)) = (known.change(place), unknown.change(place)) else { break };
            prop_assert!(after.outcome() >= before.outcome(), "{} {:?} {:?}", place, before, after);
            prop_assert!(after.risk() >= before.risk());
        }
    }

    #[test]
    fn unsaid_usage_only_raises(rules in rules(), changes in changes(), count in 0_u64..5) {
        let (policy, plan) = (policy(json!(rules)), plan_of(changes, 9));
        prop_assert!(policy.decide(&plan, &used(None)).outcome() >= policy.decide(&plan, &used(Some(count))).outcome());
    }

    #[test]
    fn r3_always_asks(rules in rules(), changes in changes()) {
        let (policy, plan) = (policy(json!(rules)), plan_of(changes, 9));
        let decision = policy.decide(&plan, &used(Some(0)));
        for (change, _) in decision.groups() {
            prop_assert!(change.risk() < Risk::R3 || change.outcome() >= Outcome::Ask);
            prop_assert!(change.outcome() != Outcome::Ask || !change.asks().is_empty(), "somebody is asked");
        }
    }

    #[test]
    fn another_denial_never_lowers(mut rules in rules(), extra in rule(99), changes in changes()) {
        let plan = plan_of(changes, 9);
        let before = policy(json!(rules)).decide(&plan, &used(Some(1)));
        let mut deny = json!({ "id": "deny", "outcome": "deny" });
        for name in ["when", "action"] {
            if !extra[name].is_null() {
                deny[name] = extra[name].clone();
            }
        }
        rules.push(deny);
        let after = policy(json!(rules)).decide(&plan, &used(Some(1)));
        for place in 0..plan.changes().len() {
            prop_assert!(after.change(place).unwrap().outcome() >= before.change(place).unwrap().outcome());
        }
    }

    #[test]
    fn narrowing_to_what_the_limit_says_passes(count in 1_usize..700, covered in 1_u64..20_000) {
        let (policy, plan) = (Policy::standard().unwrap(), deletes(count, covered));
        let decision = policy.decide(&plan, &request());
        let allowed = decision.counts()[0].allowed;
        prop_assert_eq!(decision.outcome() == Outcome::Deny, count as u64 > allowed);
        let mut kept = 0;
        let narrowed = plan.narrow(|_| { kept += 1; kept <= allowed }).unwrap();
        prop_assert_eq!(policy.decide(&narrowed, &request()).outcome(), Outcome::Ask);
    }

    #[test]
    fn like_changes_are_decided_alike_in_groups_or_alone(rules in rules(), changes in changes()) {
        // A rule without counts decides each change by itself, so grouping must not show.
        let rules: Vec<Json> = rules.into_iter().filter(|r| r["limit"].is_null() && r["rate"].is_null()).collect();
        let rules: Vec<Json> = rules.into_iter().filter(|r| r["when"] != json!("plan.deletes > 2")).collect();
        let policy = policy(json!(rules));
        let together = policy.decide(&plan_of(changes.clone(), 9), &request());
        let plan = plan_of(changes, 9);
        for (place, change) in plan.changes().iter().enumerate() {
            let alone = policy.decide(&plan_of(vec![change.clone()], 9), &request());
            prop_assert_eq!(alone.change(0), together.change(place));
        }
    }
}
