//! What the suite needs to know of the connector under test.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use trueup_connector::{Connector, Snapshot};

use super::{Broken, Promise};

/// A connector under test, and the truth about its source.
///
/// Give it at least two resources, one of them with more records than fit on a page, and one without
/// records where the system can have that. Tens of records are enough: they are read a page of one
/// record at a time.
pub struct Subject {
    connector: Arc<dyn Connector>,
    truth: Truth,
    breaking: Mutex<Breaking>,
    change: Mutex<Option<Once<Truth>>>,
    witness: Option<Often<Vec<u8>>>,
    writes: Option<(String, Snapshot)>,
    effects: Option<Often<usize>>,
    patience: Duration,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

type Truth = Vec<(String, Snapshot)>;
type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Once<T> = Box<dyn FnOnce() -> Pending<T> + Send>;
type Often<T> = Box<dyn Fn() -> Pending<T> + Send + Sync>;

enum Breaking {
    Unsaid,
    Impossible,
    Ready(Once<()>),
}

impl Subject {
    /// A connector under test; its truth is still to be told.
    pub fn new(connector: impl Connector + 'static) -> Self {
        Self::shared(Arc::new(connector))
    }

    /// A connector under test that somebody else holds too.
    pub fn shared(connector: Arc<dyn Connector>) -> Self {
        let (truth, kept) = (Vec::new(), Vec::new());
        let (breaking, change) = (Mutex::new(Breaking::Unsaid), Mutex::new(None));
        let patience = Duration::from_secs(60);
        let (witness, writes, effects) = (None, None, None);
        Self { connector, truth, breaking, change, witness, writes, effects, patience, kept }
    }

    /// Tells all records of a resource, as somebody knows them who did not use the connector.
    ///
    /// Columns may stand in any order, and numbers in any type that holds them exactly.
    #[must_use]
    pub fn with_truth(mut self, resource: impl Into<String>, records: Snapshot) -> Self {
        self.truth.push((resource.into(), records));
        self
    }

    /// Tells how to break the source so that it cannot be read any more: cut a file, drop a table,
    /// stop a server. It is called once, in the middle of a reading.
    ///
    /// Every reading must then be an error, or still give the truth; one of them must be an error.
    #[must_use]
    pub fn with_break<F>(mut self, breaking: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let once: Once<()> = Box::new(move || Box::pin(breaking()));
        self.breaking = Mutex::new(Breaking::Ready(once));
        self
    }

    /// Says that the source cannot break, and why; without this or [`Subject::with_break`] the
    /// promise [`Promise::Failure`] counts as broken.
    #[must_use]
    pub fn unbreakable(mut self, why: &'static str) -> Self {
        debug_assert!(!why.is_empty(), "say why the source cannot break");
        self.breaking = Mutex::new(Breaking::Impossible);
        self
    }

    /// Tells how to change the source: records made, changed and removed. It is called once, and
    /// gives the new truth of the resources that changed.
    ///
    /// A connector that claims deltas must have this.
    #[must_use]
    pub fn with_change<F>(mut self, change: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Vec<(String, Snapshot)>> + Send + 'static,
    {
        let once: Once<_> = Box::new(move || Box::pin(change()));
        self.change = Mutex::new(Some(once));
        self
    }

    /// Tells how to look at the source from outside: a file's bytes, a table's dump, a server's
    /// count of writes. What it gives must be the same before and after reading.
    #[must_use]
    pub fn with_witness<F>(mut self, witness: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Vec<u8>> + Send + 'static,
    {
        self.witness = Some(Box::new(move || Box::pin(witness())));
        self
    }

    /// Tells a resource whose records the suite may change, and at least four records of it that are
    /// not there and can be made; the more their values differ the better.
    ///
    /// A connector that has a writer must have this; without a writer, the promises on writing hold
    /// by themselves. The suite creates, updates and deletes only these records. The system behind
    /// must be one that exists for the test.
    #[must_use]
    pub fn with_writes(mut self, resource: impl Into<String>, fresh: Snapshot) -> Self {
        self.writes = Some((resource.into(), fresh));
        self
    }

    /// Tells how to count the effects there were: how often a record was made, changed or removed, as
    /// the system itself knows it (a trigger, a log of the server).
    ///
    /// Without this a second effect is seen only where it leaves other records behind.
    #[must_use]
    pub fn with_effects<F>(mut self, effects: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = usize> + Send + 'static,
    {
        self.effects = Some(Box::new(move || Box::pin(effects())));
        self
    }

    /// Keeps something alive as long as the subject: a temporary folder, a server.
    #[must_use]
    pub fn keeping(mut self, kept: impl Send + Sync + 'static) -> Self {
        self.kept.push(Box::new(kept));
        self
    }

    /// Sets how long the check of one promise may take; a minute without this.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The connector.
    pub fn connector(&self) -> &Arc<dyn Connector> {
        &self.connector
    }

    /// The truth by resource.
    pub fn truth(&self) -> &[(String, Snapshot)] {
        &self.truth
    }

    pub(super) fn writes(&self) -> Option<&(String, Snapshot)> {
        self.writes.as_ref()
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Breaks the source; `false` where that is impossible.
    pub(super) async fn break_source(&self) -> Result<bool, Broken> {
        let breaking = {
            let mut held = self.breaking.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *held, Breaking::Unsaid)
        };
        match breaking {
            Breaking::Ready(once) => once().await,
            Breaking::Impossible => return Ok(false),
            Breaking::Unsaid => {
                let detail = "the subject does not say how to break its source; \
                    give it `with_break`, or `unbreakable` with the reason";
                return Err(Promise::Failure.broken(detail));
            }
        }
        Ok(true)
    }

    /// Changes the source and gives the new truth of every resource; `None` where it cannot.
    pub(super) async fn change_source(&self) -> Option<Vec<(String, Snapshot)>> {
        let change = self.change.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut changed = change?().await;
        for (name, records) in &self.truth {
            if changed.iter().all(|(other, _)| other != name) {
                changed.push((name.clone(), records.clone()));
            }
        }
        Some(changed)
    }

    #[cfg(feature = "executor")]
    pub(super) async fn count_effects(&self) -> Option<usize> {
        Some(self.effects.as_ref()?().await)
    }

    pub(super) async fn look(&self) -> Option<Vec<u8>> {
        Some(self.witness.as_ref()?().await)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resources: Vec<&str> = self.truth.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Subject")
            .field("connector", &self.connector)
            .field("truth", &resources)
            .finish_non_exhaustive()
    }
}
