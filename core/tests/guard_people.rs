//! Whose question it is, and who is one person: what must not let one voice count for two, or an
//! answer count for somebody else.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use trueup::guard::{
    Actor, Answer, Approval, Approver, Asked, Decision, GrantedBy, Policy, Request, Standing,
};
use trueup::{FieldValue, Impact, Operation, Origin, Plan, PlannedChange, Provenance, Side};

const NOW: i64 = 1_767_225_600_000;
const DAY: i64 = 24 * 3_600_000;

fn plan() -> Plan {
    let read = Provenance::read("s", "devices").with_read_id("r1");
    let delete =
        PlannedChange::new(Side::Actual, Operation::Delete).with_key([FieldValue::new("id", 1)]);
    Plan::propose(Origin::new("n", &read), [Impact::new(Side::Actual, 240)], vec![delete]).unwrap()
}

fn request() -> Request {
    Request::new(Actor::new("agent:sync").on_behalf_of("person:ana"), NOW)
}

fn decide(request: &Request) -> Decision {
    Policy::standard().unwrap().decide(&plan(), request)
}

/// A question to two owners.
fn asked() -> Asked {
    decide(&request()).asked().unwrap()
}

fn says(asked: &Asked, answer: Answer, approver: Approver) -> Approval {
    Approval::new(answer, approver, asked.binding().clone(), NOW + 1).attested("desk")
}

fn owner(person: &str) -> Approver {
    Approver::new(person, ["owner"])
}

fn yes(asked: &Asked, person: &str) -> Approval {
    says(asked, Answer::Approve, owner(person))
}

fn standing(asked: &Asked, answers: &[Approval]) -> Standing {
    asked.standing(answers, NOW + 10, &|_, _, _, _| false)
}

