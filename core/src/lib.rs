//! trueup makes two systems agree, and proves it.

pub mod reconcile;
#[cfg(feature = "runtime")]
mod runtime;

pub use reconcile::{
    Cause, Counts, FieldSelection, FindingId, FindingKind, Owner, Reconciliation, Report, Rule,
    Run, Side, TextRule,
};
pub use trueup_connector::*;
