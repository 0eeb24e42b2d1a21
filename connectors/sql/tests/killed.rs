//! A process that writes is killed at any moment: every call is there, whole, or not at all.
#![cfg(feature = "sqlite")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use trueup_connector::{Change, Connector, Context, Operation, Receipt, Value};
use trueup_sql::Sqlite;
use trueup_testkit::block_on;
use trueup_testkit::conformance::apply_unguarded;

const FILE: &str = "TRUEUP_TEST_DATABASE";
const RECORDS: i64 = 20;

#[test]
fn what_was_acknowledged_is_there_and_nothing_is_half_there() {
    for (number, mode) in ["wal", "delete"].into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("killed.db");
        let database = Connection::open(&path).unwrap();
        database.pragma_update(None, "journal_mode", mode).unwrap();
        let rows: Vec<_> = (1..=RECORDS).map(|id| format!("({id}, 0, 0)")).collect();
        let rows = rows.join(", ");
        let sql = "create table pairs (id int primary key, a int, b int); insert into pairs values";
        database.execute_batch(&format!("{sql} {rows};")).unwrap();
        drop(database);
        let mut last = 0;
        for round in 0..12_u64 {
            let acknowledged = run_and_kill(&path, 1 + (round * 7 + number as u64 * 3) % 23);
            let now = look(&path);
            assert!(now >= acknowledged.max(last), "{mode}: {now} after {acknowledged}, {last}");
            last = now;
        }
        assert!(last > 12, "{mode}: the child came no further than {last}");
    }
}

/// The one value that all fields of all records have.
fn look(path: &std::path::Path) -> i64 {
    let database = Connection::open(path).unwrap();
    let sound: String = database.query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let all = "select count(*), min(a), max(a), min(b), max(b) from pairs";
    let read = |row: &rusqlite::Row<'_>| {
        Ok((row.get(0)?, [row.get::<_, i64>(1)?, row.get(2)?, row.get(3)?, row.get(4)?]))
    };
    let (count, [value, others @ ..]): (i64, [i64; 4]) = database.query_row(all, [], read).unwrap();
    assert_eq!((count, others), (RECORDS, [value; 3]));
    value
}

/// Runs the writer until it has acknowledged something, and so many milliseconds more.
fn run_and_kill(path: &std::path::Path, millis: u64) -> i64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "writes_until_it_is_killed", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut done = lines.filter_map(|line| line.strip_prefix("done ")?.parse::<i64>().ok());
    let first = done.next().unwrap();
    std::thread::sleep(Duration::from_millis(millis));
    child.kill().unwrap();
    child.wait().unwrap();
    done.last().unwrap_or(first)
}

#[test]
#[ignore = "the other test runs it, as a process of its own"]
fn writes_until_it_is_killed() {
    let path = std::path::PathBuf::from(std::env::var_os(FILE).unwrap());
    let mut value = look(&path);
    let writer = Sqlite::open(path).unwrap().writer().unwrap();
    loop {
        let changes = (1..=RECORDS).map(|id| {
            let mut change = Change::new("pairs", Operation::Update, vec![Value::from(id)]);
            let both = |value| ["a", "b"].map(|name| (name.to_owned(), Value::from(value)));
            (change.before, change.after) = (both(value).into(), both(value + 1).into());
            change
        });
        let receipts = apply_unguarded(&*writer, Context::new(), changes.collect());
        let receipts = block_on(receipts).unwrap();
        assert!(receipts.iter().all(|receipt| matches!(receipt, Receipt::Done { .. })));
        value += 1;
        println!("done {value}");
    }
}
