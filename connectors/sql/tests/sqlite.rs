//! SQLite: what is read, and what bad input gets.

#![cfg(feature = "sqlite")]

use rusqlite::Connection;
use tempfile::TempDir;
use trueup_connector::{Column, ConnectorExt, Context, Error, Snapshot};
use trueup_sql::Sqlite;

/// A database of these statements.
fn database(sql: &str) -> (TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    (folder, Sqlite::open(path).unwrap())
}

async fn read(connector: &Sqlite, resource: &str) -> Result<Snapshot, Error> {
    connector.read(Context::new(), resource).await
}

/// The fields as `name type`, and the rows as text, one a line.
fn show(snapshot: &Snapshot) -> (String, Vec<String>) {
    let fields = snapshot.schema().fields().iter().map(|f| format!("{} {}", f.name, f.ty));
    let mut rows = Vec::new();
    for batch in snapshot.batches() {
        let columns: Vec<Column> =
            batch.columns().iter().map(|c| Column::new(c).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = columns.iter().map(|c| c.value(row).to_string()).collect();
            rows.push(cells.join("|"));
        }
    }
    (fields.collect::<Vec<_>>().join(", "), rows)
}

#[tokio::test]
async fn a_table_is_read_with_its_types_and_key() {
    let (_folder, connector) = database(
        "create table a (id integer primary key, name text not null, size real, price decimal(10,2),
           raw blob, ok boolean, day date, at datetime, seen timestamptz);
         insert into a values (2, 'zwei', 2.5, 12.34, x'00ff', 1, '2026-01-31', '2026-01-31 10:00:00.123456',
           '2026-01-31T10:00:00+01:00');
         insert into a values (1, 'eins', 1, 7, null, 0, null, null, null);",
    );
    let snapshot = read(&connector, "a").await.unwrap();
    let (fields, rows) = show(&snapshot);
    assert_eq!(
        fields,
        "id int, name text, size float, price decimal(10,2), raw bytes, ok bool, day date, \
         at datetime, seen instant"
    );
    assert_eq!(snapshot.schema().key(), ["id"]);
    assert_eq!(
        rows,
        [
            "1|eins|1.0|7.00|null|false|null|null|null",
            "2|zwei|2.5|12.34|00ff|true|2026-01-31|2026-01-31T10:00:00.123456|2026-01-31T09:00:00Z"
        ]
    );
}
