//! What there is once a process: the runtime, and the work that goes on.
//!
//! A process that forks leaves its threads behind, so the child gets a runtime of its own; the
//! parent's is left alone, since stopping it would wait for threads that are not there.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use trueup::{Error, Kind, Result};

/// Asks a piece of work to stop.
pub(crate) type Stop = Arc<dyn Fn() + Send + Sync>;

/// What belongs to one process.
pub(crate) struct Process {
    id: u32,
    runtime: OnceLock<Runtime>,
    live: Mutex<Live>,
    ended: Condvar,
    /// The process that forked off this one.
    child: OnceLock<Box<Process>>,
}

/// The work that goes on.
#[derive(Default)]
struct Live {
    next: u64,
    stops: BTreeMap<u64, Stop>,
}

static FIRST: OnceLock<Box<Process>> = OnceLock::new();

/// Which process this is, for what does not survive a fork: sockets, threads, locks of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin(u32);

impl Origin {
    /// This process.
    pub fn here() -> Self {
        Self(std::process::id())
    }

    /// Fails in a process that forked off since.
    ///
    /// # Errors
    /// `unsupported`.
    pub fn check(self, what: &str) -> Result<()> {
        if self == Self::here() {
            return Ok(());
        }
        let message = format!(
            "this {what} was made before the process forked, and its connections and threads stayed behind; make it again in the new process"
        );
        Err(Error::new(Kind::Unsupported, message))
    }
}

/// Cancels all work of this process, and waits for it to end, but no longer than `limit`.
///
/// For the host's exit: returns whether all of it ended.
pub fn stop(limit: Duration) -> bool {
    let (process, until) = (Process::current(), Instant::now() + limit);
    let mut live = process.live();
    // What is told to stop may end at once, and would wait for the lock.
    let stops: Vec<Stop> = live.stops.values().cloned().collect();
    drop(live);
    stops.iter().for_each(|stop| stop());
    live = process.live();
    while !live.stops.is_empty() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        let waited = process.ended.wait_timeout(live, left);
        live = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
    true
}

/// Work of a host on a thread of ours: it is told to stop, and waited for, when the process ends.
pub struct Held(#[expect(dead_code, reason = "held for its end")] Going);

/// Notes that a host is at work until what is returned is dropped, and how to stop it.
pub fn hold(stop: impl Fn() + Send + Sync + 'static) -> Held {
    Held(Process::current().begin(Arc::new(stop)))
}

impl Process {
    /// This process.
    pub(crate) fn current() -> &'static Self {
        let id = std::process::id();
        let mut process = FIRST.get_or_init(|| Self::new(id));
        while process.id != id {
            process = process.child.get_or_init(|| Self::new(id));
        }
        process
    }

    /// The process's runtime.
    ///
    /// # Errors
    /// `unavailable` where the operating system has no threads left.
    pub(crate) fn runtime(&self) -> Result<&Runtime> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let made = Builder::new_multi_thread().enable_all().thread_name("trueup").build();
        let made = made.map_err(|cause| {
            Error::new(Kind::Unavailable, format!("no threads can be started: {cause}"))
                .with_source(cause)
        })?;
        Ok(self.runtime.get_or_init(|| made))
    }

    /// Notes that work goes on until what is returned is dropped, and how to stop it.
    pub(crate) fn begin(&'static self, stop: Stop) -> Going {
        let mut live = self.live();
        let number = live.next;
        live.next += 1;
        live.stops.insert(number, stop);
        Going { process: self, number }
    }

    fn new(id: u32) -> Box<Self> {
        let (runtime, live, ended, child) = Default::default();
        Box::new(Self { id, runtime, live, ended, child })
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work that goes on.
pub(crate) struct Going {
    process: &'static Process,
    number: u64,
}

impl Drop for Going {
    fn drop(&mut self) {
        self.process.live().stops.remove(&self.number);
        self.process.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_elsewhere_is_refused() {
        Origin::here().check("connector").unwrap();
        let error = Origin(0).check("connector").unwrap_err();
        assert_eq!(error.kind(), Kind::Unsupported);
        assert!(error.message().starts_with("this connector was made before"), "{error}");
    }

    #[test]
    fn stopping_cancels_and_waits() {
        let told = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let tell = told.clone();
        let stop_it = move || tell.store(true, std::sync::atomic::Ordering::Relaxed);
        let going = Process::current().begin(Arc::new(stop_it));
        assert!(!stop(Duration::from_millis(5)));
        assert!(told.load(std::sync::atomic::Ordering::Relaxed));
        let other = std::thread::spawn(move || drop(going));
        assert!(stop(Duration::from_secs(10)));
        other.join().unwrap();
    }
}
