//! Waves, stages, and what a plan rests on.

use super::*;

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
fn references_under_a_key_of_several_fields_are_refused() {
    let rows = json!([{"t": 1, "id": 1, "parent": 1}]);
    let document = Reconciliation::new("n").with_key(["t", "id"]);
    let report =
        compare(&document, &read("e", rows), &read("a", json!([{"t": 1, "id": 2, "parent": 2}])));
    let error = Planner::new().with_reference("parent").plan(&report).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported, "{error}");
}
