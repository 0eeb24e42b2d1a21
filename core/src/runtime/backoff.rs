//! How long to wait before the same thing is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trueup_connector::{Result, Retry};

use super::clock::Entropy;

/// How often something is tried, and how long the waits between are; plain data.
///
/// The wait doubles each time, up to a bound, and a random part of it is taken off, so that many
/// who fail together do not try again together. What a system asks for (`Retry-After`) is waited out
/// in full.
///
/// ```
/// let schedule: trueup::runtime::RetrySchedule = serde_json::from_str(r#"{"attempts": 3}"#)?;
/// assert_eq!((schedule.attempts, schedule.first_ms), (3, 200));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RetrySchedule {
    /// How many times it is tried at most, the first time included.
    pub attempts: u32,
    /// The first wait, in milliseconds.
    pub first_ms: u64,
    /// The longest wait, in milliseconds, but for one that a system asks for.
    pub longest_ms: u64,
    /// The longest wait that a system may ask for, in milliseconds: beyond it, nothing is tried.
    pub patience_ms: u64,
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self { attempts: 5, first_ms: 200, longest_ms: 30_000, patience_ms: 300_000 }
    }
}

impl RetrySchedule {
    /// One attempt, no retry.
    pub fn never() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// How long to wait after so many failed attempts; `None` where it is not to be tried again.
    pub(super) fn wait(
        &self,
        failed: u32,
        retry: Retry,
        entropy: &dyn Entropy,
    ) -> Result<Option<Duration>> {
        if failed >= self.attempts {
            return Ok(None);
        }
        match retry {
            Retry::After(asked) => {
                let bearable = asked <= Duration::from_millis(self.patience_ms);
                Ok(bearable.then_some(asked))
            }
            Retry::Backoff => self.backoff(failed, entropy).map(Some),
            _ => Ok(None),
        }
    }

    /// Between half of the doubled wait and all of it.
    fn backoff(&self, failed: u32, entropy: &dyn Entropy) -> Result<Duration> {
        let doubled = self.first_ms.saturating_mul(1 << failed.saturating_sub(1).min(32));
        let whole = doubled.min(self.longest_ms);
        let mut random = [0; 8];
        entropy.fill(&mut random)?;
        let off = u64::from_le_bytes(random) % (whole / 2 + 1);
        Ok(Duration::from_millis(whole - off))
    }
}
