//! Questions, answers, grants and break-glass: what counts, what does not, and the exact reason.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeSet;

use trueup::guard::{
    Actor, Answer, Approval, Approver, Asked, BreakGlass, Grant, GrantedBy, Opening, Outcome,
    Policy, Request, Standing,
};
use trueup::{FieldValue, Impact, Kind, Operation, Origin, Plan, PlannedChange, Provenance, Side};

const NOW: i64 = 1_767_225_600_000;
const HOUR: i64 = 3_600_000;

fn plan(deletes: usize, read: &str) -> Plan {
    let read = Provenance::read("s", "devices").with_read_id(read);
    let delete = |i: usize| {
        PlannedChange::new(Side::Actual, Operation::Delete)
            .with_key([FieldValue::new("id", i.to_string())])
    };
    let changes = (0..deletes).map(delete).collect();
    Plan::propose(Origin::new("n", &read), [Impact::new(Side::Actual, 240)], changes).unwrap()
}

fn request(now: i64) -> Request {
    Request::new(Actor::new("agent:sync").on_behalf_of("person:ana"), now)
}

fn asked() -> Asked {
    Policy::standard().unwrap().decide(&plan(5, "r1"), &request(NOW)).asked().unwrap()
}

fn owner(person: &str) -> Approver {
    Approver::new(person, ["owner"])
}

fn says(asked: &Asked, answer: Answer, approver: Approver, at: i64) -> Approval {
    Approval::new(answer, approver, asked.binding().clone(), at).attested("desk")
}

fn yes(asked: &Asked, person: &str) -> Approval {
    says(asked, Answer::Approve, owner(person), NOW + 1)
}

fn no_keys(_: &Approver, _: &str, _: &[u8], _: &[u8]) -> bool {
    false
}

fn standing(asked: &Asked, answers: &[Approval], now: i64) -> Standing {
    asked.standing(answers, now, &no_keys)
}

