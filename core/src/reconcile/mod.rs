//! Comparing two snapshots: rules as data in, a report out.
//!
//! Everything here is pure: no clock, no environment, no file, no random source. A module uses only
//! those before it:
//!
//! order: rules → parallel → table → fast → finding → compare → bytes → order → base → resolve → report → run → incremental

mod base;
mod bytes;
mod compare;
mod fast;
mod finding;
mod incremental;
mod order;
mod parallel;
mod report;
mod resolve;
mod rules;
mod run;
mod table;

pub use finding::{Cause, Counts, FindingId, FindingKind};
pub use incremental::Incremental;
pub(crate) use report::{Disagreement, Disagreements};
pub use report::{Drift, DriftCounts, Explanation, Input, Inputs, Report, drift};
pub use rules::{
    Amount, FieldSelection, Owner, Reconciliation, Rule, Side, TextCase, TextRule, TextSpace,
    UnicodeForm,
};
pub(crate) use rules::{FieldRule, canonical_json};
pub use run::Run;
