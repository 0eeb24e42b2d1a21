//! Work that goes on in the background while a host waits, in whichever way it waits.
//!
//! Nothing of the host is called from here: progress is kept until the host asks for it, so that no
//! callback runs on a thread of ours or while a lock is held.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::Notify;
use trueup::{Context, Error, Kind, Progress, Result};

use crate::process::{Going, Process};

/// Called once when a job is over.
type Bell = Box<dyn FnOnce() + Send>;

/// A piece of work in the background. Dropping it does not stop the work; [`Job::cancel`] does.
pub struct Job<T> {
    shared: Arc<Shared<T>>,
    context: Context,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    over: Condvar,
    progress: Arc<Mutex<Option<Progress>>>,
    cancelled: Arc<Notify>,
}

/// Tells a job that writes that somebody asked it to stop.
#[derive(Clone, Debug)]
pub struct Cancelled(Arc<Notify>);

impl Cancelled {
    /// Resolves when it is asked to stop.
    pub async fn asked(&self) {
        self.0.notified().await;
    }
}

struct State<T> {
    outcome: Option<Result<T>>,
    over: bool,
    bells: Vec<Bell>,
}

impl<T: Send + 'static> Job<T> {
    /// Starts work on a thread of its own. It looks at its context between steps.
    ///
    /// # Errors
    /// `unavailable` where no thread can be started.
    pub fn start(work: impl FnOnce(&Context) -> Result<T> + Send + 'static) -> Result<Self> {
        let (job, going) = Self::begin();
        let (shared, context) = (job.shared.clone(), job.context.clone());
        let run = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&context)));
            shared.finish(outcome.unwrap_or_else(|panic| Err(broken(&*panic))), going);
        };
        let started = std::thread::Builder::new().name("trueup-job".into()).spawn(run);
        started.map_err(|cause| {
            Error::new(Kind::Unavailable, format!("no thread can be started: {cause}"))
                .with_source(cause)
        })?;
        Ok(job)
    }

    /// Starts reading on the runtime. Cancelling drops the future, so it must not write.
    ///
    /// # Errors
    /// `unavailable` where no runtime can be started.
    pub fn read<F>(work: impl FnOnce(Context) -> F) -> Result<Self>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let runtime = Process::current().runtime()?;
        let (job, going) = Self::begin();
        let (shared, work) = (job.shared.clone(), work(job.context.clone()));
        let context = job.context.clone();
        job.watch(runtime, going, async move {
            let stopped = shared.cancelled.notified();
            tokio::select! {
                outcome = work => outcome,
                () = stopped => Err(stop(&context)),
            }
        });
        Ok(job)
    }

    /// Starts work on the runtime that is never dropped: cancelling tells it, and it ends when what is
    /// under way is written down.
    ///
    /// # Errors
    /// `unavailable` where no runtime can be started.
    pub fn write<F>(work: impl FnOnce(Context, Cancelled) -> F) -> Result<Self>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let runtime = Process::current().runtime()?;
        let (job, going) = Self::begin();
        let work = work(job.context.clone(), Cancelled(job.shared.cancelled.clone()));
        job.watch(runtime, going, work);
        Ok(job)
    }

    /// Waits until it is over, but no longer than `limit`; whether it is over.
    pub fn wait(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let mut state = self.shared.state();
        while !state.over {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.shared.over.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Asks it to stop; it is over soon after, as cancelled, unless it is over anyway.
    pub fn cancel(&self) {
        self.context.cancel();
        self.shared.cancelled.notify_one();
    }

    /// A way to ask it to stop for somebody who does not hold it.
    pub fn canceller(&self) -> impl Fn() + Send + Sync + 'static {
        canceller(&self.context, &self.shared.cancelled)
    }

    /// How far it is, where it said so since the last call.
    pub fn progress(&self) -> Option<Progress> {
        self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Calls `bell` once, as soon as it is over: from any thread, with no lock held.
    pub fn when_over(&self, bell: impl FnOnce() + Send + 'static) {
        let mut state = self.shared.state();
        if state.over {
            drop(state);
            bell();
        } else {
            state.bells.push(Box::new(bell));
        }
    }

    /// What came of it; `None` while it goes on, or where it was taken before.
    pub fn take(&self) -> Option<Result<T>> {
        self.shared.state().outcome.take()
    }

    fn begin() -> (Self, Going) {
        let progress = Arc::new(Mutex::new(None));
        let kept = progress.clone();
        let context = Context::new().with_progress(move |progress| {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
        });
        let state = State { outcome: None, over: false, bells: Vec::new() };
        let (over, cancelled) = (Condvar::new(), Arc::new(Notify::new()));
        let going = Process::current().begin(Arc::new(canceller(&context, &cancelled)));
        let shared = Arc::new(Shared { state: Mutex::new(state), over, progress, cancelled });
        (Self { shared, context }, going)
    }

    fn watch<F>(&self, runtime: &'static Runtime, going: Going, work: F)
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (watched, shared) = (runtime.spawn(work), self.shared.clone());
        runtime.spawn(async move {
            let outcome = watched.await.unwrap_or_else(|cause| Err(broken_task(cause)));
            // Whoever waits may be told by a bell that blocks, which no worker of the runtime should.
            tokio::task::spawn_blocking(move || shared.finish(outcome, going));
        });
    }
}

fn canceller(context: &Context, told: &Arc<Notify>) -> impl Fn() + Send + Sync + use<> {
    let (context, told) = (context.clone(), told.clone());
    move || {
        context.cancel();
        told.notify_one();
    }
}

impl<T> Shared<T> {
    fn finish(&self, outcome: Result<T>, going: Going) {
        let bells = {
            let mut state = self.state();
            state.outcome = Some(outcome);
            state.over = true;
            std::mem::take(&mut state.bells)
        };
        self.over.notify_all();
        bells.into_iter().for_each(|bell| bell());
        drop(going);
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a reading stopped before its end.
fn stop(context: &Context) -> Error {
    let nobody = || Error::new(Kind::Cancelled, "the reading was stopped");
    context.check().err().unwrap_or_else(nobody)
}

fn broken_task(cause: tokio::task::JoinError) -> Error {
    match cause.try_into_panic() {
        Ok(panic) => broken(&*panic),
        Err(cause) => Error::new(Kind::Cancelled, format!("the runtime stopped: {cause}")),
    }
}

fn broken(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("no reason given");
    Error::new(Kind::Internal, format!("trueup broke down: {text}; please report it"))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn work_is_waited_for_and_taken_once() {
        let (go, wait) = channel::<()>();
        let job = Job::start(move |context| {
            context.report("read", 7, None);
            wait.recv().ok();
            Ok(5)
        });
        let job = job.unwrap();
        assert!(!job.wait(Duration::from_millis(20)));
        assert!(job.take().is_none());
        let (ring, rung) = channel();
        job.when_over(move || ring.send(()).unwrap());
        go.send(()).unwrap();
        assert!(job.wait(LONG));
        rung.recv_timeout(LONG).unwrap();
        assert_eq!(job.progress().unwrap().done, 7);
        assert!(job.progress().is_none());
        assert_eq!(job.take().unwrap().unwrap(), 5);
        assert!(job.take().is_none());
    }

    #[test]
    fn a_reading_that_waits_for_ever_is_cancelled() {
        let job = Job::<()>::read(|_| std::future::pending()).unwrap();
        job.cancel();
        assert!(job.wait(LONG));
        assert_eq!(job.take().unwrap().unwrap_err().kind(), Kind::Cancelled);
    }

    #[test]
    fn a_job_that_writes_is_told_and_not_dropped() {
        let job = Job::write(|context, cancelled| async move {
            cancelled.asked().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(context.is_cancelled())
        });
        let job = job.unwrap();
        assert!(!job.wait(Duration::from_millis(20)));
        job.canceller()();
        assert!(job.wait(LONG));
        assert!(job.take().unwrap().unwrap());
    }

    #[test]
    fn a_panic_is_an_error() {
        let job = Job::<()>::start(|_| panic!("lost")).unwrap();
        assert!(job.wait(LONG));
        assert_eq!(job.take().unwrap().unwrap_err().kind(), Kind::Internal);
        let job = Job::<()>::read(|_| async { panic!("lost") }).unwrap();
        assert!(job.wait(LONG));
        let error = job.take().unwrap().unwrap_err();
        assert_eq!(error.message(), "trueup broke down: lost; please report it");
    }
}