#[track_caller]
fn missing(asked: &Asked, answers: &[Approval], count: u32) {
    match standing(asked, answers) {
        Standing::Waiting { missing, .. } => {
            assert_eq!(missing.iter().map(|ask| ask.count).sum::<u32>(), count)
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn granted(asked: &Asked, answers: &[Approval]) -> GrantedBy {
    match standing(asked, answers) {
        Standing::Granted(grant) => grant.by().clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn answers_to_one_requester_serve_no_other_and_nowhere_else() {
    let answers = ["person:bo", "person:cy"].map(|person| yes(&asked(), person));
    granted(&asked(), &answers);
    let rogue = Request::new(Actor::new("agent:rogue"), NOW);
    for (other, why) in [
        (rogue, "somebody else who asked"),
        (request().with_environment("production"), "another question about this plan"),
    ] {
        let other = decide(&other).asked().unwrap();
        missing(&other, &answers, 2);
        let refusal = other.refuses(&answers[0], &[], NOW + 10, &|_, _, _, _| false).unwrap();
        assert!(refusal.to_string().contains(why), "{refusal}");
    }
}

#[test]
fn a_grant_is_for_the_environment_that_was_asked_about() {
    let answers = ["person:bo", "person:cy"].map(|person| yes(&asked(), person));
    let Standing::Granted(grant) = standing(&asked(), &answers) else { panic!("two said yes") };
    grant.permits(&decide(&request()), NOW + 20).unwrap();
    let elsewhere = decide(&request().with_environment("production"));
    let error = grant.permits(&elsewhere, NOW + 20).unwrap_err();
    assert!(error.message().contains("environment"), "{error}");
}

#[test]
fn a_question_altered_where_it_was_kept_gains_nothing() {
    let answers = ["person:bo", "person:cy"].map(|person| yes(&asked(), person));
    let kept = serde_json::to_value(asked()).unwrap();
    let read = |json: serde_json::Value| serde_json::from_value::<Asked>(json);
    granted(&read(kept.clone()).unwrap(), &answers);

    let mut longer = kept.clone();
    longer["expires"] = (NOW + 1_000 * 365 * DAY).into();
    assert!(read(longer.clone()).unwrap_err().to_string().contains("altered"));
    longer["asks"][0]["within"] = (1_000 * 365 * DAY).into();
    missing(&read(longer).unwrap(), &answers, 2);

    let mut fewer = kept.clone();
    fewer["asks"][0]["count"] = 1.into();
    missing(&read(fewer).unwrap(), &answers, 1);
    let mut many = kept.clone();
    many["asks"][0]["count"] = 50_000_000.into();
    assert!(read(many).is_err());

    // Nobody asked is what a plan that may run by itself has; this one may not.
    let mut nobody = kept;
    nobody["asks"] = serde_json::json!([]);
    let Standing::Granted(grant) = standing(&read(nobody).unwrap(), &[]) else { panic!("no asks") };
    let error = grant.permits(&decide(&request()), NOW + 20).unwrap_err();
    assert!(error.message().contains("more is asked now"), "{error}");
}

fn reject() -> Answer {
    Answer::Reject { reason: "dangerous".into() }
}

fn overrides() -> Answer {
    Answer::Override { reason: "it is well".into() }
}

fn escalates(role: &str) -> Answer {
    Answer::Escalate { roles: vec![role.into()], reason: "a third".into() }
}

#[test]
fn one_voice_overrides_no_rejection() {
    let asked = asked();
    let no = says(&asked, reject(), owner("person:di"));
    let bo = says(&asked, overrides(), owner("person:bo"));
    let cy = owner("person:cy");
    let his = says(&asked, overrides(), cy.clone().with_delegate_of("person:bo"));
    let rejected = standing(&asked, &[no.clone(), bo.clone(), his]);
    assert!(matches!(rejected, Standing::Rejected { .. }), "{rejected:?}");
    granted(&asked, &[no, bo, says(&asked, overrides(), cy)]);
}

#[test]
fn those_who_speak_for_each_other_or_for_the_same_person_fill_one_seat() {
    let asked = asked();
    let of = |person: &str, principal: &str| {
        says(&asked, Answer::Approve, owner(person).with_delegate_of(principal))
    };
    missing(&asked, &[of("person:bo", "person:ed"), of("person:cy", "person:ed")], 1);
    missing(&asked, &[of("person:bo", "person:cy"), of("person:cy", "person:bo")], 1);
    let chain =
        [of("person:bo", "person:cy"), of("person:cy", "person:di"), yes(&asked, "person:di")];
    missing(&asked, &chain, 1);
    granted(&asked, &[of("person:bo", "person:ed"), of("person:cy", "person:fay")]);
}

#[test]
fn an_answer_without_the_role_takes_back_the_one_before() {
    let asked = asked();
    let (bo, cy) = (yes(&asked, "person:bo"), yes(&asked, "person:cy"));
    let mut late = says(&asked, reject(), Approver::new("person:bo", ["guest"]));
    late.at += 1;
    missing(&asked, &[bo.clone(), cy.clone(), late], 1);
    let never_had = says(&asked, reject(), Approver::new("person:di", ["guest"]));
    granted(&asked, &[bo, cy, never_had]);
}

#[test]
fn each_escalation_asks_one_more_person() {
    let asked = asked();
    let (bo, cy) = (yes(&asked, "person:bo"), yes(&asked, "person:cy"));
    let more = says(&asked, escalates("owner"), owner("person:bo"));
    let answers = [bo, cy, more.clone(), more];
    missing(&asked, &answers, 1);
    granted(&asked, &[&answers[..], &[yes(&asked, "person:di")]].concat());
}

#[test]
fn those_whom_only_an_escalation_asks_override_nobody() {
    let asked = asked();
    let intern = |person: &str| says(&asked, overrides(), Approver::new(person, ["intern"]));
    let answers = [
        says(&asked, escalates("intern"), owner("person:bo")),
        says(&asked, reject(), owner("person:cy")),
        intern("person:i1"),
        intern("person:i2"),
    ];
    assert!(matches!(standing(&asked, &answers), Standing::Rejected { .. }));
}

#[test]
fn of_two_answers_at_one_moment_the_heavier_counts_in_any_order() {
    let asked = asked();
    let (yes, no) = (yes(&asked, "person:bo"), says(&asked, reject(), owner("person:bo")));
    for answers in [[yes.clone(), no.clone()], [no, yes]] {
        assert!(matches!(standing(&asked, &answers), Standing::Rejected { .. }));
    }
}

#[test]
fn a_name_is_one_person_however_it_is_written() {
    let asked = asked();
    for [one, other] in [["person:bo", "person:Bo"], ["person:jos\u{e9}", "person:JOSE\u{301}"]] {
        missing(&asked, &[yes(&asked, one), yes(&asked, other)], 1);
    }
    missing(&asked, &[yes(&asked, "person:bo"), yes(&asked, "person:Ana")], 1);
    let cy = owner("person:cy").with_delegate_of("Agent:Sync");
    missing(&asked, &[yes(&asked, "person:bo"), says(&asked, Answer::Approve, cy)], 1);
}

#[test]
fn a_name_that_passes_for_another_neither_answers_nor_asks() {
    let asked = asked();
    for name in ["person:cy ", "person: cy", "person:c\u{200b}y", "person:cy\n"] {
        missing(&asked, &[yes(&asked, "person:bo"), yes(&asked, name)], 1);
        let request = Request::new(Actor::new("agent:sync").on_behalf_of(name), NOW);
        let error = decide(&request).asked().unwrap_err();
        assert!(error.message().contains("is no name of a party"), "{error}");
    }
}
