//! Guardrails: what may be done, by whom, when, how much of it, and who must say yes.
//!
//! A [`Policy`] is a document; [`Policy::decide`] holds a plan against it and gives a [`Decision`]: an
//! [`Outcome`] for each change and the greatest of them for the plan. What asks, is put to people
//! ([`Asked`]); their [`Approval`]s come to a [`Standing`], and only that, or [`BreakGlass`], gives a
//! [`Grant`]. Everything here is a pure function: moments (milliseconds since the Unix epoch), facts
//! and what was used so far come in as arguments.
//!
//! order: moment → window → outcome → condition → facts → policy → party → request → decide → explain → approval → breakglass

mod approval;
mod breakglass;
mod condition;
mod decide;
mod explain;
mod facts;
mod moment;
mod outcome;
mod party;
mod policy;
mod request;
mod window;

#[cfg(test)]
mod tests;

#[cfg(feature = "store")]
pub(crate) use approval::Terms;
pub use approval::{
    Answer, Approval, Approver, Asked, Binding, Grant, GrantedBy, Refusal, Standing, Verify,
    Vouched,
};
pub use breakglass::{BreakGlass, LONGEST_OPENING, Opening, REVIEW_WITHIN, Review};
pub use decide::{
    Breach, ChangeDecision, Count, Decision, NOTHING_MATCHES, R3_ASKS, SHARED_ID_ASKS, Use,
};
pub use explain::{Explanation, Reason, Remedy};
#[cfg(feature = "runtime")]
pub(crate) use moment::text as moment_text;
pub use outcome::{Ask, Outcome, Risk};
pub use policy::Policy;
pub use request::{Actor, Request};
