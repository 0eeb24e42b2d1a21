//! Fast, incremental and naive give one answer, whatever the order of rows, the batches and the
//! number of threads.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod naive;

use std::num::NonZero;

use proptest::prelude::*;
use trueup::{
    Incremental, Reconciliation, Report, Rule, Run, Schema, Side, Snapshot, TextCase, TextRule,
    TextSpace, Value, record,
};

/// One side's rows: two key columns, a text, a number and a list.
type Rows = Vec<Vec<Value>>;

fn key_text() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => "[ab]{0,2}".prop_map(Value::from),
        // Longer than a key that is kept as it is.
        2 => "[ab]{1}".prop_map(|text| Value::from(format!("{text}-a key of many bytes").as_str())),
        1 => Just(Value::Null),
    ]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (-3_i64..4).prop_map(|n| Value::Float(n as f64)),
        2 => (-30_i64..40).prop_map(|n| Value::Float(n as f64 / 10.0)),
        1 => Just(Value::Float(f64::NAN)),
        1 => Just(Value::Float(-0.0)),
        1 => Just(Value::Null),
    ]
}

fn row() -> impl Strategy<Value = Vec<Value>> {
    let list = prop::collection::vec((0_i64..3).prop_map(Value::from), 0..3).prop_map(Value::List);
    let id = prop_oneof![9 => (0_i64..4).prop_map(Value::from), 1 => Just(Value::Null)];
    let text = prop_oneof!["[aA ]{0,2}".prop_map(Value::from), Just(Value::Null)];
    (id, key_text(), text, number(), list).prop_map(|(a, b, c, d, e)| vec![a, b, c, d, e])
}

fn rows(most: usize) -> impl Strategy<Value = Rows> {
    prop::collection::vec(row(), 0..most)
}

fn schema() -> Schema {
    let fields = r#"[{"name":"id","type":"int"},{"name":"site","type":"text"},{"name":"name","type":"text"},
        {"name":"size","type":"float"},{"name":"tags","type":"list<int>"}]"#;
    serde_json::from_str(fields).unwrap()
}

fn snapshot(rows: &[Vec<Value>], batch: usize) -> Snapshot {
    let whole = record::batch_from_values(&schema(), rows).unwrap();
    let starts = (0..rows.len()).step_by(batch);
    let batches = starts.map(|start| whole.slice(start, batch.min(rows.len() - start))).collect();
    Snapshot::new(whole.schema(), batches).unwrap()
}

/// The rules, by a number: each bit is one.
fn document(rules: u8) -> Reconciliation {
    let bit = |n: u8| rules & (1 << n) != 0;
    let key: &[&str] = if bit(0) { &["id", "site"] } else { &["site"] };
    let folded = TextRule::exact().with_case(TextCase::Ignore);
    let mut document = Reconciliation::new("any").with_key(key.iter().copied());
    if bit(1) {
        document =
            document.with_rule("name", Rule::exact().with_text(folded.with_space(TextSpace::Trim)));
    }
    if bit(2) {
        document = document.with_rule("size", Rule::tolerance(1));
    }
    if bit(3) {
        document = document.with_rule("tags", Rule::set());
    }
    if bit(4) {
        document = document.with_alternate_key(["name"]);
    }
    if bit(5) {
        document = document.with_rule("site", Rule::exact().with_text(folded).with_default("a"));
    }
    document
}

fn run(threads: usize, seed: u64) -> Run {
    Run::new(NonZero::new(threads).unwrap(), [seed, 1, 2, 3])
}

/// All that a report says.
fn said(report: &Report) -> (String, String, Vec<u8>) {
    let table = report.findings_table().unwrap();
    (format!("{:?}", report.counts()), format!("{table:?}"), report.digest().unwrap().to_vec())
}

fn shuffled(rows: &Rows, by: u64) -> Rows {
    let mut rows = rows.clone();
    let mut state = by;
    for i in (1..rows.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        rows.swap(i, (state >> 33) as usize % (i + 1));
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_batches_threads_and_seed_do_not_show(
        expected in rows(12), actual in rows(12), rules: u8, by: u64, batch in 1_usize..5, threads in 1_usize..4,
    ) {
        let document = document(rules);
        let once = document.compare(&run(1, 0), &snapshot(&expected, 100), &snapshot(&actual, 100)).unwrap();
        let (e, a) = (snapshot(&shuffled(&expected, by), batch), snapshot(&shuffled(&actual, !by), batch + 1));
        let again = document.compare(&run(threads, by), &e, &a).unwrap();
        prop_assert_eq!(said(&once), said(&again));
    }

    #[test]
    fn fast_and_naive_count_alike(expected in rows(14), actual in rows(14), rules: u8) {
        let report = document(rules).compare(&run(2, 5), &snapshot(&expected, 3), &snapshot(&actual, 4)).unwrap();
        let naive = naive::Naive::new(rules, &expected, &actual);
        prop_assert_eq!(report.counts().named(), naive.counts());
        let cells: u64 = report.counts_by_field().values().sum();
        prop_assert_eq!(cells, naive.cells);
    }

    #[test]
    fn incremental_is_what_comparing_afresh_gives(
        expected in rows(10), actual in rows(10), rules: u8,
        changes in prop::collection::vec((any::<bool>(), rows(4), rows(3)), 1..4),
    ) {
        let document = document(rules);
        let (mut e, mut a) = (expected, actual);
        let mut index = Incremental::new(document.clone(), &run(2, 9), &snapshot(&e, 4), &snapshot(&a, 3)).unwrap();
        for (on_expected, changed, removed) in changes {
            let (side, rows) = if on_expected { (Side::Expected, &mut e) } else { (Side::Actual, &mut a) };
            let changed = naive::keyed(rules, changed);
            let removed = naive::keyed(rules, removed);
            naive::remove(rules, rows, &removed);
            naive::remove(rules, rows, &changed);
            rows.extend(changed.iter().cloned());
            index.remove(side, &snapshot(&removed, 2)).unwrap();
            index.change(side, &snapshot(&changed, 2)).unwrap();
            let afresh = document.compare(&run(1, 3), &snapshot(&e, 100), &snapshot(&a, 100)).unwrap();
            prop_assert_eq!(said(&index.report().unwrap()), said(&afresh));
        }
    }
}
