//! Questions that are asked again when a system could not answer.

use std::sync::Arc;

use trueup_connector::{
    Authorised, Capability, Connector, Context, Idempotency, Identity, Operation, Page,
    ReadRequest, Receipt, Resource, Result, Writer, async_trait,
};

use super::super::backoff::RetrySchedule;
use super::super::clock::{Clock, Entropy, SystemClock, SystemEntropy};
use super::super::names;

/// Asks again where an error says that this makes sense ([`Error::retry`](trueup_connector::Error)).
///
/// It stands outside the timeout and rate layers. Only questions are asked again: a writer's `apply`
/// goes through once, because only the executor may decide that changes are sent again. A cancelled
/// context ends the tries.
#[derive(Clone, Debug)]
pub struct RetryLayer {
    schedule: RetrySchedule,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl RetryLayer {
    /// By the machine's clock and randomness.
    pub fn new(schedule: RetrySchedule) -> Self {
        let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy));
        Self { schedule, clock, entropy }
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets where the jitter comes from.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// The same system, asked again where that makes sense.
    pub fn wrap(self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Arc::new(Retried { layer: self, inner })
    }

    async fn ask<T, F: Future<Output = Result<T>>>(
        &self,
        name: &'static str,
        context: &Context,
        mut call: impl FnMut() -> F,
    ) -> Result<T> {
        let mut failed = 0;
        loop {
            let error = match call().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            failed += 1;
            let wait = self.schedule.wait(failed, error.retry(), self.entropy.as_ref())?;
            let Some(wait) = wait.filter(|_| !context.is_cancelled()) else {
                return Err(if failed > 1 { error.with("tries", failed) } else { error });
            };
            metrics::counter!(names::LAYER_RETRIES, "call" => name).increment(1);
            self.clock.sleep(wait).await;
            context.check()?;
        }
    }
}

#[derive(Debug)]
struct Retried {
    layer: RetryLayer,
    inner: Arc<dyn Connector>,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Connector for Retried {
    fn identity(&self) -> Identity {
        self.inner.identity()
    }

    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        self.layer.ask("describe", &context, || self.inner.describe(context.clone())).await
    }

    async fn check(&self, context: Context) -> Result<()> {
        self.layer.ask("check", &context, || self.inner.check(context.clone())).await
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        let call = || self.inner.read_page(context.clone(), request.clone());
        self.layer.ask("read_page", &context, call).await
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        let inner = self.inner.writer()?;
        Some(Arc::new(RetriedWriter { layer: self.layer.clone(), inner }))
    }
}

#[derive(Debug)]
struct RetriedWriter {
    layer: RetryLayer,
    inner: Arc<dyn Writer>,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Writer for RetriedWriter {
    fn idempotency(&self, resource: &str, operation: &Operation) -> Idempotency {
        self.inner.idempotency(resource, operation)
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        self.inner.apply(context, changes).await
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        let call = || self.inner.status(context.clone(), handle.clone());
        self.layer.ask("status", &context, call).await
    }
}
