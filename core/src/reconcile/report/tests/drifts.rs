//! Drift between reports.

use super::*;
use crate::{Coverage, Kind, drift};

fn fleet() -> Reconciliation {
    document(serde_json::json!({"name": "fleet", "key": ["id"]}))
}

#[test]
fn findings_are_followed() {
    let wish = r#"[{"id":1,"v":1},{"id":2,"v":1},{"id":3,"v":1},{"id":4,"v":1}]"#;
    let before =
        compare(&fleet(), wish, r#"[{"id":1,"v":2},{"id":2,"v":2},{"id":3,"v":2},{"id":4,"v":1}]"#);
    let after =
        compare(&fleet(), wish, r#"[{"id":1,"v":1},{"id":2,"v":3},{"id":3,"v":2},{"id":4,"v":9}]"#);
    let drift = drift(&before, &after).unwrap();
    assert_eq!(drift.to_string(), "1 opened, 1 changed, 1 resolved, 1 unchanged");
    let cells = |batch: Result<arrow_array::RecordBatch>| rows(&batch.unwrap())[0][1..].join(" ");
    assert_eq!(cells(drift.opened()), "changed 4 v 1 9");
    assert_eq!(cells(drift.changed()), "changed 2 v 1 3");
    assert_eq!(cells(drift.resolved()), "changed 1 v 1 2");
    assert_eq!(drift.unchanged_ids().collect::<Vec<_>>(), [ids(&before)[2]]);
    assert_eq!(drift.counts().opened, 1);
    assert!(!drift.rules_changed() && !drift.is_empty());
}

#[test]
fn another_rule_is_another_state_of_the_same_finding() {
    let (e, a) = (r#"[{"id":1,"v":1}]"#, r#"[{"id":1,"v":9}]"#);
    let ruled = document(
        serde_json::json!({"name": "fleet", "key": ["id"], "compare": {"v": {"tolerance": {"absolute": "2"}}}}),
    );
    let drift = drift(&compare(&fleet(), e, a), &compare(&ruled, e, a)).unwrap();
    assert_eq!(
        drift.to_string(),
        "0 opened, 1 changed, 0 resolved, 0 unchanged; the rules changed"
    );
}

#[test]
fn a_smaller_coverage_is_said() {
    let (e, a) = (snapshot(r#"[{"id":1}]"#), snapshot(r#"[{"id":2}]"#));
    let before = fleet().compare(&run(), &e, &a).unwrap();
    let after = fleet().compare(&run(), &e, &a.clone().with_coverage(Coverage::Partial)).unwrap();
    let text = drift(&before, &after).unwrap().to_string();
    assert_eq!(text, "0 opened, 0 changed, 1 resolved, 1 unchanged; the coverage changed");
}

#[test]
fn reports_of_other_reconciliations_are_refused() {
    let base = serde_json::json!({"name": "n", "tenant": "t", "resource": "r", "key": ["id"]});
    let report = |json: &Json| {
        compare(&document(json.clone()), r#"[{"id":1,"v":1}]"#, r#"[{"id":1,"v":1}]"#)
    };
    for (member, value) in [
        ("name", "m".into()),
        ("tenant", "u".into()),
        ("resource", "s".into()),
        ("key", serde_json::json!(["id", "v"])),
    ] {
        let mut other = base.clone();
        other[member] = value;
        let error = drift(&report(&base), &report(&other)).unwrap_err();
        assert_eq!(error.kind(), Kind::Incompatible);
        assert!(error.message().contains(member), "{error}");
    }
}

#[test]
#[cfg(feature = "parquet")]
fn live_and_loaded_reports_drift_alike() {
    let report = varied();
    let loaded = saved::check_round_trip(&report);
    assert!(drift(&report, &loaded).unwrap().is_empty());
    assert_eq!(drift(&loaded, &report).unwrap().counts().unchanged, report.len() as u64);
}
