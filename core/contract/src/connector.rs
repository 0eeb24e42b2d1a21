//! What a system's connector owes: saying what there is, and reading it page by page.
//!
//! A connector knows its system's protocol and nothing else: not the engine, not another connector.
//! Everything that goes in and comes out is owned, so that a connector may be written in any of the
//! host languages.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::RecordBatch;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result, suggest};
use crate::record::{Schema, Value};
use crate::snapshot::{Consistency, Coverage, Provenance, Snapshot};
use crate::writer::Writer;

/// One system that records can be read from.
///
/// # What every connector owes
/// - **An error is never data.** A page that cannot be read is an error, not an empty page; a row
///   that does not fit is an error naming the place, not a row left out.
/// - **Completeness.** Following `next` from the first page to the last gives every record that the
///   pages' coverage includes, each at least once; exactly once where it declares
///   [`Consistency::Snapshot`].
/// - **Cursors are opaque** and good for one reading; a cursor never stands twice in one reading,
///   and a cursor the connector did not give is refused as `invalid`.
/// - **The schema holds.** Every page has the columns of the resource's schema, in that order.
/// - **Reading has no effect** on the system, and two readings may run at the same time.
/// - **Cancellation.** Dropping a future ends the work; work that cannot be dropped looks at
///   [`Context::check`] between steps.
///
/// Which of the optional abilities it has is said by [`Connector::capability`] and nowhere else.
#[async_trait]
pub trait Connector: fmt::Debug + Send + Sync {
    /// The system, as it stands in provenance. It does not change while the connector lives.
    fn identity(&self) -> Identity;

    /// What it can do beyond reading page after page. It does not change while the connector lives.
    fn capability(&self) -> Capability;

    /// The resources there are, with their schemas.
    ///
    /// # Errors
    /// Those of the system; also where only some resources can be described.
    async fn describe(&self, context: Context) -> Result<Vec<Resource>>;

    /// Checks settings, reachability and permissions, without reading records.
    ///
    /// # Errors
    /// What stands in the way of reading, with what to do about it.
    async fn check(&self, context: Context) -> Result<()>;

    /// Reads one page.
    ///
    /// The same request may be made again: after a failure, or by another process.
    ///
    /// # Errors
    /// `not_found` for a resource that is not there, `invalid` for a cursor that is not one of its
    /// own, `unsupported` for a request beyond its [`Capability`], and those of the system.
    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page>;

    /// The way to change the system; `None` where it can only be read.
    fn writer(&self) -> Option<Arc<dyn Writer>>;
}

/// Which system a connector speaks to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Identity {
    /// The kind of system: `files`, `postgres`, `intune`, …
    pub system: String,
    /// Which one of them: an address or path, without credentials.
    pub instance: String,
    /// Whose data it holds.
    pub tenant: String,
}

impl Identity {
    /// This instance of a kind of system.
    pub fn new(system: impl Into<String>, instance: impl Into<String>) -> Self {
        Self { system: system.into(), instance: instance.into(), tenant: String::new() }
    }

    /// Sets whose data it holds.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }
}

/// What a connector can do; it starts at nothing.
///
/// It is the only way to ask, and the conformance suite tests it in both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Capability {
    /// It honours [`ReadRequest::page_size`], and never gives a larger page.
    pub page_size: bool,
    /// It honours [`ReadRequest::since`]: a page's resume token gives what changed after it.
    pub delta: bool,
    /// Whether one reading sees the system at one moment.
    pub consistency: Consistency,
}

/// One named kind of record in a system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Resource {
    /// Its name, as [`ReadRequest::resource`] takes it.
    pub name: String,
    /// Its fields; those that identify a record have the role key.
    pub schema: Schema,
}

impl Resource {
    /// A resource of this name whose records have these fields.
    pub fn new(name: impl Into<String>, schema: Schema) -> Self {
        Self { name: name.into(), schema }
    }
}

/// Where a reading stands; only the connector that gave it can tell what it means.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// A cursor of the connector's own making.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What the connector wrote.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Asks for one page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReadRequest {
    /// The resource to read.
    pub resource: String,
    /// The page after the one that gave this cursor; `None` for the first.
    pub cursor: Option<Cursor>,
    /// Only what changed after the reading that gave this token.
    pub since: Option<Cursor>,
    /// The most records the page may have.
    pub page_size: Option<usize>,
}

impl ReadRequest {
    /// Asks for the first page of a resource.
    pub fn new(resource: impl Into<String>) -> Self {
        Self { resource: resource.into(), ..Self::default() }
    }

