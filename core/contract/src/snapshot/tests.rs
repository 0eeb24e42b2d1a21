//! Snapshots: made, saved, loaded, labelled.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int64Array, StringArray};
use arrow_schema::{DataType, Field as ArrowField, Schema as ArrowSchema};

use super::*;
use crate::record::LogicalType;

fn ids(values: &[i64]) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    RecordBatch::try_from_iter([("id", column)]).unwrap()
}

#[test]
fn roots_do_not_depend_on_order_batches_or_encoding() {
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a"]));
    let dictionary: DictionaryArray<Int32Type> = vec!["a", "a", "b"].into_iter().collect();
    let one = RecordBatch::try_from_iter([("n", names)]).unwrap();
    let other = RecordBatch::try_from_iter([("n", Arc::new(dictionary) as ArrayRef)]).unwrap();
    let (one, other) = (Snapshot::from_batch(one).unwrap(), Snapshot::from_batch(other).unwrap());
    assert_eq!(one.content(&["n"]).unwrap().root(), other.content(&["n"]).unwrap().root());

    let whole = Snapshot::from_batch(ids(&[1, 2, 3])).unwrap();
    let parts = Snapshot::new(ids(&[]).schema(), vec![ids(&[3, 1]), ids(&[]), ids(&[2])]).unwrap();
    assert_eq!(parts.batches().len(), 2);
    assert_eq!(whole.content(&["id"]).unwrap().root(), parts.content(&["id"]).unwrap().root());
}

#[test]
fn a_record_can_be_proved() {
    let snapshot = Snapshot::from_batch(ids(&[5, 6, 7])).unwrap();
    let tree = snapshot.content(&["id"]).unwrap();
    let leaf = snapshot.leaf(&["id"], 1).unwrap();
    assert!(tree.prove(&leaf).unwrap().verify(&leaf, &tree.root()));
    assert_eq!(snapshot.leaf(&["id"], 3).unwrap_err().kind(), Kind::Invalid);
    assert!(snapshot.content(&["di"]).unwrap_err().to_string().contains("did you mean `id`"));
}

