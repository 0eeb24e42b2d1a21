//! Undoing, proposing, and the digests of the specification.

use std::collections::BTreeMap;

use super::*;

#[test]
fn undoing_what_took_place_is_a_plan_of_its_own() {
    let plan = planned(
        &devices(),
        json!([{"id": 1, "os": "14"}, {"id": 2, "os": "14"}]),
        json!([{"id": 1, "os": "13"}, {"id": 3, "os": "13"}]),
    );
    let effects = [Effect::new(0), Effect::new(1).with_id(Some("new-2".into())), Effect::new(2)];
    let reading = Provenance::read("system", "devices").with_read_id("later");
    let Rollback { plan: back, irreversible, .. } = plan.rollback(&effects, &reading).unwrap();
    assert_eq!(irreversible, Vec::<usize>::new());
    assert_eq!(
        said(&back),
        [
            "0: create id = 3 on the actual side:  -> id = 3 os = 13",
            "0: delete id = 2 on the actual side: id = 2 os = 14 -> ",
            "0: update id = 1 on the actual side: os = 14 -> os = 13",
        ]
    );
    assert_eq!(back.changes()[1].id(), Some(&Value::from("new-2")));
    assert!(back.origin().expected_read.contains(&hex(&plan.digest())));
    let error = plan.rollback(&[Effect::new(7)], &reading).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
}

#[test]
fn what_cannot_be_undone_is_said_and_the_rest_is_undone_from_the_last() {
    let read = Provenance::read("intune", "devices").with_read_id("r");
    let update = |id: i64| {
        PlannedChange::new(Side::Actual, Operation::Update)
            .with_key([FieldValue::new("id", id)])
            .with_after([FieldValue::new("os", "14")])
    };
    let known = |id: i64| update(id).with_before([FieldValue::new("os", "13")]);
    let delete =
        PlannedChange::new(Side::Actual, Operation::Delete).with_key([FieldValue::new("id", 9)]);
    let changes = vec![known(1), delete, update(3), known(4)];
    let plan = Plan::propose(Origin::new("n", &read), [], changes).unwrap();
    let effects = [3, 0, 2, 1].map(Effect::new);
    let back = plan.rollback(&effects, &read.with_read_id("later")).unwrap();
    assert_eq!(back.irreversible, [1, 2]);
    assert_eq!(
        said(&back.plan),
        [
            "0: update id = 4 on the actual side: os = 14 -> os = 13",
            "0: update id = 1 on the actual side: os = 14 -> os = 13",
        ]
    );
}

#[test]
fn proposals_are_checked() {
    let read = Provenance::read("intune", "devices").with_read_id("r");
    let origin = || Origin::new("sync", &read);
    let key = || [FieldValue::new("id", 1)];
    let propose = |changes: Vec<PlannedChange>| -> Result<Plan> {
        Plan::propose(origin(), [Impact::new(Side::Actual, 5)], changes)
    };
    let act = |name: &str| PlannedChange::new(Side::Actual, Operation::Action(name.into()));
    assert_eq!(propose(vec![act("wipe").with_key(key())]).unwrap().impact(Side::Actual).actions, 1);
    let refused = [
        (vec![act("wipe")], "needs the key"),
        (vec![act("delete").with_key(key())], "a name of its own"),
        (vec![act("wipe").with_key(key()), act("wipe").with_key(key())], "twice"),
        (vec![PlannedChange::new(Side::Actual, Operation::Create).with_key(key())], "values after"),
        (vec![PlannedChange::new(Side::Actual, Operation::Update).with_key(key())], "values after"),
        (vec![act("wipe").with_key([FieldValue::secret("pin", "1")])], "secret"),
    ];
    for (changes, piece) in refused {
        let error: Error = propose(changes).unwrap_err();
        assert!(error.message().contains(piece), "{error}");
    }
}

#[test]
fn a_rename_and_a_shared_id_are_seen_whoever_proposes_them() {
    let read = Provenance::read("intune", "devices").with_read_id("r");
    let key = |id: &str| [FieldValue::new("id", id)];
    let change = |operation| PlannedChange::new(Side::Actual, operation);
    let rename = change(Operation::Update).with_key(key("1")).with_before(key("1"));
    let same = change(Operation::Update).with_key(key("3")).with_after(key("3"));
    let shared = |change: PlannedChange| change.with_id(Some(Value::from("x")));
    let changes = vec![
        rename.with_after(key("2")).with_fact("renamed", false),
        same,
        shared(change(Operation::Create).with_key(key("4")).with_after(key("4"))),
        shared(change(Operation::Delete).with_key(key("5")).with_before(key("5"))),
    ];
    let plan = Plan::propose(Origin::new("n", &read), [], changes).unwrap();
    let facts = |plan: &Plan| {
        let names = plan.changes().iter().map(|c| c.facts().keys().cloned().collect::<Vec<_>>());
        names.collect::<Vec<_>>()
    };
    assert_eq!(facts(&plan), [vec!["renamed"], vec![], vec!["shares_id"], vec!["shares_id"]]);
    assert_eq!(plan.changes()[0].facts()["renamed"], Fact::Bool(true));

    let effects = [0, 2, 3].map(Effect::new);
    let back = plan.rollback(&effects, &read.with_read_id("later")).unwrap().plan;
    let undone = ["rollback", "shares_id"];
    assert_eq!(facts(&back), [undone.to_vec(), undone.to_vec(), vec!["renamed", "rollback"]]);
}

