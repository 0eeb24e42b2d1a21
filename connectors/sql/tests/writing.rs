//! What databases do to changes, and what becomes of that.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use trueup_connector::{Change, Connector, Context, Idempotency, Operation, Receipt, Retry, Value};
use trueup_testkit::conformance::apply_unguarded;

fn values(json: &str) -> Vec<(String, Value)> {
    let members: serde_json::Map<_, _> = serde_json::from_str(json).unwrap();
    members.into_iter().map(|(name, v)| (name, Value::from_json(&v).unwrap())).collect()
}

fn change(operation: Operation, resource: &str, key: &str, before: &str, after: &str) -> Change {
    let key: Vec<Value> = serde_json::from_str(key).unwrap();
    let mut change = Change::new(resource, operation, key);
    (change.before, change.after) = (values(before), values(after));
    change
}

fn create(resource: &str, key: &str, after: &str) -> Change {
    change(Operation::Create, resource, key, "{}", after)
}

fn update(resource: &str, key: &str, before: &str, after: &str) -> Change {
    change(Operation::Update, resource, key, before, after)
}

fn delete(resource: &str, key: &str, before: &str) -> Change {
    change(Operation::Delete, resource, key, before, "{}")
}

/// The receipts as one line each: `done`, `stale`, or how it failed and why.
async fn apply(connector: &dyn Connector, changes: impl Into<Vec<Change>>) -> Vec<String> {
    let writer = connector.writer().unwrap();
    let receipts = apply_unguarded(&*writer, Context::new(), changes.into()).await.unwrap();
    receipts.iter().map(shown).collect()
}

fn shown(receipt: &Receipt) -> String {
    match receipt {
        Receipt::Done { .. } => "done".into(),
        Receipt::Stale => "stale".into(),
        Receipt::Refused(error) => format!("refused {}: {error}", error.kind()),
        Receipt::Failed(error) => format!("failed {}: {error}", error.kind()),
        other => format!("{other:?}"),
    }
}

/// Checks that each receipt has its part.
#[track_caller]
fn check(receipts: &[String], want: &[&str]) {
    assert_eq!(receipts.len(), want.len(), "{receipts:#?}");
    for (receipt, want) in receipts.iter().zip(want) {
        let whole = ["done", "stale"].contains(want);
        assert!(
            if whole { receipt == want } else { receipt.contains(want) },
            "{want}: {receipts:#?}"
        );
    }
}

