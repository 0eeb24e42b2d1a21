//! The inventory on a PostgreSQL server.

use std::fmt::{self, Write};
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::{Client, NoTls};
use trueup::{Cell, Column, Snapshot};
use trueup_test_postgres::Server;

use super::TABLE;
use crate::Result;

/// A piece of a COPY that is worth sending.
const PIECE: usize = 64 << 10;

/// The inventory in a database of a throw-away server.
pub struct PostgresInventory {
    client: Client,
    server: Arc<Server>,
}

impl PostgresInventory {
    pub(super) async fn on(server: Arc<Server>) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await?;
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { client, server })
    }

    /// Where the server is, without its password.
    pub fn address(&self) -> String {
        format!("{}:{}", self.server.host(), self.server.port())
    }

    /// Where to connect to, with the password.
    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    pub(super) async fn run(&self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql).await?)
    }

    pub(super) async fn insert(&self, records: &Snapshot) -> Result<()> {
        let mut sink = pin!(self.client.copy_in(&format!("copy {TABLE} from stdin")).await?);
        let mut text = String::with_capacity(2 * PIECE);
        for batch in records.batches() {
            let columns: Vec<_> =
                batch.columns().iter().map(Column::new).collect::<Result<_, _>>()?;
            for row in 0..batch.num_rows() {
                line(&mut text, &columns, row)?;
                if text.len() >= PIECE {
                    sink.send(Bytes::from(std::mem::take(&mut text))).await?;
                }
            }
        }
        sink.send(Bytes::from(text)).await?;
        sink.finish().await?;
        Ok(())
    }
}

impl fmt::Debug for PostgresInventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresInventory").field(&self.address()).finish()
    }
}

/// Writes one row as COPY takes it.
fn line(text: &mut String, columns: &[Column], row: usize) -> Result<()> {
    for (i, column) in columns.iter().enumerate() {
        if i > 0 {
            text.push('\t');
        }
        match column.cell(row) {
            Cell::Null => text.push_str("\\N"),
            Cell::Text(value) => value.chars().for_each(|char| escaped(text, char)),
            Cell::Int(number) => write!(text, "{number}")?,
            Cell::Bool(truth) => write!(text, "{truth}")?,
            other => return Err(format!("the inventory has no column for {other:?}").into()),
        }
    }
    text.push('\n');
    Ok(())
}

fn escaped(text: &mut String, char: char) {
    match char {
        '\\' => text.push_str("\\\\"),
        '\t' => text.push_str("\\t"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        other => text.push(other),
    }
}