#[test]
fn digests_are_those_of_the_specification() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/spec/vectors/plan.json");
    let vectors: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for vector in vectors["plan"].as_array().unwrap() {
        let text = |name: &str| vector[name].as_str().unwrap().to_owned();
        let reading = |name| Provenance::default().with_read_id(text(name));
        let mut origin = Origin::new(text("name"), &reading("actual_read"))
            .with_tenant(text("tenant"))
            .with_expected(&reading("expected_read"));
        origin.resource = text("resource");
        let [expected, actual]: [Identity; 2] = vector_pair(vector, "systems");
        (origin.expected_system, origin.actual_system) = (expected, actual);
        let details = vector["details"]["changes"].as_array().unwrap();
        let changes = vector["changes"].as_array().unwrap().iter().zip(details);
        let changes = changes.map(|(change, details)| vector_change(change, details)).collect();
        let mapping = |side: Side| match vector["mappings"].get(side.name()) {
            Some(json) => Mapping::from_json(json).unwrap(),
            None => Mapping::default(),
        };
        let mappings = Side::BOTH.map(mapping);
        let impacts = Side::BOTH.map(|side| Impact::new(side, 0));
        let resources = vector_pair(vector, "resources");
        let plan = Plan::new(origin, resources, mappings, impacts, changes, Vec::new()).unwrap();
        assert_eq!(hex(&plan.digest()), vector["digest"], "{}", vector["about"]);
        let key = |place| plan.change_for(place).unwrap().idempotency_key;
        let keys: Vec<String> = (0..plan.changes().len()).map(key).collect();
        assert_eq!(json!(keys), vector["keys"], "{}", vector["about"]);
    }
}

#[test]
fn a_change_keeps_its_key_in_every_plan_of_its_reading() {
    let make = |name: &str, reading: &str, keep: fn(&PlannedChange) -> bool| {
        let document = Reconciliation::new(name).with_key(["id"]);
        let state = json!([{"id": 1, "os": "13"}, {"id": 2, "os": "13"}]);
        let wish = json!([{"id": 1, "os": "14"}, {"id": 2, "os": "14"}]);
        let report = compare(&document, &read("e", wish), &read(reading, state));
        let plan = Planner::new().plan(&report).unwrap().narrow(keep).unwrap();
        plan.change_for(plan.changes().len() - 1).unwrap().idempotency_key
    };
    let whole = make("fleet", "a", |_| true);
    let second: fn(&PlannedChange) -> bool = |change| change.to_string().contains("id = 2");
    assert_eq!(make("fleet", "a", second), whole, "narrowed");
    assert_eq!(make("estate", "a", |_| true), whole, "under another name");
    assert_ne!(make("fleet", "b", |_| true), whole, "on another reading");
}

#[test]
fn a_plan_knows_the_systems_that_were_read() {
    let state = rows(json!([{"id": 1}])).with_provenance(
        Provenance::read("intune", "devices").with_instance("staging").with_read_id("a"),
    );
    let report = compare(&devices(), &read("e", json!([{"id": 2}])), &state);
    let plan = Planner::new().plan(&report).unwrap();
    assert_eq!(*plan.system(Side::Actual), Identity::new("intune", "staging"));
    assert_eq!(plan.system(Side::Expected).system, "system");
    let elsewhere = plan.to_json().to_string().replace("staging", "production");
    assert_eq!(Plan::from_json(&elsewhere).unwrap_err().kind(), Kind::Data);
}

fn vector_pair<T: serde::de::DeserializeOwned>(vector: &Json, name: &str) -> [T; 2] {
    serde_json::from_value(vector["details"][name].clone()).unwrap()
}

fn vector_change(json: &Json, details: &Json) -> PlannedChange {
    let target = if json["target"] == "actual" { Side::Actual } else { Side::Expected };
    let operation = document::operation(json["op"].as_str().unwrap().to_owned());
    let fields = |name: &str| -> Vec<FieldValue> {
        let members = json[name].as_object().into_iter().flatten();
        members.map(|(name, value)| vector_field(name, value)).collect()
    };
    let special =
        |name: &str| json[name].get("value").map(|value| Value::from_json(value).unwrap());
    PlannedChange::new(target, operation)
        .with_key(vector_key(json, details))
        .with_facts(vector_facts(details))
        .with_id(special("id"))
        .with_version(special("version"))
        .with_before(fields("before"))
        .with_after(fields("after"))
        .with_wave(json["wave"].as_u64().unwrap() as u32)
}

fn vector_key(json: &Json, details: &Json) -> Vec<FieldValue> {
    let names = details[0].as_array().unwrap().iter();
    let values = json["key"].as_array().unwrap().iter();
    names.zip(values).map(|(name, value)| vector_field(name.as_str().unwrap(), value)).collect()
}

fn vector_facts(details: &Json) -> BTreeMap<String, Fact> {
    let fact = |json: &Json| match (json.get("int"), json.get("float")) {
        (Some(text), _) => Fact::Int(text.as_str().unwrap().parse().unwrap()),
        (_, Some(text)) => Fact::Float(text.as_str().unwrap().parse().unwrap()),
        _ => serde_json::from_value(json.clone()).unwrap(),
    };
    let facts = details[1].as_object().unwrap().iter();
    facts.map(|(name, json)| (name.clone(), fact(json))).collect()
}

fn vector_field(name: &str, json: &Json) -> FieldValue {
    let value = Value::from_json(&json["value"]).unwrap();
    if json["type"] == "secret" {
        FieldValue::secret(name, value)
    } else {
        FieldValue::new(name, value)
    }
}
