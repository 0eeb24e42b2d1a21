//! The golden vectors of rules in `docs/spec/vectors`.

use trueup_connector::hex;

use super::*;
use crate::reconcile::rules::fields::rules_digest;

fn cases(topic: &str) -> Vec<Json> {
    let files = files("docs/spec/vectors");
    let (_, file) = files.iter().find(|(name, _)| name == "rules").unwrap();
    file[topic].as_array().unwrap().clone()
}

#[test]
fn normal_forms_and_rule_digests() {
    let cases = cases("rule");
    assert!(!cases.is_empty());
    for case in cases {
        let rule = ready(case["rule"].clone(), case["type"].as_str().unwrap());
        let form = String::from_utf8(canonical_json(&rule.normal_form())).unwrap();
        assert_eq!(form, case["normal_form"].as_str().unwrap(), "{}", case["about"]);
        assert_eq!(hex(&rule.digest()), case["digest"], "{}", case["about"]);
    }
}

#[test]
fn rules_digests() {
    let cases = cases("rules");
    assert!(!cases.is_empty());
    for case in cases {
        let form = |json: &Json| serde_json::from_str::<Json>(json.as_str().unwrap()).unwrap();
        let fields = members(&case["fields"]).iter().map(|(name, json)| (name.clone(), form(json)));
        let all = serde_json::json!({
            "key": case["key"],
            "alternate_keys": case["alternate_keys"],
            "fields": fields.collect::<Map<_, _>>(),
        });
        assert_eq!(hex(&rules_digest(&all)), case["digest"], "{}", case["about"]);
    }
}
