//! A process that writes is killed at any moment: the file is the old one or the new one, whole.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use trueup_connector::{Change, Column, Connector, Context, Operation, Receipt, Value};
use trueup_files::{FileSettings, Files, Settings};
use trueup_testkit::block_on;
use trueup_testkit::conformance::apply_unguarded;

const FILE: &str = "TRUEUP_TEST_FILE";
const RECORDS: i64 = 40;

#[test]
fn what_was_acknowledged_is_there_and_nothing_is_half_there() {
    for name in ["pairs.csv", "pairs.jsonl", "pairs.parquet"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, first(name)).unwrap();
        let mut last = 0;
        for round in 0..8_u64 {
            let acknowledged = run_and_kill(&path, 1 + round * 5 % 17);
            let now = look(&path);
            assert!(now >= acknowledged.max(last), "{name}: {now} after {acknowledged}, {last}");
            last = now;
        }
        assert!(last >= 8, "{name}: the child came no further than {last}");
        let rest = std::fs::read_dir(folder.path()).unwrap().count();
        assert!(rest <= 3, "{name}: {rest} files are left, and it should be three at most");
    }
}

fn first(name: &str) -> Vec<u8> {
    let ids = 1..=RECORDS;
    if name.ends_with("csv") {
        let rows: String = ids.map(|id| format!("{id},0,0\n")).collect();
        return format!("id,a,b\n{rows}").into_bytes();
    }
    if name.ends_with("jsonl") {
        return ids
            .map(|id| format!("{{\"id\":{id},\"a\":0,\"b\":0}}\n"))
            .collect::<String>()
            .into();
    }
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
    let zeros: ArrayRef = Arc::new(Int64Array::from_iter_values((0..RECORDS).map(|_| 0)));
    let columns = [("id", ids), ("a", zeros.clone()), ("b", zeros)];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn files(path: &Path) -> Files {
    let file = FileSettings::new(path).with_key(["id"]);
    Files::new(Settings::default().with_file(file)).unwrap()
}

/// The one value that all fields of all records have.
fn look(path: &Path) -> i128 {
    let pairs = files(path).read_blocking(&Context::new(), "pairs").unwrap();
    assert_eq!(pairs.rows(), usize::try_from(RECORDS).unwrap());
    let columns = pairs.batches().iter().flat_map(|batch| batch.columns().iter().skip(1).cloned());
    let values = columns.flat_map(|array| {
        let column = Column::new(&array).unwrap();
        (0..column.len()).map(|row| column.value(row)).collect::<Vec<_>>()
    });
    let mut values: Vec<Value> = values.collect();
    values.dedup();
    match values.as_slice() {
        [Value::Int(value)] => *value,
        other => panic!("the file has a half of a call: {other:?}"),
    }
}

/// Runs the writer until it has acknowledged something, and so many milliseconds more.
fn run_and_kill(path: &Path, millis: u64) -> i128 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "writes_until_it_is_killed", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut done = lines.filter_map(|line| line.strip_prefix("done ")?.parse::<i128>().ok());
    let first = done.next().unwrap();
    std::thread::sleep(Duration::from_millis(millis));
    child.kill().unwrap();
    child.wait().unwrap();
    done.last().unwrap_or(first)
}

#[test]
#[ignore = "the other test runs it, as a process of its own"]
fn writes_until_it_is_killed() {
    let path = PathBuf::from(std::env::var_os(FILE).unwrap());
    let mut value = look(&path);
    let writer = files(&path).writer().unwrap();
    loop {
        let changes = (1..=RECORDS).map(|id| {
            let mut change = Change::new("pairs", Operation::Update, vec![Value::from(id)]);
            let both = |value| ["a", "b"].map(|name| (name.to_owned(), Value::Int(value)));
            (change.before, change.after) = (both(value).into(), both(value + 1).into());
            change
        });
        let receipts = apply_unguarded(&*writer, Context::new(), changes.collect());
        let receipts = block_on(receipts).unwrap();
        assert!(receipts.iter().all(|r| matches!(r, Receipt::Done { .. })), "{receipts:?}");
        value += 1;
        println!("done {value}");
    }
}
