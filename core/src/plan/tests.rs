//! Plans: made, narrowed, written down, undone.

use std::collections::BTreeMap;
use std::num::NonZero;

use serde_json::{Value as Json, json};
use trueup_connector::{Error, Field, Kind, Mapping, Operation, Provenance, Role, Value};

use super::*;
use crate::reconcile::{
    FindingKind, Owner, Reconciliation, Report, Rule, Run, Side, TextCase, TextRule, hex,
};
use crate::{Result, Snapshot};

fn rows(json: Json) -> Snapshot {
    Snapshot::from_json(&serde_json::from_value::<Vec<_>>(json).unwrap()).unwrap()
}

fn read(id: &str, json: Json) -> Snapshot {
    rows(json).with_provenance(Provenance::read("system", "devices").with_read_id(id))
}

fn compare(document: &Reconciliation, expected: &Snapshot, actual: &Snapshot) -> Report {
    let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
    document.compare(&run, expected, actual).unwrap()
}

fn devices() -> Reconciliation {
    Reconciliation::new("fleet").with_tenant("acme").with_resource("devices").with_key(["id"])
}

fn planned(
    document: &Reconciliation,
    expected: serde_json::Value,
    actual: serde_json::Value,
) -> Plan {
    let report = compare(document, &read("e", expected), &read("a", actual));
    Planner::new().plan(&report).unwrap()
}

fn said(plan: &Plan) -> Vec<String> {
    let values = |fields: &[FieldValue]| {
        fields.iter().map(FieldValue::to_string).collect::<Vec<_>>().join(" ")
    };
    let said = plan.changes().iter().map(|change| {
        format!(
            "{}: {change}: {} -> {}",
            change.wave(),
            values(change.before()),
            values(change.after())
        )
    });
    said.collect()
}

#[test]
fn the_owner_of_the_key_says_whether_a_record_should_be() {
    let (wish, state) = (json!([{"id": 1, "os": "14"}]), json!([{"id": 2, "os": "13"}]));
    let plan = planned(&devices(), wish.clone(), state.clone());
    assert_eq!(
        said(&plan),
        [
            "0: create id = 1 on the actual side:  -> id = 1 os = 14",
            "0: delete id = 2 on the actual side: id = 2 os = 13 -> ",
        ]
    );
    let owned = devices().with_rule("id", Rule::exact().with_owner(Owner::Actual));
    assert_eq!(
        said(&planned(&owned, wish.clone(), state.clone())),
        [
            "0: delete id = 1 on the expected side: id = 1 os = 14 -> ",
            "0: create id = 2 on the expected side:  -> id = 2 os = 13",
        ]
    );
    let nobodys = devices().with_rule("id", Rule::exact().with_owner(Owner::None));
    let plan = planned(&nobodys, wish, state);
    assert!(plan.is_empty());
    assert!(plan.left_out().iter().all(|left| left.reason == Reason::NoOwner));
    assert_eq!(plan.left_out().len(), 2);
}

#[test]
fn fields_of_two_owners_are_written_to_two_systems() {
    let document = devices()
        .with_rule("seen", Rule::exact().with_owner(Owner::Actual))
        .with_rule("note", Rule::exact().with_owner(Owner::None));
    let plan = planned(
        &document,
        json!([{"id": 1, "os": "14", "seen": 1, "note": "x"}]),
        json!([{"id": 1, "os": "13", "seen": 9, "note": "y"}]),
    );
    assert_eq!(
        said(&plan),
        [
            "0: update id = 1 on the actual side: os = 13 -> os = 14",
            "0: update id = 1 on the expected side: seen = 1 -> seen = 9",
        ]
    );
    assert_eq!(
        plan.left_out().iter().map(|left| left.reason).collect::<Vec<_>>(),
        [Reason::NoOwner]
    );
    assert_eq!(plan.impact(Side::Expected).updates, 1);
    assert_eq!(
        (plan.impact(Side::Actual).covered_rows, plan.impact(Side::Actual).wanted_rows),
        (1, 1)
    );
}

