//! Group commit: whatever waits is done in one transaction, so that one flush to disk serves all.
//!
//! One thread owns the connection. Each piece of work stands in a savepoint: one that fails takes
//! back what it did and leaves the others. Nobody hears of success before the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use trueup_connector::{Error, Kind, Result};

use super::faults::again;
use super::tx::{Batch, Tx};

/// Hands work to the thread that owns the connection.
#[derive(Debug)]
pub(super) struct Committer {
    queue: Option<Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

/// What is done in a transaction, and who is told.
pub(super) struct Work<T, F, R> {
    work: Option<F>,
    outcome: Option<Result<T>>,
    reply: R,
}

/// Work of any type.
trait Job: Send {
    /// Does it; `false` where it failed and must be taken back.
    fn work(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Tells whoever waits. An error of the commit is everybody's.
    fn tell(self: Box<Self>, commit: Result<(), &Error>);
}

impl<T, F, R> Job for Work<T, F, R>
where
    T: Send,
    F: FnOnce(&mut Tx<'_>) -> Result<T> + Send,
    R: FnOnce(Result<T>) + Send,
{
    fn work(&mut self, tx: &mut Tx<'_>) -> bool {
        // A host's gate may panic: that must not take the store with it.
        let caught = self.work.take().map(|work| catch_unwind(AssertUnwindSafe(|| work(tx))));
        self.outcome = caught.map(|outcome| outcome.unwrap_or_else(|_| Err(panicked())));
        matches!(self.outcome, Some(Ok(_)))
    }

    fn tell(self: Box<Self>, commit: Result<(), &Error>) {
        let outcome = match (self.outcome, commit) {
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(again(error)),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(closed()),
        };
        (self.reply)(outcome);
    }
}

impl Committer {
    /// Starts the thread; it commits at most `most` pieces of work at once.
    pub(super) fn start(batch: Batch, most: usize) -> Result<Self> {
        let (queue, jobs) = channel();
        let thread = std::thread::Builder::new().name("trueup-store".into());
        let thread = thread.spawn(move || serve(batch, &jobs, most.max(1))).map_err(|cause| {
            Error::new(Kind::Unavailable, "the store's thread cannot be started").with_source(cause)
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Hands over work; `reply` is called after its commit, on the store's thread.
    pub(super) fn hand<T, F, R>(&self, work: F, reply: R)
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
        R: FnOnce(Result<T>) + Send + 'static,
    {
        let job: Box<dyn Job> = Box::new(Work { work: Some(work), outcome: None, reply });
        let refused = match &self.queue {
            Some(queue) => queue.send(job).err().map(|refused| refused.0),
            None => Some(job),
        };
        if let Some(job) = refused {
            job.tell(Err(&closed()));
        }
    }
}

impl Drop for Committer {
    /// Ends the thread after the work it has, so that the file is closed when the store is gone.
    fn drop(&mut self) {
        drop(self.queue.take());
        let thread = self.thread.take();
        if let Some(thread) = thread.filter(|it| it.thread().id() != std::thread::current().id()) {
            // A panic on the store's thread was already told to those who waited.
            let _ = thread.join();
        }
    }
}

fn panicked() -> Error {
    let message =
        "what was done in the store panicked, and was taken back; report it to its author";
    Error::new(Kind::Internal, message)
}

fn closed() -> Error {
    Error::new(Kind::Internal, "the store's thread has ended")
}

fn serve(mut batch: Batch, jobs: &Receiver<Box<dyn Job>>, most: usize) {
    while let Ok(first) = jobs.recv() {
        let mut waiting = vec![first];
        waiting.extend(jobs.try_iter().take(most - 1));
        while !waiting.is_empty() {
            waiting = commit(&mut batch, waiting);
        }
    }
}

/// Does the work in one transaction; returns what it did not come to.
fn commit(batch: &mut Batch, waiting: Vec<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
    let mut rest = waiting.into_iter();
    let mut done = Vec::new();
    let mut outcome = batch.begin();
    while outcome.is_ok() {
        let Some(mut job) = rest.next() else { break };
        outcome = one(batch, job.as_mut());
        done.push(job);
    }
    let left = match &outcome {
        Ok(()) => Vec::new(),
        // Nothing can be begun: nobody gets further.
        Err(_) if done.is_empty() => {
            done.extend(rest);
            Vec::new()
        }
        Err(_) => rest.collect(),
    };
    let outcome = outcome.and_then(|()| batch.commit());
    if outcome.is_err() {
        batch.abandon();
    }
    done.into_iter().for_each(|job| job.tell(outcome.as_ref().copied()));
    left
}

/// One piece of work in its savepoint. An error means that the whole transaction is lost.
fn one(batch: &mut Batch, job: &mut dyn Job) -> Result<()> {
    batch.savepoint()?;
    let kept = batch.work(|tx| job.work(tx))?;
    if batch.connection().is_autocommit() {
        return Err(lost());
    }
    batch.release(kept)
}

fn lost() -> Error {
    Error::new(Kind::Limit, "the store is full or failing: nothing of this step was written")
}
