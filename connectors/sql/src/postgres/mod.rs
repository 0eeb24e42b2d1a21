//! PostgreSQL.

mod bind;
mod catalog;
mod cell;
mod config;
mod connector;
mod copy;
mod error;
mod names;
mod numeric;
mod reading;
mod session;
mod table;
mod tls;
mod types;
mod writer;

pub use config::{PostgresConfig, Tls};
pub use connector::Postgres;
