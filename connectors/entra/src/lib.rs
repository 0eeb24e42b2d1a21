#![doc = include_str!("../docs.md")]

mod config;
mod connector;
mod licence;
mod model;
mod page;
mod send;
mod shapes;
mod writer;

pub use config::EntraConfig;
pub use connector::Entra;
