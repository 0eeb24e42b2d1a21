//! The native half of trueup for Swift; the other half, in `Sources/TrueUp`, is what people import.
//!
//! Everything that may take a while is asynchronous and goes on in the background: a `call::Call`
//! goes along with it, by which Swift cancels it and asks how far it is. What comes in and goes out
//! is plain data as JSON text, packed rows, Arrow, or a handle. Errors cross as `errors::Failure`.
#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    reason = "what UniFFI's macros write for each exported item; `unsafe` by hand is in `arrow_c.rs` alone"
)]

mod approvals;
mod arrow_c;
mod bytes;
mod call;
mod conform;
mod connector;
mod errors;
mod guard;
mod host;
mod plan;
mod reconcile;
mod records;
mod report;
mod rows;
mod snapshot;
mod store;
mod table;
mod wire;

use trueup::Kind;

uniffi::setup_scaffolding!();

/// The names of every kind of error.
#[uniffi::export]
pub fn kinds() -> Vec<String> {
    Kind::ALL.into_iter().map(|kind| kind.name().to_owned()).collect()
}

/// The version of the library.
#[uniffi::export]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
