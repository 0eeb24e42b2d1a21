//! SQLite.

mod catalog;
mod cell;
mod config;
mod connector;
mod database;
mod error;
mod reading;
mod time;
mod types;

pub use config::SqliteConfig;
pub use connector::Sqlite;
