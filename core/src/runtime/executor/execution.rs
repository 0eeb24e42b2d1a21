//! The handle of a run that goes on by itself.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use trueup_connector::{Error, Kind, Result};

use super::report::RunReport;

/// A run that goes on by itself. Dropping this handle does not stop it.
#[derive(Debug)]
pub struct Execution {
    pub(super) id: String,
    pub(super) cancelled: Arc<watch::Sender<bool>>,
    pub(super) task: JoinHandle<Result<RunReport>>,
}

impl Execution {
    /// Its name: 32 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Asks it to stop. What is under way is finished and written down; nothing more is sent.
    pub fn cancel(&self) {
        self.cancelled.send_replace(true);
    }

    /// A way to cancel it after [`Execution::wait`] took the handle.
    pub fn canceller(&self) -> impl Fn() + Send + Sync + 'static {
        let cancelled = self.cancelled.clone();
        move || {
            cancelled.send_replace(true);
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// Those of the store, and `conflict` where another executor took its place: the run is open, and
    /// [`Executor::recover`](super::Executor::recover) takes it up again.
    pub async fn wait(self) -> Result<RunReport> {
        match self.task.await {
            Ok(outcome) => outcome.map_err(|error| error.with("run", &self.id)),
            Err(cause) => {
                let message = "the run's task ended before the run; take the run up again";
                Err(Error::new(Kind::Internal, message).with("run", &self.id).with_source(cause))
            }
        }
    }
}
