//! Blocking work beside an async caller, without a runtime of our own or of others.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use trueup_connector::{Context, Error, Kind, Result};

/// Whether work should stop: the caller cancelled it, or dropped its future.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    context: Context,
    dropped: Arc<AtomicBool>,
}

impl Stop {
    pub(crate) fn new(context: Context) -> Self {
        Self { context, dropped: Arc::default() }
    }

    /// Fails where the work should stop; to be asked between steps.
    pub(crate) fn check(&self) -> Result<()> {
        match self.dropped.load(Ordering::Relaxed) {
            true => Err(Error::new(Kind::Cancelled, "nobody waits for this any more")),
            false => self.context.check(),
        }
    }

    /// Tells the caller how far the work is.
    pub(crate) fn report(&self, stage: &'static str, done: u64) {
        self.context.report(stage, done, None);
    }
}

/// Runs `work` on a thread of its own; dropping the future asks it to stop.
pub(crate) fn offload<T: Send + 'static>(
    context: Context,
    work: impl FnOnce(&Stop) -> Result<T> + Send + 'static,
) -> impl Future<Output = Result<T>> + Send {
    let stop = Stop::new(context);
    let slot = Arc::new(Mutex::new(Slot { done: None, waker: None }));
    let (inner, theirs) = (stop.clone(), slot.clone());
    let started = std::thread::Builder::new()
        .name("trueup-files".into())
        .spawn(move || fill(&theirs, guarded(|| inner.check().and_then(|()| work(&inner)))));
    if let Err(cause) = started {
        let message = format!("no thread can be started to read the file: {cause}");
        fill(&slot, Err(Error::new(Kind::Unavailable, message).with_source(cause)));
    }
    Waiting { slot, stop }
}

/// Runs `work`, and makes an error of a panic in it.
///
/// The readers of Parquet and Arrow are not ours, and hostile bytes may still trip one of their
/// own checks; that must not take the embedding program with it.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message =
            format!("the file cannot be read: its content broke the reader: {}", said(&*panic));
        Err(Error::new(Kind::Data, message))
    })
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given")
}

struct Slot<T> {
    done: Option<Result<T>>,
    waker: Option<Waker>,
}

fn fill<T>(slot: &Mutex<Slot<T>>, done: Result<T>) {
    let waker = {
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.done = Some(done);
        slot.waker.take()
    };
    if let Some(waker) = waker {
        waker.wake();
    }
}

struct Waiting<T> {
    slot: Arc<Mutex<Slot<T>>>,
    stop: Stop,
}

impl<T> Future for Waiting<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<Self::Output> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        match slot.done.take() {
            Some(done) => Poll::Ready(done),
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        self.stop.dropped.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let error = guarded::<()>(|| panic!("no such page")).unwrap_err();
        assert_eq!(error.kind(), Kind::Data);
        assert!(error.to_string().ends_with("no such page"), "{error}");
    }

    #[test]
    fn a_dropped_future_stops_its_work() {
        let (send, receive) = std::sync::mpsc::channel();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let future = offload(Context::new(), move |stop| {
            send.send(stop.check().is_err()).ok();
            wait.recv().ok();
            send.send(stop.check().is_err()).ok();
            Ok(())
        });
        assert!(!receive.recv().unwrap());
        drop(future);
        go.send(()).unwrap();
        assert!(receive.recv().unwrap());
    }
}
