//! One ask for a page, on its way to the worker that answers it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::oneshot;
use trueup_connector::{Context, Error, Kind, Page, Result};

/// A page has at most so many rows, where the caller sets no bound.
const PAGE_ROWS: usize = 65_536;

/// A page has at most so many bytes, give or take a row.
pub(crate) const PAGE_BYTES: usize = 16 << 20;

/// How long a reading that gave its last page can still give it again.
pub(crate) const LINGER: Duration = Duration::from_secs(5);

/// One ask for a page, as it reaches the worker.
pub(crate) struct Ask {
    pub(crate) number: u64,
    pub(crate) rows: Option<usize>,
    pub(crate) stop: Stop,
    pub(crate) reply: oneshot::Sender<Result<Page>>,
}

/// Whether an ask still stands.
#[derive(Clone)]
pub(crate) struct Stop {
    context: Context,
    waiting: Weak<()>,
}

impl Stop {
    /// Fails where the caller cancelled or no longer waits.
    pub(crate) fn check(&self) -> Result<()> {
        self.context.check()?;
        match self.waiting.strong_count() {
            0 => Err(Error::new(Kind::Cancelled, "nobody waits for this page any more")),
            _ => Ok(()),
        }
    }

    /// Something to wait with, and what says whether it waits.
    pub(crate) fn new(context: &Context) -> (Arc<()>, Self) {
        let waits = Arc::new(());
        let waiting = Arc::downgrade(&waits);
        (waits, Self { context: context.clone(), waiting })
    }
}

impl Ask {
    /// The most rows the page may have.
    pub(crate) fn rows(&self) -> usize {
        self.rows.unwrap_or(PAGE_ROWS)
    }

    /// Whether it is for the first page: nobody can ask for that again.
    pub(crate) fn is_first(&self) -> bool {
        self.number == 1
    }

    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Answers; false where nobody waits for the answer.
    pub(crate) fn answer(self, page: Result<Page>) -> bool {
        self.reply.send(page).is_ok()
    }
}

/// A page cannot be made smaller after it was begun.
pub(crate) fn larger() -> Error {
    let message = "this page was asked for before with a larger page size; ask for it with that";
    Error::new(Kind::Conflict, message)
}
