//! Readings with a name and a time.

use std::sync::Arc;

use trueup_connector::{Connector, ConnectorExt, Context, ReadRequest, Result, Snapshot};

use super::clock::{Clock, Entropy, SystemClock, SystemEntropy, fresh_id, millis};
use crate::guard::moment_text;

/// Reads whole resources, and names each reading: a plan made from it can be told from every other.
///
/// ```
/// # async fn read(directory: &dyn trueup::Connector) -> trueup::Result<()> {
/// use trueup::{Context, runtime::Reader};
///
/// let people = Reader::new().read(directory, Context::new(), "people").await?;
/// assert_eq!(people.provenance().read_id.len(), 32);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Reader {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Reader {
    /// A reader by the machine's clock and randomness.
    pub fn new() -> Self {
        Self { clock: Arc::new(SystemClock::new()), entropy: Arc::new(SystemEntropy) }
    }

    /// Sets the clock that says when a reading took place.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets where the names of readings come from.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Reads a whole resource; its provenance says when the reading began, and has 128 random bits in
    /// hexadecimal as its read id.
    ///
    /// # Errors
    /// As [`ConnectorExt::read`]; `unavailable` where there is no randomness.
    pub async fn read(
        &self,
        connector: &dyn Connector,
        context: Context,
        resource: &str,
    ) -> Result<Snapshot> {
        self.read_all(connector, context, ReadRequest::new(resource)).await
    }

    /// Reads a whole resource as a request says; else as [`Reader::read`].
    ///
    /// # Errors
    /// As [`ConnectorExt::read_all`]; `unavailable` where there is no randomness.
    pub async fn read_all(
        &self,
        connector: &dyn Connector,
        context: Context,
        request: ReadRequest,
    ) -> Result<Snapshot> {
        let (id, at) = (fresh_id(self.entropy.as_ref())?, moment_text(millis(self.clock.now())));
        let snapshot = connector.read_all(context, request).await?;
        let provenance = snapshot.provenance().clone().with_read_id(id).with_read_at(at);
        Ok(snapshot.with_provenance(provenance))
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}
