//! Rules as they are read, written, told, and applied to single values.

mod properties;
mod scenarios;
mod vectors;

use serde_json::{Map, Value as Json};
use trueup_connector::{LogicalType, Result, Value};

use super::compiled::Compiled;
use super::*;

/// The files of a folder of the repository, by name.
fn files(folder: &str) -> Vec<(String, Json)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let mut found: Vec<(String, Json)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

fn compiled(rule: &Rule, ty: &str) -> Result<Compiled> {
    Compiled::new("x", rule, &ty.parse::<LogicalType>().unwrap())
}

fn ready(rule: Json, ty: &str) -> Compiled {
    compiled(&Rule::read("x", &rule).unwrap(), ty).unwrap()
}

fn value(json: Json) -> Value {
    Value::from_json(&json).unwrap()
}

#[track_caller]
fn normalises(rule: Json, ty: &str, from: Json, to: Json) {
    assert_eq!(ready(rule, ty).normalise(value(from)).unwrap(), value(to));
}

#[test]
fn a_value_is_normalised_in_the_order_of_the_steps() {
    use serde_json::json;
    let rule = json!({"default": " N/A", "text": {"case": "ignore", "space": "trim"}, "aliases": {"N/a ": "NONE"}});
    normalises(rule, "text", json!(null), json!("none"));
    normalises(json!({"aliases": [[null, "-"]]}), "text", json!(null), json!("-"));
    normalises(json!({"aliases": {"a": "b", "b": "c"}}), "text", json!("a"), json!("b"));
    normalises(json!({"aliases": [[5, 6]]}), "int", json!({"decimal": "5.00"}), json!(6));
    let set = json!({"compare": "set", "text": {"case": "ignore"}, "aliases": {"X": "a"}});
    normalises(
        set,
        "list<text>",
        json!({"list": ["b", "x", "A", null]}),
        json!({"list": [null, "a", "b"]}),
    );
    let zone = json!({"zone": "Europe/Berlin"});
    let local = json!({"datetime": "2026-01-31T10:00:00"});
    normalises(zone.clone(), "datetime", local, json!({"instant": "2026-01-31T09:00:00Z"}));
    let instant = json!({"instant": "2026-01-31T09:00:00Z"});
    normalises(zone, "datetime", instant.clone(), instant);
}

#[track_caller]
fn agrees(rule: Json, ty: &str, expected: Json, actual: Json, want: bool) {
    let rule = ready(rule, ty);
    let (expected, actual) = (rule.normalise(value(expected)), rule.normalise(value(actual)));
    assert_eq!(rule.agree(&expected.unwrap(), &actual.unwrap()), want);
}

#[test]
fn values_agree_as_the_rule_says() {
    use serde_json::json;
    let near = || json!({"tolerance": {"absolute": "0.1"}});
    agrees(near(), "decimal(5,2)", json!({"decimal": "1.10"}), json!({"decimal": "1.00"}), true);
    agrees(near(), "float", json!(1.1), json!(1.0), false); // 1.1 as a double is a little more
    agrees(near(), "int", json!(null), json!(0), false);
    agrees(near(), "float", json!({"float": "inf"}), json!({"float": "inf"}), true);
    agrees(near(), "float", json!({"float": "inf"}), json!({"float": "-inf"}), false);
    let share = || json!({"tolerance": {"relative": 0.1}});
    agrees(share(), "int", json!(-100), json!(-90), true);
    agrees(share(), "int", json!(100), json!(89), false);
    let time = || json!({"time_tolerance": "1d"});
    agrees(time(), "date", json!({"date": "2026-01-31"}), json!({"date": "2026-02-01"}), true);
    agrees(time(), "date", json!({"date": "2026-01-31"}), json!({"date": "2026-02-02"}), false);
    let subset = || json!("subset");
    agrees(subset(), "list<int>", json!({"list": [2, 2, 1]}), json!({"list": [1, 2, 3]}), true);
    agrees(subset(), "list<int>", json!({"list": [1, 2, 3]}), json!({"list": [1, 2]}), false);
    agrees(subset(), "list<int>", json!({"list": []}), json!(null), false);
}

