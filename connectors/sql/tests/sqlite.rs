//! SQLite: what is read, and what bad input gets.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]
#![cfg(feature = "sqlite")]

mod support;

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;
use support::{error, fields, read, rows};
use tempfile::TempDir;
use trueup_connector::{Connector, Context, Kind, LogicalType, ReadRequest, Retry};
use trueup_sql::{Source, Sqlite, SqliteConfig};

/// A database file of these statements.
fn file(sql: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    (folder, path)
}

fn database(sql: &str) -> (TempDir, Sqlite) {
    let (folder, path) = file(sql);
    (folder, Sqlite::open(path).unwrap())
}

/// What a table `t` of these columns and rows is read as.
async fn check(columns: &str, values: &[&str], want_fields: &str, want_rows: &[&str]) {
    let values: String =
        values.iter().map(|row| format!("insert into t values ({row});")).collect();
    let (_folder, connector) = database(&format!("create table t ({columns}); {values}"));
    let snapshot = read(&connector, "t").await.unwrap();
    assert_eq!(fields(&snapshot), want_fields);
    assert_eq!(rows(&snapshot), want_rows);
}

/// The error that a value of a column of this declaration gets.
async fn refuse(declaration: &str, value: &str, want: &str) {
    let sql = format!("create table t (c {declaration}); insert into t values (null), ({value});");
    let (_folder, connector) = database(&sql);
    let error = error(&connector, "t").await;
    assert_eq!(error.kind(), Kind::Data);
    assert_eq!(error.to_string(), format!("{want} (table: t, column: c, rowid: 2)"));
}

#[tokio::test]
async fn a_table_is_read_with_its_types_and_key() {
    let (_folder, connector) = database(
        "create table a (id integer primary key, name text not null, size real, price decimal(10,2),
           raw blob, ok boolean, day date, at datetime, seen timestamptz);
         insert into a values (2, 'zwei', 2.5, 12.34, x'00ff', 1, '2026-01-31',
           '2026-01-31 10:00:00.123456', '2026-01-31T10:00:00+01:00');
         insert into a values (1, 'eins', 1, 7, null, 0, null, null, null);",
    );
    let snapshot = read(&connector, "a").await.unwrap();
    assert_eq!(
        fields(&snapshot),
        "id int, name text, size float, price decimal(10,2), raw bytes, ok bool, day date, \
         at datetime, seen instant"
    );
    assert_eq!(snapshot.schema().key(), ["id"]);
    assert_eq!(
        rows(&snapshot),
        [
            "1|eins|1.0|7.00|null|false|null|null|null",
            "2|zwei|2.5|12.34|00ff|true|2026-01-31|2026-01-31T10:00:00.123456|2026-01-31T09:00:00Z"
        ]
    );
}

#[tokio::test]
async fn what_is_not_declared_is_seen_from_the_values() {
    check(
        "a, b numeric, c any, d, e numeric",
        &["1, 1, 'x', x'00', null", "-9223372036854775808, 2.5, '', x'', null"],
        "a int, b float, c text, d bytes, e null",
        &["1|1.0|x|00|null", "-9223372036854775808|2.5|||null"],
    )
    .await;
}

