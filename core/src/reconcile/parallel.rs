//! The one place that starts threads: they share a list of tasks and end before the call does.
#![expect(clippy::disallowed_methods, reason = "the result does not depend on the threads")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use trueup_connector::{Context, Result};

/// Runs `work` once a thread; each takes tasks from the iterator it is given until none is left.
///
/// Every thread's result comes back, in no particular order. The first error ends the work of all:
/// the others find no more tasks.
///
/// # Errors
/// The first error of any thread; `cancelled` where the context was.
pub(super) fn each_thread<T: Sync, R: Send>(
    threads: usize,
    context: &Context,
    tasks: &[T],
    work: impl Fn(Tasks<'_, T>) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let run = || {
        let result = work(Tasks { context, tasks, next: &next });
        if result.is_err() {
            next.store(tasks.len(), Ordering::Relaxed);
        }
        if let Ok(mut results) = results.lock() {
            results.push(result);
        }
    };
    std::thread::scope(|scope| {
        let helpers = threads.min(tasks.len()).saturating_sub(1);
        (0..helpers).for_each(|_| drop(scope.spawn(run)));
        run();
    });
    context.check()?;
    results.into_inner().unwrap_or_default().into_iter().collect()
}

/// The tasks that are still to be done; shared by all threads.
pub(super) struct Tasks<'a, T> {
    context: &'a Context,
    tasks: &'a [T],
    next: &'a AtomicUsize,
}

impl<'a, T> Iterator for Tasks<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        if self.context.is_cancelled() {
            return None;
        }
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        self.tasks.get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trueup_connector::{Error, Kind};

    #[test]
    fn every_task_is_done_once() {
        let tasks: Vec<u64> = (0..1000).collect();
        for threads in [1, 2, 7] {
            let sums =
                each_thread(threads, &Context::new(), &tasks, |tasks| Ok(tasks.sum::<u64>()));
            assert_eq!(sums.unwrap().iter().sum::<u64>(), 499_500);
        }
    }

    #[test]
    fn an_error_is_the_result() {
        let tasks: Vec<u64> = (0..1000).collect();
        let result =
            each_thread(3, &Context::new(), &tasks, |mut tasks| match tasks.find(|t| **t == 500) {
                Some(_) => Err(Error::new(Kind::Data, "found")),
                None => Ok(()),
            });
        assert_eq!(result.unwrap_err().message(), "found");
    }

    #[test]
    fn a_cancelled_context_ends_the_work() {
        let context = Context::new();
        context.cancel();
        let result = each_thread(2, &context, &[1, 2, 3], |tasks| Ok(tasks.count()));
        assert_eq!(result.unwrap_err().kind(), Kind::Cancelled);
    }
}
