//! The way back: what it restores, and what it says it does not.

use trueup_connector::{Field, LogicalType, Operation, Provenance, Role, Schema};

use crate::plan::{Effect, Fact, FieldValue, Impact, Origin, Plan, PlannedChange, Unrestorable};
use crate::reconcile::Side;

fn change(operation: Operation, id: i64) -> PlannedChange {
    PlannedChange::new(Side::Actual, operation).with_key([FieldValue::new("id", id)])
}

fn plan(changes: Vec<PlannedChange>) -> Plan {
    Plan::propose(Origin::new("n", &reading("r1")), [Impact::new(Side::Actual, 9)], changes)
        .unwrap()
}

fn reading(id: &str) -> Provenance {
    Provenance::read("s", "items").with_read_id(id)
}

#[test]
fn what_a_delete_took_and_does_not_come_back_is_listed() {
    let before = [
        FieldValue::new("name", "ana"),
        FieldValue::withheld("password"),
        FieldValue::new("computed", 7),
    ];
    let delete = change(Operation::Delete, 1).with_id(Some("u-17".into())).with_before(before);
    let back = plan(vec![delete]).rollback(&[Effect::new(0)], &reading("r2")).unwrap();
    let field = |name: &str, role| Field::new(name, LogicalType::Text).with_role(role);
    let schema = Schema::new(vec![
        field("id", Role::Key).writable(),
        field("name", Role::Data).writable(),
        field("password", Role::Data).writable(),
        field("computed", Role::Data),
    ]);
    let back = back.fitting(&schema.unwrap()).unwrap();
    let lost: Vec<_> = back.unrestored.iter().map(|it| (it.place, &*it.field, it.why)).collect();
    let want = [
        (0, "", Unrestorable::Assigned),
        (0, "password", Unrestorable::Secret),
        (0, "computed", Unrestorable::NotWritable),
    ];
    assert_eq!(lost, want);
    let [create] = back.plan.changes() else { panic!("one change") };
    assert_eq!(create.operation(), &Operation::Create);
    assert_eq!(create.after(), [FieldValue::new("name", "ana")]);
    assert_eq!(create.id(), None);
}

#[test]
fn what_has_no_way_back_stops_no_other() {
    let update = change(Operation::Update, 1).with_after([FieldValue::new("name", "bo")]);
    let good = change(Operation::Update, 3)
        .with_before([FieldValue::new("name", "old")])
        .with_after([FieldValue::new("name", "new")]);
    let plan = plan(vec![update, change(Operation::Delete, 2), good]);
    let effects = [1, 0, 2].map(Effect::new);
    let back = plan.rollback(&effects, &reading("r2")).unwrap();
    assert_eq!(back.irreversible, [0, 1]);
    assert_eq!(back.places, [2]);
    assert_eq!(back.plan.changes().len(), 1);
}

#[test]
fn the_last_is_undone_first_however_the_effects_stand() {
    let create = |id| change(Operation::Create, id).with_after([FieldValue::new("id", id)]);
    let plan = plan(vec![create(1), create(2), create(3)]);
    for effects in [[0, 1, 2], [2, 0, 1]] {
        let back = plan.rollback(&effects.map(Effect::new), &reading("r2")).unwrap();
        assert_eq!(back.places, [2, 1, 0]);
    }
}

#[test]
fn a_rename_is_seen_as_one_both_ways() {
    let rename = change(Operation::Update, 1)
        .with_before([FieldValue::new("id", 1)])
        .with_after([FieldValue::new("id", 2)]);
    let plan = plan(vec![rename]);
    let renamed = |plan: &Plan| plan.changes()[0].facts().get("renamed").cloned();
    assert_eq!(renamed(&plan), Some(Fact::Bool(true)));
    let back = plan.rollback(&[Effect::new(0)], &reading("r2")).unwrap();
    assert_eq!(renamed(&back.plan), Some(Fact::Bool(true)));
}

#[test]
fn numbers_in_the_wrong_place_are_no_plan() {
    let plan = plan(vec![change(Operation::Delete, 1)]);
    let mut json = plan.to_json();
    json["impacts"].as_array_mut().unwrap().reverse();
    let error = Plan::from_json(&json.to_string()).unwrap_err();
    assert!(error.message().contains("each other's place"), "{error}");
}
