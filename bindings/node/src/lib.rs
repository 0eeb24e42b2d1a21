//! The native half of trueup for Node; the other half, in TypeScript, is what people import.
//!
//! Everything that may take a while is `Work` that goes on in the background: nothing here
//! holds the event loop up. What comes in and goes out is plain data as JSON text, packed rows,
//! Arrow IPC bytes, or a handle. Errors cross as JSON in the message of an error of Node, or in the
//! outcome of work; the TypeScript half makes errors of its own class of them.
#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    reason = "what napi's macros write for each exported item; there is no `unsafe` by hand"
)]

mod approvals;
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
mod work;

use napi_derive::napi;
use trueup::Kind;

/// The names of every kind of error.
#[napi]
pub fn kinds() -> Vec<&'static str> {
    Kind::ALL.into_iter().map(Kind::name).collect()
}

/// The version of the library.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
