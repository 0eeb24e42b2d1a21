//! What goes along with every call: whether to stop, and whom to tell of progress.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Kind, Result};

/// What goes along with every call: whether to stop, and whom to tell of progress.
///
/// ```
/// use trueup_connector::{Context, Kind};
///
/// let context = Context::new();
/// context.cancel();
/// assert_eq!(context.check().unwrap_err().kind(), Kind::Cancelled);
/// ```
#[derive(Clone, Default)]
pub struct Context {
    cancelled: Arc<AtomicBool>,
    progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

/// How far a piece of work is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done: `read`, `fingerprint`, `compare`, …
    pub stage: &'static str,
    /// How many rows are done.
    pub done: u64,
    /// How many there are, where that is known.
    pub total: Option<u64>,
}

impl Context {
    /// A context that nobody has cancelled and nobody listens to.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `listener` as work goes on: from any thread, and not too often.
    #[must_use]
    pub fn with_progress(mut self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(listener));
        self
    }

    /// Asks the work that goes with this context, or a clone of it, to stop.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the work was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Fails where the work was asked to stop.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn check(&self) -> Result<()> {
        match self.is_cancelled() {
            true => {
                Err(Error::new(Kind::Cancelled, "cancelled by the caller; nothing was changed"))
            }
            false => Ok(()),
        }
    }

    /// Tells the listener, if there is one.
    pub fn report(&self, stage: &'static str, done: u64, total: Option<u64>) {
        if let Some(listener) = &self.progress {
            listener(Progress { stage, done, total });
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listened = self.progress.is_some();
        f.debug_struct("Context")
            .field("cancelled", &self.cancelled)
            .field("listened", &listened)
            .finish()
    }
}