#[test]
fn what_people_must_settle_is_left_out_and_said() {
    let wish = json!([{"id": 1, "os": "14"}, {"id": 1, "os": "15"}, {"id": null, "os": "1"}]);
    let plan = planned(&devices(), wish, json!([{"id": 1, "os": "13"}, {"id": 2, "os": "1"}]));
    assert_eq!(said(&plan), ["0: delete id = 2 on the actual side: id = 2 os = 1 -> "]);
    let reasons: Vec<_> = plan.left_out().iter().map(|left| left.reason).collect();
    assert_eq!(reasons, [Reason::NeverPlanned, Reason::NeverPlanned]);
}

#[test]
fn only_chosen_kinds_are_settled() {
    let report = compare(
        &devices(),
        &read("e", json!([{"id": 1, "os": "14"}, {"id": 2, "os": "14"}])),
        &read("a", json!([{"id": 2, "os": "13"}, {"id": 3, "os": "13"}])),
    );
    let plan = Planner::new().with_kinds([FindingKind::Changed]).plan(&report).unwrap();
    assert_eq!(said(&plan), ["0: update id = 2 on the actual side: os = 13 -> os = 14"]);
    assert!(plan.left_out().iter().all(|left| left.reason == Reason::KindNotChosen));
}

#[test]
fn a_conflict_is_settled_only_if_asked_for() {
    let [wish, state, base] = [("14", "e"), ("13", "a"), ("12", "b")]
        .map(|(os, id)| read(id, json!([{"id": 1, "os": os}])));
    let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
    let report = devices().compare_three_way(&run, &wish, &state, &base).unwrap();
    assert!(Planner::new().plan(&report).unwrap().is_empty());
    let plan = Planner::new().with_kinds([FindingKind::Conflict]).plan(&report).unwrap();
    assert_eq!(said(&plan), ["0: update id = 1 on the actual side: os = 13 -> os = 14"]);
    assert_eq!(plan.changes()[0].facts()["cause"], Fact::from("both"));
    // Each side changed another field of the record.
    let [wish, state, base] = [(2, 1, "e"), (1, 3, "a"), (1, 1, "b")]
        .map(|(v, w, id)| read(id, json!([{"id": 1, "v": v, "w": w}])));
    let report = devices().compare_three_way(&run, &wish, &state, &base).unwrap();
    let plan = Planner::new().plan(&report).unwrap();
    assert_eq!(plan.changes()[0].facts()["cause"], Fact::from("both"));
}

#[test]
fn a_rename_updates_the_record_under_its_present_key() {
    let document = devices().with_alternate_key(["serial"]);
    let plan = planned(
        &document,
        json!([{"id": 1, "serial": "s", "os": "14"}]),
        json!([{"id": 9, "serial": "s", "os": "13"}]),
    );
    assert_eq!(
        said(&plan),
        ["0: update id = 9 on the actual side: id = 9 os = 13 -> id = 1 os = 14"]
    );
    assert_eq!(plan.changes()[0].facts()["renamed"], Fact::Bool(true));
}

#[test]
fn a_field_that_cannot_be_written_is_left_out() {
    let state = read("a", json!([{"id": 1, "os": "13", "model": "x"}]));
    let state = state.with_field("os", Field::writable).unwrap();
    let state = state.with_field("model", Field::immutable).unwrap();
    let wish = read(
        "e",
        json!([{"id": 1, "os": "14", "model": "y"}, {"id": 2, "os": "14", "model": "z"}]),
    );
    let plan = Planner::new().plan(&compare(&devices(), &wish, &state)).unwrap();
    assert_eq!(
        said(&plan),
        [
            "0: update id = 1 on the actual side: os = 13 -> os = 14",
            "0: create id = 2 on the actual side:  -> id = 2 model = z os = 14",
        ]
    );
    assert_eq!(plan.left_out()[0].reason, Reason::NotWritable);
}

