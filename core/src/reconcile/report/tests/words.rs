//! Findings in words, and the rows of those about several.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};

use super::*;
use crate::{FindingKind, Kind};

#[track_caller]
fn check(report: &Report, want: &[(&str, &str)]) {
    let found: Vec<_> = ids(report).into_iter().map(|id| report.explain(id).unwrap()).collect();
    let found: Vec<_> = found.iter().map(|why| (why.kind.name(), why.remedy.as_str())).collect();
    assert_eq!(found, want);
}

#[test]
fn every_kind_has_a_remedy() {
    let report = varied();
    let ambiguous = "change the alternate key's values until each row meets at most one, or drop the alternate key";
    check(
        &report,
        &[
            ("changed", "set `os` to `Linux` on the actual side"),
            (
                "duplicate",
                "remove or re-key rows until each side has at most one of this key, or both the same ones",
            ),
            ("changed", "set `id` to `5` on the actual side"),
            ("ambiguous", ambiguous),
            ("ambiguous", ambiguous),
            (
                "missing",
                "create the record on the actual side, or remove it from the expected side",
            ),
            (
                "unexpected",
                "remove the record from the actual side, or add it to the expected side",
            ),
            ("ambiguous", ambiguous),
            ("unkeyed", "give the row a value for `id`"),
        ],
    );
}

#[test]
fn a_changed_value_is_shown_as_it_stands_and_as_it_was_compared() {
    let report = varied();
    let why = report.explain(ids(&report)[0]).unwrap();
    assert_eq!(why.rule.as_deref(), Some("case ignored, then exact"));
    let want = format!(
        "changed {}\n  key       id = 2\n  field     os\n  rule      case ignored, then exact\n  \
         expected  Linux (compared as linux)\n  actual    BSD (compared as bsd)\n  \
         to agree  set `os` to `Linux` on the actual side",
        why.id
    );
    assert_eq!(why.to_string(), want);
}

#[test]
fn the_owner_says_which_side_gives_way() {
    for (owner, want) in [
        ("actual", "set `a` to `2` on the expected side"),
        ("none", "nobody owns `a`: agree on one value, then set it where it differs"),
    ] {
        let json =
            serde_json::json!({"name": "n", "key": ["id"], "compare": {"a": {"owner": owner}}});
        check(
            &compare(&document(json), r#"[{"id":1,"a":1}]"#, r#"[{"id":1,"a":2}]"#),
            &[("changed", want)],
        );
    }
}

#[test]
fn a_conflict_names_who_changed() {
    let document = document(serde_json::json!({"name": "n", "key": ["id"]}));
    let [e, a, b] =
        [r#"[{"id":1,"v":1}]"#, r#"[{"id":1,"v":2}]"#, r#"[{"id":1,"v":3}]"#].map(snapshot);
    let report = document.compare_three_way(&run(), &e, &a, &b).unwrap();
    let why = report.explain(ids(&report)[0]).unwrap();
    assert_eq!((why.kind, why.cause), (FindingKind::Conflict, Some(crate::Cause::Both)));
    assert!(why.to_string().contains("both sides changed since they last agreed"), "{why}");
}

#[test]
fn members_are_the_rows_of_both_sides() {
    let report = varied();
    let duplicate = report.members(ids(&report)[1]).unwrap();
    let got: Vec<String> = rows(&duplicate).iter().map(|row| row[1..].join(" ")).collect();
    assert_eq!(got, ["expected 0 3 One c", "expected 1 3 Two c", "actual 0 3 Three c"]);
    let why = report.explain(ids(&report)[1]).unwrap();
    assert!(why.to_string().contains("  expected  id = 3, os = One, serial = c\n"), "{why}");
    let error = report.members(ids(&report)[0]).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
}

#[test]
fn secrets_are_masked_everywhere() {
    let secret = |json: &str| snapshot(json).with_field("pin", |field| field.secret()).unwrap();
    let document = document(
        serde_json::json!({"name": "n", "key": ["id"], "compare": {"pin": {"text": {"case": "ignore"}}}}),
    );
    let expected = secret(
        r#"[{"id":1,"pin":"hushA"},{"id":2,"pin":"hushB"},{"id":2,"pin":"hushC"},{"id":3,"pin":"hushD"}]"#,
    );
    let actual = secret(r#"[{"id":1,"pin":"hushE"},{"id":3,"pin":"hushD"}]"#);
    let report = document.compare(&run(), &expected, &actual).unwrap();
    let mut shown = report.html().unwrap();
    for id in ids(&report) {
        shown += &report.explain(id).unwrap().to_string();
        shown +=
            &report.members_json(report.find(id).unwrap()).unwrap().unwrap_or_default().to_string();
    }
    shown +=
        &report.matched().unwrap().map(|b| format!("{:?}", rows(&b.unwrap()))).collect::<String>();
    assert!(shown.contains("‹secret›") && !shown.to_lowercase().contains("hush"), "{shown}");
}

#[test]
fn a_time_that_no_zone_has_names_its_field_and_not_the_value() {
    let beyond: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX - 77]));
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let batch = RecordBatch::try_from_iter([("id", id), ("at", beyond)]).unwrap();
    let snapshot = Snapshot::from_batch(batch).unwrap();
    let secret = snapshot.with_field("at", |field| field.secret()).unwrap();
    let document = document(
        serde_json::json!({"name": "n", "key": ["id"], "compare": {"at": {"zone": "UTC"}}}),
    );
    let error = document.compare(&run(), &secret, &secret).unwrap_err();
    assert_eq!(error.kind(), Kind::Data);
    let error = error.to_string();
    assert!(error.contains("field: at") && !error.contains("29424"), "{error}");
}

#[test]
fn an_unknown_id_is_not_found() {
    let error = varied().explain("0".repeat(32).parse().unwrap()).unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
}
