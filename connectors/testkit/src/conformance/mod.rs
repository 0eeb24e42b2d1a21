//! The conformance suite: what every connector owes, one function a promise.
//!
//! [`conformance!`](crate::conformance!) makes a test of each; call the functions here, or
//! [`Promise::check`], to run them some other way.

mod cursors;
mod delta;
mod described;
mod exact;
#[cfg(feature = "executor")]
mod executed;
mod failure;
mod paging;
mod promise;
mod reading;
mod receipts;
mod rows;
mod subject;
mod target;
mod together;
mod writes;

pub use cursors::{foreign_cursor, repeat};
pub use delta::{delta, freshness};
pub use described::{check, describe, identity, unknown_resource};
pub use exact::exact_values;
#[cfg(feature = "executor")]
pub use executed::{crash, lost_answers, partial_failure, pending_changes, rerun};
pub use failure::failure;
pub use paging::{coverage, no_effect, page_size, paging, schema};
pub use promise::{Broken, Promise};
pub use receipts::{cancelled_writes, receipts, status, unknown_writes};
pub use subject::Subject;
pub use target::apply_unguarded;
pub use together::{cancellation, concurrency};
pub use writes::{race, resend, stale, writes};

/// Makes a subject and checks one promise on it, in a multi-threaded Tokio runtime.
///
/// # Errors
/// The promise that is broken, and how.
pub fn run(promise: Promise, maker: impl AsyncFnOnce() -> Subject) -> Result<(), Broken> {
    crate::block_on(async { promise.check(&maker().await).await })
}
