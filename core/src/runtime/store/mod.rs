//! The store: one SQLite file that remembers what was read, found, planned, granted and done.
//!
//! order: faults → log → tx → committer → schema → words → file → lease → state → journal → beginning → catalogue → drift → approvals → glass → runs → ledger → replay → upkeep → copies → forgetting → evidence

pub(super) mod approvals;
pub(super) mod beginning;
pub(super) mod catalogue;
mod committer;
mod copies;
mod drift;
mod evidence;
mod faults;
mod file;
mod forgetting;
pub(super) mod glass;
pub(super) mod journal;
mod lease;
mod ledger;
mod log;
mod replay;
mod runs;
mod schema;
mod state;
mod tx;
mod upkeep;
mod words;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use trueup_connector::{Error, Kind, Result};

use super::clock::{Clock, Entropy, SystemClock, SystemEntropy, fresh_id, millis};
use committer::Committer;
use tx::Batch;
pub(super) use tx::Tx;

pub use approvals::{KeptGrant, Noted};
pub(super) use beginning::{Begin, Deed};
pub use catalogue::{Agreed, Reading};
pub use drift::{Followed, Tracked};
pub use evidence::EvidenceFile;
pub use forgetting::Forgotten;
pub use glass::KeptReview;
pub(super) use journal::Ticket;
pub use runs::KeptRun;
pub use state::ChangeState;
pub(super) use state::{Item, Settled};
pub use upkeep::{LogEntry, Verified};

/// What a store may be told; plain data, unknown keys are refused.
///
/// ```
/// let settings: trueup::runtime::StoreSettings = serde_json::from_str(r#"{"busy_ms": 100}"#)?;
/// assert_eq!((settings.busy_ms, settings.batch), (100, 256));
/// assert!(serde_json::from_str::<trueup::runtime::StoreSettings>(r#"{"bussy_ms": 1}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct StoreSettings {
    /// How many milliseconds to wait for another process that writes.
    pub busy_ms: u64,
    /// How many pieces of work at most go into one transaction.
    pub batch: usize,
    /// How many pages of 4096 bytes the file may have at most; no bound without this.
    pub most_pages: Option<u32>,
    /// The name of a new store's audit log: that of the key which signs its checkpoints. A store that
    /// is there keeps its own.
    pub log: String,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { busy_ms: 5_000, batch: 256, most_pages: None, log: "trueup.local/log".to_owned() }
    }
}

/// How a store is opened: its settings and the components it goes by.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    settings: StoreSettings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl StoreOptions {
    /// The default settings, the machine's clock and randomness.
    pub fn new() -> Self {
        let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy));
        Self { settings: StoreSettings::default(), clock, entropy }
    }

    /// Sets the settings.
    #[must_use]
    pub fn with_settings(mut self, settings: StoreSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the clock: when things happened, and when grants end.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets where names and the log's salts come from.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Makes a new store, which only its owner may read.
    ///
    /// # Errors
    /// `conflict` where there is a file already, `forbidden` or `unavailable` where none can be made.
    pub fn create(self, path: impl AsRef<Path>) -> Result<Store> {
        self.make(path.as_ref())?;
        self.open(path)
    }

    /// Opens a store that is there. Several processes may have it open at the same time.
    ///
    /// # Errors
    /// `not_found` where there is no file; `data` for one that is empty, cut off, damaged or no
    /// store; `unsupported` for one of a newer version; `forbidden` for one that cannot be written;
    /// `unavailable` while another process keeps it locked. Nothing is changed then.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Store> {
        let path = path.as_ref();
        let connection = file::open(path, &self.settings, millis(self.clock.now()))?;
        self.start(connection, Some(path.to_owned()))
    }

    /// Opens the store at this path, or makes it where there is no file.
    ///
    /// # Errors
    /// As [`StoreOptions::open`]; an empty file is not taken for a new store.
    pub fn open_or_create(self, path: impl AsRef<Path>) -> Result<Store> {
        match self.make(path.as_ref()) {
            Err(error) if error.kind() != Kind::Conflict => Err(error),
            _ => self.open(path),
        }
    }

    /// A store that ends with its last handle: for trials and tests. Nothing in it outlives a crash.
    ///
    /// # Errors
    /// `unavailable` where there is no memory or thread for it.
    pub fn in_memory(self) -> Result<Store> {
        let connection = file::in_memory(&self.settings, millis(self.clock.now()))?;
        self.start(connection, None)
    }

    fn make(&self, path: &Path) -> Result<()> {
        let name = fresh_id(self.entropy.as_ref())?;
        file::create(path, &name, &self.settings, millis(self.clock.now()))
    }

    fn start(self, connection: rusqlite::Connection, path: Option<PathBuf>) -> Result<Store> {
        let Self { settings, clock, entropy } = self;
        let batch = Batch::new(connection, clock.clone(), entropy.clone());
        let committer = Committer::start(batch, settings.batch)?;
        Ok(Store(Arc::new(Inner { committer, path, clock, entropy })))
    }
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// One SQLite file that remembers what was read, found, planned, granted and done.
///
/// It writes ahead (WAL) and flushes at every commit; what waits at the same time is committed
/// together. Handles are cheap to clone, and the file is closed with the last of them. Every method
/// blocks until its commit: in asynchronous code, call it where blocking is allowed.
///
/// Everything it does is either done whole, with its entry in the audit log, or not at all.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let store = trueup::runtime::Store::create(folder.path().join("trueup.db"))?;
/// assert_eq!(store.verify()?.entries, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    committer: Committer,
    path: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Store {
    /// Makes a new store with the default options.
    ///
    /// # Errors
    /// As [`StoreOptions::create`].
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        StoreOptions::new().create(path)
    }

    /// Opens a store that is there, with the default options.
    ///
    /// # Errors
    /// As [`StoreOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        StoreOptions::new().open(path)
    }

    /// The clock it goes by.
    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Where its names come from.
    pub(super) fn entropy(&self) -> &dyn Entropy {
        self.0.entropy.as_ref()
    }

    /// Does work in a transaction, and waits for its commit.
    pub(super) fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = sync_channel(1);
        // Whoever asked waits below: the answer cannot fail to be taken.
        self.0.committer.hand(work, move |outcome| drop(reply.send(outcome)));
        answer.recv().unwrap_or_else(|_| Err(broken()))
    }

    /// Does work in a transaction; resolves after its commit. The work is done even if nobody waits.
    pub(super) async fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.0.committer.hand(work, move |outcome| drop(reply.send(outcome)));
        answer.await.unwrap_or_else(|_| Err(broken()))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.0.path).finish_non_exhaustive()
    }
}

fn broken() -> Error {
    Error::new(Kind::Internal, "the store's thread ended in the middle of its work")
}
