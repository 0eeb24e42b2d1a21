//! For those who write trueup connectors.
//!
//! - [`conformance!`] makes a test of every promise of the contract, in one line;
//! - [`Memory`] is a connector in memory: the simplest one that keeps them all;
//! - [`Hostile`] breaks a promise of your choice, to see what your code makes of that.
//!
//! # Testing a connector
//! Write a function that makes a [`Subject`]: your connector, the truth about its source, and how to
//! break that source. Then ask for the tests:
//!
//! ```
//! use trueup_testkit::{Memory, Subject, rows};
//!
//! async fn devices() -> Subject {
//!     let truth = rows(&["serial"], r#"[{"serial":"A1","os":"14.2"},{"serial":"B2","os":"14.1"}]"#);
//!     let memory = Memory::new().with_resource("devices", truth.clone());
//!     let source = memory.clone();
//!     Subject::new(memory)
//!         .with_truth("devices", truth)
//!         .with_break(move || async move { source.break_down() })
//! }
//!
//! trueup_testkit::conformance!(devices_conform, devices);
//! # // What the line above makes are tests; here they are called by hand.
//! # use trueup_testkit::{Promise, conformance};
//! # for promise in Promise::ALL { conformance::run(promise, devices).unwrap(); }
//! ```
//!
//! A connector that can write is given records that may be made, with [`Subject::with_writes`]; then the
//! promises on writing are checked as well. They hand changes to the writer themselves, without plan and
//! decision: that is what [`conformance::apply_unguarded`] is for, and nothing else. Then the same changes
//! go through the engine's own executor, with crashes and lost answers on the way (feature `executor`).
//!
//! `cargo test` now runs `devices_conform::paging`, `devices_conform::failure` and so on, one test a
//! [`Promise`]. What the connector claims in its capability is tested, and so is that it refuses what
//! it does not claim. A test fails with the promise that is broken, and how.

pub mod conformance;
mod hostile;
mod memory;

pub use conformance::{Broken, Promise, Subject};
pub use hostile::{Hostile, Misdeed};
pub use memory::{Fault, Memory, rows};

/// Makes a module of tests, one a [`Promise`], for a connector.
///
/// `conformance!(name, maker)`: `maker` is an async function or closure without arguments that makes
/// a new [`Subject`] for each test; a path is taken as from where the macro stands. The tests run in
/// a multi-threaded Tokio runtime of their own. Attributes before the name go to the module:
///
/// ```
/// # use trueup_testkit::{Memory, Subject};
/// # async fn slow() -> Subject { Subject::new(Memory::new()) }
/// trueup_testkit::conformance!(#[cfg(target_os = "linux")] slow_conform, slow);
/// ```
#[macro_export]
macro_rules! conformance {
    ($(#[$attribute:meta])* $name:ident, $maker:expr $(,)?) => {
        #[cfg(test)]
        $(#[$attribute])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $crate::__promises! {
                $maker;
                identity: Identity,
                describe: Describe,
                check: Check,
                unknown_resource: UnknownResource,
                foreign_cursor: ForeignCursor,
                paging: Paging,
                page_size: PageSize,
                repeat: Repeat,
                schema: Schema,
                coverage: Coverage,
                concurrency: Concurrency,
                cancellation: Cancellation,
                failure: Failure,
                no_effect: NoEffect,
                freshness: Freshness,
                delta: Delta,
                writes: Writes,
                resend: Resend,
                stale: Stale,
                race: Race,
                receipts: Receipts,
                unknown_writes: UnknownWrites,
                exact_values: ExactValues,
                cancelled_writes: CancelledWrites,
                status: Status,
            }
            $crate::__executed_promises! { $maker }
        }
    };
}

#[doc(hidden)]
#[macro_export]
#[cfg(feature = "executor")]
macro_rules! __executed_promises {
    ($maker:expr) => {
        $crate::__promises! {
            $maker;
            rerun: Rerun,
            crash: Crash,
            lost_answers: LostAnswers,
            partial_failure: PartialFailure,
            pending_changes: PendingChanges,
        }
    };
}

#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "executor"))]
macro_rules! __executed_promises {
    ($maker:expr) => {};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __promises {
    ($maker:expr; $($name:ident: $promise:ident,)*) => {
        $(
            #[test]
            fn $name() -> ::std::result::Result<(), $crate::Broken> {
                $crate::conformance::run($crate::Promise::$promise, $maker)
            }
        )*
    };
}

/// Runs a future to its end in a new multi-threaded Tokio runtime, for tests.
///
/// # Panics
/// Where the system has no threads left.
#[expect(clippy::expect_used, reason = "a test without a runtime cannot go on")]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("the system has threads for a test").block_on(future)
}
