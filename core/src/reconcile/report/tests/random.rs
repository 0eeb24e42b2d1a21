//! What holds for every report.

use proptest::prelude::*;

use super::*;
use crate::drift;

fn side() -> impl Strategy<Value = Vec<Json>> {
    let cell = prop_oneof![Just(Json::Null), (0..4i64).prop_map(Json::from)];
    let row = (
        prop_oneof![9 => (0..12i64).prop_map(Json::from), 1 => Just(Json::Null)],
        cell.clone(),
        cell,
    )
        .prop_map(|(id, a, b)| serde_json::json!({"id": id, "a": a, "b": b}));
    prop::collection::vec(row, 0..20)
}

fn read(rows: &[Json]) -> Snapshot {
    let schema = serde_json::from_str(
        r#"[{"name":"id","type":"int"},{"name":"a","type":"int"},{"name":"b","type":"int"}]"#,
    );
    let rows: Vec<_> = rows.iter().map(|row| row.as_object().unwrap().clone()).collect();
    Snapshot::from_json_as(&schema.unwrap(), &rows).unwrap()
}

fn documents() -> impl Strategy<Value = Reconciliation> {
    prop_oneof![
        Just(serde_json::json!({"name": "n", "key": ["id"]})),
        Just(serde_json::json!({"name": "n", "key": ["id"], "alternate_keys": [["a"]]})),
        Just(serde_json::json!({"name": "n", "key": ["id"], "compare": {"b": {"tolerance": {"absolute": "1"}, "default": 0}}})),
    ]
    .prop_map(document)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn saving_and_loading_changes_nothing((document, e, a) in (documents(), side(), side())) {
        let report = document.compare(&run(), &read(&e), &read(&a)).unwrap();
        #[cfg(feature = "parquet")]
        saved::check_round_trip(&report);
        let same = drift(&report, &report).unwrap();
        prop_assert!(same.is_empty());
        prop_assert_eq!(same.counts().unchanged, report.len() as u64);
    }

    #[test]
    fn drift_goes_both_ways((document, e, a, b) in (documents(), side(), side(), side())) {
        let before = document.compare(&run(), &read(&e), &read(&a)).unwrap();
        let after = document.compare(&run(), &read(&e), &read(&b)).unwrap();
        let (there, back) = (drift(&before, &after).unwrap(), drift(&after, &before).unwrap());
        prop_assert_eq!(there.opened().unwrap(), back.resolved().unwrap());
        prop_assert_eq!(there.counts().changed, back.counts().changed);
        let all = there.counts();
        prop_assert_eq!(all.opened + all.changed + all.unchanged, after.len() as u64);
    }

    #[test]
    fn an_advanced_base_knows_no_conflict((document, e, a) in (documents(), side(), side())) {
        let (e, a) = (read(&e), read(&a));
        let base = document.compare(&run(), &e, &a).unwrap().advance(None).unwrap();
        let next = document.compare_three_way(&run(), &e, &a, &base).unwrap();
        prop_assert_eq!(next.counts().conflict, 0);
        let again = next.advance(Some(&base)).unwrap();
        prop_assert_eq!(again.content(&["id"]).unwrap().root(), base.content(&["id"]).unwrap().root());
    }

    #[test]
    fn matched_rows_and_the_others_are_all((document, e, a) in (documents(), side(), side())) {
        let report = document.compare(&run(), &read(&e), &read(&a)).unwrap();
        let matched: Vec<_> = report.matched().unwrap().flat_map(|b| rows(&b.unwrap())).map(|row| row[0].clone()).collect();
        let keys: std::collections::BTreeSet<_> = matched.iter().collect();
        prop_assert_eq!(keys.len() as u64, report.counts().matched);
    }

    #[test]
    fn threads_change_nothing((document, e, a) in (documents(), side(), side())) {
        let one = document.compare(&run(), &read(&e), &read(&a)).unwrap();
        let three = document.compare(&run().with_threads(NonZero::new(3).unwrap()), &read(&e), &read(&a)).unwrap();
        prop_assert_eq!(one.findings_table().unwrap(), three.findings_table().unwrap());
        prop_assert_eq!(one.digest().unwrap(), three.digest().unwrap());
    }
}
