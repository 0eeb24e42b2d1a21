//! The connector.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;
use trueup_connector::{
    Capability, Connector, Consistency, Context, Error, Identity, Kind, LogicalType, Page,
    ReadRequest, Resource, Result, Writer, async_trait,
};

use super::catalog::Described;
use super::config::SqliteConfig;
use super::database::Database;
use super::reading::{self, Job};
use super::writer::SqliteWriter;
use crate::ask::Stop;
use crate::readings::{self, Readings};
use crate::source::{Source, check_names};

/// Reads the tables and queries of an SQLite database file, and writes its tables.
///
/// Every reading has a connection and a read transaction of its own, so it sees the database at one
/// moment, and writers go on beside it where the file is in WAL mode. To read, the file is opened
/// for reading only.
///
/// It needs no async runtime: the work is done on threads of its own.
///
/// ```
/// # use trueup_connector::{ConnectorExt, Context};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("inventory.db");
/// # rusqlite::Connection::open(&path)?.execute_batch(
/// #     "create table packages (name text primary key, kib int);
/// #      insert into packages values ('bash', 7164), ('vim', 3712);")?;
/// let inventory = trueup_sql::Sqlite::open(&path)?.with_table("packages");
/// let snapshot = inventory.read(Context::new(), "packages").await?;
/// assert_eq!(snapshot.rows(), 2);
/// assert_eq!(snapshot.schema().key(), ["name"]);
/// # Ok(())
/// # }
/// ```
pub struct Sqlite {
    config: Arc<SqliteConfig>,
    readings: Readings,
    described: Mutex<HashMap<String, Arc<Described>>>,
}

impl Sqlite {
    /// A connector to this file, whose resources are its tables.
    ///
    /// # Errors
    /// `not_found` where there is no such file, `data` where it is no database, `unavailable` where
    /// it is locked.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Self::from_config(SqliteConfig::new(path))
    }

    /// A connector with these settings.
    ///
    /// # Errors
    /// As [`Sqlite::open`]; `invalid` for settings that contradict each other.
    pub fn from_config(config: SqliteConfig) -> Result<Self> {
        check_names(&config.resources)?;
        let config = Arc::new(config);
        Database::open(&config)?;
        Ok(Self { config, readings: Readings::new(), described: Mutex::default() })
    }

    /// Adds a table or a view as a resource of its name.
    #[must_use]
    pub fn with_table(self, table: impl Into<String>) -> Self {
        self.change(|config| config.resources.push(Source::table(table)))
    }

    /// Adds what a query gives as a resource; `key` names the columns that identify a record.
    #[must_use]
    pub fn with_query<K: Into<String>>(
        self,
        name: impl Into<String>,
        query: impl Into<String>,
        key: impl IntoIterator<Item = K>,
    ) -> Self {
        self.change(|config| config.resources.push(Source::query(name, query, key)))
    }

    /// States the type of a column, whatever it was declared as.
    #[must_use]
    pub fn with_type(
        self,
        resource: impl Into<String>,
        column: impl Into<String>,
        ty: LogicalType,
    ) -> Self {
        self.change(|config| {
            config.types.entry(resource.into()).or_default().insert(column.into(), ty);
        })
    }

    fn change(mut self, change: impl FnOnce(&mut SqliteConfig)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    fn described(&self) -> MutexGuard<'_, HashMap<String, Arc<Described>>> {
        self.described.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on a view of the database, on a thread of its own.
    async fn look<T: Send + 'static>(
        &self,
        context: Context,
        look: impl FnOnce(&Database) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        context.check()?;
        check_names(&self.config.resources)?;
        let config = self.config.clone();
        let open = move |stop: &Stop| {
            let database = Database::open(&config)?;
            database.work_for(stop);
            look(&database)
        };
        work(&context, open).await
    }
}

/// Works on a thread of its own.
pub(crate) async fn work<T: Send + 'static>(
    context: &Context,
    work: impl FnOnce(&Stop) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (reply, answer) = oneshot::channel();
    let (_waits, stop) = Stop::new(context);
    let thread = thread::Builder::new().name("trueup-sqlite".into());
    thread.spawn(move || drop(reply.send(work(&stop)))).map_err(|cause| {
        Error::new(Kind::Unavailable, "cannot start a thread to work on").with_source(cause)
    })?;
    answer.await.map_err(|_| Error::new(Kind::Internal, "the thread that works has ended"))?
}

#[async_trait]
impl Connector for Sqlite {
    fn identity(&self) -> Identity {
        let instance = self.config.path.display().to_string();
        Identity::new("sqlite", instance).with_tenant(&self.config.tenant)
    }

    fn capability(&self) -> Capability {
        let mut capability = Capability::default();
        capability.page_size = true;
        capability.consistency = Consistency::Snapshot;
        capability
    }

    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        let all = self.look(context, Database::describe_all).await?;
        let resource = |one: &Described| Resource::new(&one.shape.name, one.schema.clone());
        let resources = all.iter().map(resource).collect();
        let all = all.into_iter().map(|one| (one.shape.name.clone(), Arc::new(one)));
        *self.described() = all.collect();
        Ok(resources)
    }

    async fn check(&self, context: Context) -> Result<()> {
        self.look(context, Database::check).await
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        context.check()?;
        readings::check(&request)?;
        if let Some(cursor) = &request.cursor {
            return self.readings.next(cursor, context, &request).await;
        }
        check_names(&self.config.resources)?;
        let earlier = self.described().get(&request.resource).cloned();
        let (config, resource) = (self.config.clone(), request.resource.clone());
        let job = Job { config, resource, earlier };
        let id = self.readings.start(&request.resource, |desk| reading::start(job, desk))?;
        self.readings.first(id, context, &request).await
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        Some(Arc::new(SqliteWriter::new(self.config.clone())))
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("config", &self.config).finish_non_exhaustive()
    }
}
