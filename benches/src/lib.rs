//! What the generator and the Rust contestants of `make bench` share: the cases, and how a run is measured.

pub mod cells;
pub mod columns;
pub mod measure;
pub mod pair;

/// Any error; a bench only ever prints it.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;
