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
