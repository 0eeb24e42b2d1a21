#![cfg_attr(not(any(feature = "sqlite", feature = "postgres")), allow(dead_code))]
#![doc = include_str!("../docs.md")]

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod ask;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod columns;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod readings;
#[cfg(feature = "postgres")]
mod secret;
mod source;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod writing;

#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresConfig, Tls};
#[cfg(feature = "postgres")]
pub use secret::Secret;
pub use source::{QuerySource, Source, TableSource};
#[cfg(feature = "sqlite")]
pub use sqlite::{Sqlite, SqliteConfig};
