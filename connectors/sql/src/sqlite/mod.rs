//! SQLite.

mod bind;
mod catalog;
mod cell;
mod config;
mod connector;
mod database;
mod doubles;
mod error;
mod open;
mod reading;
mod table;
mod time;
mod types;
mod writer;

pub use config::SqliteConfig;
pub use connector::Sqlite;
