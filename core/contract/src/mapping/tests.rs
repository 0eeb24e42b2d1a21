//! Mappings: their JSON, and snapshots in canonical words.

use serde_json::json;

use super::*;
use crate::record::Column;
use crate::snapshot::{Coverage, Predicate, Snapshot};

fn mapping(json: serde_json::Value) -> Result<Mapping> {
    Mapping::from_json(&json)
}

fn snapshot(rows: serde_json::Value) -> Snapshot {
    Snapshot::from_json(&serde_json::from_value::<Vec<_>>(rows).unwrap()).unwrap()
}

#[track_caller]
fn refused(result: Result<Snapshot>, kind: Kind, text: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(text), "{error}");
}

#[test]
fn names_and_values_read_canonically_and_go_back() {
    let json = json!({"fields": {"state": "Status"}, "values": {"state": {"active": "1", "retired": "2"}}});
    let mapping = mapping(json.clone()).unwrap();
    assert_eq!(mapping.to_json(), json);
    let rows =
        json!([{"id": 7, "Status": "1"}, {"id": 8, "Status": null}, {"id": 9, "Status": "x"}]);
    let coverage = Coverage::Within(Predicate::one_of("Status", ["1", "x"]).negated());
    let read = mapping.canonical(&snapshot(rows).with_coverage(coverage)).unwrap();
    assert_eq!(read.schema().names().collect::<Vec<_>>(), ["state", "id"]);
    let column = Column::new(read.batches()[0].column(0)).unwrap();
    let values: Vec<Value> = (0..3).map(|row| column.value(row)).collect();
    assert_eq!(values, [Value::from("active"), Value::Null, Value::from("x")]);
    let coverage = Coverage::Within(Predicate::one_of("state", ["active", "x"]).negated());
    assert_eq!(*read.coverage(), coverage);
    assert_eq!(mapping.to_system("state", &"retired".into()).unwrap(), Value::from("2"));
}

#[test]
fn an_unlisted_value_stands_for_itself_unless_it_collides() {
    let mapping = mapping(json!({"values": {"arch": {"amd64": "x64"}}})).unwrap();
    assert_eq!(mapping.to_canonical("arch", &"arm64".into()).unwrap(), Value::from("arm64"));
    assert!(mapping.to_system("arch", &"x64".into()).is_err());
    let rows = snapshot(json!([{"arch": "amd64"}]));
    refused(mapping.canonical(&rows), Kind::Data, "`amd64` in `arch`");
    let secret = rows.with_field("arch", |field| field.secret()).unwrap();
    refused(mapping.canonical(&secret), Kind::Data, "`‹secret›` in `arch`");
}

#[test]
fn names_and_values_may_be_exchanged() {
    let json = json!({"fields": {"a": "b", "b": "a"}, "values": {"a": {"on": "off", "off": "on"}}});
    let read = mapping(json).unwrap().canonical(&snapshot(json!([{"a": 1, "b": "on"}]))).unwrap();
    let row: Vec<String> = read.batches()[0]
        .columns()
        .iter()
        .map(|array| Column::new(array).unwrap().value(0).to_string())
        .collect();
    assert_eq!(
        (read.schema().names().collect::<Vec<_>>(), row),
        (vec!["b", "a"], vec!["1".into(), "off".into()])
    );
}

#[test]
fn tables_are_one_to_one_and_text() {
    for json in [
        json!({"fields": {"a": "x", "b": "x"}}),
        json!({"values": {"a": {"p": "1", "q": "1"}}}),
        json!({"values": {"a": [["p", "1"]]}}),
        json!({"values": {"a": {"p": 1}}}),
        json!({"fields": {"a": 1}}),
        json!({"field": {}}),
        json!([]),
    ] {
        assert_eq!(mapping(json).unwrap_err().kind(), Kind::Invalid);
    }
    let twice = Mapping::default().with_values("a", [("p", "1"), ("p", "2")]);
    assert!(twice.unwrap_err().message().contains("one-to-one"));
}

#[test]
fn what_does_not_fit_the_snapshot_is_refused() {
    let rows = snapshot(json!([{"id": 1, "name": "a", "title": "b"}]));
    for (json, text) in [
        (json!({"fields": {"x": "nmae"}}), "did you mean `name`?"),
        (json!({"fields": {"name": "title"}}), "two fields called `name`"),
        (json!({"values": {"id": {"1": "2"}}}), "needs a text field"),
        (json!({"values": {"nam": {"1": "2"}}}), "did you mean `name`?"),
    ] {
        refused(mapping(json).unwrap().canonical(&rows), Kind::Invalid, text);
    }
}

#[test]
fn a_value_table_translates_no_ranges() {
    let mapping = mapping(json!({"values": {"name": {"a": "1"}}})).unwrap();
    for (predicate, text) in [
        (
            Predicate::starts_with("name", "a"),
            "`name`, which has a value table, takes `is` and `in` only, not `starts_with`",
        ),
        (Predicate::range("name", None::<&str>, Some("b")), "not `to`"),
    ] {
        let rows = snapshot(json!([{"name": "1"}])).with_coverage(Coverage::Within(predicate));
        refused(mapping.canonical(&rows), Kind::Invalid, text);
    }
}

#[test]
fn a_snapshot_without_rows_or_columns_is_mapped_too() {
    let schema = serde_json::from_str(r#"[{"name":"a","type":"text","secret":true}]"#).unwrap();
    let mapping = mapping(json!({"fields": {"b": "a"}, "values": {"b": {"x": "1"}}})).unwrap();
    let read = mapping.canonical(&Snapshot::empty(&schema).unwrap()).unwrap();
    assert!(read.schema().field("b").unwrap().secret);
}
