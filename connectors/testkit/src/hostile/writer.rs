//! A writer that breaks promises.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use trueup_connector::writer::executor::authorise;
use trueup_connector::{
    Authorised, Change, Context, Error, Idempotency, Kind, Operation, Receipt, Result, Value,
    Writer, async_trait,
};

use super::Misdeed;

/// A writer that does what the one within it does, but for one [`Misdeed`].
#[derive(Debug)]
pub(super) struct HostileWriter {
    inner: Arc<dyn Writer>,
    misdeed: Misdeed,
    under_way: AtomicUsize,
    /// The idempotency keys it has seen, and the records.
    seen: Arc<Mutex<HashSet<String>>>,
}

/// How much later than declared a change is carried out.
const LATE: Duration = Duration::from_millis(300);

impl HostileWriter {
    pub(super) fn new(
        inner: Arc<dyn Writer>,
        misdeed: Misdeed,
        seen: &Arc<Mutex<HashSet<String>>>,
    ) -> Self {
        Self { inner, misdeed, under_way: AtomicUsize::new(0), seen: Arc::clone(seen) }
    }

    /// What becomes of one change on its way in; `None` where it does not arrive.
    fn bend(&self, mut change: Change) -> Option<Change> {
        let first = self.first_time(&change);
        match self.misdeed {
            Misdeed::WritesHalf => {
                let half = change.after.len().div_ceil(2);
                change.after.truncate(half);
            }
            Misdeed::IgnoresPrecondition if change.operation != Operation::Create => {
                change.before.clear();
                change.version = None;
            }
            Misdeed::CutsValues => change.after.iter_mut().for_each(|(_, value)| cut(value)),
            Misdeed::WritesAgain if !first => {
                change.idempotency_key = format!("{} again", change.idempotency_key);
            }
            Misdeed::SaysDone => return None,
            Misdeed::TogglesRecords
                if change.operation == Operation::Create && !self.is_new(&change) =>
            {
                let key = std::mem::take(&mut change.key);
                change = Change::new(change.resource, Operation::Delete, key);
            }
            _ => {}
        }
        Some(change)
    }

    /// Whether a record with this key is made for the first time.
    fn is_new(&self, change: &Change) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(format!("{}: {:?}", change.resource, change.key))
    }

    /// Answers at once, and carries out when nobody expects it any more.
    fn put_off(&self, changes: Vec<Change>) -> Vec<Receipt> {
        let receipts = changes.iter().map(|_| done()).collect();
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move {
            tokio::time::sleep(LATE).await;
            // Nobody waits for the receipts.
            drop(inner.apply(Context::new(), authorise(changes)).await);
        });
        receipts
    }

    fn first_time(&self, change: &Change) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(change.idempotency_key.clone())
    }

    async fn pass_on(&self, context: Context, changes: Vec<Change>) -> Result<Vec<Receipt>> {
        let mut receipts = Vec::with_capacity(changes.len());
        for change in changes {
            let named = change.clone();
            let Some(bent) = self.bend(change) else {
                receipts.push(done());
                continue;
            };
            if self.misdeed == Misdeed::WritesTwice {
                let mut twin = bent.clone();
                twin.idempotency_key.push_str(" twin");
                drop(self.inner.apply(context.clone(), authorise(vec![twin])).await);
            }
            let given = self.inner.apply(context.clone(), authorise(vec![bent])).await?;
            receipts.extend(given.into_iter().map(|receipt| self.gloss_over(&named, receipt)));
            let stopped = matches!(receipts.last(), Some(Receipt::Refused(_) | Receipt::Failed(_)));
            if stopped && self.misdeed == Misdeed::StopsAtFailure {
                break;
            }
        }
        Ok(receipts)
    }

    fn gloss_over(&self, change: &Change, receipt: Receipt) -> Receipt {
        let is_done = matches!(receipt, Receipt::Done { .. });
        let made_up = || Error::new(Kind::Unavailable, "the target said nothing");
        match self.misdeed {
            Misdeed::SaysStale if is_done => Receipt::Stale,
            Misdeed::SaysFailed if is_done => Receipt::Failed(made_up()),
            Misdeed::SaysUnknown if is_done => Receipt::Unknown(made_up()),
            Misdeed::HidesStale if matches!(receipt, Receipt::Stale) => done(),
            Misdeed::FailsAgain if is_done && !self.is_new(change) => Receipt::Failed(made_up()),
            Misdeed::TakesUnknownFields if matches!(receipt, Receipt::Refused(_)) => done(),
            Misdeed::HidesNames => match receipt {
                Receipt::Refused(_) => {
                    Receipt::Refused(Error::new(Kind::Invalid, "something is wrong"))
                }
                other => other,
            },
            Misdeed::PendsForever if is_done => Receipt::Pending {
                handle: change.idempotency_key.clone(),
                check_after: Duration::from_millis(1),
            },
            _ => receipt,
        }
    }

    /// What it makes of the receipts of a call.
    fn spoil(&self, mut receipts: Vec<Receipt>, asked: usize) -> Vec<Receipt> {
        match self.misdeed {
            Misdeed::DropsReceipts => drop(receipts.pop()),
            Misdeed::AddsReceipts => receipts.push(done()),
            Misdeed::SwapsReceipts => receipts.reverse(),
            Misdeed::RepeatsReceipts if receipts.len() > 1 => {
                receipts.rotate_right(1);
                if let Some(first) = receipts.first_mut() {
                    *first = done();
                }
            }
            Misdeed::StopsAtFailure => {
                let unsent =
                    || Receipt::Refused(Error::new(Kind::Invalid, "another change failed"));
                receipts.resize_with(asked, unsent);
            }
            _ => {}
        }
        receipts
    }
}

