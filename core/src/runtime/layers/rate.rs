//! Calls that are held back, so that there are no more than so many in a while.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trueup_connector::{
    Authorised, Capability, Connector, Context, Idempotency, Identity, Operation, Page,
    ReadRequest, Receipt, Resource, Result, Retry, Writer, async_trait,
};

use super::super::clock::{Clock, SystemClock};
use super::super::names;

/// How many calls there may be; plain data, unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RateSettings {
    /// How many calls there may be in that time, spread evenly.
    pub calls: u32,
    /// The time, in milliseconds.
    pub per_ms: u64,
    /// How many calls may come at once after a pause.
    pub burst: u32,
}

impl Default for RateSettings {
    fn default() -> Self {
        Self { calls: 10, per_ms: 1_000, burst: 10 }
    }
}

/// Holds calls back, so that a system is not asked more often than it bears.
///
/// It stands inside the retry layer, so that a retry counts as a call. When the system asks for a
/// pause (`Retry-After`), every call waits for its end, not only the one that was told.
#[derive(Clone, Debug)]
pub struct RateLayer {
    settings: RateSettings,
    clock: Arc<dyn Clock>,
    /// When the next call is due if all come evenly (the generic cell rate algorithm, ITU-T I.371).
    due: Arc<Mutex<Duration>>,
}

impl RateLayer {
    /// By the machine's clock.
    pub fn new(settings: RateSettings) -> Self {
        Self { settings, clock: Arc::new(SystemClock::new()), due: Arc::default() }
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same system, asked no more often. Connectors wrapped by one layer share its rate.
    pub fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Arc::new(Rated { layer: self.clone(), inner })
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let wait = self.take_turn();
        if !wait.is_zero() {
            metrics::histogram!(names::LAYER_WAITS).record(wait);
            self.clock.sleep(wait).await;
        }
        let outcome = call.await;
        if let Some(Retry::After(pause)) =
            outcome.as_ref().err().map(trueup_connector::Error::retry)
        {
            self.hold_all(pause);
        }
        outcome
    }

    /// How long this call waits; its turn is taken, even where nobody waits for it.
    fn take_turn(&self) -> Duration {
        let RateSettings { calls, per_ms, burst } = self.settings;
        let apart = Duration::from_millis(per_ms) / calls.max(1);
        let now = self.clock.elapsed();
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = (*due).max(now);
        *due = turn.saturating_add(apart);
        let early = apart.saturating_mul(burst.max(1) - 1);
        turn.saturating_sub(early).saturating_sub(now)
    }

    fn hold_all(&self, pause: Duration) {
        let RateSettings { calls, per_ms, burst } = self.settings;
        let early = (Duration::from_millis(per_ms) / calls.max(1)).saturating_mul(burst.max(1) - 1);
        let until = self.clock.elapsed().saturating_add(pause).saturating_add(early);
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        *due = (*due).max(until);
    }
}

#[derive(Debug)]
struct Rated {
    layer: RateLayer,
    inner: Arc<dyn Connector>,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Connector for Rated {
    fn identity(&self) -> Identity {
        self.inner.identity()
    }

    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        self.layer.call(self.inner.describe(context)).await
    }

    async fn check(&self, context: Context) -> Result<()> {
        self.layer.call(self.inner.check(context)).await
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        self.layer.call(self.inner.read_page(context, request)).await
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        let inner = self.inner.writer()?;
        Some(Arc::new(RatedWriter { layer: self.layer.clone(), inner }))
    }
}

#[derive(Debug)]
struct RatedWriter {
    layer: RateLayer,
    inner: Arc<dyn Writer>,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Writer for RatedWriter {
    fn idempotency(&self, resource: &str, operation: &Operation) -> Idempotency {
        self.inner.idempotency(resource, operation)
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        self.layer.call(self.inner.apply(context, changes)).await
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        self.layer.call(self.inner.status(context, handle)).await
    }
}
