//! Saving and loading.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::file::metadata::KeyValue;
use arrow_array::{ArrayRef, RecordBatch, StringArray};

use super::*;
use crate::Kind;

/// Saves and loads a report, and compares everything a loaded report offers.
pub(super) fn check_round_trip(report: &Report) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.parquet");
    report.save(&path).unwrap();
    let loaded = Report::load(&path).unwrap();
    assert_eq!(loaded.digest().unwrap(), report.digest().unwrap());
    assert_eq!(loaded.states().unwrap(), report.states().unwrap());
    assert_eq!(loaded.findings_table().unwrap(), report.findings_table().unwrap());
    assert_eq!(loaded.findings_schema(), report.findings_schema());
    assert_eq!(loaded.head(), report.head());
    assert_eq!(loaded.html().unwrap(), report.html().unwrap());
    for id in ids(report) {
        assert_eq!(loaded.explain(id).unwrap(), report.explain(id).unwrap());
        let members = |report: &Report| report.members(id).map_err(|error| error.kind());
        assert_eq!(members(&loaded), members(report));
    }
    let roots = |report: &Report| {
        report.inputs().map(|i| (i.expected.content_root_hex(), i.expected.rows()))
    };
    let ((a, m), (b, n)) = (roots(&loaded).unwrap(), roots(report).unwrap());
    assert_eq!((a.unwrap(), m), (b.unwrap(), n));
    loaded
}

#[test]
fn a_loaded_report_says_the_same() {
    let loaded = check_round_trip(&varied());
    check_round_trip(&loaded);
    assert_eq!(loaded.matched().err().unwrap().kind(), Kind::Unsupported);
    assert_eq!(loaded.advance(None).unwrap_err().kind(), Kind::Unsupported);
}

#[test]
fn a_key_may_be_called_what_a_column_is() {
    let names = ["state", "members", "compared", "kind"];
    let row = |v: u8| {
        Json::Object(
            names
                .iter()
                .map(|n| ((*n).to_owned(), "x".into()))
                .chain([("v".to_owned(), v.into())])
                .collect(),
        )
    };
    let document = document(serde_json::json!({"name": "n", "key": names}));
    check_round_trip(&compare(
        &document,
        &Json::Array(vec![row(1)]).to_string(),
        &Json::Array(vec![row(2)]).to_string(),
    ));
}

#[test]
fn an_empty_report_is_saved_too() {
    let document = document(serde_json::json!({"name": "n", "key": ["id"]}));
    assert!(check_round_trip(&compare(&document, r#"[{"id":1}]"#, r#"[{"id":1}]"#)).is_empty());
}

type Entries = Vec<(String, String)>;

/// Writes a saved report again after `change` had its way with it.
fn tampered(change: impl FnOnce(&mut RecordBatch, &mut Entries)) -> crate::Error {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.parquet");
    varied().save(&path).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
    let entries = builder.metadata().file_metadata().key_value_metadata().unwrap().clone();
    let entries = entries.into_iter().filter(|e| e.key.starts_with("trueup."));
    let mut entries: Entries = entries.map(|e| (e.key, e.value.unwrap())).collect();
    let schema = builder.schema().clone();
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    let mut batch = arrow_select::concat::concat_batches(&schema, &batches).unwrap();
    change(&mut batch, &mut entries);
    write(&path, &batch, entries);
    Report::load(&path).unwrap_err()
}

fn write(path: &Path, batch: &RecordBatch, entries: Entries) {
    let schema = Arc::new(arrow_schema::Schema::new(batch.schema().fields().clone()));
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), schema, None).unwrap();
    writer.write(batch).unwrap();
    entries
        .into_iter()
        .for_each(|(key, value)| writer.append_key_value_metadata(KeyValue::new(key, value)));
    writer.close().unwrap();
}

fn edit(entries: &mut Entries, from: &str, to: &str) {
    let (_, text) = entries.iter_mut().find(|(key, _)| key == "trueup.report").unwrap();
    assert!(text.contains(from), "{from} in {text}");
    *text = text.replace(from, to);
}

/// Seals a tampered file again: what a careful forger would do.
fn seal(batch: &RecordBatch, entries: &mut Entries) {
    let text = entries.iter().find(|(key, _)| key == "trueup.report").unwrap().1.clone();
    let seal = super::super::table_file::seal(&text, batch).unwrap();
    entries
        .iter_mut()
        .filter(|(key, _)| key == "trueup.seal")
        .for_each(|(_, value)| *value = seal.clone());
}

#[test]
fn a_newer_version_is_refused() {
    let error = tampered(|_, entries| edit(entries, "{\"version\":1,", "{\"version\":2,"));
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.message().contains("upgrade"), "{error}");
}