#[tokio::test]
async fn decimals_are_what_was_written() {
    check(
        "a decimal(30,4), b numeric(60,2)",
        &["0.1, 1", "-99999.9999, 0.07", "12345678901, 9007199254740993", "null, null"],
        "a decimal(30,4), b decimal(60,2)",
        &["0.1000|1.00", "-99999.9999|0.07", "12345678901.0000|9007199254740993.00", "null|null"],
    )
    .await;
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_named() {
    let misfit = |value: &str, ty: &str, declared: &str| {
        format!("the {value} does not fit its column, which is read as {ty} ({declared})")
    };
    for (declaration, value, shown, ty) in [
        ("INT", "'twelve'", "text `twelve`", "int"),
        ("INT", "1.5", "real `1.5`", "int"),
        ("TEXT", "x'00ff'", "blob `00ff` of 2 bytes", "text"),
        ("REAL", "'nan'", "text `nan`", "float"),
        ("boolean", "2", "integer `2`", "bool"),
        ("date", "'2026-02-30'", "text `2026-02-30`", "date"),
        ("date", "20260131", "integer `20260131`", "date"),
        ("datetime", "'2026-01-31T10:00:00Z'", "text `2026-01-31T10:00:00Z`", "datetime"),
        ("timestamptz", "'2026-01-31 10:00'", "text `2026-01-31 10:00`", "instant"),
        ("decimal(5,2)", "1234.5", "real `1234.5`", "decimal(5,2)"),
        ("decimal(5,2)", "0.125", "real `0.125`", "decimal(5,2)"),
        ("TEXT", "cast(x'ff' as text)", "text `�`, which is not UTF-8,", "text"),
    ] {
        refuse(declaration, value, &misfit(shown, ty, &format!("declared `{declaration}`"))).await;
    }
    let (_folder, connector) =
        database("create table t (c); insert into t values (1), (2), ('x');");
    let message = error(&connector, "t").await.to_string();
    let want = misfit("text `x`", "int", "without a declared type");
    assert_eq!(message, format!("{want} (table: t, column: c, rowid: 3)"));
}

#[tokio::test]
async fn a_stated_type_overrules_the_declaration() {
    let sql = "create table t (at datetime, price text);
        insert into t values ('2026-01-31T10:00:00Z', '12345678901234567890.10');";
    let (_folder, connector) = database(sql);
    let connector = connector.with_type("t", "at", LogicalType::Instant).with_type(
        "t",
        "price",
        LogicalType::Decimal(38, 2),
    );
    let snapshot = read(&connector, "t").await.unwrap();
    assert_eq!(rows(&snapshot), ["2026-01-31T10:00:00Z|12345678901234567890.10"]);
    let wrong = connector.with_type("t", "prize", LogicalType::Int);
    let message = error(&wrong, "t").await.to_string();
    assert!(
        message.contains("there is no column `prize`") && message.contains("`price`"),
        "{message}"
    );
}

#[tokio::test]
async fn every_table_is_a_resource_but_only_asked_for_views() {
    let sql = "create table b (id int primary key) without rowid; create table a (x int);
        create view v as select x + 1 as y, x from a; insert into a values (1); insert into b values (7);";
    let (_folder, connector) = database(sql);
    let described = connector.describe(Context::new()).await.unwrap();
    let names: Vec<&str> = described.iter().map(|resource| &*resource.name).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(rows(&read(&connector, "b").await.unwrap()), ["7"]);
    let connector = connector.with_table("v");
    let snapshot = read(&connector, "v").await.unwrap();
    assert_eq!((fields(&snapshot), rows(&snapshot)), ("y int, x int".into(), vec!["2|1".into()]));
    assert!(snapshot.schema().fields().iter().all(|field| !field.writable));
    assert_eq!(error(&connector, "a").await.kind(), Kind::NotFound);
}

#[tokio::test]
async fn hostile_names_are_only_names() {
    let sql = r#"create table "x""; drop table y; --" ("se""lect" int primary key, "rowid" text, "t.x" text);
        create table y (a int); insert into "x""; drop table y; --" values (1, 'r', 'one');"#;
    let (_folder, connector) = database(sql);
    let name = r#"x"; drop table y; --"#;
    let snapshot = read(&connector, name).await.unwrap();
    assert_eq!(fields(&snapshot), r#"se"lect int, rowid text, t.x text"#);
    assert_eq!(rows(&snapshot), ["1|r|one"]);
    assert_eq!(read(&connector, "y").await.unwrap().rows(), 0);
}

#[tokio::test]
async fn wrong_names_and_queries_are_explained() {
    let (_folder, path) = file("create table packages (id int)");
    let open = || Sqlite::open(&path).unwrap();
    let check = async |connector: Sqlite, kind: Kind, part: &str| {
        let error = connector.check(Context::new()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(connector.describe(Context::new()).await.unwrap_err().kind(), kind);
    };
    let not_found = "there is no table `package`; did you mean `packages`?";
    check(open().with_table("package"), Kind::NotFound, not_found).await;
    let query = |sql: &str| open().with_query("q", sql, ["id"]);
    check(query("selec 1"), Kind::Invalid, "syntax error").await;
    check(query("select 1 as ident"), Kind::Invalid, "no column `id`").await;
    check(query("select 1 as id; select 2"), Kind::Invalid, "ultiple statements").await;
    check(query("select ? as id"), Kind::Invalid, "1 parameters").await;
    check(query("select 1 as id, 2 as id"), Kind::Invalid, "`id` stands twice").await;
    check(query("delete from packages"), Kind::Invalid, "must be a select").await;
    let writes = query("delete from packages returning id");
    assert_eq!(error(&writes, "q").await.message(), "a query may only read");
}

#[tokio::test]
async fn a_query_is_a_resource_with_its_key() {
    let (_folder, connector) =
        database("create table a (id int, price real); insert into a values (1, 2.5)");
    let sql = "select id, price * 2 as double, 'it''s' as note from a; -- all of them";
    let connector = connector.with_query("q", sql, ["id"]);
    let snapshot = read(&connector, "q").await.unwrap();
    assert_eq!(fields(&snapshot), "id int, double float, note text");
    assert_eq!((rows(&snapshot), snapshot.schema().key()), (vec!["1|5.0|it's".into()], vec!["id"]));
}

#[tokio::test]
async fn a_reading_sees_one_moment() {
    let (_folder, path) = file(
        "pragma journal_mode = wal; create table t (id integer primary key);
         with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000)
         insert into t select i from n;",
    );
    let connector = Sqlite::open(&path).unwrap();
    let request = ReadRequest::new("t").with_page_size(300);
    let mut page = connector.read_page(Context::new(), request.clone()).await.unwrap();
    Connection::open(&path).unwrap().execute_batch("delete from t where id > 10").unwrap();
    let (mut sizes, mut cursors) = (vec![page.records.num_rows()], Vec::new());
    while let Some(cursor) = page.next {
        cursors.push(cursor.clone());
        let next = request.clone().with_cursor(cursor);
        page = connector.read_page(Context::new(), next).await.unwrap();
        sizes.push(page.records.num_rows());
    }
    assert_eq!(sizes, [300, 300, 300, 100]);
    let old = request.with_cursor(cursors[0].clone());
    let error = connector.read_page(Context::new(), old).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict, "{error}");
    assert_eq!(read(&connector, "t").await.unwrap().rows(), 10);
}

#[tokio::test]
async fn an_idle_or_dropped_reading_lets_go() {
    let (_folder, path) = file("create table t (id int); insert into t values (1), (2), (3)");
    // In the plain journal mode nobody can write while a reading holds its view.
    let is_free = || {
        let writer = Connection::open(&path).unwrap();
        writer.busy_timeout(Duration::ZERO).unwrap();
        writer.execute_batch("begin exclusive; rollback").is_ok()
    };
    let wait = async || {
        for _ in 0..200 {
            if is_free() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the reading holds on to its view");
    };
    let mut config = SqliteConfig::new(&path);
    config.idle_timeout_ms = 200;
    let connector = Sqlite::from_config(config).unwrap();
    let request = ReadRequest::new("t").with_page_size(1);
    let page = connector.read_page(Context::new(), request.clone()).await.unwrap();
    wait().await;
    let next = request.clone().with_cursor(page.next.unwrap());
    let error = connector.read_page(Context::new(), next).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict, "{error}");

    let connector = Sqlite::open(&path).unwrap();
    connector.read_page(Context::new(), request).await.unwrap();
    assert!(!is_free());
    drop(connector);
    wait().await;
    let connector = Sqlite::open(&path).unwrap();
    read(&connector, "t").await.unwrap();
    wait().await;
}

#[tokio::test]
async fn a_locked_database_is_unavailable() {
    let (_folder, path) = file("create table t (id int)");
    let locker = Connection::open(&path).unwrap();
    let mut config = SqliteConfig::new(&path);
    config.busy_timeout_ms = 50;
    let connector = Sqlite::from_config(config).unwrap();
    locker.execute_batch("begin exclusive").unwrap();
    let error = error(&connector, "t").await;
    assert_eq!((error.kind(), error.retry()), (Kind::Unavailable, Retry::Backoff), "{error}");
    locker.execute_batch("rollback").unwrap();
    assert!(read(&connector, "t").await.is_ok());
}

#[tokio::test]
async fn what_is_no_database_or_a_damaged_one_is_an_error() {
    let (folder, path) = file(
        "create table t (id int, note text);
         with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000)
         insert into t select i, 'note ' || i from n;",
    );
    let bytes = std::fs::read(&path).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let none = Sqlite::open(folder.path().join("none.db")).unwrap_err();
    assert_eq!(none.kind(), Kind::NotFound);
    let text = write("text.db", "no database, and longer than a header ".repeat(99).as_bytes());
    let no_database = Sqlite::open(text).unwrap_err();
    assert_eq!(no_database.kind(), Kind::Data, "{no_database}");

    let mut damaged = bytes.clone();
    damaged[40_000..80_000].fill(0x5a);
    let damaged = Sqlite::open(write("damaged.db", &damaged)).unwrap();
    assert_eq!(error(&damaged, "t").await.kind(), Kind::Data);
    let cut = Sqlite::open(write("cut.db", &bytes[..bytes.len() / 2]));
    let kind = match cut {
        Ok(cut) => error(&cut, "t").await.kind(),
        Err(error) => error.kind(),
    };
    assert_eq!(kind, Kind::Data);
    assert_eq!(Sqlite::open(folder.path()).unwrap_err().kind(), Kind::Unavailable);
}

