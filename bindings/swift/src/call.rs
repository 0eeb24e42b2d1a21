//! One call while it goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot::channel;
use trueup::{Context, Error, Kind, Result};
use trueup_bindings::job::Job;

use crate::errors::Told;

/// One call of something that may take a while: goes along with it, to cancel it and to see how far
/// it is. The work goes on without whoever waits for it, so Swift cancels by this handle.
#[derive(Default, uniffi::Object)]
pub struct Call(Mutex<State>);

#[derive(Default)]
struct State {
    work: Option<Arc<dyn Work>>,
    is_cancelled: bool,
}

/// How far work is.
#[derive(uniffi::Record)]
pub struct Progress {
    /// What it is doing.
    pub stage: String,
    /// The rows done.
    pub done: u64,
    /// The rows in all, where that is known.
    pub total: Option<u64>,
}

/// A job, whatever comes of it.
pub(crate) trait Work: Send + Sync {
    fn cancel(&self);
    fn progress(&self) -> Option<trueup::Progress>;
    fn when_over(&self, bell: Box<dyn FnOnce() + Send>);
}

impl<T: Send + 'static> Work for Job<T> {
    fn cancel(&self) {
        Self::cancel(self);
    }

    fn progress(&self) -> Option<trueup::Progress> {
        Self::progress(self)
    }

    fn when_over(&self, bell: Box<dyn FnOnce() + Send>) {
        Self::when_over(self, bell);
    }
}

#[uniffi::export]
impl Call {
    /// A call that is yet to be made.
    #[uniffi::constructor]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks what goes on to stop; what has yet to begin is stopped as it begins.
    pub fn cancel(&self) {
        let work = {
            let mut state = self.state();
            state.is_cancelled = true;
            state.work.clone()
        };
        if let Some(work) = work {
            work.cancel();
        }
    }

    /// How far it is, where it said so since the last call.
    pub fn progress(&self) -> Option<Progress> {
        let work = self.state().work.clone()?;
        let progress = work.progress()?;
        Some(Progress {
            stage: progress.stage.to_owned(),
            done: progress.done,
            total: progress.total,
        })
    }
}

impl Call {
    /// Work on a thread of its own, awaited.
    pub(crate) async fn start<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Context) -> Result<T> + Send + 'static,
    ) -> Told<T> {
        self.over(Job::start(work)?).await
    }

    /// Reading on the runtime, awaited; cancelling drops it.
    pub(crate) async fn read<T, F>(&self, work: impl FnOnce(Context) -> F) -> Told<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.over(Job::read(work)?).await
    }

    /// The outcome of a job, awaited.
    pub(crate) async fn over<T: Send + 'static>(&self, job: Job<T>) -> Told<T> {
        let job = Arc::new(job);
        self.until(job.clone()).await;
        let nothing = || Err(Error::new(Kind::Internal, "the work left no outcome"));
        Ok(job.take().unwrap_or_else(nothing)?)
    }

    /// Waits until work is over; meanwhile it is cancelled and asked by this call.
    pub(crate) async fn until(&self, work: Arc<dyn Work>) {
        let (ring, over) = channel();
        work.when_over(Box::new(move || {
            // Where nobody waits any more, nobody is to be told.
            ring.send(()).ok();
        }));
        self.watch(work);
        // A bell that is gone has rung, or there is nothing to wait for.
        over.await.ok();
        self.state().work = None;
    }

    fn watch(&self, work: Arc<dyn Work>) {
        let is_cancelled = {
            let mut state = self.state();
            state.work = Some(work.clone());
            state.is_cancelled
        };
        if is_cancelled {
            work.cancel();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