#[test]
fn an_edited_text_breaks_the_seal() {
    let error = tampered(|batch, _| {
        let place = batch.schema().index_of("actual").unwrap();
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        columns[place] = Arc::new(StringArray::from(vec!["forged"; batch.num_rows()]));
        *batch = RecordBatch::try_new(batch.schema(), columns).unwrap();
    });
    assert_eq!(error.kind(), Kind::Data);
    assert!(error.message().contains("seal"), "{error}");
}

#[test]
fn what_does_not_go_together_is_refused_even_when_sealed_again() {
    let cases: [(&str, &str, &str); 5] = [
        ("\"missing\":1", "\"missing\":2", "counts"),
        ("\"matched\":1", "\"matched\":7", "digest"),
        ("\"tenant\":\"acme\"", "\"tenant\":\"acne\"", "digest"),
        ("\"case\":\"ignore\"", "\"case\":\"exact\"", "rules"),
        ("\"counts_by_field\":{\"id\":1,", "\"counts_by_field\":{\"id\":2,", "by field"),
    ];
    for (from, to, says) in cases {
        let error = tampered(|batch, entries| {
            edit(entries, from, to);
            seal(batch, entries);
        });
        assert_eq!(error.kind(), Kind::Data, "{to}");
        assert!(error.message().contains(says), "{to}: {error}");
    }
    let error = tampered(|batch, entries| {
        *batch = batch.slice(0, batch.num_rows() - 1);
        seal(batch, entries);
    });
    assert_eq!(error.kind(), Kind::Data);
}

#[test]
fn what_is_no_report_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    assert_eq!(Report::load(&path).unwrap_err().kind(), Kind::NotFound);
    std::fs::write(&path, b"PAR1 not at all PAR1").unwrap();
    assert_eq!(Report::load(&path).unwrap_err().kind(), Kind::Data);
    snapshot(r#"[{"id":1}]"#).save(&path).unwrap();
    assert_eq!(Report::load(&path).unwrap_err().kind(), Kind::Data);
    varied().save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 4, bytes.len() / 2, bytes.len() - 9] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert_eq!(Report::load(&path).unwrap_err().kind(), Kind::Data, "{length}");
    }
}

#[test]
fn no_damaged_byte_makes_loading_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    check_damaged(&path, |path| varied().save(path), |path| Report::load(path).map(drop));
    let records = snapshot(r#"[{"id":1,"os":"a"},{"id":2,"os":"b"}]"#);
    check_damaged(&path, |path| records.save(path), |path| Snapshot::load(path).map(drop));
}

/// Loads a saved file once for each byte of its metadata, one bit of which is turned.
fn check_damaged(
    path: &Path,
    save: impl Fn(&Path) -> Result<()>,
    load: impl Fn(&Path) -> Result<()>,
) {
    save(path).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let length = bytes.last_chunk::<8>().unwrap().first_chunk::<4>().unwrap();
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap();
    let mut refused = 0;
    for place in bytes.len() - 8 - length..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1;
        std::fs::write(path, &damaged).unwrap();
        if let Err(error) = load(path) {
            refused += 1;
            assert!(matches!(error.kind(), Kind::Data | Kind::Unsupported), "{place}: {error}");
        }
    }
    assert!(refused > 0);
}
