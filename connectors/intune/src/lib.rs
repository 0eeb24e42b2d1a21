#![doc = include_str!("../docs.md")]

mod action;
mod assignment;
mod config;
mod connector;
mod model;
mod page;
mod writer;

pub use config::IntuneConfig;
pub use connector::Intune;
