#![doc = include_str!("../docs.md")]

mod columns;
mod readings;
mod source;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use source::{QuerySource, Source, TableSource};
#[cfg(feature = "sqlite")]
pub use sqlite::{Sqlite, SqliteConfig};
