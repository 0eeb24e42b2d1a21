//! How long a run may take, where the policy says so.

use std::time::Duration;

use trueup_connector::{Error, Kind};

use super::super::clock::{Clock, millis};
use super::super::store::Store;

/// The end of a run's time, by the clock that never jumps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    end: Option<Duration>,
    timeout: i64,
}

impl Limit {
    /// `timeout` is counted from when the run began, however often it was taken up since.
    pub(super) fn new(store: &Store, started_at: i64, timeout: Option<i64>) -> Self {
        let (clock, timeout_ms) = (store.clock(), timeout.unwrap_or_default());
        let end = timeout.map(|timeout| {
            let spent = millis(clock.now()).saturating_sub(started_at).max(0);
            let left = timeout.saturating_sub(spent).max(0).unsigned_abs();
            clock.elapsed().saturating_add(Duration::from_millis(left))
        });
        Self { end, timeout: timeout_ms }
    }

    /// How much of it is left; `None` where there is no end.
    pub(super) fn left(self, clock: &dyn Clock) -> Option<Duration> {
        self.end.map(|end| end.saturating_sub(clock.elapsed()))
    }

    pub(super) fn is_over(self, clock: &dyn Clock) -> bool {
        self.left(clock).is_some_and(|left| left.is_zero())
    }

    pub(super) fn error(self) -> Error {
        let seconds = self.timeout / 1_000;
        let message = format!("the policy gives the plan {seconds} s, and they are over");
        Error::new(Kind::Limit, message)
    }
}
