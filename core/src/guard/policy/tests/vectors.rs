//! The published schema and vectors (`docs/spec`) say what the code does.

use std::path::Path;

use serde_json::Value as Json;

use super::super::Policy;
use crate::reconcile::canonical_json;
use trueup_connector::hex;

fn spec(name: &str) -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/spec").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_published_schema_is_the_code() {
    let (published, code) = (spec("policy.schema.json"), Policy::schema());
    let new = serde_json::to_string_pretty(&code).unwrap();
    assert_eq!(published, code, "docs/spec/policy.schema.json is out of step; it should be\n{new}");
}

#[test]
fn hashes_are_those_of_the_vectors() {
    let vectors = spec("vectors/policy.json");
    let policies = vectors["policy"].as_array().unwrap();
    assert!(policies.len() >= 4);
    for vector in policies {
        let policy = Policy::from_json(&vector["document"].to_string()).unwrap();
        let normal = String::from_utf8(canonical_json(policy.to_json())).unwrap();
        assert_eq!(Some(normal.as_str()), vector["normal_form"].as_str(), "{}", vector["about"]);
        assert_eq!(
            Some(hex(&policy.hash()).as_str()),
            vector["hash"].as_str(),
            "{}",
            vector["about"]
        );
    }
}

#[test]
fn the_standard_policy_has_the_hash_of_its_vector() {
    let vectors = spec("vectors/policy.json");
    let standard = vectors["policy"]
        .as_array()
        .unwrap()
        .iter()
        .find(|v| v["about"] == "the standard policy")
        .unwrap();
    assert_eq!(Some(hex(&Policy::standard().unwrap().hash()).as_str()), standard["hash"].as_str());
}