#[test]
fn a_side_that_may_have_more_keeps_it() {
    let document = devices().with_rule("tags", Rule::subset());
    let plan = planned(
        &document,
        json!([{"id": 1, "tags": ["a", "b"]}]),
        json!([{"id": 1, "tags": ["b", "c"]}]),
    );
    let tags = plan.changes()[0].after()[0].value().cloned();
    let want = ["b", "c", "a"].map(Value::from).to_vec();
    assert_eq!(tags, Some(Value::List(want)));
    let folded = TextRule::exact().with_case(TextCase::Ignore);
    let plan = planned(
        &devices().with_rule("tags", Rule::subset().with_text(folded)),
        json!([{"id": 1, "tags": ["ADMIN", "b"]}]),
        json!([{"id": 1, "tags": ["admin", "x"]}]),
    );
    let want = ["admin", "x", "b"].map(Value::from).to_vec();
    assert_eq!(plan.changes()[0].after()[0].value(), Some(&Value::List(want)));
}

#[test]
fn what_is_referred_to_is_made_first_and_removed_last() {
    let wish = json!([{"id": "ann", "boss": null}, {"id": "bob", "boss": "ann"}, {"id": "cy", "boss": "bob"}]);
    let state = json!([{"id": "x", "boss": "y"}, {"id": "y", "boss": null}]);
    let report = compare(&devices(), &read("e", wish), &read("a", state));
    let plan = Planner::new().with_reference("boss").plan(&report).unwrap();
    let order: Vec<_> = plan.changes().iter().map(|c| (c.wave(), c.key()[0].to_string())).collect();
    let want = [(0, "id = ann"), (0, "id = x"), (1, "id = bob"), (1, "id = y"), (2, "id = cy")];
    assert_eq!(order, want.map(|(wave, key)| (wave, key.to_owned())));

    let circle = read("e", json!([{"id": "a", "boss": "b"}, {"id": "b", "boss": "a"}]));
    let report = compare(&devices(), &circle, &read("a", json!([{"id": "c", "boss": "c"}])));
    let error = Planner::new().with_reference("boss").plan(&report).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.message().contains("create id = a on the actual side; create id = b"), "{error}");
    let wish = json!([{"id": "NEW", "serial": "s", "boss": null}, {"id": "kid", "serial": "t", "boss": "new"}]);
    let state = json!([{"id": "old", "serial": "s", "boss": null}, {"id": "kid", "serial": "t", "boss": "old"}]);
    let folded = Rule::exact().with_text(TextRule::exact().with_case(TextCase::Ignore));
    let document = devices().with_alternate_key(["serial"]).with_rule("id", folded);
    let renamed = compare(&document, &read("e", wish), &read("a", state));
    let plan = Planner::new().with_reference("boss").plan(&renamed).unwrap();
    let order: Vec<_> = plan.changes().iter().map(|c| (c.wave(), c.key()[0].to_string())).collect();
    assert_eq!(order, [(0, "id = old".to_owned()), (1, "id = kid".to_owned())]);
    let error = Planner::new().with_reference("bos").plan(&report).unwrap_err();
    assert!(error.message().ends_with("did you mean `boss`?"), "{error}");
}

#[test]
fn stages_reach_further_and_further_and_choose_the_same_records_every_time() {
    let many = |n: i64| (0..n).map(|id| json!({"id": id, "os": "14"})).collect::<Json>();
    let report =
        |n| compare(&devices(), &read("e", many(n)), &read("a", json!([{"id": -1, "os": "1"}])));
    let stages = Planner::new().with_stages([10, 50]);
    let plan = stages.plan(&report(1000)).unwrap();
    let count = |wave| plan.changes().iter().filter(|change| change.wave() == wave).count();
    assert_eq!(plan.waves(), 3);
    assert!((60..140).contains(&count(0)), "{}", count(0));
    assert!((330..470).contains(&count(1)), "{}", count(1));
    let first = |plan: &Plan| -> Vec<String> {
        let first =
            plan.changes().iter().filter(|c| c.wave() == 0 && *c.operation() == Operation::Create);
        first.map(ToString::to_string).collect()
    };
    let fewer = stages.plan(&report(500)).unwrap();
    assert!(first(&fewer).iter().all(|change| first(&plan).contains(change)));
    let error = Planner::new().with_stages([50, 10]).plan(&report(1)).unwrap_err();
    assert!(error.message().contains("must rise"), "{error}");
}

