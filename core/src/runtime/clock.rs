//! Time and randomness, as components that a host or a test may replace.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place where the machine's clocks are read"
)]

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use trueup_connector::{Error, Kind, Result, async_trait};

/// What time it is, and how to wait.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time of day. It may jump, forward and back: what must not is measured by
    /// [`Clock::elapsed`].
    fn now(&self) -> SystemTime;

    /// The time since a moment that does not change while the clock lives; it never goes back.
    fn elapsed(&self) -> Duration;

    /// Waits this long; dropping the future ends the wait.
    async fn sleep(&self, time: Duration);
}

/// The clocks of this machine. Waiting needs a tokio runtime with time enabled.
#[derive(Clone, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Counts [`Clock::elapsed`] from now.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// Where random bytes come from.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// Fills `bytes` with bytes that nobody can guess.
    ///
    /// # Errors
    /// `unavailable` where there are none to give.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// The randomness of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        getrandom::fill(bytes).map_err(|cause| {
            Error::new(Kind::Unavailable, "the operating system gives no randomness")
                .with_source(cause)
        })
    }
}

/// 128 random bits in lower-case hexadecimal: a name unlike every other.
pub(super) fn fresh_id(entropy: &dyn Entropy) -> Result<String> {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Milliseconds since the Unix epoch; negative before it.
pub(super) fn millis(time: SystemTime) -> i64 {
    let whole = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => whole(after),
        Err(before) => -whole(before.duration()),
    }
}

/// A duration in whole milliseconds.
#[cfg(feature = "store")]
pub(super) fn span_millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// The time that so many milliseconds after the Unix epoch are.
#[cfg(feature = "store")]
pub(super) fn moment(millis: i64) -> SystemTime {
    let span = Duration::from_millis(millis.unsigned_abs());
    let time = if millis < 0 { UNIX_EPOCH.checked_sub(span) } else { UNIX_EPOCH.checked_add(span) };
    time.unwrap_or(UNIX_EPOCH)
}
