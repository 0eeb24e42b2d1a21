//! trueup makes two systems agree, and proves it.

pub mod reconcile;
#[cfg(feature = "runtime")]
mod runtime;

pub use reconcile::{
    Amount, Cause, Counts, Drift, DriftCounts, Explanation, FieldSelection, FindingId, FindingKind,
    Incremental, Input, Inputs, Owner, Reconciliation, Report, Rule, Run, Side, TextCase, TextRule,
    TextSpace, UnicodeForm, drift,
};
pub use trueup_connector::*;