#[test]
fn a_plan_needs_a_reading_with_an_id() {
    let state = rows(json!([{"id": 1, "os": "13"}]));
    let report = compare(&devices(), &read("e", json!([{"id": 1, "os": "14"}])), &state);
    let error = Planner::new().plan(&report).unwrap_err();
    assert!(error.message().contains("read_id"), "{error}");
    // The side that is written is the one that counts.
    let owned = devices().with_rule("os", Rule::exact().with_owner(Owner::Actual));
    let wish = rows(json!([{"id": 1, "os": "14"}]));
    let report = compare(&owned, &wish, &read("a", json!([{"id": 1, "os": "13"}])));
    let error = Planner::new().plan(&report).unwrap_err();
    assert!(error.message().contains("the expected side is written"), "{error}");
}

#[test]
fn narrowing_makes_another_plan() {
    let plan = planned(&devices(), json!([{"id": 1, "os": "14"}]), json!([{"id": 2, "os": "13"}]));
    let narrow = plan.narrow(|change| *change.operation() == Operation::Create).unwrap();
    assert_eq!((narrow.changes().len(), narrow.impact(Side::Actual).deletes), (1, 0));
    assert_ne!(narrow.digest(), plan.digest());
    assert_eq!(narrow.impact(Side::Actual).covered_rows, 1);
    assert_eq!(plan.narrow(|_| true).unwrap(), plan);
}

#[test]
fn a_plan_is_written_down_and_held_to_its_digest() {
    let state = read("a", json!([{"id": 1, "os": "13"}, {"id": 2, "os": "13"}]));
    let plan = Planner::new()
        .plan(&compare(&devices(), &read("e", json!([{"id": 1, "os": "14"}])), &state))
        .unwrap();
    let text = plan.to_json().to_string();
    let loaded = Plan::from_json(&text).unwrap();
    assert_eq!(loaded, plan);
    assert_eq!(loaded.to_json(), plan.to_json());
    assert_eq!(loaded.change_for(1).unwrap(), plan.change_for(1).unwrap());
    let error = Plan::from_json(&text.replace("\"14\"", "\"15\"")).unwrap_err();
    assert_eq!(error.kind(), Kind::Data);
    let error = Plan::from_json(&text.replace("trueup/plan/1", "trueup/plan/9")).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(Plan::from_json("{}").is_err());
}

#[test]
fn what_guard_and_connectors_go_by_cannot_be_changed_under_a_digest() {
    let shared = |id: i64| json!([{"id": id, "oid": "o1", "os": "14"}]);
    let oid = |side: Snapshot| side.with_field("oid", |f| f.with_role(Role::Id)).unwrap();
    let (wish, state) = (oid(read("e", shared(1))), oid(read("a", shared(2))));
    let plan = Planner::new().plan(&compare(&devices(), &wish, &state)).unwrap();
    let json = plan.to_json();
    assert_eq!(json["changes"][0]["facts"]["shares_id"], true);
    let altered = |alter: &dyn Fn(&mut Json)| {
        let mut json = json.clone();
        alter(&mut json);
        Plan::from_json(&json.to_string()).map(drop).unwrap_err().kind()
    };
    assert_eq!(altered(&|json| json["resources"] = json!(["payroll", "payroll"])), Kind::Data);
    assert_eq!(altered(&|json| json["impacts"][1]["covered_rows"] = json!(1000)), Kind::Data);
    assert_eq!(altered(&|json| json["changes"][0]["key"][0][0] = json!("other")), Kind::Data);
    assert_eq!(altered(&|json| json["changes"][0]["facts"] = json!({})), Kind::Data);
}

