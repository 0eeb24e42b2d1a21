//! PostgreSQL.

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
mod tls;
mod types;

pub use config::{PostgresConfig, Tls};
pub use connector::Postgres;
