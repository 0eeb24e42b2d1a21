//! What a system's connector owes: saying what there is, and reading it page by page.
//!
//! A connector knows its system's protocol and nothing else: not the engine, not another connector.
//! Everything that goes in and comes out is owned, so that a connector may be written in any of the
//! host languages.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::Result;
use crate::record::{Schema, Value};
use crate::snapshot::{Consistency, Coverage};
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
