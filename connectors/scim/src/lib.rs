#![doc = include_str!("../docs.md")]

mod config;
mod connector;
mod discovery;
mod error;
mod filter;
mod model;
mod page;
mod writer;

pub use config::{Extra, Pages, ScimConfig};
pub use connector::Scim;
