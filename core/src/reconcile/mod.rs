//! Comparing two snapshots: rules as data in, a report out.
//!
//! Everything here is pure: no clock, no environment, no file, no random source. Modules use only
//! those above them:
//! rules → parallel → table → fast → finding → compare → bytes → order → base → resolve → report →
//! run.

mod base;
mod bytes;
mod compare;
mod fast;
mod finding;
mod order;
mod parallel;
mod report;
mod resolve;
mod rules;
mod run;
mod table;

pub use finding::{Cause, Counts, FindingId, FindingKind};
pub use report::Report;
pub use rules::{FieldSelection, Owner, Reconciliation, Rule, Side, TextRule};
pub use run::Run;
