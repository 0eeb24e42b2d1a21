//! The names of spans and measures. They are API: dashboards are built on them.
//!
//! | measure | kind | labels | what |
//! |---|---|---|---|
//! | `trueup_runs_total` | counter | `status` | runs that ended |
//! | `trueup_changes_total` | counter | `state` | changes, each time one got a receipt |
//! | `trueup_apply_seconds` | histogram | | how long a call to a writer took |
//! | `trueup_retries_total` | counter | | changes that are sent again |
//! | `trueup_doubts_total` | counter | | changes of which it was not known whether they took place |
//! | `trueup_layer_retries_total` | counter | `call` | calls that the retry layer made again |
//! | `trueup_layer_waits_seconds` | histogram | | how long the rate layer held a call back |
//!
//! Spans: `trueup.run` (`run`, `plan`, `changes`) with `trueup.wave` (`wave`) in it.

/// Runs that ended.
#[cfg(feature = "store")]
pub(super) const RUNS: &str = "trueup_runs_total";
/// Changes, each time one got a receipt.
#[cfg(feature = "store")]
pub(super) const CHANGES: &str = "trueup_changes_total";
/// How long a call to a writer took.
#[cfg(feature = "store")]
pub(super) const APPLY: &str = "trueup_apply_seconds";
/// Changes that are sent again.
#[cfg(feature = "store")]
pub(super) const RETRIES: &str = "trueup_retries_total";
/// Changes of which it was not known whether they took place.
#[cfg(feature = "store")]
pub(super) const DOUBTS: &str = "trueup_doubts_total";
/// Calls that the retry layer made again.
pub(super) const LAYER_RETRIES: &str = "trueup_layer_retries_total";
/// How long the rate layer held a call back.
pub(super) const LAYER_WAITS: &str = "trueup_layer_waits_seconds";
