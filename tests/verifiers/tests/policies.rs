//! Python's `jsonschema` takes the published schema and holds policies to it; so do we.
//!
//! Where its environment is not there the test says so and passes, as in `python.rs`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};
use trueup::guard::Policy;
use trueup_test_verifiers::python;

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/policy.schema.json");
const VECTORS: &str = include_str!("../../../docs/spec/vectors/policy.json");

/// What `jsonschema` says of each document: `ok`, or where it is wrong and which word of the schema says so.
fn verdicts(python: &Path, documents: &[Json]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let files = documents.iter().enumerate().map(|(number, document)| {
        let file = folder.path().join(format!("{number}.json"));
        std::fs::write(&file, document.to_string()).expect("written");
        file
    });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/judge_policies.py");
    let output = Command::new(python).arg(script).arg(SCHEMA).args(files).output();
    let output = output.expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let verdicts = String::from_utf8(output.stdout).expect("text");
    assert_eq!(verdicts.lines().count(), documents.len());
    verdicts.lines().map(str::to_owned).collect()
}

fn is_ours(document: &Json) -> bool {
    Policy::from_json(&document.to_string()).is_ok()
}

#[test]
fn good_policies_are_good_there_too() {
    let Some(python) = python() else {
        return;
    };
    let standard: Json = toml::from_str(Policy::STANDARD).expect("the standard policy is TOML");
    let vectors: Json = serde_json::from_str(VECTORS).expect("the vectors are JSON");
    let vectors = vectors["policy"].as_array().expect("there are vectors").iter();
    let documents: Vec<Json> =
        vectors.map(|vector| vector["document"].clone()).chain([standard, good()]).collect();
    assert!(documents.iter().all(is_ours));
    assert_eq!(verdicts(&python, &documents), vec!["ok"; documents.len()]);
}

fn good() -> Json {
    json!({
        "version": 1, "name": "n", "valid": "1h", "facts": { "owner": "string" },
        "ask": { "roles": "owner", "count": 2, "within": "24h" },
        "rule": [{
            "id": "r", "actor": ["agent:*"], "outcome": "allow", "score": 100, "never": true,
            "limit": { "at_least": 10, "share": "5%", "at_most": 500 },
            "rate": { "count": 5, "per": "1h" },
            "window": [{ "zone": "UTC", "from": "08:00", "to": "24:00", "days": ["mon"] }],
            "freeze": [{ "zone": "UTC", "from": "2026-12-20T18:00", "to": "2027-01-04T08:00" }],
        }],
    })
}

/// What is put where in the good policy (null: taken away), and what the validator says.
fn bad() -> Vec<(&'static str, Json, &'static str)> {
    vec![
        ("/name", Json::Null, "$ required"),
        ("/ruel", json!([]), "$ additionalProperties"),
        ("/version", json!(2), "$.version maximum"),
        ("/valid", json!("1y"), "$.valid pattern"),
        ("/facts/owner", json!("text"), "$.facts.owner enum"),
        ("/facts/2nd", json!("int"), "$.facts pattern"),
        ("/ask/count", json!(0), "$.ask.count minimum"),
        ("/ask/role", json!("owner"), "$.ask additionalProperties"),
        ("/rule/0/id", json!("1st"), "$.rule[0].id pattern"),
        ("/rule/0/id", Json::Null, "$.rule[0] required"),
        ("/rule/0/outcome", json!("denny"), "$.rule[0].outcome enum"),
        ("/rule/0/actor", json!([]), "$.rule[0].actor minItems"),
        ("/rule/0/score", json!(101), "$.rule[0].score maximum"),
        ("/rule/0/never", json!("yes"), "$.rule[0].never type"),
        ("/rule/0/limit/share", json!(0.05), "$.rule[0].limit.share type"),
        ("/rule/0/limit/share", json!("5"), "$.rule[0].limit.share pattern"),
        ("/rule/0/rate/per", Json::Null, "$.rule[0].rate required"),
        ("/rule/0/window/0/from", json!("25:00"), "$.rule[0].window[0].from pattern"),
        ("/rule/0/window/0/days", json!(["moon"]), "$.rule[0].window[0].days[0] enum"),
        ("/rule/0/freeze/0/to", json!("2027-01-04"), "$.rule[0].freeze[0].to pattern"),
        ("/rule/0/freeze", json!({}), "$.rule[0].freeze type"),
    ]
}

fn spoilt(place: &str, value: &Json) -> Json {
    let mut document = good();
    let (parent, name) = place.rsplit_once('/').expect("a place");
    let members = document.pointer_mut(parent).and_then(Json::as_object_mut);
    let members = members.expect("a table is there");
    match value {
        Json::Null => members.remove(name),
        value => members.insert(name.to_owned(), value.clone()),
    };
    document
}

#[test]
fn bad_policies_are_bad_there_and_here() {
    let Some(python) = python() else {
        return;
    };
    let bad = bad();
    let documents: Vec<Json> = bad.iter().map(|(place, value, _)| spoilt(place, value)).collect();
    let wanted: Vec<&str> = bad.iter().map(|(.., verdict)| *verdict).collect();
    assert_eq!(verdicts(&python, &documents), wanted);
    assert!(!documents.iter().any(is_ours));
}
