//! Answers, openings and grants are the bytes of the published vectors (`docs/spec/vectors`).

use std::path::Path;

use serde_json::Value as Json;
use trueup_connector::{Hash, hex};

use super::super::approval::{Answer, Approval, Approver, Binding, Grant, GrantedBy, Granting};
use super::super::breakglass::Opening;
use super::super::outcome::Ask;
use super::super::request::Actor;

/// The vectors of one topic; there are some.
pub(in super::super) fn vectors(topic: &str) -> Vec<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/spec/vectors/policy.json");
    let all: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let vectors = all[topic].as_array().unwrap().clone();
    assert!(!vectors.is_empty(), "{topic}");
    vectors
}

pub(in super::super) fn hash(text: &Json) -> Hash {
    let text = text.as_str().unwrap();
    let bytes = (0..64).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap());
    bytes.collect::<Vec<_>>().try_into().unwrap()
}

fn moment(text: &Json) -> i64 {
    text.as_str().unwrap().parse().unwrap()
}

fn text(text: &Json) -> String {
    text.as_str().unwrap().to_owned()
}

fn texts(texts: &Json) -> Vec<String> {
    texts.as_array().unwrap().iter().map(text).collect()
}

fn actor(chain: &Json) -> Actor {
    let mut chain = texts(chain).into_iter();
    let first = Actor::new(chain.next().unwrap());
    chain.fold(first, Actor::on_behalf_of)
}

fn answer(body: &Json) -> Answer {
    match body["kind"].as_str().unwrap() {
        "approve" => Answer::Approve,
        "reject" => Answer::Reject { reason: text(&body["reason"]) },
        "override" => Answer::Override { reason: text(&body["reason"]) },
        "escalate" => {
            Answer::Escalate { roles: texts(&body["roles"]), reason: text(&body["reason"]) }
        }
        "defer" => Answer::Defer { until: moment(&body["until"]) },
        other => panic!("an answer of kind {other}"),
    }
}

#[test]
fn what_is_signed_is_that_of_the_vectors() {
    let vectors = vectors("approval");
    for vector in &vectors {
        let body = &vector["body"];
        let approver = Approver {
            actor: actor(&body["approver"]["chain"]),
            roles: texts(&body["approver"]["roles"]),
            delegate_of: texts(&body["approver"]["delegate_of"]),
        };
        let binding = Binding {
            requester: actor(&body["requester"]),
            environment: text(&body["environment"]),
            asks: serde_json::from_value(body["asks"].clone()).unwrap(),
            asked_at: moment(&body["asked_at"]),
            plan: hash(&body["plan"]),
            against: hash(&body["against"]),
            policy: hash(&body["policy"]),
            expires: moment(&body["expires"]),
        };
        let approval =
            Approval::new(answer(&body["answer"]), approver, binding, moment(&body["at"]));
        let bytes = hex(&approval.to_sign());
        assert_eq!(Some(bytes.as_str()), vector["to_sign"].as_str(), "{}", vector["about"]);
    }
    let kinds = vectors.iter().map(|v| text(&v["body"]["answer"]["kind"]));
    let kinds: std::collections::BTreeSet<String> = kinds.collect();
    assert_eq!(kinds.len(), 5, "every kind of answer has a vector: {kinds:?}");
}

#[test]
fn openings_have_the_digests_of_the_vectors() {
    for vector in vectors("opening") {
        let body = &vector["body"];
        let mut opening = Opening {
            requester: actor(&body["requester"]),
            lifts: texts(&body["lifts"]),
            reason: text(&body["reason"]),
            from: moment(&body["from"]),
            until: moment(&body["until"]),
        };
        let digest = vector["digest"].as_str();
        assert_eq!(Some(hex(&opening.digest()).as_str()), digest, "{}", vector["about"]);
        // What is lifted is a set.
        opening.lifts.reverse();
        opening.lifts.extend_from_within(..1);
        assert_eq!(Some(hex(&opening.digest()).as_str()), digest, "{}", vector["about"]);
    }
}

fn granted_by(body: &Json) -> GrantedBy {
    match body["kind"].as_str().unwrap() {
        "policy" => GrantedBy::Policy,
        "people" => GrantedBy::People(texts(&body["people"])),
        "break_glass" => GrantedBy::BreakGlass {
            people: texts(&body["people"]),
            opening: hash(&body["opening"]),
            review_by: moment(&body["review_by"]),
        },
        other => panic!("a grant by {other}"),
    }
}

#[test]
fn grants_have_the_ids_of_the_vectors() {
    for vector in vectors("grant") {
        let body = &vector["body"];
        let asks: Vec<Ask> = serde_json::from_value(body["asks"].clone()).unwrap();
        let granting = Granting {
            plan: hash(&body["plan"]),
            against: hash(&body["against"]),
            policy: hash(&body["policy"]),
            requester: &actor(&body["requester"]),
            environment: body["environment"].as_str().unwrap(),
            asks: &asks,
        };
        let grant = Grant::new(&granting, moment(&body["expires"]), granted_by(&body["by"]));
        assert_eq!(Some(hex(&grant.id()).as_str()), vector["id"].as_str(), "{}", vector["about"]);
    }
}
