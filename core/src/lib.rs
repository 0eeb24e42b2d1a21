//! trueup makes two systems agree, and proves it.
//!
//! Two [snapshots](Snapshot) go in, and a [`Reconciliation`] that says which fields are the key and
//! when two values agree; a [`Report`] comes out that names every difference, exactly.
//!
//! ```
//! use trueup::{Reconciliation, Rule, Snapshot};
//!
//! #[derive(serde::Serialize)]
//! struct Device { serial: &'static str, os: &'static str, free_gib: u32 }
//!
//! let expected = Snapshot::from_rows(&[
//!     Device { serial: "A1", os: "14.2", free_gib: 100 },
//!     Device { serial: "B2", os: "14.2", free_gib: 80 },
//! ])?;
//! let actual = Snapshot::from_rows(&[
//!     Device { serial: "A1", os: "14.1", free_gib: 97 },
//! ])?;
//! let report = Reconciliation::new("devices")
//!     .with_key(["serial"])
//!     .with_rule("free_gib", Rule::tolerance(10))
//!     .run(&expected, &actual)?;
//! assert_eq!(report.counts().to_string(), "matched 0, missing 1, changed 1");
//! # Ok::<(), trueup::Error>(())
//! ```
//!
//! # What to do about it
//! A [`Planner`] makes a [`Plan`] of a report; [`guard`] says what may be done of it and who must
//! approve; the executor in [`runtime`] carries it out once, with every step in the log of [`audit`],
//! whose evidence others can check.
//!
//! # What it promises
//! - **Exact.** Values are compared by value, never by encoding: the integer 5, the decimal 5.00 and
//!   the float 5.0 are equal, 2^53 + 1 is not 2^53. What cannot be compared is an error, not a
//!   difference; what cannot be read is an error, not an empty list.
//! - **Complete.** Every key is counted once; absence is claimed only where the other side says that
//!   it would have the record ([`Coverage`]).
//! - **The same everywhere.** A report does not depend on the order of rows, on batches, threads or
//!   the machine. Findings have ids that last, and the report a digest; both are specified byte by
//!   byte in `docs/spec`.
//! - **No surprises.** Comparing reads no clock, file, environment or random source; what needs the
//!   machine (processors, fresh randomness) stands behind the feature `runtime`.

pub mod audit;
pub mod guard;
pub mod plan;
pub mod reconcile;
#[cfg(feature = "runtime")]
pub mod runtime;

pub use plan::{
    Effect, Fact, FieldValue, Impact, LeftOut, Origin, Plan, PlannedChange, Planner, Reason,
    Rollback, Unrestorable, Unrestored,
};
pub use reconcile::{
    Amount, Cause, Counts, Drift, DriftCounts, Explanation, FieldSelection, FindingId, FindingKind,
    Incremental, Input, Inputs, Owner, Reconciliation, Report, Rule, Run, Side, TextCase, TextRule,
    TextSpace, UnicodeForm, drift,
};
pub use trueup_connector::{
    Authorised, Capability, Cell, Change, Class, Column, Condition, Connector, ConnectorExt,
    Consistency, ContentTree, Context, Coverage, Cursor, Delta, Error, Field, Hash, Idempotency,
    Identity, Kind, LogicalType, Mapping, Number, Operation, Page, Predicate, Progress, Proof,
    Provenance, ReadRequest, Receipt, Removed, Resource, Result, Retry, Role, Schema, Snapshot,
    Standing, Value, Writer, async_trait, hex, record, suggest,
};
