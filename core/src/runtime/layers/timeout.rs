//! Calls that may take so long and no longer.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trueup_connector::{
    Authorised, Capability, Connector, Context, Error, Idempotency, Identity, Kind, Operation,
    Page, ReadRequest, Receipt, Resource, Result, Writer, async_trait,
};

use super::super::clock::{Clock, SystemClock};

/// How long calls may take; plain data, unknown keys are refused.
///
/// ```
/// let settings: trueup::runtime::TimeoutSettings = serde_json::from_str(r#"{"ask_ms": 500}"#)?;
/// assert_eq!((settings.ask_ms, settings.apply_ms), (500, 120_000));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TimeoutSettings {
    /// How many milliseconds a question may take: describe, check, a page, a status.
    pub ask_ms: u64,
    /// How many milliseconds a writer may take for one call.
    pub apply_ms: u64,
}

impl Default for TimeoutSettings {
    fn default() -> Self {
        Self { ask_ms: 60_000, apply_ms: 120_000 }
    }
}

/// Ends calls that take too long, as `unavailable`.
///
/// It stands inside the retry layer, so that each try has its own time. A writer's call that is ended
/// may still take place: the executor treats its changes as unknown, and finds out.
#[derive(Clone, Debug)]
pub struct TimeoutLayer {
    settings: TimeoutSettings,
    clock: Arc<dyn Clock>,
}

impl TimeoutLayer {
    /// By the machine's clock.
    pub fn new(settings: TimeoutSettings) -> Self {
        Self { settings, clock: Arc::new(SystemClock::new()) }
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same system, with an end to every call.
    pub fn wrap(self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Arc::new(Timed { layer: self, inner })
    }

    async fn within<T>(&self, millis: u64, call: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            outcome = call => outcome,
            () = self.clock.sleep(Duration::from_millis(millis)) => {
                let message = format!("the system did not answer within {millis} ms");
                Err(Error::new(Kind::Unavailable, message))
            }
        }
    }

    async fn ask<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.within(self.settings.ask_ms, call).await
    }
}

#[derive(Debug)]
struct Timed {
    layer: TimeoutLayer,
    inner: Arc<dyn Connector>,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Connector for Timed {
    fn identity(&self) -> Identity {
        self.inner.identity()
    }

    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        self.layer.ask(self.inner.describe(context)).await
    }

    async fn check(&self, context: Context) -> Result<()> {
        self.layer.ask(self.inner.check(context)).await
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        self.layer.ask(self.inner.read_page(context, request)).await
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        let inner = self.inner.writer()?;
        Some(Arc::new(TimedWriter { layer: self.layer.clone(), inner }))
    }
}

#[derive(Debug)]
struct TimedWriter {
    layer: TimeoutLayer,
    inner: Arc<dyn Writer>,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Writer for TimedWriter {
    fn idempotency(&self, resource: &str, operation: &Operation) -> Idempotency {
        self.inner.idempotency(resource, operation)
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        let millis = self.layer.settings.apply_ms;
        self.layer.within(millis, self.inner.apply(context, changes)).await
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        self.layer.ask(self.inner.status(context, handle)).await
    }
}
