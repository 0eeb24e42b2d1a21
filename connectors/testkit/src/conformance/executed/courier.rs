//! What stands between the executor and the connector under test.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use trueup_connector::{
    Authorised, Capability, Connector, Context, Error, Idempotency, Identity, Kind, Operation,
    Page, ReadRequest, Receipt, Resource, Result, Writer, async_trait,
};

/// What goes wrong with one call that writes.
#[derive(Debug)]
pub(super) enum Mishap {
    /// The changes never arrive.
    Lost,
    /// They are carried out, and the answer is lost.
    Unanswered,
    /// They are carried out, and one receipt is missing.
    Short,
    /// They are carried out, and the receipts say that this is not known.
    Unsure,
    /// They are carried out, and the call panics.
    Panics,
    /// The executor dies before they arrive.
    DiesBefore(oneshot::Sender<()>),
    /// The executor dies after they were carried out.
    DiesAfter(oneshot::Sender<()>),
}

impl fmt::Display for Mishap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "the changes were lost on the way",
            Self::Unanswered => "the answer was lost",
            Self::Short => "a receipt was lost",
            Self::Unsure => "the receipts say nothing",
            Self::Panics => "the call panicked",
            Self::DiesBefore(_) => "the executor died before the changes arrived",
            Self::DiesAfter(_) => "the executor died before the receipts were on disk",
        })
    }
}

/// Hands everything on to the connector under test, with mishaps where they are asked for.
#[derive(Clone, Debug)]
pub(super) struct Courier {
    inner: Arc<dyn Connector>,
    bag: Arc<Bag>,
}

#[derive(Debug)]
struct Bag {
    /// Where the connector lives: it does not die with the executor.
    home: Handle,
    mishaps: Mutex<VecDeque<Mishap>>,
    /// The idempotency key of every change that was sent, in order.
    sent: Mutex<Vec<String>>,
}

impl Courier {
    /// Must be made in a Tokio runtime: the one in which the connector lives.
    pub(super) fn new(inner: Arc<dyn Connector>) -> Self {
        let (mishaps, sent) = Default::default();
        Self { inner, bag: Arc::new(Bag { home: Handle::current(), mishaps, sent }) }
    }

    /// The next call that writes has this mishap.
    pub(super) fn expect(&self, mishap: Mishap) {
        held(&self.bag.mishaps).push_back(mishap);
    }

    /// The idempotency key of every change that was sent, in order.
    pub(super) fn sent(&self) -> Vec<String> {
        held(&self.bag.sent).clone()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Connector for Courier {
    fn identity(&self) -> Identity {
        self.inner.identity()
    }

    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        self.inner.describe(context).await
    }

    async fn check(&self, context: Context) -> Result<()> {
        self.inner.check(context).await
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        self.inner.read_page(context, request).await
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        let inner = self.inner.writer()?;
        Some(Arc::new(CourierWriter { inner, bag: Arc::clone(&self.bag) }))
    }
}

#[derive(Debug)]
struct CourierWriter {
    inner: Arc<dyn Writer>,
    bag: Arc<Bag>,
}

impl CourierWriter {
    /// Has it carried out where the connector lives.
    async fn deliver(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        let inner = Arc::clone(&self.inner);
        let call = self.bag.home.spawn(async move { inner.apply(context, changes).await });
        match call.await {
            Ok(outcome) => outcome,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::new(Kind::Cancelled, "the test is over")),
            },
        }
    }
}

#[async_trait]
impl Writer for CourierWriter {
    fn idempotency(&self, resource: &str, operation: &Operation) -> Idempotency {
        self.inner.idempotency(resource, operation)
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        let mishap = held(&self.bag.mishaps).pop_front();
        let keys = changes.changes().iter().map(|change| change.idempotency_key.clone());
        held(&self.bag.sent).extend(keys);
        let mishap = match mishap {
            None => return self.deliver(context, changes).await,
            Some(Mishap::Lost) => return Err(lost()),
            Some(Mishap::DiesBefore(dies)) => return die(dies).await,
            Some(mishap) => mishap,
        };
        let mut receipts = self.deliver(context, changes).await?;
        match mishap {
            Mishap::DiesAfter(dies) => die(dies).await,
            Mishap::Panics => std::panic::resume_unwind(said("the connector panicked")),
            Mishap::Short => {
                receipts.pop();
                Ok(receipts)
            }
            Mishap::Unsure => Ok(receipts.iter().map(|_| Receipt::Unknown(lost())).collect()),
            _ => Err(lost()),
        }
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        self.inner.status(context, handle).await
    }
}

/// Says that the executor is to die now, and waits for that.
async fn die<T>(dies: oneshot::Sender<()>) -> T {
    // Where nobody listens any more, it is dead already.
    let _ = dies.send(());
    std::future::pending().await
}

fn said(what: &'static str) -> Box<dyn Any + Send> {
    Box::new(what)
}

fn lost() -> Error {
    Error::new(Kind::Unavailable, "the connection was lost")
}