#[test]
fn secrets_are_not_in_the_root() {
    let rows = |pin: &str| {
        serde_json::from_str::<Vec<_>>(&format!(r#"[{{"id":1,"pin":"{pin}"}}]"#)).unwrap()
    };
    let root = |pin: &str| {
        let snapshot = Snapshot::from_json(&rows(pin)).unwrap();
        snapshot.with_field("pin", Field::secret).unwrap().content(&["id"]).unwrap().root()
    };
    assert_eq!(root("1234"), root("9999"));
}

#[test]
fn batches_of_other_columns_are_refused() {
    let other: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let other = RecordBatch::try_from_iter([("id", other)]).unwrap();
    let error = Snapshot::new(ids(&[1]).schema(), vec![ids(&[1]), other]).unwrap_err();
    assert_eq!(error.to_string(), "the column `id` of a batch is Utf8, not Int64 (batch: 1)");
}

#[test]
fn types_that_cannot_be_compared_are_refused_by_name() {
    let ty = DataType::Duration(arrow_schema::TimeUnit::Second);
    let schema = Arc::new(ArrowSchema::new(vec![ArrowField::new("took", ty, true)]));
    let error = Snapshot::new(schema, vec![]).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.to_string().contains("(column: took)"), "{error}");
}

#[test]
fn rows_of_a_serde_type_become_columns() {
    #[derive(serde::Serialize)]
    struct Row {
        name: Option<String>,
        size: u32,
        tags: Vec<String>,
    }
    let rows = [
        Row { name: Some("a".into()), size: 1, tags: vec!["x".into()] },
        Row { name: None, size: 2, tags: vec![] },
    ];
    let snapshot = Snapshot::from_rows(&rows).unwrap();
    let types: Vec<String> = snapshot.schema().fields().iter().map(|f| f.ty.to_string()).collect();
    assert_eq!(types, ["text", "int", "list<text>"]);
}

#[test]
fn json_rows_take_the_narrowest_exact_types() {
    let rows: Vec<_> = serde_json::from_str(
        r#"[{"a":1,"b":[1.5],"c":{"x":1}},{"a":2.5,"b":[],"d":null},{"c":{"y":"z"}}]"#,
    )
    .unwrap();
    let snapshot = Snapshot::from_json(&rows).unwrap();
    let types: Vec<String> =
        snapshot.schema().fields().iter().map(|f| format!("{} {}", f.name, f.ty)).collect();
    assert_eq!(types, ["a float", "b list<float>", "c struct<x:int,y:text>", "d null"]);

    let mixed: Vec<_> = serde_json::from_str(r#"[{"a":1},{"a":"x"}]"#).unwrap();
    let error = Snapshot::from_json(&mixed).unwrap_err();
    assert!(error.to_string().contains("(row: 1, column: a)"), "{error}");
    let lossy: Vec<_> = serde_json::from_str(r#"[{"a":0.5},{"a":9007199254740993}]"#).unwrap();
    assert!(Snapshot::from_json(&lossy).unwrap_err().to_string().contains("9007199254740993"));
}

#[test]
fn declared_json_rows_name_what_does_not_fit() {
    let schema: Schema =
        serde_json::from_str(r#"[{"name":"d","type":"date"},{"name":"n","type":"decimal(5,2)"}]"#)
            .unwrap();
    let read = |json: &str| {
        Snapshot::from_json_as(&schema, &serde_json::from_str::<Vec<_>>(json).unwrap())
    };
    let good = read(r#"[{"d":"2026-01-31","n":"1.5"},{}]"#).unwrap();
    let column = Column::new(good.batches()[0].column(1)).unwrap();
    assert_eq!(column.value(0).to_string(), "1.50");
    for (json, part) in [
        (r#"[{"d":"31.1.2026"}]"#, "`31.1.2026`"),
        (r#"[{"n":"1.555"}]"#, "1.555"),
        (r#"[{"n":"1000.00"}]"#, "1000.00"),
        (r#"[{"m":1}]"#, "unknown field `m`"),
    ] {
        let error = read(json).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn ipc_bytes_that_are_cut_are_an_error() {
    let mut bytes = Vec::new();
    let batch = ids(&[1, 2, 3]);
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    assert_eq!(Snapshot::from_ipc(bytes.as_slice()).unwrap().rows(), 3);
    for cut in [0, 10, bytes.len() / 2, bytes.len() - 20] {
        assert_eq!(Snapshot::from_ipc(&bytes[..cut]).unwrap_err().kind(), Kind::Data, "{cut}");
    }
}

#[cfg(feature = "parquet")]
#[test]
fn a_saved_snapshot_loads_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("devices.parquet");
    let coverage = Coverage::Within(Predicate::is("id", 1));
    let snapshot = Snapshot::from_batch(ids(&[1]))
        .unwrap()
        .with_field("id", |field| field.with_role(crate::record::Role::Key))
        .unwrap()
        .with_provenance(Provenance::read("files", "devices").with_read_id("r1"))
        .with_coverage(coverage.clone());
    snapshot.save(&path).unwrap();
    let loaded = Snapshot::load(&path).unwrap();
    assert_eq!(loaded.schema(), snapshot.schema());
    assert_eq!((loaded.coverage(), loaded.provenance()), (&coverage, snapshot.provenance()));
    assert_eq!(loaded.content(&["id"]).unwrap().root(), snapshot.content(&["id"]).unwrap().root());

    std::fs::write(&path, b"PAR1 not really").unwrap();
    assert_eq!(Snapshot::load(&path).unwrap_err().kind(), Kind::Data);
    assert_eq!(Snapshot::load(folder.path().join("none")).unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn an_empty_type_is_still_a_snapshot() {
    let schema = Schema::new([Field::new("id", LogicalType::Int)]).unwrap();
    let snapshot = Snapshot::empty(&schema).unwrap();
    assert_eq!((snapshot.rows(), snapshot.batches().len()), (0, 0));
}

#[test]
fn a_secret_that_does_not_fit_is_not_shown() {
    let field = |ty| Field::new("pin", ty).secret();
    let refused = |ty, rows: &str| {
        let schema = Schema::new([field(ty)]).unwrap();
        let rows: Vec<_> = serde_json::from_str(rows).unwrap();
        let error = Snapshot::from_json_as(&schema, &rows).unwrap_err();
        assert_eq!(error.kind(), Kind::Data);
        error.to_string()
    };
    let list = LogicalType::List(Box::new(LogicalType::Int));
    for (ty, row) in [
        (LogicalType::Int, r#"[{"pin":1},{"pin":"SECRETQ"}]"#),
        (LogicalType::Date, r#"[{"pin":null},{"pin":"SECRETQ"}]"#),
        (LogicalType::Text, r#"[{"pin":"a"},{"pin":77123}]"#),
        (list, r#"[{"pin":[1]},{"pin":["SECRETQ"]}]"#),
    ] {
        let error = refused(ty, row);
        assert!(error.contains("`‹secret›` does not fit the type"), "{error}");
        assert!(error.contains("column: pin") && error.contains("row: 1"), "{error}");
        assert!(!error.contains("SECRETQ") && !error.contains("77123"), "{error}");
    }
}