#[test]
fn keys_that_read_alike_are_two_records() {
    let document = Reconciliation::new("fleet").with_resource("d").with_key(["a", "b"]);
    let wish = json!([{"a": "as", "b": "b", "n": 1}, {"a": "a", "b": "sb", "n": 1}]);
    let plan = planned(&document, wish, json!([{"a": "x", "b": "x", "n": 1}]));
    assert_eq!(plan.impact(Side::Actual).creates, 2);
}

#[test]
fn a_secret_is_carried_but_not_shown_saved_or_digested() {
    let secret = |os: &str, id: &str| {
        read(id, json!([{"id": 1, "code": os}])).with_field("code", Field::secret).unwrap()
    };
    let plan = |wish: &str| {
        Planner::new()
            .plan(&compare(&devices(), &secret(wish, "e"), &secret("old-code", "a")))
            .unwrap()
    };
    let one = plan("new-code");
    assert_eq!(one.digest(), plan("newer-code").digest());
    let shown = format!("{one:?} {one} {:?} {}", one.changes(), one.to_json());
    assert!(!shown.contains("new-code") && !shown.contains("old-code"), "{shown}");
    let debugged = format!("{:?} {:?}", one.change_for(0).unwrap(), secret("new-code", "e"));
    assert!(!debugged.contains("new-code") && debugged.contains("code"), "{debugged}");
    assert_eq!(one.change_for(0).unwrap().after, [("code".to_owned(), Value::from("new-code"))]);
    let loaded = Plan::from_json(&one.to_json().to_string()).unwrap();
    assert_eq!(loaded, one);
    assert_eq!(loaded.change_for(0).unwrap_err().kind(), Kind::Unsupported);
}

#[test]
fn a_connector_gets_its_own_words() {
    let mapping = Mapping::new([("id", "SerialNumber"), ("state", "Status")]).unwrap();
    let mapping = mapping.with_values("state", [("active", "1"), ("retired", "0")]).unwrap();
    let plain = devices();
    let mapped = devices().with_actual_mapping(mapping);
    let wish = read("e", json!([{"id": "A1", "state": "retired"}]));
    let state = read("a", json!([{"SerialNumber": "A1", "Status": "1"}]));
    let plan = Planner::new().plan(&compare(&mapped, &wish, &state)).unwrap();
    let change = plan.change_for(0).unwrap();
    assert_eq!(change.before, [("Status".to_owned(), Value::from("1"))]);
    assert_eq!(change.after, [("Status".to_owned(), Value::from("0"))]);
    assert_eq!(change.resource, "devices");
    let same = read("a", json!([{"id": "A1", "state": "active"}]));
    let without = Planner::new().plan(&compare(&plain, &wish, &same)).unwrap();
    assert_ne!(plan.digest(), without.digest(), "other words are another write");
    assert_eq!(
        Plan::from_json(&plan.to_json().to_string()).unwrap().change_for(0).unwrap(),
        change
    );
}

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
        let details = vector["details"]["changes"].as_array().unwrap();
        let changes = vector["changes"].as_array().unwrap().iter().zip(details);
        let changes = changes.map(|(change, details)| vector_change(change, details)).collect();
        let mapping = |side: Side| match vector["mappings"].get(side.name()) {
            Some(json) => Mapping::from_json(json).unwrap(),
            None => Mapping::default(),
        };
        let mappings = Side::BOTH.map(mapping);
        let impacts = Side::BOTH.map(|side| Impact::new(side, 0));
        let resources = [String::new(), String::new()];
        let plan = Plan::new(origin, resources, mappings, impacts, changes, Vec::new()).unwrap();
        assert_eq!(hex(&plan.digest()), vector["digest"], "{}", vector["about"]);
    }
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
