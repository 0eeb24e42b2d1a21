//! The software inventory: a database made of the older release, then changed behind our back.

mod postgres;
mod sqlite;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use trueup::{Connector, Snapshot};
use trueup_sql::{Postgres, PostgresConfig, Sqlite};
use trueup_test_postgres::Server;

use crate::Result;
pub use postgres::PostgresInventory;
pub use sqlite::SqliteInventory;

/// The table of packages.
pub const TABLE: &str = "packages";

/// What happens to the inventory between two readings: plain SQL, the same on every database.
pub const CHANGES: &str = include_str!("changes.sql");

const CREATE: &str = include_str!("create.sql");

/// Which database the inventory is kept in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Db {
    /// An SQLite file in a temporary folder.
    #[default]
    Sqlite,
    /// A PostgreSQL server that is started for the demo and removed after it.
    Postgres,
}

/// Where an inventory is.
#[derive(Clone, Serialize, Deserialize)]
pub enum Place {
    /// The path of an SQLite file.
    Sqlite(PathBuf),
    /// The URL of a PostgreSQL database, with its password.
    Postgres(String),
}

impl Place {
    /// The connector that reads and writes it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn connector(&self) -> Result<Arc<dyn Connector>> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(Sqlite::open(path)?.with_table(TABLE)),
            Self::Postgres(url) => {
                let config = PostgresConfig::from_url(url)?;
                Arc::new(Postgres::connect(config).await?.with_table(TABLE))
            }
        })
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.debug_tuple("Postgres").field(&"‹secret›").finish(),
        }
    }
}

/// The inventory's database; it goes when this value goes.
#[derive(Debug)]
pub enum Inventory {
    /// In an SQLite file.
    Sqlite(SqliteInventory),
    /// On a PostgreSQL server.
    Postgres(PostgresInventory),
}

impl Inventory {
    /// An empty database.
    ///
    /// # Errors
    /// Where none can be made, or no server started.
    pub async fn start(db: Db) -> Result<Self> {
        match db {
            Db::Sqlite => Ok(Self::Sqlite(SqliteInventory::new()?)),
            Db::Postgres => {
                let server = Arc::new(Server::start()?);
                Ok(Self::Postgres(PostgresInventory::on(server).await?))
            }
        }
    }

    /// Creates the table and puts these records into it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn fill(&mut self, records: &Snapshot) -> Result<()> {
        self.run(CREATE).await?;
        match self {
            Self::Sqlite(database) => database.insert(records),
            Self::Postgres(database) => database.insert(records).await,
        }
    }

    /// Runs SQL.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn run(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(database) => database.run(sql),
            Self::Postgres(database) => database.run(sql).await,
        }
    }

    /// Where it is, for another process.
    pub fn whereabouts(&self) -> Place {
        match self {
            Self::Sqlite(database) => Place::Sqlite(database.path().to_owned()),
            Self::Postgres(database) => Place::Postgres(database.url()),
        }
    }

    /// Where it is, in words.
    pub fn place(&self) -> String {
        match self {
            Self::Sqlite(database) => format!("SQLite, {}", database.path().display()),
            Self::Postgres(database) => format!("PostgreSQL, {}", database.address()),
        }
    }
}

impl FromStr for Db {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "sqlite" => Ok(Self::Sqlite),
            "postgres" => Ok(Self::Postgres),
            _ => {
                Err(format!("unknown database `{text}`; there are `sqlite` and `postgres`").into())
            }
        }
    }
}
