//! What findings come to.

use super::*;

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
