//! A connector that breaks promises.

mod misdeed;
mod pages;
mod writer;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use trueup_connector::{
    Capability, Connector, Consistency, Context, Coverage, Cursor, Error, Identity, Kind, Page,
    ReadRequest, Resource, Result, Writer, async_trait,
};

pub use misdeed::Misdeed;
use writer::HostileWriter;

/// A connector that does what the one within it does, but for one [`Misdeed`].
///
/// Some misdeeds an embedder must survive (`protocol` errors, calls that never end); others nobody
/// can see who does not know the truth, and the conformance suite is there for those.
///
/// ```
/// use trueup_connector::{ConnectorExt, Context, Kind};
/// use trueup_testkit::{Hostile, Memory, Misdeed, block_on, rows};
///
/// let records = rows(&["id"], r#"[{"id":1},{"id":2},{"id":3}]"#);
/// let memory = Memory::new().with_resource("items", records).with_page(1);
/// let hostile = Hostile::new(memory, Misdeed::RepeatsCursor);
/// let error = block_on(hostile.read(Context::new(), "items")).unwrap_err();
/// assert_eq!(error.kind(), Kind::Protocol);
/// ```
#[derive(Debug)]
pub struct Hostile {
    inner: Arc<dyn Connector>,
    misdeed: Misdeed,
    calls: AtomicUsize,
    damaged: Arc<AtomicBool>,
    memory: Mutex<Known>,
    written: Arc<Mutex<HashSet<String>>>,
}

/// What it has seen.
#[derive(Debug, Default)]
struct Known {
    used: HashSet<Cursor>,
    owners: HashMap<Cursor, String>,
    current: HashMap<String, Option<Cursor>>,
    consumed: HashSet<String>,
    pages: Vec<(ReadRequest, Page)>,
}

impl Hostile {
    /// Does to a sound connector what the misdeed says.
    pub fn new(inner: impl Connector + 'static, misdeed: Misdeed) -> Self {
        let (calls, damaged, memory, written) = Default::default();
        Self { inner: Arc::new(inner), misdeed, calls, damaged, memory, written }
    }

    fn is(&self, misdeed: Misdeed) -> bool {
        self.misdeed == misdeed
    }