async fn table(connector: &dyn Connector, name: &str) -> Vec<String> {
    let mut rows = support::rows(&support::read(connector, name).await.unwrap());
    rows.sort();
    rows
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use rusqlite::Connection;
    use trueup_sql::{Sqlite, SqliteConfig};

    use super::*;

    struct Database {
        connector: Sqlite,
        connection: Connection,
        path: std::path::PathBuf,
        _folder: tempfile::TempDir,
    }

    fn database(sql: &str) -> Database {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(sql).unwrap();
        let mut config = SqliteConfig::new(&path);
        config.busy_timeout_ms = 50;
        let connector = Sqlite::from_config(config).unwrap();
        Database { connector, connection, path, _folder: folder }
    }

    #[tokio::test]
    async fn constraints_are_named_and_stop_no_other_change() {
        let sql = "
            create table owners (id int primary key);
            create table items (id int primary key on conflict replace, sku text unique,
              n int constraint positive check (n > 0), owner int references owners,
              twice int generated always as (n * 2));
            insert into items (id, sku, n) values (1, 'a', 1);";
        let db = database(sql);
        let receipts = apply(
            &db.connector,
            [
                create("items", "[2]", r#"{"sku":"b","n":2}"#),
                create("items", "[3]", r#"{"sku":"a","n":3}"#),
                create("items", "[4]", r#"{"sku":"d","n":-1}"#),
                create("items", "[5]", r#"{"sku":"e","n":5,"owner":9}"#),
                create("items", "[6]", r#"{"sku":"f","n":6,"twice":12}"#),
                create("items", "[1]", r#"{"sku":"g","n":7}"#),
                create("items", "[8]", r#"{"sku":"h","n":8}"#),
            ],
        );
        let want = [
            "done",
            "items.sku",
            "positive",
            "FOREIGN KEY",
            "`twice` cannot be set",
            "stale",
            "done",
        ];
        check(&receipts.await, &want);
        assert_eq!(
            table(&db.connector, "items").await,
            ["1|a|1|null|2", "2|b|2|null|4", "8|h|8|null|16"]
        );
    }

    #[tokio::test]
    async fn a_key_that_two_records_have_means_neither() {
        let sql = "
            create table t (id timestamp primary key, a text);
            insert into t values ('2026-01-01T10:00:00', 'x'), ('2026-01-01 10:00:00', 'y'),
              ('2026-01-02T10:00:00', 'z');";
        let db = database(sql);
        let key = |day: u8| format!(r#"[{{"datetime":"2026-01-0{day}T10:00:00"}}]"#);
        let id = |day: u8| format!(r#"{{"id":{{"datetime":"2026-01-0{day}T10:00:00"}}}}"#);
        let receipts = apply(
            &db.connector,
            [
                update("t", &key(1), "{}", r#"{"a":"X"}"#),
                delete("t", &key(1), "{}"),
                create("t", &key(3), r#"{"a":"new"}"#),
                update("t", &key(3), "{}", &id(2)),
                update("t", &key(2), "{}", r#"{"a":"Z"}"#),
            ],
        );
        let twice = "failed data: 2 records have this key";
        check(&receipts.await, &[twice, twice, "done", "another record has the new key", "done"]);
        assert_eq!(
            table(&db.connector, "t").await,
            [
                "2026-01-01T10:00:00|x",
                "2026-01-01T10:00:00|y",
                "2026-01-02T10:00:00|Z",
                "2026-01-03T10:00:00|new",
            ]
        );
    }

    #[tokio::test]
    async fn a_column_without_a_type_stays_readable() {
        let sql = "
            create table t (id int primary key, v, w, x);
            insert into t values (1, 1, null, 9007199254740993), (2, 2, null, 1);";
        let db = database(sql);
        let receipts = apply(
            &db.connector,
            [
                update("t", "[1]", "{}", r#"{"v":"SECRETQ"}"#),
                update("t", "[1]", "{}", r#"{"v":2.5}"#),
                update("t", "[2]", "{}", r#"{"v":9007199254740993}"#),
                update("t", "[1]", "{}", r#"{"w":"a"}"#),
                update("t", "[2]", "{}", r#"{"w":7}"#),
                update("t", "[2]", "{}", r#"{"x":0.5}"#),
                update("t", "[2]", "{}", r#"{"x":null}"#),
            ],
        );
        let receipts = receipts.await;
        let want = [
            "is read as int",
            "done",
            "is read as float",
            "done",
            "is read as text",
            "is read as int",
            "done",
        ];
        check(&receipts, &want);
        assert!(!receipts.iter().any(|receipt| receipt.contains("SECRETQ")), "{receipts:#?}");
        assert_eq!(
            table(&db.connector, "t").await,
            ["1|2.5|a|9007199254740993", "2|2.0|null|null"]
        );
    }

    #[tokio::test]
    async fn values_that_do_not_fit_are_in_no_receipt() {
        let sql = "
            create table t (id int primary key, v int, w text);
            create trigger up after update of w on t
              begin update t set w = upper(new.w) where id = new.id; end;
            insert into t values (1, 1, 'a');";
        let db = database(sql);
        let changes = [
            update("t", "[1]", "{}", r#"{"v":"secretq"}"#),
            update("t", "[1]", "{}", r#"{"v":1.5}"#),
        ];
        let receipts = apply(&db.connector, changes).await;
        check(&receipts, &["the text of the change", "the float of the change"]);
        assert!(receipts.iter().all(|r| r.contains("column: v")), "{receipts:#?}");
        assert!(
            !receipts.iter().any(|r| r.contains("secretq") || r.contains("1.5")),
            "{receipts:#?}"
        );
    }

    #[tokio::test]
    async fn a_trigger_that_undoes_everything_undoes_one_change() {
        let sql = "
            create table items (id int primary key, n int);
            create trigger harsh before insert on items when new.n = 13
              begin select raise(rollback, 'no thirteen'); end;
            create trigger deaf before insert on items when new.n = 14
              begin select raise(ignore); end;";
        let db = database(sql);
        let creates: Vec<_> = (11..16)
            .map(|n| create("items", &format!("[{n}]"), &format!(r#"{{"n":{n}}}"#)))
            .collect();
        let want = ["done", "done", "no thirteen", "did not keep the record", "done"];
        check(&apply(&db.connector, creates).await, &want);
        assert_eq!(table(&db.connector, "items").await, ["11|11", "12|12", "15|15"]);
    }

    #[tokio::test]
    async fn a_constraint_checked_last_undoes_one_change() {
        let sql = "
            create table owners (id int primary key);
            create table items (id int primary key,
              owner int references owners deferrable initially deferred);";
        let db = database(sql);
        let changes =
            [create("items", "[1]", r#"{"owner":7}"#), create("items", "[2]", r#"{"owner":null}"#)];
        check(&apply(&db.connector, changes).await, &["FOREIGN KEY", "done"]);
        let changes = [create("items", "[3]", r#"{"owner":7}"#), create("owners", "[7]", "{}")];
        check(&apply(&db.connector, changes).await, &["done", "done"]);
        assert_eq!(table(&db.connector, "items").await, ["2|null", "3|7"]);
    }

    #[tokio::test]
    async fn what_a_column_would_change_is_not_written() {
        let sql = "
            create table items (id int primary key, price decimal(30,2), code text, loose, at datetime);
            insert into items values (1, 1, 'a', 5, '2026-01-31T10:00');";
        let db = database(sql);
        let set = |json: &str| update("items", "[1]", "{}", json);
        let changes = [
            set(r#"{"price":{"decimal":"12345678901234567.89"}}"#),
            set(r#"{"price":{"decimal":"0.015"}}"#),
            set(r#"{"code":5}"#),
            set(r#"{"at":{"datetime":"2026-01-31T10:00:00.0000001"}}"#),
            set(r#"{"loose":2.5,"price":{"decimal":"0.10"}}"#),
            set(r#"{"loose":"text","code":"007"}"#),
            update(
                "items",
                "[1]",
                r#"{"at":{"datetime":"2026-01-31T10:00:00"}}"#,
                r#"{"loose":7}"#,
            ),
        ];
        let want = ["does not fit the column"; 4];
        check(&apply(&db.connector, changes).await, &[&want[..], &["done"; 3]].concat());
        assert_eq!(table(&db.connector, "items").await, ["1|0.10|007|7|2026-01-31T10:00:00"]);
    }

    #[tokio::test]
    async fn records_are_found_by_the_value_of_their_key() {
        let sql = "
            create table words (word text collate nocase primary key, n int);
            create table times (at timestamp primary key, n int) without rowid;
            insert into words values ('Tea', 1);
            insert into times values ('2026-01-31 10:00', 1), ('2026-01-31 11:00:00', 2);";
        let db = database(sql);
        let at = r#"[{"datetime":"2026-01-31T10:00:00"}]"#;
        let changes = [
            update("words", r#"["tea"]"#, "{}", r#"{"n":2}"#),
            create("words", r#"["tea"]"#, r#"{"n":2}"#),
            update("words", r#"["Tea"]"#, r#"{"n":1}"#, r#"{"n":3,"word":"Té"}"#),
            update("words", r#"["Tea"]"#, r#"{"n":1}"#, r#"{"n":3,"word":"Té"}"#),
            create("times", at, r#"{"n":5}"#),
            delete("times", at, r#"{"n":1}"#),
        ];
        let want = ["stale", "UNIQUE", "done", "done", "stale", "done"];
        check(&apply(&db.connector, changes).await, &want);
        assert_eq!(table(&db.connector, "words").await, ["Té|3"]);
        assert_eq!(table(&db.connector, "times").await, ["2026-01-31T11:00:00|2"]);
    }

    #[tokio::test]
    async fn what_cannot_be_written_says_why() {
        let sql = "
            create table loose (n int); create table kept (id int primary key, n int);
            insert into kept values (1, 1);
            create view seen as select * from kept;";
        let db = database(sql);
        let mut versioned = update("kept", "[1]", "{}", r#"{"n":2}"#);
        versioned.version = Some("1".into());
        let changes = [
            create("loose", "[1]", r#"{"n":1}"#),
            update("keptt", "[1]", "{}", r#"{"n":2}"#),
            versioned,
        ];
        let want = ["has no key", "did you mean `kept`?", "no versions"];
        check(&apply(&db.connector, changes).await, &want);
        let other = Sqlite::open(&db.path).unwrap().with_query("q", "select * from kept", ["id"]);
        let asked = [update("q", "[1]", "{}", r#"{"n":2}"#)];
        check(&apply(&other, asked).await, &["can only be read"]);
        let idempotency = other.writer().unwrap().idempotency("q", &Operation::Action("x".into()));
        assert_eq!(idempotency, Idempotency::AtMostOnce);
    }

    #[tokio::test]
    async fn a_lock_is_waited_for_and_then_nothing_is_sent() {
        let db = database("create table items (id int primary key)");
        db.connection.execute_batch("begin immediate").unwrap();
        let writer = db.connector.writer().unwrap();
        let changes = vec![create("items", "[1]", "{}"), create("items", "[2]", "{}")];
        let receipts = apply_unguarded(&*writer, Context::new(), changes.clone()).await.unwrap();
        for receipt in &receipts {
            let Receipt::Refused(error) = receipt else { panic!("{receipts:?}") };
            assert!(
                error.retry() == Retry::Backoff && error.message().contains("locked"),
                "{error}"
            );
        }
        db.connection.execute_batch("commit").unwrap();
        check(&apply(&db.connector, changes).await, &["done", "done"]);
    }

    #[tokio::test]
    async fn a_database_that_can_only_be_read_is_left_alone() {
        let db = database("create table items (id int primary key)");
        let mut bytes = std::fs::read(&db.path).unwrap();
        // A version of the format that SQLite reads and does not write.
        bytes[18] = 9;
        std::fs::write(&db.path, &bytes).unwrap();
        let receipts = apply(&db.connector, [create("items", "[1]", "{}")]).await;
        check(&receipts, &["refused forbidden: the database can only be read"]);
        assert_eq!(std::fs::read(&db.path).unwrap(), bytes);
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::*;
    use crate::support::postgres::{connect, database};

    #[tokio::test(flavor = "multi_thread")]
    async fn constraints_are_named_and_stop_no_other_change() {
        let sql = "
            create table owners (id int primary key);
            create table items (id int primary key, sku text unique,
              n int constraint positive check (n > 0), owner int references owners,
              twice int generated always as (n * 2) stored, late int references owners deferrable
              initially deferred);
            insert into items (id, sku, n) values (1, 'a', 1);";
        let Some(db) = database(sql).await else { return };
        let connector = db.connector().await.with_table("items").with_table("owners");
        let changes = [
            create("items", "[2]", r#"{"sku":"b","n":2}"#),
            create("items", "[3]", r#"{"sku":"a","n":3}"#),
            create("items", "[4]", r#"{"sku":"d","n":-1}"#),
            create("items", "[5]", r#"{"sku":"e","n":5,"owner":9}"#),
            create("items", "[6]", r#"{"sku":"f","n":6,"twice":12}"#),
            create("items", "[7]", r#"{"sku":"g","n":7,"late":9}"#),
            create("items", "[1]", r#"{"sku":"h","n":7}"#),
            update("items", "[1]", r#"{"sku":"a"}"#, r#"{"id":10}"#),
            update("items", "[1]", r#"{"sku":"a"}"#, r#"{"id":10}"#),
        ];
        let want = [
            "done",
            "items_sku_key",
            "positive",
            "items_owner_fkey",
            "`twice` cannot be set",
            "items_late_fkey",
            "stale",
            "done",
            "done",
        ];
        check(&apply(&connector, changes).await, &want);
        assert_eq!(table(&connector, "items").await, ["10|a|1|null|2|null", "2|b|2|null|4|null"]);
        let together =
            [create("items", "[8]", r#"{"n":8,"late":9}"#), create("owners", "[9]", "{}")];
        check(&apply(&connector, together).await, &["done", "done"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_error_of_the_server_shows_a_value() {
        let sql = "
            create domain small as int check (value < 100);
            create table owners (id text primary key);
            create table t (id text primary key, sku text unique, n int constraint odd check (n > 0),
              owner text references owners, late text references owners deferrable initially
              deferred, s small, must text not null default 'x', day text,
              born date generated always as (make_date(n, n, n)) stored);
            create function harsh() returns trigger language plpgsql as $$
              begin
                if new.day = 'raise-quokka' then raise exception 'no % here', new.day; end if;
                if new.day = 'cast-quokka' then new.n = new.day::int; end if;
                if new.day = 'date-quokka' then new.n = extract(day from new.day::date); end if;
                return new;
              end $$;
            create trigger harsh before insert or update on t for each row execute function harsh();
            insert into t (id, sku) values ('old-quokka', 'sku-quokka');";
        let Some(db) = database(sql).await else { return };
        let connector = db.connector().await.with_table("t");
        let after = [
            r#"{"sku":"sku-quokka"}"#,
            r#"{"n":-31337}"#,
            r#"{"owner":"owner-quokka"}"#,
            r#"{"late":"late-quokka"}"#,
            r#"{"s":31337}"#,
            r#"{"sku":"null-quokka","must":null}"#,
            r#"{"day":"raise-quokka"}"#,
            r#"{"day":"cast-quokka"}"#,
            r#"{"day":"date-quokka"}"#,
            r#"{"sku":"made-quokka","n":31337}"#,
        ];
        let changes = after
            .iter()
            .enumerate()
            .map(|(i, after)| create("t", &format!(r#"["new-quokka-{i}"]"#), after));
        let (writer, changes) = (connector.writer().unwrap(), changes.collect());
        let receipts = apply_unguarded(&*writer, Context::new(), changes).await.unwrap();
        assert_eq!(receipts.len(), after.len());
        for (receipt, after) in receipts.iter().zip(after) {
            // With the causes of the error, which a host may log.
            let shown = format!("{receipt:?}");
            assert!(matches!(receipt, Receipt::Failed(_)), "{after}: {shown}");
            assert!(!shown.contains("quokka") && !shown.contains("31337"), "{after}: {shown}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_type_is_written_exactly_or_not_at_all() {
        let sql = "
            create type mood as enum ('glad', 'sad');
            create domain short as varchar(3) check (value <> 'bad');
            create table items (id uuid primary key, v varchar(3), c char(3), n numeric(6,2), o numeric,
              f real, j json, b jsonb, m mood, s short, bits bit(3), a int[], t text[], p numeric[],
              d date, ts timestamp(0), z timestamptz, y bytea, i inet);
            insert into items (id) values ('00000000-0000-0000-0000-000000000001');";
        let Some(db) = database(sql).await else { return };
        let connector = db.connector().await.with_table("items");
        let key = r#"["00000000-0000-0000-0000-000000000001"]"#;
        let set = |json: &str| update("items", key, "{}", json);
        let good = [
            r#"{"v":"abc","c":"ab ","n":{"decimal":"-1234.5"},"o":{"decimal":"0.000000000000000001"}}"#,
            r#"{"f":0.5,"j":"{\"a\":  1}","b":"{\"a\": 1}","m":"sad","s":"ok","bits":"101"}"#,
            r#"{"a":{"list":[1,null,-3]},"t":{"list":["a,\"b\"",null,"{}"]},"p":{"list":[{"decimal":"1.10"}]}}"#,
            r#"{"d":{"date":"0001-01-01"},"ts":{"datetime":"2026-01-31T10:00:00"},"y":{"bytes":"00ff"}}"#,
            r#"{"z":{"instant":"2026-01-31T10:00:00.000001Z"},"i":"10.0.0.0/8"}"#,
        ];
        check(&apply(&connector, good.map(set)).await, &["done"; 5]);
        let before = table(&connector, "items").await;
        let bad = [
            r#"{"v":"abcd"}"#,
            r#"{"v":"ab   "}"#,
            r#"{"c":"ab"}"#,
            r#"{"n":{"decimal":"1.005"}}"#,
            r#"{"n":{"decimal":"12345"}}"#,
            r#"{"f":0.1}"#,
            r#"{"b":"{\"a\":2}"}"#,
            r#"{"m":"angry"}"#,
            r#"{"s":"bad"}"#,
            r#"{"s":"long"}"#,
            r#"{"bits":"1011"}"#,
            r#"{"a":{"list":[1.5]}}"#,
            r#"{"ts":{"datetime":"2026-01-31T10:00:00.5"}}"#,
            r#"{"z":{"instant":"2026-01-31T10:00:00.000000001Z"}}"#,
            r#"{"i":"nowhere"}"#,
            r#"{"v":"\u0000"}"#,
        ];
        let receipts = apply(&connector, bad.map(set)).await;
        check(&receipts, &["failed "; 16]);
        assert_eq!(table(&connector, "items").await, before);
        // The values before are compared as they are read, whatever operators their types have.
        let json =
            update("items", key, r#"{"j":"{\"a\":  1}","a":{"list":[1,null,-3]}}"#, r#"{"v":"x"}"#);
        check(&apply(&connector, [json]).await, &["done"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_locked_record_fails_and_may_be_tried_again() {
        let sql = "create table items (id int primary key, n int); insert into items values (1, 1), (2, 2)";
        let Some(db) = database(sql).await else { return };
        let mut config = db.config();
        config.lock_timeout_ms = 100;
        let connector = trueup_sql::Postgres::connect(config).await.unwrap().with_table("items");
        let other = connect(&db.url).await;
        other.batch_execute("begin; update items set n = 5 where id = 1").await.unwrap();
        let writer = connector.writer().unwrap();
        let changes = ["[1]", "[2]"].map(|key| update("items", key, "{}", r#"{"n":9}"#));
        let receipts = apply_unguarded(&*writer, Context::new(), changes.into()).await.unwrap();
        let [Receipt::Failed(error), Receipt::Done { .. }] = receipts.as_slice() else {
            panic!("{receipts:?}")
        };
        assert_eq!(error.retry(), Retry::Backoff);
        other.batch_execute("rollback").await.unwrap();
        // The connection that waits was cut: another is made.
        let cut = "select pg_terminate_backend(pid) from pg_stat_activity
             where pid <> pg_backend_pid() and application_name = 'trueup'";
        other.batch_execute(cut).await.unwrap();
        let again = vec![update("items", "[1]", r#"{"n":1}"#, r#"{"n":9}"#)];
        let receipts = apply_unguarded(&*writer, Context::new(), again).await.unwrap();
        check(&receipts.iter().map(shown).collect::<Vec<_>>(), &["done"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_user_who_may_only_read_sees_no_field_that_can_be_set() {
        let role = format!("onlooker_{}", std::process::id());
        let sql = format!(
            "create table items (id int primary key, n int); insert into items values (1, 1);
             create role {role} login password 'pw'; grant select on items to {role}"
        );
        let Some(db) = database(&sql).await else { return };
        let mut config = db.config().with_password(trueup_sql::Secret::new("pw"));
        config.user = role;
        let connector = trueup_sql::Postgres::connect(config).await.unwrap();
        let described = connector.describe(Context::new()).await.unwrap();
        assert!(described[0].schema.fields().iter().all(|field| !field.writable));
        let name = described[0].name.clone();
        let receipts = apply(&connector, [update(&name, "[1]", "{}", r#"{"n":2}"#)]).await;
        check(&receipts, &["refused forbidden: the field `n` cannot be set"]);
    }
}