#[tokio::test]
async fn a_slow_query_ends_when_it_is_cancelled() {
    let (_folder, connector) = database("");
    let endless = "with recursive n(i) as (select 1 union all select i + 1 from n)
        select count(*) as a from n";
    let connector = connector.with_query("endless", endless, [""; 0]);
    let context = Context::new();
    let canceller = context.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        canceller.cancel();
    });
    let error = connector.read_page(context, ReadRequest::new("endless")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Cancelled);
}

#[tokio::test]
async fn a_table_changed_between_description_and_reading_is_a_conflict() {
    let (_folder, path) = file("create table t (id int)");
    let connector = Sqlite::open(&path).unwrap();
    connector.describe(Context::new()).await.unwrap();
    Connection::open(&path).unwrap().execute_batch("alter table t add note text").unwrap();
    let error = connector.read_page(Context::new(), ReadRequest::new("t")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict, "{error}");
    assert_eq!(fields(&read(&connector, "t").await.unwrap()), "id int, note text");
}

#[test]
fn settings_are_data_and_unknown_ones_are_refused() {
    let text = r#"{"path":"a.db","resources":[{"table":"t"}],"types":{"t":{"at":"instant"}}}"#;
    let config: SqliteConfig = serde_json::from_str(text).unwrap();
    assert_eq!(config.resources, [Source::table("t")]);
    assert_eq!(config.types["t"]["at"], LogicalType::Instant);
    assert!(serde_json::from_str::<SqliteConfig>(r#"{"path":"a.db","tables":["t"]}"#).is_err());
}

/// A future without any runtime around it works: the connector needs none.
#[test]
fn no_runtime_is_needed() {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context as Task, Poll, Wake};

    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let (_folder, connector) = database("create table t (id int); insert into t values (1)");
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut reading = pin!(read(&connector, "t"));
    let snapshot = loop {
        match reading.as_mut().poll(&mut Task::from_waker(&waker)) {
            Poll::Ready(snapshot) => break snapshot.unwrap(),
            Poll::Pending => std::thread::park(),
        }
    };
    assert_eq!(snapshot.rows(), 1);
}