#[test]
fn rules_are_told_in_words() {
    use serde_json::json;
    for (rule, ty, words) in [
        (json!("exact"), "text", "exact"),
        (json!({"tolerance": {"absolute": 4}}), "int", "equal within 4 (absolute)"),
        (
            json!({"tolerance": {"absolute": 4, "relative": "0.1"}}),
            "int",
            "equal within 4 (absolute) or 0.1 (relative)",
        ),
        (
            json!({"time_tolerance": "90s", "zone": "UTC"}),
            "datetime",
            "datetimes are in UTC, then equal within 90s",
        ),
        (
            json!({"text": {"case": "ignore", "space": "remove"}}),
            "text",
            "case and white space ignored, then exact",
        ),
        (json!({"default": 0, "aliases": [[1, 2]]}), "int", "null is `0`, 1 alias, then exact"),
    ] {
        assert_eq!(ready(rule, ty).describe(), words);
    }
}

#[test]
fn a_rule_goes_to_json_and_back() {
    let rule = Rule::either_tolerance(4, 0.05)
        .with_default(0)
        .with_alias(-1, Value::Null)
        .with_owner(Owner::None);
    let all =
        Rule::exact().with_text(TextRule::exact().with_case(TextCase::Ignore)).with_zone("UTC");
    for rule in [rule, all, Rule::ignore(), Rule::set(), Rule::time_tolerance("1h"), Rule::exact()]
    {
        assert_eq!(Rule::read("x", &rule.to_json()).unwrap(), rule);
    }
    assert_eq!(Rule::subset().to_json(), "subset");
}

#[test]
fn what_is_wrong_with_a_built_rule_is_said_when_it_is_used() {
    for (rule, ty, text) in [
        (Rule::tolerance(-1), "int", "`-1` is not a tolerance for `x`"),
        (Rule::tolerance(f64::NAN), "int", "`NaN` is not a tolerance for `x`"),
        (Rule::relative_tolerance("5%"), "int", "`5%` is not a tolerance for `x`"),
        (Rule::time_tolerance("90 sec"), "instant", "`90 sec` is not a time tolerance"),
        (Rule::time_tolerance("s"), "instant", "`s` is not a time tolerance"),
        (Rule::exact().with_zone("Mars"), "datetime", "unknown zone `Mars`"),
        (Rule::exact().with_default("a"), "int", "is not a value of the type int"),
        (Rule::set(), "text", "`set` does not fit the field `x` of type text"),
    ] {
        let error = compiled(&rule, ty).unwrap_err();
        assert_eq!(error.kind(), trueup_connector::Kind::Invalid);
        assert!(error.message().contains(text), "{error}");
    }
}

#[test]
fn a_document_is_read_strictly() {
    for (json, text) in [
        ("{", "no JSON"),
        ("[]", "must be an object"),
        (r#"{"key":"id"}"#, "`key` must be a list"),
        (r#"{"key":[1]}"#, "`key` must be text"),
        (r#"{"name":1}"#, "`name` must be text"),
        (r#"{"fields":"comon"}"#, "did you mean `common`?"),
        (r#"{"fields":{}}"#, "`fields` must be a list"),
        (r#"{"compare":{"a":{"owner":"actul"}}}"#, "did you mean `actual`?"),
        (r#"{"compare":{"a":{"compare":"sett"}}}"#, "did you mean `set`?"),
        (r#"{"compare":{"a":{"tolerance":4}}}"#, "the tolerance for `a` must be an object"),
        (r#"{"compare":{"a":{"tolerance":{"absolut":4}}}}"#, "did you mean `absolute`?"),
        (r#"{"compare":{"a":{"tolerance":{}}}}"#, "the tolerance for `a` is empty"),
        (r#"{"compare":{"a":{"aliases":[[1]]}}}"#, "pairs like [from, to]"),
        (r#"{"compare":{"a":{"zone":1}}}"#, "`zone` must be text"),
        (r#"{"mapping":{"expectd":{}}}"#, "did you mean `expected`?"),
    ] {
        let error = Reconciliation::from_json(json).unwrap_err();
        assert_eq!(error.kind(), trueup_connector::Kind::Invalid, "{json}");
        assert!(error.message().contains(text), "{error}");
    }
}

#[test]
fn what_a_rule_does_can_be_asked_for() {
    let rule = ready(serde_json::json!({"owner": "actual", "zone": "UTC"}), "instant");
    assert!(rule.zone() && rule.normalises() && !rule.is_plain() && !rule.ignores());
    assert_eq!(rule.normal_form()["owner"], "actual");
    let plain = ready(serde_json::json!({"owner": "none"}), "instant");
    assert!(plain.is_plain() && !plain.normalises());
    let tolerance = ready(serde_json::json!({"tolerance": {"absolute": 0}}), "int");
    assert!(!tolerance.is_plain() && !tolerance.normalises());
}

/// The members of an object in a scenario.
fn members(json: &Json) -> &Map<String, Json> {
    json.as_object().unwrap()
}
