//! Plans: which changes would make two systems agree, in which order, on what they rest.
//!
//! A [`Plan`] is what people approve and the executor runs, exactly. It is made from a report's
//! findings by a [`Planner`], or proposed change by change. Everything here is pure.
//!
//! order: fact → value → change → evident → writable → origin → digest → plan → document → rollback → waves → drafts → planner

mod change;
mod digest;
mod document;
mod drafts;
mod evident;
mod fact;
mod origin;
#[expect(clippy::module_inception, reason = "the module's main type has a file of its own")]
mod plan;
mod planner;
mod rollback;
mod value;
mod waves;
mod writable;

#[cfg(test)]
mod tests;

pub use change::PlannedChange;
pub(crate) use change::operation_name;
pub use fact::Fact;
pub use origin::{Impact, Origin};
pub use plan::{LeftOut, Plan, Reason};
pub use planner::Planner;
pub use rollback::{Effect, Rollback, Unrestorable, Unrestored};
pub use value::FieldValue;