#[track_caller]
fn granted(asked: &Asked, answers: &[Approval]) -> Grant {
    match standing(asked, answers, NOW + 10) {
        Standing::Granted(grant) => grant,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn missing(asked: &Asked, answers: &[Approval], count: u32) {
    match standing(asked, answers, NOW + 10) {
        Standing::Waiting { missing, .. } => {
            assert_eq!(missing.iter().map(|ask| ask.count).sum::<u32>(), count)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_different_people_fill_two_seats() {
    let asked = asked();
    missing(&asked, &[], 2);
    missing(&asked, &[yes(&asked, "person:bo")], 1);
    missing(&asked, &[yes(&asked, "person:bo"), yes(&asked, "person:bo")], 1);
    let grant = granted(&asked, &[yes(&asked, "person:bo"), yes(&asked, "person:cy")]);
    assert_eq!(*grant.by(), GrantedBy::People(vec!["person:bo".into(), "person:cy".into()]));
    assert_eq!(grant.expires(), NOW + 24 * HOUR);
}

#[test]
fn who_may_not_answer_is_told_why() {
    let asked = asked();
    let of = |approver: Approver| says(&asked, Answer::Approve, approver, NOW + 1);
    let check = |approval: &Approval, why: &str| {
        let refusal = asked.refuses(approval, &[], NOW + 10, &no_keys).unwrap().to_string();
        assert!(refusal.contains(why), "{refusal}");
        missing(&asked, &[approval.clone(), yes(&asked, "person:bo")], 1);
    };
    check(&yes(&asked, "person:ana"), "`person:ana` asks for it and so cannot answer");
    check(&yes(&asked, "agent:sync"), "`agent:sync` is no person");
    let agent = Actor::new("agent:helper").on_behalf_of("person:cy");
    check(&of(owner("person:cy").with_actor(agent)), "is no person by themselves");
    check(&of(owner("person:cy").with_delegate_of("agent:sync")), "is a delegate of `agent:sync`");
    check(&of(owner("person:cy").with_delegate_of("person:ana")), "is a delegate of `person:ana`");
    check(&of(Approver::new("person:cy", ["guest"])), "has none of the roles that are asked");
    check(
        &Approval::new(Answer::Approve, owner("person:cy"), asked.binding().clone(), NOW + 1),
        "nobody vouches",
    );
    check(
        &yes(&asked, "person:cy").signed("k1", vec![1]),
        "the signature by `k1` is not over this answer",
    );
    check(&says(&asked, Answer::Approve, owner("person:cy"), NOW - 1), "check the clocks");
    check(&says(&asked, Answer::Approve, owner("person:cy"), NOW + 11), "check the clocks");
    check(
        &says(&asked, Answer::Approve, owner("person:cy"), NOW + 25 * HOUR),
        "the question was over",
    );
    let reject = Answer::Reject { reason: " ".into() };
    check(&says(&asked, reject, owner("person:cy"), NOW + 1), "lacks a reason");
}

#[test]
fn an_approvers_delegate_is_the_same_voice() {
    let asked = asked();
    let delegate = owner("person:cy").with_delegate_of("person:bo");
    missing(
        &asked,
        &[yes(&asked, "person:bo"), says(&asked, Answer::Approve, delegate, NOW + 1)],
        1,
    );
}

#[test]
fn answers_to_something_else_count_for_nothing() {
    let mine = asked();
    let other_plan =
        Policy::standard().unwrap().decide(&plan(5, "r2"), &request(NOW)).asked().unwrap();
    let other_policy =
        Policy::from_toml(&Policy::STANDARD.replace("score = 70", "score = 71")).unwrap();
    let other_policy = other_policy.decide(&plan(5, "r1"), &request(NOW)).asked().unwrap();
    let later =
        Policy::standard().unwrap().decide(&plan(5, "r1"), &request(NOW + 1)).asked().unwrap();
    for (of, why) in [
        (other_plan, "another plan"),
        (other_policy, "policy was changed"),
        (later, "ends at another time"),
    ] {
        let refusal =
            mine.refuses(&yes(&of, "person:bo"), &[], NOW + 10, &no_keys).unwrap().to_string();
        assert!(refusal.contains(why), "{refusal}");
    }
}

#[test]
fn a_good_signature_counts_and_covers_the_answer() {
    let asked = asked();
    let sign = |approval: Approval| {
        let signature = approval.to_sign();
        approval.signed("bo-1", signature)
    };
    // The "signature" here is the bytes themselves: whoever checks sees exactly what was signed.
    let verify = |approver: &Approver, key: &str, bytes: &[u8], signature: &[u8]| {
        key == "bo-1" && approver.person() == "person:bo" && bytes == signature
    };
    let good = sign(yes(&asked, "person:bo"));
    assert_eq!(asked.refuses(&good, &[], NOW + 10, &verify), None);
    let mut forged = good.clone();
    forged.approver.roles.push("security".into());
    assert!(asked.refuses(&forged, &[], NOW + 10, &verify).is_some());
    let mut forged = good;
    forged.answer = Answer::Reject { reason: "no".into() };
    assert!(asked.refuses(&forged, &[], NOW + 10, &verify).is_some());
}

#[test]
fn a_rejection_stands_until_taken_back_or_overridden_by_two() {
    let asked = asked();
    let reject =
        |at| says(&asked, Answer::Reject { reason: "not today".into() }, owner("person:bo"), at);
    let mut answers = vec![yes(&asked, "person:cy"), yes(&asked, "person:di"), reject(NOW + 2)];
    let want = Standing::Rejected { by: "person:bo".into(), reason: "not today".into() };
    assert_eq!(standing(&asked, &answers, NOW + 10), want);
    let over = |person: &str| {
        says(&asked, Answer::Override { reason: "outage".into() }, owner(person), NOW + 3)
    };
    answers.push(over("person:cy"));
    assert_eq!(standing(&asked, &answers, NOW + 10), want, "one is not enough");
    answers.push(over("person:di"));
    granted(&asked, &answers);
    let back = says(&asked, Answer::Approve, owner("person:bo"), NOW + 3);
    granted(&asked, &[reject(NOW + 2), back, yes(&asked, "person:cy")]);
}

#[test]
fn an_escalation_asks_one_more() {
    let asked = asked();
    let escalate = Answer::Escalate { roles: vec!["finance".into()], reason: "money".into() };
    let mut answers = vec![
        yes(&asked, "person:bo"),
        yes(&asked, "person:cy"),
        says(&asked, escalate, owner("person:di"), NOW + 1),
    ];
    missing(&asked, &answers, 1);
    let finance = says(&asked, Answer::Approve, Approver::new("person:ed", ["finance"]), NOW + 2);
    assert!(asked.refuses(&finance, &[], NOW + 10, &no_keys).is_some(), "not asked yet");
    assert_eq!(asked.refuses(&finance, &answers, NOW + 10, &no_keys), None);
    answers.push(finance);
    granted(&asked, &answers);
}

#[test]
fn a_deferral_waits_and_expiry_ends_it() {
    let asked = asked();
    let defer = says(&asked, Answer::Defer { until: NOW + HOUR }, owner("person:di"), NOW + 1);
    let answers = [yes(&asked, "person:bo"), yes(&asked, "person:cy"), defer];
    let waiting = standing(&asked, &answers, NOW + 10);
    assert!(
        matches!(waiting, Standing::Waiting { not_before: Some(at), .. } if at == NOW + HOUR),
        "{waiting:?}"
    );
    assert!(matches!(standing(&asked, &answers, NOW + HOUR), Standing::Granted(_)));
    let over = NOW + 24 * HOUR;
    assert_eq!(standing(&asked, &answers, over), Standing::Expired { at: over });
}

#[test]
fn one_person_never_fills_two_seats_nor_keeps_another_out() {
    let rules = "version = 1\nname = \"n\"\n[[rule]]\nid = \"a\"\noutcome = \"ask\"\n\
         [[rule]]\nid = \"b\"\noutcome = \"ask\"\nask = { roles = [\"owner\", \"security\"] }\n";
    let policy = Policy::from_toml(rules).unwrap();
    let asked = policy.decide(&plan(1, "r1"), &request(NOW)).asked().unwrap();
    assert_eq!(asked.asks().len(), 2);
    missing(&asked, &[yes(&asked, "person:bo")], 1);
    let security = says(&asked, Answer::Approve, Approver::new("person:cy", ["security"]), NOW + 1);
    granted(&asked, &[yes(&asked, "person:bo"), security.clone()]);
    granted(&asked, &[security, yes(&asked, "person:bo")]);
}

#[test]
fn a_grant_permits_its_plan_only_and_only_in_time() {
    let (policy, mine) = (Policy::standard().unwrap(), plan(5, "r1"));
    let asked = asked();
    let grant = granted(&asked, &[yes(&asked, "person:bo"), yes(&asked, "person:cy")]);
    let now = NOW + HOUR;
    let decision = policy.decide(&mine, &request(now));
    grant.permits(&decision, now).unwrap();
    let refused = |decision: &trueup::guard::Decision, now: i64, why: &str, kind: Kind| {
        let error = grant.permits(decision, now).unwrap_err();
        assert!(error.message().contains(why), "{error}");
        assert_eq!(error.kind(), kind);
    };
    refused(
        &policy.decide(&plan(5, "r2"), &request(now)),
        now,
        "for another plan",
        Kind::Forbidden,
    );
    refused(&decision, NOW + 24 * HOUR, "expired at 2026-01-02T00:00:00Z", Kind::Forbidden);
    let approver = Request::new(Actor::new("person:bo"), now);
    refused(
        &policy.decide(&mine, &approver),
        now,
        "given to `agent:sync on behalf of person:ana`",
        Kind::Forbidden,
    );
    let changed = Policy::from_toml(&Policy::STANDARD.replace("score = 70", "score = 71")).unwrap();
    refused(&changed.decide(&mine, &request(now)), now, "policy was changed", Kind::Forbidden);
    let shrunken = policy.decide(&mine, &request(now).with_agreed_rows(1_000));
    refused(&shrunken, now, "denied now", Kind::Forbidden);
    // The same changes, but of fewer rows: what limits are measured against is part of the plan.
    let read = Provenance::read("s", "devices").with_read_id("r1");
    let fewer = Plan::propose(
        Origin::new("n", &read),
        [Impact::new(Side::Actual, 239)],
        mine.changes().to_vec(),
    )
    .unwrap();
    refused(&policy.decide(&fewer, &request(now)), now, "for another plan", Kind::Forbidden);
}

#[test]
fn a_grant_is_for_one_environment() {
    // Which limits a plan meets also depends on where it is asked for.
    let rules = "version = 1\nname = \"n\"\n[[rule]]\nid = \"a\"\noutcome = \"allow\"\n\
         [[rule]]\nid = \"few\"\nenvironment = \"live\"\nlimit = { at_most = 10 }\n";
    let (policy, plan) = (Policy::from_toml(rules).unwrap(), plan(5, "r1"));
    let decide =
        |environment: &str| policy.decide(&plan, &request(NOW).with_environment(environment));
    let grant = granted(&decide("trial").asked().unwrap(), &[]);
    grant.permits(&decide("trial"), NOW).unwrap();
    let moved = grant.permits(&decide("live"), NOW).unwrap_err();
    assert_eq!(moved.kind(), Kind::Forbidden);
    assert!(moved.message().contains("is for the environment `trial`"), "{moved}");
}

#[test]
fn what_is_allowed_is_granted_at_once_and_what_is_denied_never() {
    let policy =
        Policy::from_toml("version = 1\nname = \"n\"\n[[rule]]\nid = \"a\"\noutcome = \"allow\"")
            .unwrap();
    let decision = policy.decide(&plan(1, "r1"), &request(NOW));
    let asked = decision.asked().unwrap();
    let Standing::Granted(grant) = standing(&asked, &[], NOW) else { panic!("not granted") };
    assert_eq!(*grant.by(), GrantedBy::Policy);
    let denied =
        Policy::standard().unwrap().decide(&plan(100, "r1"), &request(NOW)).asked().unwrap_err();
    assert!(denied.message().contains("`delete-many`"), "{denied}");
}

// --- break-glass -----------------------------------------------------------------------------------

fn opening() -> Opening {
    Opening {
        requester: request(NOW).actor().clone(),
        lifts: vec!["delete-many".into()],
        reason: "outage 17".into(),
        from: NOW,
        until: NOW + 2 * HOUR,
    }
}

#[track_caller]
fn not_opened(opening: Opening, answers: &[Approval], now: i64, why: &str) {
    let error = BreakGlass::open(&Policy::standard().unwrap(), opening, answers, now, &no_keys)
        .unwrap_err();
    assert!(error.message().contains(why), "{error}");
    assert_eq!(error.kind(), Kind::Forbidden);
}

#[test]
fn break_glass_is_refused_with_the_reason() {
    not_opened(Opening { reason: " ".into(), ..opening() }, &[], NOW, "needs a reason");
    not_opened(Opening { lifts: vec![], ..opening() }, &[], NOW, "none is named");
    not_opened(Opening { until: NOW + 4 * HOUR + 1, ..opening() }, &[], NOW, "four hours at most");
    not_opened(Opening { until: NOW, ..opening() }, &[], NOW, "ends before it begins");
    not_opened(
        Opening { from: i64::MIN, until: i64::MAX, ..opening() },
        &[],
        NOW,
        "four hours at most",
    );
    not_opened(
        Opening { lifts: vec!["delete-mny".into()], ..opening() },
        &[],
        NOW,
        "did you mean `delete-many`?",
    );
    not_opened(
        Opening { lifts: vec!["shrunken".into()], ..opening() },
        &[],
        NOW,
        "has no limit, window or freeze",
    );
    not_opened(opening(), &[], NOW + 2 * HOUR, "which is not now");
    let asked = opening().asked(&Policy::standard().unwrap()).unwrap();
    not_opened(
        opening(),
        &[yes(&asked, "person:bo")],
        NOW + 10,
        "approvals are missing: 1 person with role `owner`",
    );
    not_opened(
        opening(),
        &[yes(&asked, "person:bo"), yes(&asked, "person:ana")],
        NOW + 10,
        "missing",
    );
    let never =
        Policy::STANDARD.replace("id = \"delete-many\"", "id = \"delete-many\"\nnever = true");
    let error = opening().asked(&Policy::from_toml(&never).unwrap()).unwrap_err();
    assert!(error.message().contains("says `never`"), "{error}");
}

#[test]
fn break_glass_lifts_the_limit_but_not_the_question() {
    let (policy, plan, now) = (Policy::standard().unwrap(), plan(100, "r1"), NOW + 10);
    assert_eq!(policy.decide(&plan, &request(now)).outcome(), Outcome::Deny);
    let asked = opening().asked(&policy).unwrap();
    let two = [yes(&asked, "person:bo"), yes(&asked, "person:cy")];
    let glass = BreakGlass::open(&policy, opening(), &two, now, &no_keys).unwrap();
    let decision = glass.decide(&policy, &plan, &request(now)).unwrap();
    assert_eq!(decision.outcome(), Outcome::Ask, "R3 still asks");
    assert_eq!(decision.valid_until(), NOW + HOUR + 10);
    let none = BTreeSet::new();
    let error = glass.grant(&decision, &[], &none, now, &no_keys).unwrap_err();
    assert!(error.message().contains("approvals are missing: 2 people"), "{error}");

    let question = decision.asked().unwrap();
    let answers = ["person:bo", "person:di"]
        .map(|person| says(&question, Answer::Approve, owner(person), now));
    let (grant, review) = glass.grant(&decision, &answers, &none, now, &no_keys).unwrap();
    assert_eq!(review.due, now + 48 * HOUR);
    assert_eq!((review.plan, review.grant), (plan.digest(), grant.id()));
    assert_eq!(grant.expires(), NOW + 2 * HOUR);
    grant.permits(&glass.decide(&policy, &plan, &request(now)).unwrap(), now).unwrap();
    assert!(
        grant.permits(&policy.decide(&plan, &request(now)), now).is_err(),
        "not without the lifting"
    );

    let again = glass
        .grant(&decision, &answers, &BTreeSet::from([plan.digest()]), now, &no_keys)
        .unwrap_err();
    assert!(again.message().contains("already got its one grant"), "{again}");
    // The same answers, counted without break-glass, give a grant that permits nothing that was lifted.
    let Standing::Granted(plain) = question.standing(&answers, now, &no_keys) else {
        panic!("not met")
    };
    assert!(
        plain.permits(&decision, now).unwrap_err().message().contains("only break-glass grants it")
    );
}

#[test]
fn break_glass_is_for_its_requester_hours_and_policy() {
    let (policy, plan, now) = (Policy::standard().unwrap(), plan(100, "r1"), NOW + 10);
    let asked = opening().asked(&policy).unwrap();
    let two = [yes(&asked, "person:bo"), yes(&asked, "person:cy")];
    let glass = BreakGlass::open(&policy, opening(), &two, now, &no_keys).unwrap();
    let refused = |policy: &Policy, request: Request, why: &str| {
        let error = glass.decide(policy, &plan, &request).unwrap_err();
        assert!(error.message().contains(why), "{error}");
    };
    refused(&policy, Request::new(Actor::new("agent:other"), now), "opened for `agent:sync");
    refused(&policy, request(NOW + 2 * HOUR), "which is not now");
    let changed = Policy::from_toml(&Policy::STANDARD.replace("score = 70", "score = 71")).unwrap();
    refused(&changed, request(now), "policy was changed");
}
