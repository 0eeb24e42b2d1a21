//! What approvals are bound to is that of the published vectors.

use std::sync::Arc;

use serde_json::Value as Json;

use super::super::policy::Policy;
use super::super::request::{Actor, Request};
use super::super::tests::{hash, vectors};
use super::{Count, Decision};
use crate::plan::{Origin, Plan};
use crate::reconcile::Side;
use trueup_connector::{Provenance, hex};

fn count(json: &Json) -> Count {
    let number = |name: &str| json[name].as_u64().unwrap();
    Count {
        rule: Arc::from(json["rule"].as_str().unwrap()),
        side: Side::BOTH.into_iter().find(|side| json["side"] == side.name()).unwrap(),
        count: number("count"),
        allowed: number("allowed"),
        covered_rows: number("covered_rows"),
    }
}

#[test]
fn decisions_are_against_what_the_vectors_say() {
    let read = Provenance::read("s", "devices").with_read_id("r");
    let plan = Plan::propose(Origin::new("n", &read), [], vec![]).unwrap();
    let request = Request::new(Actor::new("person:ana"), 0);
    for vector in vectors("against") {
        let counts = vector["counts"].as_array().unwrap().iter().map(count).collect();
        let decision = Decision {
            plan: hash(&vector["plan"]),
            counts,
            ..Policy::standard().unwrap().decide(&plan, &request)
        };
        let against = hex(&decision.against());
        assert_eq!(Some(against.as_str()), vector["digest"].as_str(), "{}", vector["about"]);
    }
}
