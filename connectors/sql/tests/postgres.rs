//! PostgreSQL: what is read, and what bad input gets.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]
#![cfg(feature = "postgres")]

mod support;

use support::postgres::{Database, connect, database, on};
use support::{error, fields, read, rows};
use trueup_connector::{Connector, Consistency, Context, Coverage, Kind, ReadRequest, Retry};
use trueup_sql::{Postgres, PostgresConfig, Secret};
use trueup_test_postgres::Server;

/// What a table of these columns and rows is read as.
async fn check(columns: &str, values: &[&str], want_fields: &str, want_rows: &[&str]) {
    let Some(database) = database(&format!("create table t ({columns})")).await else { return };
    for values in values {
        database.run(&format!("insert into t values ({values})")).await;
    }
    let snapshot = read(&database.connector().await, "public.t").await.unwrap();
    assert_eq!(fields(&snapshot), want_fields);
    assert_eq!(rows(&snapshot), want_rows);
    assert_eq!(snapshot.consistency(), Consistency::Snapshot);
    assert_eq!(*snapshot.coverage(), Coverage::Complete);
}

/// The error that a value of a column's type gets.
async fn refuse(column: &str, value: &str, want: &str) {
    let sql = format!(
        "create table t (id int primary key, c {column}); insert into t values (1, {value})"
    );
    let Some(database) = database(&sql).await else { return };
    let error = error(&database.connector().await, "public.t").await;
    assert_eq!(error.kind(), Kind::Data, "{error}");
    assert_eq!(error.to_string(), format!("{want} (table: public.t, column: c, row: 1)"));
}

#[tokio::test]
async fn numbers_are_exact() {
    check(
        "a int2 primary key, b int4, c int8, d numeric(10,2), e numeric(60,10), f float4, g float8, h numeric, i oid",
        &[
            "1, -2147483648, 9223372036854775807, 12345678.90, 12345678901234567890123456789012345678901234567890.0123456789, 0.1, 0.1, 1234.5678, 4294967295",
            "-32768, null, null, -0.01, -1, 'NaN', '-Infinity', -0.000001, null",
            "3, 0, 0, 0, 0, 0, 0, 100000000, 0",
        ],
        "a int, b int, c int, d decimal(10,2), e decimal(60,10), f float, g float, h decimal(15,6), i int",
        &[
            "1|-2147483648|9223372036854775807|12345678.90|12345678901234567890123456789012345678901234567890.0123456789|0.10000000149011612|0.1|1234.567800|4294967295",
            "-32768|null|null|-0.01|-1.0000000000|NaN|-inf|-0.000001|null",
            "3|0|0|0.00|0.0000000000|0.0|0.0|100000000.000000|0",
        ],
    )
    .await;
}

#[tokio::test]
async fn times_keep_microseconds() {
    check(
        "a date, b timestamp, c timestamptz",
        &[
            "'2026-01-31', '2026-01-31 10:00:00.123456', '2026-01-31 10:00:00.123456+01'",
            "'0001-01-01', '9999-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999Z'",
            "null, null, null",
        ],
        "a date, b datetime, c instant",
        &[
            "2026-01-31|2026-01-31T10:00:00.123456|2026-01-31T09:00:00.123456Z",
            "0001-01-01|9999-12-31T23:59:59.999999|1969-12-31T23:59:59.999999Z",
            "null|null|null",
        ],
    )
    .await;
}

#[tokio::test]
async fn other_types_are_text_as_postgres_prints_them() {
    check(
        "a varchar(9), b char(3), c uuid, d json, e jsonb, f inet, g interval, h time, i int4range, j name, k bit(3), l xml, m \"char\"",
        &["'ü|x', 'a', '00000000-0000-0000-0000-00000000000A', '{\"a\":  1}', '{\"a\":  1}', '10.0.0.1/8', \
           '1 day 02:03:04.5', '10:00:00.5', '[1,5)', 'n', b'101', '<a/>', 'q'"],
        "a text, b text, c text, d text, e text, f text, g text, h text, i text, j text, k text, l text, m text",
        &["ü|x|a  |00000000-0000-0000-0000-00000000000a|{\"a\":  1}|{\"a\": 1}|10.0.0.1/8|1 day 02:03:04.5|10:00:00.5|[1,5)|n|101|<a/>|q"],
    )
    .await;
}

