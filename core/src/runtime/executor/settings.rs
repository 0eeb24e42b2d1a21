//! What an executor may be told.

use serde::{Deserialize, Serialize};

use super::super::backoff::RetrySchedule;

/// What an executor may be told; plain data, unknown keys are refused.
///
/// ```
/// let settings: trueup::runtime::ExecutorSettings = serde_json::from_str(r#"{"in_flight": 64, "batch": 10}"#)?;
/// assert_eq!(settings.in_flight, 64);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ExecutorSettings {
    /// How many calls to writers are under way at once.
    pub in_flight: usize,
    /// How many changes go into one call.
    pub batch: usize,
    /// When a change that failed is sent again; after that, a person is asked.
    pub retry: RetrySchedule,
    /// The share of settled changes, from 0 to 1, that may fail before the run stops.
    pub error_share: f64,
    /// How many changes must have failed before that share is looked at.
    pub error_count: u64,
    /// How many milliseconds a scope is held without a sign of life; then another run may take it.
    pub lease_ms: u64,
    /// How many milliseconds the run waits for changes that are pending before it leaves them for
    /// later.
    pub pending_ms: u64,
    /// Whether the target is read back at the end, and every change looked for in it.
    pub verify: bool,
    /// How many milliseconds the clock may stand behind the latest entry of the log.
    pub clock_back_ms: u64,
}

impl Default for ExecutorSettings {
    fn default() -> Self {
        Self {
            in_flight: 8,
            batch: 1,
            retry: RetrySchedule::default(),
            error_share: 0.1,
            error_count: 5,
            lease_ms: 60_000,
            pending_ms: 600_000,
            verify: true,
            clock_back_ms: 60_000,
        }
    }
}
