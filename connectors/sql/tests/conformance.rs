//! The promises of every connector, on SQLite and on PostgreSQL.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use trueup_connector::{Schema, Snapshot};

const TABLES: &str = "
    create table devices (serial varchar(20) primary key, os text, memory int, price decimal(10,2));
    create table empty (id int primary key, note text);
    create table written (id int, kind varchar(20), name text, small int, ratio double precision,
      price decimal(10,2), big decimal(40,10), seen date, at timestamp, moment timestamp with time zone,
      ok boolean, primary key (kind, id));
    insert into written (id, kind, name) values (1, 'a', 'one'), (1, 'A', 'other'), (2, 'a', null);
    insert into devices values ('A1', '14.2', 16, 999.5), ('B2', null, 32, 1200), ('C3', '', null, 0.01),
      ('D4', '14.1', 8, null), ('E5', 'Ünïcode', -1, 12345678.99);";

fn records(json: &str) -> Snapshot {
    let schema = r#"[{"name":"serial","type":"text","role":"key"},{"name":"os","type":"text"},
        {"name":"memory","type":"int"},{"name":"price","type":"decimal(10,2)"}]"#;
    let schema: Schema = serde_json::from_str(schema).unwrap();
    let rows: Vec<serde_json::Map<_, _>> = serde_json::from_str(json).unwrap();
    Snapshot::from_json_as(&schema, &rows).unwrap()
}

fn devices() -> Snapshot {
    let json = r#"[
        {"serial":"A1","os":"14.2","memory":16,"price":"999.5"},
        {"serial":"B2","os":null,"memory":32,"price":"1200"},
        {"serial":"C3","os":"","memory":null,"price":"0.01"},
        {"serial":"D4","os":"14.1","memory":8,"price":null},
        {"serial":"E5","os":"Ünïcode","memory":-1,"price":"12345678.99"}]"#;
    records(json)
}

fn after_change() -> Snapshot {
    let json = r#"[
        {"serial":"A1","os":"14.3","memory":16,"price":"999.5"},
        {"serial":"C3","os":"","memory":null,"price":"0.01"},
        {"serial":"D4","os":"14.1","memory":8,"price":null},
        {"serial":"E5","os":"Ünïcode","memory":-1,"price":"12345678.99"},
        {"serial":"F6","os":"15","memory":64,"price":"2"}]"#;
    records(json)
}

fn fresh() -> Snapshot {
    let schema = r#"[{"name":"id","type":"int","role":"key"},{"name":"kind","type":"text","role":"key"},
        {"name":"name","type":"text"},{"name":"small","type":"int"},{"name":"ratio","type":"float"},
        {"name":"price","type":"decimal(10,2)"},{"name":"big","type":"decimal(40,10)"},
        {"name":"seen","type":"date"},{"name":"at","type":"datetime"},{"name":"moment","type":"instant"},
        {"name":"ok","type":"bool"}]"#;
    let schema: Schema = serde_json::from_str(schema).unwrap();
    let rows = r#"[
        {"id":7,"kind":"a","name":"é, \"x\"\n🦀","small":5,"ratio":0.1,"price":"12.50",
         "big":"1.5","seen":"2026-01-31","at":"2026-01-31T10:00:00.123456",
         "moment":"2026-01-31T10:00:00Z","ok":true},
        {"id":8,"kind":"a","name":"","small":-2147483648,"ratio":-1e300,"price":"-0.01","big":"0",
         "seen":"0001-01-01","at":"1970-01-01T00:00:00","moment":"1969-12-31T23:59:59.999999Z","ok":false},
        {"id":7,"kind":"ß 'q'","name":null,"small":null,"ratio":null,"price":null,"big":null,"seen":null,
         "at":null,"moment":null,"ok":null},
        {"id":0,"kind":"","name":"0","small":0,"ratio":5.0,"price":"99999999.99","big":"2",
         "seen":"9999-12-31","at":"9999-12-31T23:59:59","moment":"2026-01-31T10:00:00.5Z","ok":true}]"#;
    let rows: Vec<serde_json::Map<_, _>> = serde_json::from_str(rows).unwrap();
    Snapshot::from_json_as(&schema, &rows).unwrap()
}

const CHANGE: &str = "
    update devices set os = '14.3' where serial = 'A1'; delete from devices where serial = 'B2';
    insert into devices values ('F6', '15', 64, 2);";

#[cfg(feature = "sqlite")]
mod sqlite {
    use rusqlite::Connection;
    use trueup_sql::Sqlite;
    use trueup_testkit::Subject;

    async fn subject() -> Subject {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("devices.db");
        let database = Connection::open(&path).unwrap();
        database.execute_batch("pragma journal_mode = wal").unwrap();
        database.execute_batch(super::TABLES).unwrap();
        drop(database);
        let connector = Sqlite::open(&path)
            .unwrap()
            .with_table("devices")
            .with_query("cheap", "select * from devices where price < 1000", ["serial"])
            .with_table("empty")
            .with_table("written");
        let (change, broken, witness) = (path.clone(), path.clone(), path);
        Subject::new(connector)
            .with_truth("devices", super::devices())
            .with_writes("written", super::fresh())
            .with_change(move || async move {
                Connection::open(change).unwrap().execute_batch(super::CHANGE).unwrap();
                vec![("devices".to_owned(), super::after_change())]
            })
            .with_break(move || async move { std::fs::write(broken, "no database").unwrap() })
            .with_witness(move || {
                let bytes = std::fs::read(&witness).unwrap();
                async move { bytes }
            })
            .keeping(folder)
    }

    trueup_testkit::conformance!(conforms, subject);
}

#[cfg(feature = "postgres")]
mod postgres {
    use crate::support::postgres::{connect, on};
    use trueup_testkit::{Memory, Subject};

    async fn subject() -> Subject {
        let Some(server) = trueup_test_postgres::Server::shared() else {
            // There is nothing to test on, and it was said so.
            return Subject::new(Memory::new()).unbreakable("there is no server");
        };
        let database = on(server, super::TABLES).await;
        let connector = database
            .connector()
            .await
            .with_table("devices")
            .with_query("cheap", "select * from devices where price < 1000", ["serial"])
            .with_table("empty")
            .with_table("written");
        let (change, broken, witness) =
            (database.url.clone(), database.url.clone(), database.url.clone());
        Subject::new(connector)
            .with_truth("devices", super::devices())
            .with_writes("written", super::fresh())
            .with_change(move || async move {
                connect(&change).await.batch_execute(super::CHANGE).await.unwrap();
                vec![("devices".to_owned(), super::after_change())]
            })
            .with_break(move || async move {
                let sql = "select pg_terminate_backend(pid) from pg_stat_activity
                     where application_name = 'trueup' and datname = current_database()";
                let client = connect(&broken).await;
                client.batch_execute(sql).await.unwrap();
                client.batch_execute("drop table devices, empty, written").await.unwrap();
            })
            .with_witness(move || {
                let url = witness.clone();
                async move {
                    // A write would leave another version of its row.
                    let sql =
                        "select coalesce(string_agg(concat(d, xmin, ctid), '' order by serial), '')
                         from devices d";
                    let row = connect(&url).await.query_one(sql, &[]).await.unwrap();
                    row.get::<_, String>(0).into_bytes()
                }
            })
            .keeping(database)
    }

    trueup_testkit::conformance!(conforms, subject);
}
