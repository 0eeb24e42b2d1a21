//! What the tests share: readings as text, and databases to read.

#![allow(dead_code, reason = "each test file uses its own part")]

use trueup_connector::{Column, Connector, ConnectorExt, Context, Error, Snapshot};

pub(crate) async fn read(connector: &dyn Connector, resource: &str) -> Result<Snapshot, Error> {
    connector.read(Context::new(), resource).await
}

pub(crate) async fn error(connector: &dyn Connector, resource: &str) -> Error {
    read(connector, resource).await.unwrap_err()
}

/// The fields as `name type`.
pub(crate) fn fields(snapshot: &Snapshot) -> String {
    let fields = snapshot.schema().fields().iter().map(|f| format!("{} {}", f.name, f.ty));
    fields.collect::<Vec<_>>().join(", ")
}

/// The rows as text, one a line, cells between bars.
pub(crate) fn rows(snapshot: &Snapshot) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in snapshot.batches() {
        let columns: Vec<Column> =
            batch.columns().iter().map(|c| Column::new(c).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = columns.iter().map(|c| c.value(row).to_string()).collect();
            rows.push(cells.join("|"));
        }
    }
    rows
}

/// Databases of a server that all tests of a process share.
#[cfg(feature = "postgres")]
pub(crate) mod postgres {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio_postgres::{Client, NoTls};
    use trueup_sql::{Postgres, PostgresConfig};
    use trueup_test_postgres::Server;

    pub(crate) struct Database {
        pub(crate) server: Arc<Server>,
        pub(crate) url: String,
        pub(crate) client: Client,
    }

    impl Database {
        pub(crate) fn config(&self) -> PostgresConfig {
            PostgresConfig::from_url(&self.url).unwrap()
        }

        pub(crate) async fn connector(&self) -> Postgres {
            Postgres::connect(self.config()).await.unwrap()
        }

        pub(crate) async fn run(&self, sql: &str) {
            self.client.batch_execute(sql).await.unwrap();
        }
    }

    /// A database of its own for one test, made with these statements; `None` where no server is.
    pub(crate) async fn database(sql: &str) -> Option<Database> {
        on(Server::shared()?, sql).await.into()
    }

    /// A database on this server.
    pub(crate) async fn on(server: Arc<Server>, sql: &str) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test \"{}\"", NEXT.fetch_add(1, Ordering::Relaxed));
        let create = format!("create database \"{}\"", name.replace('"', "\"\""));
        connect(&server.url()).await.batch_execute(&create).await.unwrap();
        let url = server.url_of(&name);
        let client = connect(&url).await;
        client.batch_execute(sql).await.unwrap();
        Database { server, url, client }
    }

    pub(crate) async fn connect(url: &str) -> Client {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        client
    }
}
