//! The connector.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trueup_connector::{
    Capability, Connector, Consistency, Context, Identity, Page, ReadRequest, Resource, Result,
    Writer, async_trait,
};

use super::catalog::Described;
use super::config::PostgresConfig;
use super::reading::{self, Job};
use super::session::{Session, unless_stopped};
use super::writer::PostgresWriter;
use crate::ask::Stop;
use crate::readings::{self, Readings};
use crate::source::{Source, check_names};

/// Reads the tables and queries of a PostgreSQL database (12 and later), and writes its tables.
///
/// Every reading has a connection and a read-only, repeatable-read transaction of its own, so it sees
/// the database at one moment and keeps nobody from writing. Between readings there is no
/// connection; a writer keeps some that wait for its next call.
///
/// It works inside a Tokio runtime.
///
/// ```no_run
/// # use trueup_connector::{ConnectorExt, Context};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use trueup_sql::{Postgres, PostgresConfig, Secret};
///
/// let config = PostgresConfig::new("db.example.org", "assets", "reader")
///     .with_password(Secret::new("open sesame"));
/// let inventory = Postgres::connect(config).await?.with_table("inventory.packages");
/// let snapshot = inventory.read(Context::new(), "inventory.packages").await?;
/// # Ok(())
/// # }
/// ```
pub struct Postgres {
    config: Arc<PostgresConfig>,
    readings: Readings,
    described: Mutex<HashMap<String, Arc<Described>>>,
}

impl Postgres {
    /// A connector to this database, once it has been reached.
    ///
    /// # Errors
    /// `unavailable` where the server cannot be reached, `unauthenticated` where it does not take the
    /// password, `not_found` where it has no such database, `invalid` for settings that contradict
    /// each other.
    pub async fn connect(config: PostgresConfig) -> Result<Self> {
        check_names(&config.resources)?;
        let config = Arc::new(config);
        Session::open(&config).await?.close().await;
        Ok(Self { config, readings: Readings::new(), described: Mutex::default() })
    }

    /// Adds a table or a view as a resource of its name: `packages` or `inventory.packages`.
    ///
    /// Names are exact: upper and lower case are different. A name without a schema is looked for
    /// where the server does so (`search_path`).
    #[must_use]
    pub fn with_table(self, table: impl Into<String>) -> Self {
        self.with_source(Source::table(table))
    }

    /// Adds what a query gives as a resource; `key` names the columns that identify a record.
    #[must_use]
    pub fn with_query<K: Into<String>>(
        self,
        name: impl Into<String>,
        query: impl Into<String>,
        key: impl IntoIterator<Item = K>,
    ) -> Self {
        self.with_source(Source::query(name, query, key))
    }

    fn with_source(mut self, source: Source) -> Self {
        Arc::make_mut(&mut self.config).resources.push(source);
        self
    }

    fn described(&self) -> MutexGuard<'_, HashMap<String, Arc<Described>>> {
        self.described.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn session(&self, context: &Context) -> Result<Session> {
        context.check()?;
        check_names(&self.config.resources)?;
        Session::open(&self.config).await
    }
}

#[async_trait]
impl Connector for Postgres {
    fn identity(&self) -> Identity {
        Identity::new("postgres", self.config.instance()).with_tenant(&self.config.tenant)
    }

    fn capability(&self) -> Capability {
        let mut capability = Capability::default();
        capability.page_size = true;
        capability.consistency = Consistency::Snapshot;
        capability
    }

    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        let (_waits, stop) = Stop::new(&context);
        let describe = async {
            let session = self.session(&context).await?;
            let all = session.describe_all().await?;
            session.close().await;
            Ok(all)
        };
        let all = unless_stopped(&stop, describe).await?;
        let resource = |one: &Described| Resource::new(&one.shape.name, one.schema.clone());
        let resources = all.iter().map(resource).collect();
        let all = all.into_iter().map(|one| (one.shape.name.clone(), Arc::new(one)));
        *self.described() = all.collect();
        Ok(resources)
    }

    async fn check(&self, context: Context) -> Result<()> {
        let (_waits, stop) = Stop::new(&context);
        let check = async {
            let session = self.session(&context).await?;
            session.check().await?;
            session.close().await;
            Ok(())
        };
        unless_stopped(&stop, check).await
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
        let id = self.readings.start(&request.resource, |desk| Ok(reading::start(job, desk)))?;
        self.readings.first(id, context, &request).await
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        Some(Arc::new(PostgresWriter::new(self.config.clone())))
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("config", &self.config).finish_non_exhaustive()
    }
}
