//! A connector in memory.

mod cursor;
mod record;
mod table;
mod writer;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trueup_connector::{
    Capability, Connector, Consistency, Context, Coverage, Cursor, Error, Identity, Kind, Page,
    ReadRequest, Resource, Result, Snapshot, Value, Writer, async_trait, suggest,
};

use cursor::{Place, Seal};
use table::Table;
pub use table::rows;
pub use writer::Fault;
use writer::{MemoryWriter, Writes};

/// A connector whose system is memory: the simplest one that keeps every promise.
///
/// Clones share their records, so that a test can change what a connector reads. A reading sees the
/// records as they were when it began.
///
/// ```
/// use trueup_connector::{ConnectorExt, Context, Value};
/// use trueup_testkit::{Memory, block_on, rows};
///
/// let memory = Memory::new().with_resource("devices", rows(&["serial"], r#"[{"serial":"A1"}]"#));
/// memory.set("devices", &rows(&["serial"], r#"[{"serial":"B2"}]"#))?;
/// memory.remove("devices", &[Value::from("A1")])?;
/// let snapshot = block_on(memory.read(Context::new(), "devices"))?;
/// assert_eq!(snapshot.rows(), 1);
/// # Ok::<(), trueup_connector::Error>(())
/// ```
#[derive(Clone)]
pub struct Memory {
    identity: Identity,
    capability: Capability,
    page: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    tables: BTreeMap<String, Table>,
    broken: bool,
    writes: Writes,
}

/// How many records a page has where nobody asks for another number.
const PAGE: usize = 100;

impl Memory {
    /// A system without resources, that claims page sizes and readings of one moment.
    pub fn new() -> Self {
        let mut capability = Capability::default();
        (capability.page_size, capability.consistency) = (true, Consistency::Snapshot);
        let identity = Identity::new("memory", "testkit");
        Self { identity, capability, page: PAGE, state: Arc::default() }
    }

    /// Adds a resource with these records; roles and facts are those of the snapshot's fields.
    #[must_use]
    pub fn with_resource(self, name: impl Into<String>, records: Snapshot) -> Self {
        let mut state = self.state();
        state.tables.insert(name.into(), Table::new(&records));
        state.open_to_writes();
        drop(state);
        self
    }

    /// Sets what the readings of a resource say they cover; `complete` without this.
    ///
    /// It is only said: which records there are is another matter. Unknown resources stay unknown.
    #[must_use]
    pub fn with_coverage(self, name: &str, coverage: Coverage) -> Self {
        if let Some(table) = self.state().tables.get_mut(name) {
            table.coverage = coverage;
        }
        self
    }

    /// Claims deltas, and gives them.
    #[must_use]
    pub fn with_delta(mut self) -> Self {
        self.capability.delta = true;
        self
    }

    /// Claims no page size, and refuses one.
    #[must_use]
    pub fn without_page_size(mut self) -> Self {
        self.capability.page_size = false;
        self
    }

    /// Sets how many records a page has where nobody asks for another number; at least one.
    #[must_use]
    pub fn with_page(mut self, records: usize) -> Self {
        self.page = records.max(1);
        self
    }

    /// Sets which system it says it is.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }

    /// Sets whose data it says it holds.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.identity = self.identity.with_tenant(tenant);
        self
    }

    /// Makes or replaces records: all records with one of these keys become these.
    ///
    /// # Errors
    /// `not_found` for an unknown resource, `invalid` for one without a key, `data` for other columns.
    pub fn set(&self, name: &str, records: &Snapshot) -> Result<()> {
        self.state().table(name)?.set(records)
    }

    /// Removes the records with this key; its values stand in the order of the schema.
    ///
    /// # Errors
    /// `not_found` for an unknown resource, or a key that no record has.
    pub fn remove(&self, name: &str, key: &[Value]) -> Result<()> {
        self.state().table(name)?.remove(key)
    }

    /// The records of a resource as they are now.
    ///
    /// # Errors
    /// `not_found` for an unknown resource.
    pub fn snapshot(&self, name: &str) -> Result<Snapshot> {
        self.state().table(name)?.snapshot()
    }

    /// From now on every call that would look at the system is `unavailable`.
    pub fn break_down(&self) {
        self.state().broken = true;
    }

    /// The system is there again.
    pub fn mend(&self) {
        self.state().broken = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, where the system is there to be looked at.
    fn reach(&self, context: &Context) -> Result<MutexGuard<'_, State>> {
        context.check()?;
        let state = self.state();
        match state.broken {
            true => Err(Error::new(Kind::Unavailable, "the system in memory is broken down")),
            false => Ok(state),
        }
    }

    fn check_claims(&self, request: &ReadRequest) -> Result<()> {
        let beyond = |what: &str| {
            Err(Error::new(Kind::Unsupported, format!("this connector has no {what}")))
        };
        match request {
            ReadRequest { page_size: Some(_), .. } if !self.capability.page_size => {
                beyond("page size")
            }
            ReadRequest { since: Some(_), .. } if !self.capability.delta => beyond("deltas"),
            ReadRequest { page_size: Some(0), .. } => {
                Err(Error::new(Kind::Invalid, "a page of `0` records comes to no end"))
            }
            _ => Ok(()),
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl State {
    /// Where it can be written, every field of data or key can be set.
    fn open_to_writes(&mut self) {
        if self.writes.idempotency.is_some() {
            self.tables.values_mut().for_each(Table::set_writable);
        }
    }

    fn table(&mut self, name: &str) -> Result<&mut Table> {
        if !self.tables.contains_key(name) {
            let known = suggest(name, self.tables.keys().map(String::as_str));
            let message = format!("there is no resource `{name}`{known}");
            return Err(Error::new(Kind::NotFound, message));
        }
        let missing = || Error::new(Kind::Internal, "a resource is gone");
        self.tables.get_mut(name).ok_or_else(missing)
    }
}

#[async_trait]
impl Connector for Memory {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn capability(&self) -> Capability {
        self.capability.clone()
    }

    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        let state = self.reach(&context)?;
        let tables = state.tables.iter();
        Ok(tables.map(|(name, table)| Resource::new(name, table.schema.clone())).collect())
    }

    async fn check(&self, context: Context) -> Result<()> {
        self.reach(&context).map(drop)
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        let mut state = self.reach(&context)?;
        let table = state.table(&request.resource)?;
        self.check_claims(&request)?;
        let seal = Seal::new(&self.identity, &request.resource);
        let since = request.since.as_ref().map(|token| seal.open_token(token, table.latest()));
        let since = since.transpose()?;
        let place = match &request.cursor {
            Some(cursor) => seal.open_cursor(cursor, since, table.latest())?,
            None => Place { since, version: table.latest(), offset: 0 },
        };
        let size = request.page_size.unwrap_or(self.page);
        let slice = table.slice(&place, size)?;
        let next = slice.next.map(|offset| seal.cursor(&Place { offset, ..place.clone() }));
        let last = next.is_none() && self.capability.delta && !table.schema.key().is_empty();
        let resume: Option<Cursor> = last.then(|| seal.token(place.version));
        let page = Page::new(slice.records).with_removed(slice.removed).with_next(next);
        Ok(page.with_resume(resume).with_coverage(table.coverage.clone()))
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        self.state().writes.idempotency?;
        Some(Arc::new(MemoryWriter(self.clone())))
    }
}
