//! Every format, and every compression, keeps all promises of the contract.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may stop at the first surprise"
)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;
use trueup_connector::Snapshot;
use trueup_files::{FileSettings, Files, Settings};
use trueup_testkit::{Subject, conformance};

/// Some records; `edition` changes some of them.
fn records(count: i64, edition: i64) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(edition..count));
    let names = (edition..count)
        .map(|i| (i % 5 > 0).then(|| format!("é, \"{}\"\nno. {i}", i * (edition + 1))));
    let names: ArrayRef = Arc::new(StringArray::from_iter(names));
    RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("name", names, true)]).unwrap()
}

fn snapshot(batch: RecordBatch) -> Snapshot {
    let snapshot = Snapshot::from_batch(batch).unwrap();
    snapshot.with_field("id", |field| field.with_role(trueup_connector::Role::Key)).unwrap()
}

/// Records that are not there yet.
fn fresh() -> Snapshot {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1000, -7, i64::MAX, 1001]));
    let names = [Some("new, \"quoted\"\r\n"), Some(""), None, Some("ß 🦀")];
    let names: ArrayRef = Arc::new(StringArray::from_iter(names));
    let columns = [("id", ids, true), ("name", names, true)];
    snapshot(RecordBatch::try_from_iter_with_nullable(columns).unwrap())
}

fn cells(batch: &RecordBatch) -> Vec<(i64, Option<String>)> {
    let ids = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
    let names = batch.column(1).as_any().downcast_ref::<StringArray>().unwrap();
    ids.iter().zip(names).map(|(id, name)| (id.unwrap(), name.map(str::to_owned))).collect()
}

fn csv(batch: &RecordBatch) -> Vec<u8> {
    let mut text = "id,name\r\n".to_owned();
    for (id, name) in cells(batch) {
        let name = name.map_or(String::new(), |name| format!("\"{}\"", name.replace('"', "\"\"")));
        text.push_str(&format!("{id},{name}\r\n"));
    }
    text.into_bytes()
}

fn objects(batch: &RecordBatch, between: &str) -> String {
    let object = |(id, name): (i64, Option<String>)| {
        let name = serde_json::to_string(&name).unwrap();
        format!("{{\"id\": {id}, \"name\": {name}}}")
    };
    cells(batch).into_iter().map(object).collect::<Vec<_>>().join(between)
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn arrow_file(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    for start in (0..batch.num_rows()).step_by(16) {
        writer.write(&batch.slice(start, 16.min(batch.num_rows() - start))).unwrap();
    }
    writer.into_inner().unwrap()
}

fn arrow_stream(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn bytes(batch: &RecordBatch, extension: &str) -> Vec<u8> {
    match extension {
        "csv" => csv(batch),
        "csv.gz" => gzip(&csv(batch)),
        "csv.zst" => zstd::encode_all(csv(batch).as_slice(), 1).unwrap(),
        "jsonl" => objects(batch, "\n").into_bytes(),
        "json" => format!("[{}]\n", objects(batch, ",\n")).into_bytes(),
        "json.gz" => gzip(&bytes(batch, "json")),
        "parquet" => parquet(batch),
        "arrow" => arrow_file(batch),
        _ => arrow_stream(batch),
    }
}

fn write(folder: &Path, name: &str, extension: &str, batch: &RecordBatch) -> PathBuf {
    let path = folder.join(format!("{name}.{extension}"));
    fs::write(&path, bytes(batch, extension)).unwrap();
    path
}

async fn subject(extension: &'static str) -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let (many, few) = (records(40, 0), records(1, 0));
    let path = write(folder.path(), "many", extension, &many);
    let few_path = write(folder.path(), "few", extension, &few);
    let mut settings = Settings::default()
        .with_file(FileSettings::new(&path).with_key(["id"]))
        .with_file(FileSettings::new(few_path).with_key(["id"]));
    // What has no records has no types, except where the file says so itself.
    let with_none = !extension.contains("json");
    if with_none {
        let none = write(folder.path(), "none", extension, &records(0, 0));
        settings = settings.with_file(FileSettings::new(none).with_key(["id"]));
    }
    let (watched, broken, changed) = (path.clone(), path.clone(), folder.path().to_owned());
    let mut subject = Subject::new(Files::new(settings).unwrap())
        .with_truth("many", snapshot(many))
        .with_writes("many", fresh())
        .with_truth("few", snapshot(few))
        .with_witness(move || {
            let bytes = fs::read(&watched).unwrap();
            async { bytes }
        })
        .with_break(move || async move {
            let whole = fs::read(&broken).unwrap();
            fs::write(&broken, &whole[..whole.len() - 9]).unwrap();
        })
        .with_change(move || async move {
            let new = records(60, 7);
            write(&changed, "many", extension, &new);
            vec![("many".to_owned(), snapshot(new))]
        })
        .keeping(folder);
    if with_none {
        subject = subject.with_truth("none", snapshot(records(0, 0)));
    }
    subject
}

conformance!(csv_conforms, || subject("csv"));
conformance!(csv_gzip_conforms, || subject("csv.gz"));
conformance!(csv_zstd_conforms, || subject("csv.zst"));
conformance!(json_lines_conforms, || subject("jsonl"));
conformance!(json_conforms, || subject("json"));
conformance!(json_gzip_conforms, || subject("json.gz"));
conformance!(parquet_conforms, || subject("parquet"));
conformance!(arrow_file_conforms, || subject("arrow"));
conformance!(arrow_stream_conforms, || subject("arrows"));