    /// Asks for the page after the one that gave this cursor.
    #[must_use]
    pub fn with_cursor(mut self, cursor: Cursor) -> Self {
        self.cursor = Some(cursor);
        self
    }

    /// Asks only for what changed after the reading that gave this token.
    #[must_use]
    pub fn with_since(mut self, since: Cursor) -> Self {
        self.since = Some(since);
        self
    }

    /// Bounds the number of records.
    #[must_use]
    pub fn with_page_size(mut self, page_size: usize) -> Self {
        self.page_size = Some(page_size);
        self
    }
}

/// One page of records.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The records; an empty batch is a page without records, which may stand anywhere, but not
    /// [`Page::MOST_EMPTY`] times in a row.
    pub records: RecordBatch,
    /// In a delta: what is no longer there.
    pub removed: Vec<Removed>,
    /// Where the next page is; `None` after the last.
    pub next: Option<Cursor>,
    /// On the last page, where it can: the token a later delta goes on from.
    pub resume: Option<Cursor>,
    /// What the whole reading covers, as far as this page can tell.
    pub coverage: Coverage,
}

impl Page {
    /// So many pages in a row without a record, and another to come, are a reading without end.
    pub const MOST_EMPTY: usize = 1_000;

    /// The last page of a complete reading.
    pub fn new(records: RecordBatch) -> Self {
        Self {
            records,
            removed: Vec::new(),
            next: None,
            resume: None,
            coverage: Coverage::Complete,
        }
    }

    /// Sets where the next page is.
    #[must_use]
    pub fn with_next(mut self, next: Option<Cursor>) -> Self {
        self.next = next;
        self
    }

    /// Sets the token a later delta goes on from.
    #[must_use]
    pub fn with_resume(mut self, resume: Option<Cursor>) -> Self {
        self.resume = resume;
        self
    }

    /// Sets what is no longer there.
    #[must_use]
    pub fn with_removed(mut self, removed: Vec<Removed>) -> Self {
        self.removed = removed;
        self
    }

    /// Sets what the reading covers.
    #[must_use]
    pub fn with_coverage(mut self, coverage: Coverage) -> Self {
        self.coverage = coverage;
        self
    }
}

/// A record that is no longer there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Removed {
    /// The values of its key fields, in the order of the schema.
    Key(Vec<Value>),
    /// The system's own identifier.
    Id(String),
}

/// What goes along with every call: whether to stop, and whom to tell of progress.
///
/// ```
/// use trueup_connector::{Context, Kind};
///
/// let context = Context::new();
/// context.cancel();
/// assert_eq!(context.check().unwrap_err().kind(), Kind::Cancelled);
/// ```
#[derive(Clone, Default)]
pub struct Context {
    cancelled: Arc<AtomicBool>,
    progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

/// How far a piece of work is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done: `read`, `fingerprint`, `compare`, …
    pub stage: &'static str,
    /// How many rows are done.
    pub done: u64,
    /// How many there are, where that is known.
    pub total: Option<u64>,
}

impl Context {
    /// A context that nobody has cancelled and nobody listens to.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `listener` as work goes on: from any thread, and not too often.
    #[must_use]
    pub fn with_progress(mut self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(listener));
        self
    }

    /// Asks the work that goes with this context, or a clone of it, to stop.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the work was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Fails where the work was asked to stop.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn check(&self) -> Result<()> {
        match self.is_cancelled() {
            true => {
                Err(Error::new(Kind::Cancelled, "cancelled by the caller; nothing was changed"))
            }
            false => Ok(()),
        }
    }

    /// Tells the listener, if there is one.
    pub fn report(&self, stage: &'static str, done: u64, total: Option<u64>) {
        if let Some(listener) = &self.progress {
            listener(Progress { stage, done, total });
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listened = self.progress.is_some();
        f.debug_struct("Context")
            .field("cancelled", &self.cancelled)
            .field("listened", &listened)
            .finish()
    }
}

/// Conveniences for the callers of a [`Connector`]; every connector has them.
#[async_trait]
pub trait ConnectorExt: Connector {
    /// Reads a whole resource.
    ///
    /// A connector that breaks the contract (a cursor that stands twice, a page of other columns, no
    /// end of empty pages) is an error of kind `protocol`; no part of a reading is ever returned for
    /// the whole.
    ///
    /// # Errors
    /// Those of [`Connector::read_page`]; `not_found` for an unknown resource, with the nearest name.
    async fn read(&self, context: Context, resource: &str) -> Result<Snapshot> {
        let resource = find(self.describe(context.clone()).await?, resource)?;
        let mut reading = Reading::new(resource);
        while let Some(request) = reading.request() {
            context.check()?;
            let page = self.read_page(context.clone(), request).await?;
            reading.take(page)?;
            context.report("read", reading.rows, None);
        }
        reading.finish(&self.identity(), self.capability().consistency)
    }
}

