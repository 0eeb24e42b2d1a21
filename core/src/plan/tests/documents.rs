//! Plans narrowed, written down, and held to their digest.

use super::*;

#[test]
fn what_could_not_be_read_back_is_no_plan() {
    let read = Provenance::read("intune", "devices").with_read_id("r");
    let update = |after: Vec<FieldValue>| {
        PlannedChange::new(Side::Actual, Operation::Update)
            .with_key([FieldValue::new("id", 1)])
            .with_after(after)
    };
    let one = |value: Value| update(vec![FieldValue::new("v", value)]);
    let twice = vec![("a".to_owned(), Value::Null), ("a".to_owned(), Value::Null)];
    let wrong = [
        update(vec![FieldValue::new("v", 1), FieldValue::new("v", 2)]),
        one(Value::Date(10_000_000)),
        one(Value::List(vec![Value::Struct(twice)])),
        one(Value::Null).with_fact("share", f64::NAN),
        one(Value::Null).with_fact("share", f64::INFINITY),
    ];
    for change in wrong {
        let plan = Plan::propose(Origin::new("n", &read), [], vec![change.clone()]);
        assert_eq!(plan.unwrap_err().kind(), Kind::Invalid, "{change:?}");
    }
    for value in [Value::Float(f64::NAN), Value::Date(0), Value::Instant(-1), Value::Int(i128::MIN)]
    {
        let changes = vec![one(value.clone())];
        let plan = Plan::propose(Origin::new("n", &read), [], changes).unwrap();
        assert_eq!(Plan::from_json(&plan.to_json().to_string()).unwrap(), plan, "{value:?}");
    }
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
