//! Promises on writing that only show when a plan is carried out: by the real executor, journalling
//! into a store in memory, under a policy that allows everything.
//!
//! Between the executor and the connector stands a courier, who counts what is sent, loses an answer,
//! or has the executor die, just where a promise is tried.
//!
//! order: courier → stage → expect → mishaps → outcomes

mod courier;
mod expect;
mod mishaps;
mod outcomes;
mod stage;

pub use mishaps::{crash, lost_answers};
pub use outcomes::{partial_failure, pending_changes, rerun};
