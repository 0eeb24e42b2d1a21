//! Matched rows and the next base.

use super::*;
use crate::{Coverage, Kind};

fn fleet() -> Reconciliation {
    document(
        serde_json::json!({"name": "fleet", "key": ["id"], "compare": {"v": {"tolerance": {"absolute": "1"}}}}),
    )
}

fn texts(snapshot: &Snapshot) -> Vec<String> {
    let mut all: Vec<String> =
        snapshot.batches().iter().flat_map(rows).map(|row| row.join(" ")).collect();
    all.sort();
    all
}

#[test]
fn matched_rows_are_those_of_matched_keys() {
    // 2 differs, 3 cancels, 4 has a cancelled row beside one that differs, 5 is missing.
    let expected = r#"[{"id":1,"v":1},{"id":2,"v":1},{"id":3,"v":1},{"id":3,"v":9},{"id":4,"v":1},{"id":4,"v":50},{"id":5,"v":1}]"#;
    let actual = r#"[{"id":1,"v":2},{"id":2,"v":8},{"id":3,"v":9},{"id":3,"v":1},{"id":4,"v":1},{"id":4,"v":70}]"#;
    let report = compare(&fleet(), expected, actual);
    let matched: Vec<String> = report
        .matched()
        .unwrap()
        .flat_map(|b| rows(&b.unwrap()))
        .map(|row| row.join(" "))
        .collect();
    assert_eq!(matched, ["1 1", "3 1", "3 9"]);
    assert_eq!(texts(&report.advance(None).unwrap()), ["1 1"], "several rows of a key are no base");
}

#[test]
fn the_base_advances_where_both_agree() {
    let base = snapshot(r#"[{"id":1,"v":0},{"id":2,"v":0},{"id":3,"v":0},{"id":4,"v":0}]"#);
    let (e, a) = (
        snapshot(r#"[{"id":1,"v":5},{"id":2,"v":5},{"id":3,"v":5}]"#),
        snapshot(r#"[{"id":1,"v":6},{"id":2,"v":9}]"#),
    );
    let report = fleet().compare_three_way(&run(), &e, &a, &base).unwrap();
    let next = report.advance(Some(&base)).unwrap();
    assert_eq!(texts(&next), ["1 5", "2 0", "3 0"]);
    assert_eq!(next.provenance().derived_by.as_deref(), Some("trueup/advance/1"));
}

#[test]
fn a_key_that_nobody_looked_for_stays() {
    let base = snapshot(r#"[{"id":1,"v":0},{"id":2,"v":0}]"#);
    let partial = snapshot(r#"[{"id":1,"v":1}]"#).with_coverage(Coverage::Partial);
    let report = fleet()
        .compare_three_way(&run(), &snapshot(r#"[{"id":1,"v":1}]"#), &partial, &base)
        .unwrap();
    assert_eq!(texts(&report.advance(Some(&base)).unwrap()), ["1 1", "2 0"]);
}

#[test]
fn a_base_of_other_types_is_taken_or_refused() {
    let report = compare(
        &fleet(),
        r#"[{"id":1,"v":1},{"id":2,"v":1}]"#,
        r#"[{"id":1,"v":1},{"id":2,"v":5}]"#,
    );
    let schema =
        serde_json::from_str(r#"[{"name":"id","type":"int"},{"name":"v","type":"decimal(5,2)"}]"#);
    let row = serde_json::json!({"id": 2, "v": "1.50"}).as_object().unwrap().clone();
    let decimal = Snapshot::from_json_as(&schema.unwrap(), &[row]).unwrap();
    assert_eq!(texts(&report.advance(Some(&decimal)).unwrap()), ["1 1.00", "2 1.50"]);
    for (base, kind) in [
        (r#"[{"id":2,"v":"one"}]"#, Kind::Incompatible),
        (r#"[{"id":2}]"#, Kind::Incompatible),
        (r#"[{"id":2,"v":1},{"id":2,"v":2}]"#, Kind::Data),
    ] {
        assert_eq!(report.advance(Some(&snapshot(base))).unwrap_err().kind(), kind, "{base}");
    }
}

#[test]
fn roots_are_those_of_the_systems_own_records() {
    let mapping: crate::Mapping =
        serde_json::from_str(r#"{"fields":{"id":"Nr"},"values":{"v":{"on":"1"}}}"#).unwrap();
    let document =
        document(serde_json::json!({"name": "n", "key": ["id"]})).with_actual_mapping(mapping);
    let (e, a) = (snapshot(r#"[{"id":1,"v":"on"}]"#), snapshot(r#"[{"Nr":1,"v":"1"}]"#));
    let report = document.compare(&run(), &e, &a).unwrap();
    assert!(report.converged());
    let inputs = report.inputs().unwrap();
    assert_eq!(inputs.actual.content_root().unwrap(), a.content(&["Nr"]).unwrap().root());
    assert_eq!((inputs.actual.rows(), inputs.expected.rows()), (1, 1));
}
