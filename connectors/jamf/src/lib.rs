#![doc = include_str!("../docs.md")]

mod action;
mod classic;
mod config;
mod connector;
mod content;
mod error;
mod model;
mod page;
mod policy;
mod prestage;
mod reading;
mod writer;

pub use config::JamfConfig;
pub use connector::Jamf;
