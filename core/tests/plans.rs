//! A plan carried out makes both sides agree, its rollback brings them back, and it is the same plan
//! whatever the order of rows.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeMap;
use std::num::NonZero;

use proptest::prelude::*;
use trueup::{
    Change, Effect, Operation, Owner, Plan, Planner, Provenance, Reconciliation, Report, Rule, Run,
    Schema, Side, Snapshot, Value, record,
};

const FIELDS: [&str; 4] = ["id", "serial", "os", "tags"];

/// A system: its records by the canonical bytes of their key.
#[derive(Clone, Debug, PartialEq)]
struct System(BTreeMap<Vec<u8>, Vec<Value>>);

impl System {
    fn new(rows: &[Vec<Value>]) -> Self {
        Self(rows.iter().map(|row| (row[0].canonical(), row.clone())).collect())
    }

    fn read(&self, id: &str) -> Snapshot {
        let rows: Vec<_> = self.0.values().cloned().collect();
        snapshot(&rows, id)
    }

    /// Carries out a change if all that it rests on holds, as a careful system does.
    fn apply(&mut self, change: &Change) {
        let key = change.key[0].canonical();
        let place = |name: &str| FIELDS.iter().position(|field| *field == name).unwrap();
        if change.operation == Operation::Create {
            let mut row = vec![Value::Null; FIELDS.len()];
            change.after.iter().for_each(|(name, value)| row[place(name)] = value.clone());
            assert_eq!(self.0.insert(key, row), None, "made a record that was there");
            return;
        }
        let mut row = self.0.remove(&key).expect("changed a record that is not there");
        for (name, value) in &change.before {
            assert_eq!(&row[place(name)], value, "the value before of {name}");
        }
        if change.operation == Operation::Update {
            change.after.iter().for_each(|(name, value)| row[place(name)] = value.clone());
            assert_eq!(self.0.insert(row[0].canonical(), row), None, "two records of one key");
        }
    }
}

fn snapshot(rows: &[Vec<Value>], id: &str) -> Snapshot {
    let schema: Schema = serde_json::from_str(
        r#"[{"name":"id","type":"int"},{"name":"serial","type":"text"},{"name":"os","type":"text"},
            {"name":"tags","type":"list<int>"}]"#,
    )
    .unwrap();
    let batch = record::batch_from_values(&schema, rows).unwrap();
    Snapshot::from_batch(batch)
        .unwrap()
        .with_provenance(Provenance::read("s", "devices").with_read_id(id))
}

fn document([key, os]: [Owner; 2], subset: bool) -> Reconciliation {
    let tags = if subset { Rule::subset() } else { Rule::set() };
    Reconciliation::new("fleet")
        .with_key(["id"])
        .with_alternate_key(["serial"])
        .with_rule("id", Rule::exact().with_owner(key))
        .with_rule("os", Rule::exact().with_owner(os))
        .with_rule("tags", tags)
}

fn compare(document: &Reconciliation, systems: &[System; 2]) -> Report {
    let run = Run::new(NonZero::<usize>::MIN, [3, 1, 4, 1]);
    let [expected, actual] = systems;
    document.compare(&run, &expected.read("e"), &actual.read("a")).unwrap()
}

fn carry_out(plan: &Plan, systems: &mut [System; 2]) {
    for (place, planned) in plan.changes().iter().enumerate() {
        let side = usize::from(planned.target() == Side::Actual);
        systems[side].apply(&plan.change_for(place).unwrap());
    }
}

fn rows() -> impl Strategy<Value = Vec<Vec<Value>>> {
    let text = || prop_oneof!["[ab]{0,1}".prop_map(Value::from), Just(Value::Null)];
    let list = prop::collection::vec((0_i64..3).prop_map(Value::from), 0..3).prop_map(Value::List);
    let serial = "[a-z]{1,2}".prop_map(Value::from);
    let row = (serial, text(), list);
    prop::collection::btree_map(0_i64..12, row, 0..9).prop_map(|rows| {
        let cells = |(id, (serial, os, tags))| vec![Value::from(id), serial, os, tags];
        rows.into_iter().map(cells).collect()
    })
}

fn owner() -> impl Strategy<Value = Owner> {
    prop_oneof![3 => Just(Owner::Expected), 2 => Just(Owner::Actual), 1 => Just(Owner::None)]
}

proptest! {
    #[test]
    fn a_plan_carried_out_settles_all_it_did_not_leave_out(
        expected in rows(), actual in rows(), owners in [owner(), owner()], subset: bool,
    ) {
        let document = document(owners, subset);
        let before = [System::new(&expected), System::new(&actual)];
        let plan = Planner::new().plan(&compare(&document, &before)).unwrap();
        let mut after = before.clone();
        carry_out(&plan, &mut after);
        let again = Planner::new().plan(&compare(&document, &after)).unwrap();
        prop_assert!(again.is_empty(), "still to do: {:?}", again.changes());

        let effects: Vec<Effect> = (0..plan.changes().len()).map(Effect::new).collect();
        let reading = Provenance::read("s", "devices").with_read_id("later");
        let back = plan.rollback(&effects, &reading).unwrap();
        carry_out(&back.plan, &mut after);
        prop_assert_eq!(after, before);
    }

    #[test]
    fn a_plan_does_not_depend_on_the_order_of_rows(
        expected in rows(), actual in rows(), owners in [owner(), owner()], stage in 0_u8..101,
    ) {
        let document = document(owners, false);
        let planner = match stage { 0 => Planner::new(), _ => Planner::new().with_stages([stage]) };
        let plan = |expected: &[Vec<Value>], actual: &[Vec<Value>], threads: usize| {
            let run = Run::new(NonZero::new(threads).unwrap(), [threads as u64, 1, 4, 1]);
            let report = document.compare(&run, &snapshot(expected, "e"), &snapshot(actual, "a"));
            planner.plan(&report.unwrap()).unwrap()
        };
        let reversed = |rows: &[Vec<Value>]| rows.iter().rev().cloned().collect::<Vec<_>>();
        let one = plan(&expected, &actual, 1);
        let other = plan(&reversed(&expected), &reversed(&actual), 2);
        prop_assert_eq!(one.to_json(), other.to_json());
        let loaded = Plan::from_json(&one.to_json().to_string()).unwrap();
        prop_assert_eq!(loaded.to_json(), one.to_json());
    }
}