#[tokio::test]
async fn lists_bytes_and_bools() {
    check(
        "a int[], b text[], c numeric[], d bytea, e bool, f uuid[], g numeric(5,1)[]",
        &[
            "'{1,null,3}', '{}', '{1.5,100}', '\\x00ff', true, '{00000000-0000-0000-0000-000000000001}', '{1.5}'",
            "null, '{a,\"b,c\"}', null, '', false, null, '{}'",
        ],
        "a list<int>, b list<text>, c list<decimal(4,1)>, d bytes, e bool, f list<text>, g list<decimal(5,1)>",
        &[
            r#"[1,null,3]|[]|["1.5","100.0"]|00ff|true|["00000000-0000-0000-0000-000000000001"]|["1.5"]"#,
            r#"null|["a","b,c"]|null||false|null|[]"#,
        ],
    )
    .await;
}

#[tokio::test]
async fn types_of_their_own_are_read() {
    let sql = "create type mood as enum ('sad', 'ok'); create type pair as (x int, y text);
        create domain money2 as numeric(8,2); create domain price as money2 check (value > 0);
        create table t (a mood, b pair, c price, d mood[]);
        insert into t values ('ok', row(1, 'a b'), 9.5, '{sad,ok}');";
    let Some(database) = database(sql).await else { return };
    let snapshot = read(&database.connector().await, "public.t").await.unwrap();
    assert_eq!(fields(&snapshot), "a text, b text, c decimal(8,2), d list<text>");
    assert_eq!(rows(&snapshot), [r#"ok|(1,"a b")|9.50|["sad","ok"]"#]);
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    refuse("numeric", "'NaN'", "the numeric `NaN` is no decimal number").await;
    refuse("date", "'infinity'", "the date `infinity` is on no calendar").await;
    refuse("timestamptz", "'-infinity'", "the time `-infinity` is on no calendar").await;
    refuse("int[]", "'{{1,2}}'", "the array has 2 dimensions, and a list has one").await;
    refuse("int[]", "'[0:1]={1,2}'", "the array counts from 0, and a list from 1").await;
    let long = "1e90";
    let want = format!(
        "the numeric `1{}` has more digits than its column had when it was described",
        "0".repeat(90)
    );
    refuse("numeric", long, &want.replace(&format!("1{}", "0".repeat(90)), "100e88")).await;
}

#[tokio::test]
async fn roles_and_facts_come_from_the_catalogue() {
    let sql = "create table t (b text, id int generated always as identity, a int,
          twice int generated always as (a * 2) stored, primary key (a, b) include (id));
        create view v as select * from t;";
    let Some(database) = database(sql).await else { return };
    let connector = database.connector().await.with_table("t").with_table("v");
    let described = connector.describe(Context::new()).await.unwrap();
    let facts = |at: usize| {
        let fields = described[at].schema.fields().iter();
        let facts =
            fields.map(|f| format!("{} {:?} {} {}", f.name, f.role, f.writable, f.immutable));
        facts.collect::<Vec<_>>()
    };
    assert_eq!(
        facts(0),
        ["b Key true false", "id Data false true", "a Key true false", "twice Data false false"]
    );
    assert_eq!(facts(1)[0], "b Data false false");
}

#[tokio::test]
async fn hostile_names_are_only_names() {
    let sql = r#"create schema "a.b"; create table "a.b"."x""; drop table y; --" ("se""lect" int primary key, "t.""x" text);
        insert into "a.b"."x""; drop table y; --" values (1, 'one'); create table y (a int);"#;
    let Some(database) = database(sql).await else { return };
    let connector = database.connector().await;
    let described = connector.describe(Context::new()).await.unwrap();
    let names: Vec<&str> = described.iter().map(|resource| &*resource.name).collect();
    assert_eq!(names, [r#""a.b"."x""; drop table y; --""#, "public.y"]);
    let snapshot = read(&connector, names[0]).await.unwrap();
    assert_eq!(fields(&snapshot), r#"se"lect int, t."x text"#);
    assert_eq!(rows(&snapshot), ["1|one"]);
    assert_eq!(read(&connector, "public.y").await.unwrap().rows(), 0);
}

#[tokio::test]
async fn wrong_names_and_queries_are_explained() {
    let Some(database) = database("create table packages (id int)").await else { return };
    let connect = async || database.connector().await;
    let check = async |connector: Postgres, kind: Kind, part: &str| {
        let error = connector.check(Context::new()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(connector.describe(Context::new()).await.unwrap_err().kind(), kind);
    };
    let not_found = "there is no table `public.package`; did you mean `public.packages`?";
    check(connect().await.with_table("public.package"), Kind::NotFound, not_found).await;
    check(connect().await.with_table("a.b.c"), Kind::Invalid, "is not the name of a table").await;
    let query = async |sql: &str| connect().await.with_query("q", sql, ["id"]);
    check(query("selec 1").await, Kind::Invalid, "syntax error").await;
    check(query("select 1 as ident").await, Kind::Invalid, "no column `id`").await;
    check(query("select 1 as id; select 2").await, Kind::Invalid, "multiple commands").await;
    check(query("select $1::int as id").await, Kind::Invalid, "1 parameters").await;
    check(query("select 1 as id, 2 as id").await, Kind::Invalid, "`id` stands twice").await;
    let twice = connect().await.with_table("packages").with_table("packages");
    check(twice, Kind::Invalid, "two resources are called `packages`").await;
    let writes = "with gone as (delete from packages returning id) select * from gone";
    let connector = query(writes).await;
    assert!(read(&connector, "q").await.is_err());
}

#[tokio::test]
async fn a_query_is_a_resource_with_its_key() {
    let Some(database) =
        database("create table a (id int, price numeric(8,2)); insert into a values (1, 2.5)")
            .await
    else {
        return;
    };
    let sql = "select id, price * 2 as double, 'it''s' as note from a; -- all of them";
    let sql = sql.replace("; --", " --");
    let connector = database.connector().await.with_query("q", sql, ["id"]);
    let snapshot = read(&connector, "q").await.unwrap();
    assert_eq!(fields(&snapshot), "id int, double decimal(3,2), note text");
    assert_eq!(
        (rows(&snapshot), snapshot.schema().key()),
        (vec!["1|5.00|it's".into()], vec!["id"])
    );
}

#[tokio::test]
async fn a_reading_sees_one_moment() {
    let sql = "create table t (id int primary key); insert into t select generate_series(1, 1000)";
    let Some(database) = database(sql).await else { return };
    let connector = database.connector().await;
    let request = ReadRequest::new("public.t").with_page_size(300);
    let mut page = connector.read_page(Context::new(), request.clone()).await.unwrap();
    database.run("delete from t where id > 10; insert into t values (5000)").await;
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
    assert_eq!(read(&connector, "public.t").await.unwrap().rows(), 11);
}

#[tokio::test]
async fn an_idle_or_dropped_reading_lets_go() {
    let sql = "create table t (id int); insert into t select generate_series(1, 500000)";
    let Some(database) = database(sql).await else { return };
    let mut config = database.config();
    config.idle_timeout_ms = 300;
    let connector = Postgres::connect(config).await.unwrap();
    let request = ReadRequest::new("public.t").with_page_size(10);
    let page = connector.read_page(Context::new(), request.clone()).await.unwrap();
    assert_eq!(readers(&database).await, 1);
    no_reader(&database).await;
    let next = request.clone().with_cursor(page.next.unwrap());
    let error = connector.read_page(Context::new(), next).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.message().contains("read from the first page again"), "{error}");

    let connector = database.connector().await;
    connector.read_page(Context::new(), request).await.unwrap();
    assert_eq!(readers(&database).await, 1);
    drop(connector);
    no_reader(&database).await;
}

async fn readers(database: &Database) -> i64 {
    let sql = "select count(*) from pg_stat_activity
        where application_name = 'trueup' and datname = current_database()";
    database.client.query_one(sql, &[]).await.unwrap().get(0)
}

async fn no_reader(database: &Database) {
    for _ in 0..200 {
        if readers(database).await == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the reading holds on to its connection");
}

#[tokio::test]
async fn a_session_ended_in_the_middle_is_an_error() {
    let sql = "create table t (id int, note text);
        insert into t select i, repeat('x', 100) from generate_series(1, 300000) i";
    let Some(database) = database(sql).await else { return };
    let connector = database.connector().await;
    let request = ReadRequest::new("public.t").with_page_size(1000);
    let page = connector.read_page(Context::new(), request.clone()).await.unwrap();
    database
        .run(
            "select pg_terminate_backend(pid) from pg_stat_activity
              where application_name = 'trueup' and datname = current_database()",
        )
        .await;
    // What was on its way may still come; the end may not.
    let mut next = page.next;
    let error = loop {
        let request = request.clone().with_cursor(next.expect("the reading ended as if whole"));
        match connector.read_page(Context::new(), request).await {
            Ok(page) => next = page.next,
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), error.retry()), (Kind::Unavailable, Retry::Backoff), "{error}");
}

#[tokio::test]
async fn a_server_stopped_in_the_middle_is_an_error() {
    let Ok(server) = Server::start() else {
        assert!(Server::shared().is_none());
        return;
    };
    let server = std::sync::Arc::new(server);
    let sql = "create table t (id int, note text);
        insert into t select i, repeat('x', 100) from generate_series(1, 300000) i";
    let database = on(server.clone(), sql).await;
    let connector = database.connector().await;
    let request = ReadRequest::new("public.t").with_page_size(1000);
    let page = connector.read_page(Context::new(), request.clone()).await.unwrap();
    drop((database, server));
    let mut next = page.next;
    let error = loop {
        let request = request.clone().with_cursor(next.expect("the reading ended as if whole"));
        match connector.read_page(Context::new(), request).await {
            Ok(page) => next = page.next,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    let error = support::error(&connector, "public.t").await;
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_lock_is_waited_for_and_then_unavailable() {
    let Some(database) = database("create table t (id int)").await else { return };
    let mut config = database.config();
    config.lock_timeout_ms = 100;
    let connector = Postgres::connect(config).await.unwrap();
    database.run("begin; lock table t in access exclusive mode").await;
    let error = error(&connector, "public.t").await;
    assert_eq!((error.kind(), error.retry()), (Kind::Unavailable, Retry::Backoff), "{error}");
    database.run("rollback").await;
    assert!(read(&connector, "public.t").await.is_ok());
}

#[tokio::test]
async fn a_table_changed_between_description_and_reading_is_a_conflict() {
    let Some(database) = database("create table t (id int)").await else { return };
    let connector = database.connector().await;
    connector.describe(Context::new()).await.unwrap();
    database.run("alter table t add note text").await;
    let error =
        connector.read_page(Context::new(), ReadRequest::new("public.t")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict, "{error}");
    assert_eq!(fields(&read(&connector, "public.t").await.unwrap()), "id int, note text");
}

#[tokio::test]
async fn row_security_makes_a_reading_partial() {
    let sql = "create table t (id int, who text); alter table t enable row level security;
        insert into t values (1, 'other');
        create policy own on t using (who = current_user)";
    let Some(database) = database(sql).await else { return };
    let role = format!("reader_{}", std::process::id());
    let port = database.server.port();
    database
        .run(&format!("create role {role} login password 'pw'; grant select on t to {role}"))
        .await;
    let name: String =
        database.client.query_one("select current_database()::text", &[]).await.unwrap().get(0);
    let config = PostgresConfig::new("127.0.0.1", name, &role).with_port(port);
    let config = config.with_password(Secret::new("pw"));
    let snapshot = read(&Postgres::connect(config).await.unwrap(), "public.t").await.unwrap();
    assert_eq!((snapshot.rows(), snapshot.coverage()), (0, &Coverage::Partial));
}

#[tokio::test]
async fn who_may_not_is_told_so_without_the_password() {
    let Some(server) = Server::shared() else { return };
    let config = || PostgresConfig::from_url(&server.url()).unwrap();
    let failed = async |config: PostgresConfig| {
        let error = Postgres::connect(config).await.unwrap_err();
        assert!(!format!("{error:?}").contains("sesame"), "{error:?}");
        error
    };
    let wrong = config().with_password(Secret::new("wrong sesame"));
    assert_eq!(failed(wrong).await.kind(), Kind::Unauthenticated);
    let mut none = config();
    none.password = None;
    assert_eq!(failed(none).await.kind(), Kind::Unauthenticated);
    let mut elsewhere = config();
    elsewhere.database = "nowhere".into();
    assert_eq!(failed(elsewhere).await.kind(), Kind::NotFound);
    let closed = config().with_port(1);
    assert_eq!(failed(closed).await.kind(), Kind::Unavailable);
    let mut encrypted = config();
    encrypted.tls = trueup_sql::Tls::Require;
    let error = failed(encrypted).await;
    assert!(error.to_string().contains("TLS"), "{error}");
    let connector = Postgres::connect(config()).await.unwrap();
    assert!(!format!("{connector:?}").contains("sesame"));
    let mut socket = config();
    socket.host = server.socket().display().to_string();
    assert!(Postgres::connect(socket).await.is_ok());
}

#[tokio::test]
async fn a_slow_query_ends_when_it_is_cancelled() {
    let Some(database) = database("").await else { return };
    let connector =
        database.connector().await.with_query("slow", "select pg_sleep(60)::text as a", [""; 0]);
    let context = Context::new();
    let canceller = context.clone();
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        canceller.cancel();
    });
    let request = ReadRequest::new("slow");
    let error = connector.read_page(context, request).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Cancelled);
    drop(connect(&database.url).await);
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn an_encrypted_connection_checks_the_server() {
    let Ok(server) = Server::start() else {
        assert!(Server::shared().is_none());
        return;
    };
    let names = ["127.0.0.1".to_owned()];
    let pair = rcgen::generate_simple_self_signed(names).unwrap();
    server.put("server.crt", &pair.cert.pem()).unwrap();
    server.put("server.key", &pair.signing_key.serialize_pem()).unwrap();
    let client = connect(&server.url()).await;
    client.batch_execute("alter system set ssl = on").await.unwrap();
    client.batch_execute("select pg_reload_conf()").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, pair.cert.pem()).unwrap();

    let mut config = PostgresConfig::from_url(&server.url()).unwrap();
    config.tls = trueup_sql::Tls::Require;
    let mut connected = Postgres::connect(config.clone()).await;
    for _ in 0..100 {
        // The server takes a moment to read its settings again.
        if !matches!(&connected, Err(error) if error.kind() == Kind::Unavailable) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        connected = Postgres::connect(config.clone()).await;
    }
    let error = connected.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthenticated, "{error}");

    config.ca_file = Some(file);
    let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    let connector = Postgres::connect(config).await.unwrap().with_query("ssl", sql, [""; 0]);
    assert_eq!(rows(&read(&connector, "ssl").await.unwrap()), ["true"]);
}
