//! Keeping within what a vendor allows: calls at a time, calls in a window, waiting when asked to.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};
use trueup_connector::{Context, Error, Kind, Result, Retry};

/// What a vendor asks of those who call, and how patient to be.
///
/// ```
/// use trueup_kit::{Manners, Rate};
///
/// let manners = Manners::default().with_concurrency(4).with_rate(Rate::new(1000, 20_000));
/// let same: Manners = serde_json::from_str(
///     r#"{"concurrency": 4, "rate": {"calls": 1000, "per_ms": 20000}}"#)?;
/// assert_eq!(manners, same);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Manners {
    /// The most calls at the same time.
    pub concurrency: usize,
    /// The most calls in a window of time; no bound without it.
    pub rate: Option<Rate>,
    /// How often a call is sent at most. Calls that read are sent again after every failure that may
    /// pass; others only where the system surely did nothing. 1 where somebody above tries again.
    pub tries: u32,
    /// The longest wait before another try, in milliseconds; where the system asks for a longer one,
    /// that is an error which says how long.
    pub max_wait_ms: u64,
}

/// The most calls in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rate {
    /// So many calls …
    pub calls: usize,
    /// … in any so many milliseconds.
    pub per_ms: u64,
}

impl Rate {
    /// So many calls in any so many milliseconds.
    pub fn new(calls: usize, per_ms: u64) -> Self {
        Self { calls, per_ms }
    }
}

impl Default for Manners {
    /// Eight calls at a time, five tries, waits of at most a minute.
    fn default() -> Self {
        Self { concurrency: 8, rate: None, tries: 5, max_wait_ms: 60_000 }
    }
}

impl Manners {
    /// Sets the most calls at the same time.
    #[must_use]
    pub fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Sets the most calls in a window of time.
    #[must_use]
    pub fn with_rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Sets how often a call is sent at most.
    #[must_use]
    pub fn with_tries(mut self, tries: u32) -> Self {
        self.tries = tries;
        self
    }

    /// How long to wait before the try after this many, or `None` where it is not worth it.
    pub(crate) fn pause(&self, error: &Error, tries: u32) -> Option<Duration> {
        let longest = Duration::from_millis(self.max_wait_ms);
        if tries >= self.tries {
            return None;
        }
        match error.retry() {
            Retry::After(wait) => (wait <= longest).then_some(wait),
            // Doubling from 200 ms.
            Retry::Backoff => Some(Duration::from_millis(100 << tries.min(20)).min(longest)),
            _ => None,
        }
    }
}

/// The gate that every call goes through.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Semaphore,
    rate: Option<Rate>,
    /// When the last calls began.
    begun: Mutex<VecDeque<Instant>>,
}

impl Gate {
    pub(crate) fn new(manners: &Manners) -> Self {
        let places = Semaphore::new(manners.concurrency.clamp(1, Semaphore::MAX_PERMITS));
        let rate = manners.rate.filter(|rate| rate.calls > 0);
        Self { places, rate, begun: Mutex::default() }
    }

    /// Waits for a place; it is free again when the permit is dropped.
    pub(crate) async fn enter(&self, context: &Context) -> Result<SemaphorePermit<'_>> {
        let place = self.places.acquire().await;
        let place = place.map_err(|cause| {
            Error::new(Kind::Internal, "the gate of calls is closed").with_source(cause)
        })?;
        while let Some(wait) = self.book(Instant::now()) {
            pause(context, wait).await?;
        }
        context.check()?;
        Ok(place)
    }

    /// Books a call that begins now; else how long to wait before asking again.
    fn book(&self, now: Instant) -> Option<Duration> {
        let rate = self.rate?;
        let window = Duration::from_millis(rate.per_ms);
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        while begun.front().is_some_and(|first| now.duration_since(*first) >= window) {
            begun.pop_front();
        }
        if let Some(first) = begun.front().filter(|_| begun.len() >= rate.calls) {
            return Some(window.saturating_sub(now.duration_since(*first)));
        }
        begun.push_back(now);
        None
    }
}

/// Waits, and stops waiting when the work is cancelled.
///
/// # Errors
/// `cancelled`.
pub async fn pause(context: &Context, wait: Duration) -> Result<()> {
    let end = tokio::time::Instant::now() + wait;
    loop {
        context.check()?;
        let left = end.saturating_duration_since(tokio::time::Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        tokio::time::sleep(left.min(Duration::from_millis(50))).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_takes_so_many_calls() {
        let gate = Gate::new(&Manners::default().with_rate(Rate::new(2, 1000)));
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(gate.book(at(0)), None);
        assert_eq!(gate.book(at(300)), None);
        assert_eq!(gate.book(at(400)), Some(Duration::from_millis(600)));
        assert_eq!(gate.book(at(1000)), None);
        assert_eq!(gate.book(at(1001)), Some(Duration::from_millis(299)));
    }

    #[test]
    fn waits_grow_and_end() {
        let manners = Manners::default().with_tries(3);
        let soon = Error::new(Kind::Unavailable, "x");
        let waits: Vec<_> = (1..5).map(|tries| manners.pause(&soon, tries)).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(waits, [ms(200), ms(400), None, None]);
        let late =
            Error::new(Kind::Throttled, "x").with_retry(Retry::After(Duration::from_secs(61)));
        assert_eq!(manners.pause(&late, 1), None);
        assert_eq!(manners.pause(&Error::new(Kind::Forbidden, "x"), 1), None);
    }

    #[tokio::test]
    async fn a_cancelled_wait_ends() {
        let context = Context::new();
        let waits = pause(&context, Duration::from_secs(600));
        let cancels = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            context.cancel();
        };
        assert_eq!(tokio::join!(waits, cancels).0.unwrap_err().kind(), Kind::Cancelled);
    }
}