    /// Whether this is the third call, the sixth, …
    fn third_call(&self) -> bool {
        self.calls.fetch_add(1, Ordering::Relaxed) % 3 == 2
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request as it is passed on.
    fn bend(&self, mut request: ReadRequest) -> ReadRequest {
        let known = self.known();
        match self.misdeed {
            Misdeed::IgnoresPageSize => request.page_size = None,
            Misdeed::GivesTooMuch => {
                request.page_size = request.page_size.map(|size| size.saturating_mul(2));
            }
            Misdeed::IgnoresSince => request.since = None,
            Misdeed::SharesReadings => {
                let current = known.current.get(&request.resource).cloned().flatten();
                request.cursor = request.cursor.and(current);
            }
            Misdeed::TakesOtherCursors => {
                let owner = request.cursor.as_ref().and_then(|cursor| known.owners.get(cursor));
                if owner.is_some_and(|owner| *owner != request.resource) {
                    request.cursor = None;
                }
            }
            Misdeed::NeverEnds if is_ours(&request) => request.cursor = None,
            _ => {}
        }
        request
    }

    /// What is done instead of asking, if anything.
    async fn instead(&self, request: &ReadRequest) -> Option<Result<Page>> {
        let later = request.cursor.is_some();
        match self.misdeed {
            Misdeed::Stalls if later => std::future::pending().await,
            Misdeed::FailsHalfway if later => {
                Some(Err(Error::new(Kind::Unavailable, "the second page is never there")))
            }
            Misdeed::BreaksWhenDropped => self.fragile().await.err().map(Err),
            Misdeed::UsesCursorsUp => {
                let cursor = request.cursor.clone()?;
                let used = !self.known().used.insert(cursor);
                used.then(|| Err(Error::new(Kind::Invalid, "this cursor was used")))
            }
            Misdeed::RemembersPages => {
                let known = self.known();
                let page = known.pages.iter().find(|(asked, _)| asked == request);
                page.map(|(_, page)| Ok(page.clone()))
            }
            _ => None,
        }
    }

    /// Waits once, and takes it amiss when it is dropped there.
    async fn fragile(&self) -> Result<()> {
        if self.damaged.load(Ordering::Relaxed) {
            return Err(Error::new(Kind::Internal, "a call was dropped, and now nothing works"));
        }
        let mut guard = Fragile(Some(Arc::clone(&self.damaged)));
        tokio::task::yield_now().await;
        guard.0 = None;
        Ok(())
    }

    /// What it makes of an answer.
    fn spoil(&self, request: &ReadRequest, page: Page) -> Result<Page> {
        let mut page = pages::spoil(self.misdeed, request, page)?;
        let mut known = self.known();
        match self.misdeed {
            Misdeed::NeverEnds if request.cursor.is_some() || page.next.is_none() => {
                page.records = page.records.slice(0, 0);
                page.next = Some(self.fresh());
            }
            Misdeed::NeverEnds => page.next = Some(self.fresh()),
            Misdeed::SharesReadings => {
                known.current.insert(request.resource.clone(), page.next.clone());
            }
            Misdeed::Consumes => {
                if known.consumed.contains(&request.resource) {
                    (page.records, page.next) = (page.records.slice(0, 0), None);
                } else if page.next.is_none() {
                    known.consumed.insert(request.resource.clone());
                }
            }
            Misdeed::RemembersPages => known.pages.push((request.clone(), page.clone())),
            _ => {}
        }
        let owner = page.next.clone().map(|cursor| (cursor, request.resource.clone()));
        known.owners.extend(owner);
        Ok(page)
    }

    fn fresh(&self) -> Cursor {
        Cursor::new(format!("{OURS}{}", self.calls.fetch_add(1, Ordering::Relaxed)))
    }

    /// What it makes of an error.
    async fn gloss_over(&self, request: &ReadRequest, error: Error) -> Result<Page> {
        let glossed = match (self.misdeed, error.kind()) {
            (Misdeed::InventsResources, Kind::NotFound) => {
                Some(RecordBatch::new_empty(Arc::new(arrow_schema::Schema::empty())))
            }
            (Misdeed::HidesErrors | Misdeed::CallsErrorsPartial, Kind::Unavailable) => {
                self.empty(&request.resource)
            }
            (Misdeed::TakesForeignCursors, Kind::Invalid) if request.cursor.is_some() => {
                let mut request = request.clone();
                request.cursor = None;
                return self.inner.read_page(Context::new(), request).await;
            }
            _ => None,
        };
        let page = glossed.map(Page::new).ok_or(error)?;
        match self.misdeed {
            Misdeed::CallsErrorsPartial => Ok(page.with_coverage(Coverage::Partial)),
            _ => Ok(page),
        }
    }

    /// A page without records of a resource that it has read before.
    fn empty(&self, resource: &str) -> Option<RecordBatch> {
        let known = self.known();
        let page = known.pages.iter().find(|(request, _)| request.resource == resource);
        page.map(|(_, page)| page.records.slice(0, 0))
    }

    fn remember_shape(&self, request: &ReadRequest, page: &Page) {
        let glosses = self.is(Misdeed::HidesErrors) || self.is(Misdeed::CallsErrorsPartial);
        if glosses && self.empty(&request.resource).is_none() {
            self.known().pages.push((request.clone(), page.clone()));
        }
    }
}

/// How the cursors begin that it makes itself.
const OURS: &str = "hostile-";

fn is_ours(request: &ReadRequest) -> bool {
    request.cursor.as_ref().is_some_and(|cursor| cursor.as_str().starts_with(OURS))
}

/// Does damage when it is dropped before its time.
struct Fragile(Option<Arc<AtomicBool>>);

impl Drop for Fragile {
    fn drop(&mut self) {
        if let Some(damaged) = &self.0 {
            damaged.store(true, Ordering::Relaxed);
        }
    }
}

#[async_trait]
impl Connector for Hostile {
    fn identity(&self) -> Identity {
        let identity = self.inner.identity();
        match self.is(Misdeed::ChangesIdentity) && self.third_call() {
            true => identity.with_tenant("another"),
            false => identity,
        }
    }

    fn capability(&self) -> Capability {
        let mut capability = self.inner.capability();
        match self.misdeed {
            Misdeed::RepeatsRecords => capability.consistency = Consistency::Snapshot,
            Misdeed::IgnoresPageSize => capability.page_size = true,
            Misdeed::HidesPageSize => capability.page_size = false,
            Misdeed::HidesDelta => capability.delta = false,
            _ => {}
        }
        capability
    }

    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        let described = self.inner.describe(context).await?;
        match self.misdeed {
            Misdeed::DescribesTwice => Ok([described.clone(), described].concat()),
            Misdeed::ChangesSchema if self.third_call() => {
                described.into_iter().map(pages::with_field).collect()
            }
            _ => Ok(described),
        }
    }

    async fn check(&self, context: Context) -> Result<()> {
        match self.is(Misdeed::FailsCheck) {
            true => Err(Error::new(Kind::Forbidden, "the check fails for no reason")),
            false => self.inner.check(context).await,
        }
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        if let Some(instead) = self.instead(&request).await {
            return instead;
        }
        let context = if self.is(Misdeed::IgnoresCancel) { Context::new() } else { context };
        if self.is(Misdeed::IgnoresSince) && request.cursor.is_none() {
            // It knows a good token, and makes nothing of it.
            self.inner.read_page(context.clone(), request.clone()).await?;
        }
        let asked = self.bend(request.clone());
        match self.inner.read_page(context, asked.clone()).await {
            Ok(page) => {
                self.remember_shape(&request, &page);
                self.spoil(&request, page)
            }
            Err(error) => self.gloss_over(&asked, error).await,
        }
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        Some(Arc::new(HostileWriter::new(self.inner.writer()?, self.misdeed, &self.written)))
    }
}