impl<C: Connector + ?Sized> ConnectorExt for C {}

fn find(resources: Vec<Resource>, name: &str) -> Result<Resource> {
    let names: Vec<String> = resources.iter().map(|resource| resource.name.clone()).collect();
    resources.into_iter().find(|resource| resource.name == name).ok_or_else(|| {
        let known = suggest(name, names.iter().map(String::as_str));
        Error::new(Kind::NotFound, format!("there is no resource `{name}`{known}"))
    })
}

/// A reading under way: it holds the connector to its promises.
struct Reading {
    resource: Resource,
    batches: Vec<RecordBatch>,
    rows: u64,
    empty: usize,
    cursor: Option<Cursor>,
    seen: HashSet<Cursor>,
    coverage: Option<Coverage>,
    resume: Option<Cursor>,
    done: bool,
}

impl Reading {
    fn new(resource: Resource) -> Self {
        let (batches, seen) = (Vec::new(), HashSet::new());
        let (cursor, coverage, resume) = (None, None, None);
        let (rows, empty, done) = (0, 0, false);
        Self { resource, batches, rows, empty, cursor, seen, coverage, resume, done }
    }

    fn request(&self) -> Option<ReadRequest> {
        let mut request = ReadRequest::new(&self.resource.name);
        request.cursor.clone_from(&self.cursor);
        (!self.done).then_some(request)
    }

    fn take(&mut self, page: Page) -> Result<()> {
        self.check_schema(&page.records)?;
        if !page.removed.is_empty() {
            return Err(self.broken("a page of a whole reading names removed records"));
        }
        if let Some(next) = page.next.iter().find(|next| !self.seen.insert(Cursor::clone(next))) {
            return Err(self.broken(&format!("the cursor `{}` was given twice", next.as_str())));
        }
        self.empty = if page.records.num_rows() == 0 { self.empty + 1 } else { 0 };
        if self.empty == Page::MOST_EMPTY && page.next.is_some() {
            let message = format!("{} pages in a row have no record", self.empty);
            return Err(self.broken(&message));
        }
        self.rows += page.records.num_rows() as u64;
        self.batches.push(page.records);
        self.coverage = Some(weaker(self.coverage.take(), page.coverage));
        self.done = page.next.is_none();
        (self.cursor, self.resume) = (page.next, page.resume);
        Ok(())
    }

    fn check_schema(&self, records: &RecordBatch) -> Result<()> {
        let got = Schema::from_arrow(&records.schema())?;
        let (want, got) = (self.resource.schema.fields(), got.fields());
        let same = want.len() == got.len()
            && want.iter().zip(got).all(|(want, got)| want.name == got.name && want.ty == got.ty);
        if same {
            return Ok(());
        }
        let list = |fields: &[crate::record::Field]| {
            let fields: Vec<_> = fields.iter().map(|f| format!("{} {}", f.name, f.ty)).collect();
            fields.join(", ")
        };
        let message = format!("a page has the columns {}, not {}", list(got), list(want));
        Err(self.broken(&message))
    }

    fn broken(&self, message: &str) -> Error {
        Error::new(Kind::Protocol, format!("the connector broke its contract: {message}"))
            .with("resource", &self.resource.name)
    }

    fn finish(self, identity: &Identity, consistency: Consistency) -> Result<Snapshot> {
        let arrow = match self.batches.first() {
            Some(batch) => self.resource.schema.annotate(&batch.schema()),
            None => self.resource.schema.to_arrow(),
        };
        let mut provenance =
            Provenance::read(&identity.system, &self.resource.name).with_tenant(&identity.tenant);
        provenance.cursor = self.resume.map(|cursor| cursor.as_str().to_owned());
        let batches = self.batches.into_iter().map(|batch| batch.with_schema(arrow.clone()));
        let batches = batches.collect::<Result<Vec<_>, _>>();
        let batches = batches.map_err(|cause| {
            Error::new(
                Kind::Protocol,
                format!("the pages of a reading have different columns: {cause}"),
            )
        })?;
        let snapshot = Snapshot::new(arrow, batches)?.with_provenance(provenance);
        let coverage = self.coverage.unwrap_or(Coverage::Partial);
        Ok(snapshot.with_coverage(coverage).with_consistency(consistency))
    }
}

/// What two pages cover together: what both say, or only some records.
fn weaker(a: Option<Coverage>, b: Coverage) -> Coverage {
    match a {
        None => b,
        Some(a) if a == b => a,
        Some(_) => Coverage::Partial,
    }
}