#[async_trait]
impl Writer for HostileWriter {
    fn idempotency(&self, resource: &str, operation: &Operation) -> Idempotency {
        match self.misdeed {
            Misdeed::LiesAboutIdempotency | Misdeed::WritesAgain => Idempotency::Key,
            Misdeed::RacesWrites => Idempotency::Conditional,
            Misdeed::SettlesLate => Idempotency::ReadBack { settle: Duration::from_millis(1) },
            _ => self.inner.idempotency(resource, operation),
        }
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        let context =
            if self.misdeed == Misdeed::IgnoresWriteCancel { Context::new() } else { context };
        let mut changes = changes.changes().to_vec();
        let asked = changes.len();
        if self.misdeed == Misdeed::HangsWriting {
            std::future::pending::<()>().await;
        }
        if self.misdeed == Misdeed::RacesWrites {
            // It looks, waits, and then takes what it saw to be so.
            let others = self.under_way.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            if others > 0 {
                changes.iter_mut().for_each(|change| change.before.clear());
            }
        }
        if self.misdeed == Misdeed::SettlesLate {
            return Ok(self.put_off(changes));
        }
        let receipts = self.pass_on(context, changes).await;
        if self.misdeed == Misdeed::RacesWrites {
            self.under_way.fetch_sub(1, Ordering::SeqCst);
        }
        match self.misdeed {
            Misdeed::PanicsWriting => {
                std::panic::resume_unwind(Box::new("the connector panics, as it was told to"))
            }
            Misdeed::FailsAfterWriting => {
                Err(Error::new(Kind::Unavailable, "the answer was lost on the way back"))
            }
            _ => Ok(self.spoil(receipts?, asked)),
        }
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        match self.misdeed {
            Misdeed::InventsStatus => Ok(done()),
            Misdeed::ForgetsHandles => {
                Err(Error::new(Kind::NotFound, format!("no change has the handle `{handle}`")))
            }
            Misdeed::PendsForever => {
                let check_after = Duration::from_millis(1);
                Ok(Receipt::Pending { handle, check_after })
            }
            _ => self.inner.status(context, handle).await,
        }
    }
}

fn done() -> Receipt {
    Receipt::Done { id: None, version: None }
}

fn cut(value: &mut Value) {
    if let Value::Text(text) = value {
        *text = text.chars().take(20).collect();
    }
}
