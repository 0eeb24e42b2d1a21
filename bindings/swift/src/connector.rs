//! Connectors: those that come along, and those of Swift, called in one way.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use trueup::{Connector, ConnectorExt, Context, Cursor, Error, Kind, Page, ReadRequest, Result};
use trueup_bindings::page::HostConnector;
use trueup_files::{Files, Settings};
use trueup_sql::{Postgres, PostgresConfig, Secret, Sqlite, SqliteConfig};

use crate::call::Call;
use crate::errors::Told;
use crate::host::{Host, SwiftHost};
use crate::snapshot::{self, Snapshot};
use crate::table::Table;
use crate::wire;

/// A system that can be read.
#[derive(uniffi::Object)]
pub struct Source(System);

#[derive(Clone)]
enum System {
    Built(Arc<dyn Connector>),
    Swift(SwiftHost),
}

/// An SQLite file; it is opened in the background.
#[uniffi::export]
pub async fn open_sqlite(config: String, call: Arc<Call>) -> Told<Arc<Source>> {
    let config: SqliteConfig = read(&config, "sqlite")?;
    call.start(|_| Sqlite::from_config(config).map(built)).await
}

/// Connects; the password stands apart from the settings, or in the address.
#[uniffi::export]
pub async fn connect_postgres(
    config: String,
    url: Option<String>,
    password: Option<String>,
    call: Arc<Call>,
) -> Told<Arc<Source>> {
    let config = postgres(&config, url.as_deref(), password)?;
    call.read(|_| async move { Postgres::connect(config).await.map(built) }).await
}

#[uniffi::export]
impl Source {
    /// Files; settings as JSON.
    #[uniffi::constructor]
    pub fn files(settings: String) -> Told<Self> {
        let settings: Settings = read(&settings, "files")?;
        Ok(Self(System::Built(Arc::new(Files::new(settings)?))))
    }

    /// A connector written in Swift.
    #[uniffi::constructor]
    pub fn host(host: Arc<dyn Host>) -> Self {
        Self(System::Swift(SwiftHost(host)))
    }

    /// What it says of itself, as JSON.
    pub async fn describe(&self, call: Arc<Call>) -> Told<String> {
        let system = self.0.clone();
        call.read(|context| async move {
            let connector = system.open(&context).await?;
            description(&*connector, context).await.map(|said| said.to_string())
        })
        .await
    }

    /// Whether it can be read.
    pub async fn check(&self, call: Arc<Call>) -> Told<()> {
        let system = self.0.clone();
        call.read(|context| async move { system.open(&context).await?.check(context).await }).await
    }

    /// A whole resource.
    pub async fn read(&self, resource: String, call: Arc<Call>) -> Told<Arc<Snapshot>> {
        let system = self.0.clone();
        call.read(|context| async move {
            let connector = system.open(&context).await?;
            connector.read(context, &resource).await.map(snapshot::shared)
        })
        .await
    }

    /// One page.
    pub async fn read_page(
        &self,
        resource: String,
        cursor: Option<String>,
        since: Option<String>,
        page_size: Option<u64>,
        call: Arc<Call>,
    ) -> Told<ReadPage> {
        let mut request = ReadRequest::new(resource);
        request.cursor = cursor.map(Cursor::new);
        request.since = since.map(Cursor::new);
        request.page_size = page_size.map(|size| size as usize);
        let system = self.0.clone();
        call.read(|context| async move {
            let page = system.open(&context).await?.read_page(context, request).await?;
            Ok(ReadPage { facts: facts(&page), records: Arc::new(page.records.into()) })
        })
        .await
    }
}

/// One page, as a connector gave it.
#[derive(uniffi::Record)]
pub struct ReadPage {
    /// What the page says beside its records, as JSON.
    pub facts: String,
    /// The records.
    pub records: Arc<Table>,
}

impl System {
    async fn open(self, context: &Context) -> Result<Arc<dyn Connector>> {
        match self {
            Self::Built(connector) => Ok(connector),
            Self::Swift(host) => Ok(Arc::new(HostConnector::open(host, context.clone()).await?)),
        }
    }
}

fn built(connector: impl Connector + 'static) -> Arc<Source> {
    Arc::new(Source(System::Built(Arc::new(connector))))
}

async fn description(connector: &dyn Connector, context: Context) -> Result<Json> {
    let (identity, able) = (connector.identity(), connector.capability());
    let resources = connector.describe(context).await?;
    let fields = |r: &trueup::Resource| json!({"name": r.name, "fields": r.schema.fields()});
    let resources: Vec<Json> = resources.iter().map(fields).collect();
    Ok(json!({
        "system": identity.system,
        "instance": identity.instance,
        "tenant": identity.tenant,
        "capability": able,
        "resources": resources,
    }))
}

fn facts(page: &Page) -> String {
    let facts = json!({
        "next": page.next,
        "resume": page.resume,
        "removed": page.removed,
        "coverage": page.coverage.to_json(),
    });
    facts.to_string()
}

fn postgres(config: &str, url: Option<&str>, password: Option<String>) -> Result<PostgresConfig> {
    let mut settings: Json = wire::read(config, "the settings of postgres")?;
    let mut secret = password.map(Secret::new);
    if let Some(url) = url {
        let by_url = PostgresConfig::from_url(url)?;
        secret = secret.or(by_url.password.clone());
        settings = over(json!(by_url), settings);
    }
    let mut config: PostgresConfig =
        serde_json::from_value(settings).map_err(|cause| wrong("postgres", &cause))?;
    config.password = secret;
    Ok(config)
}

/// Settings of a connector: plain data, unknown names refused.
fn read<T: DeserializeOwned>(settings: &str, what: &str) -> Result<T> {
    serde_json::from_str(settings).map_err(|cause| wrong(what, &cause))
}

/// Settings that stand over others.
fn over(mut below: Json, above: Json) -> Json {
    if let (Some(below), Json::Object(above)) = (below.as_object_mut(), above) {
        below.extend(above);
    }
    below
}

fn wrong(what: &str, cause: &serde_json::Error) -> Error {
    Error::new(Kind::Invalid, format!("the settings of {what} are wrong: {cause}"))
}
