//! Connectors: those that come along, and those of Swift, called in one way.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use trueup::runtime::{self, Reader};
use trueup::{Connector, ConnectorExt, Context, Cursor, Error, Kind, Page, ReadRequest, Result};
use trueup_bindings::layers;
use trueup_bindings::page::{self, HostConnector};
use trueup_bindings::write::Mishaps;
use trueup_files::{Files, Settings};
use trueup_sql::{Postgres, PostgresConfig, Secret, Sqlite, SqliteConfig};

use crate::call::Call;
use crate::errors::Told;
use crate::host::{Host, SwiftHost};
use crate::snapshot::{self, Snapshot};
use crate::table::{self, Table};
use crate::wire;

/// A system that can be read, and maybe written.
#[derive(uniffi::Object)]
pub struct Source(System);

#[derive(Clone)]
pub(crate) enum System {
    Built(Arc<dyn Connector>, Option<Mishaps>),
    Swift(SwiftHost),
}

/// A connector, and what comes out of its `apply` where Swift wrote it.
pub(crate) type Opened = (Arc<dyn Connector>, Option<Mishaps>);

/// What a system said, kept.
#[derive(uniffi::Object)]
pub struct Tape(runtime::Tape);

#[uniffi::export]
impl Tape {
    /// It, as JSON lines.
    pub fn text(&self) -> Told<String> {
        Ok(layers::tape_text(&self.0)?)
    }
}

/// A system whose answers are kept.
#[derive(uniffi::Record)]
pub struct Recorded {
    /// The system.
    pub source: Arc<Source>,
    /// What keeps its answers.
    pub tape: Arc<Tape>,
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
        Ok(Self(System::Built(Arc::new(Files::new(settings)?), None)))
    }

    /// A connector written in Swift.
    #[uniffi::constructor]
    pub fn host(host: Arc<dyn Host>) -> Self {
        Self(System::Swift(SwiftHost(host)))
    }

    /// The system that says what is on a tape.
    #[uniffi::constructor]
    pub fn replay(tape: String) -> Told<Self> {
        Ok(Self(System::Built(layers::replay(&tape)?, None)))
    }

    /// The system within layers.
    pub async fn within(&self, layers: String, call: Arc<Call>) -> Told<Arc<Source>> {
        let layers: Json = wire::read(&layers, "the layers")?;
        let (connector, mishaps) = self.opened(&call).await?;
        Ok(Arc::new(Self(System::Built(layers::wrap(connector, layers)?, mishaps))))
    }

    /// The system, whose answers are kept.
    pub async fn record(&self, call: Arc<Call>) -> Told<Recorded> {
        let (connector, mishaps) = self.opened(&call).await?;
        let (connector, tape) = layers::record(connector);
        let source = Arc::new(Self(System::Built(connector, mishaps)));
        Ok(Recorded { source, tape: Arc::new(Tape(tape)) })
    }

    /// What it says of itself, as JSON.
    pub async fn describe(&self, call: Arc<Call>) -> Told<String> {
        let system = self.0.clone();
        call.read(|context| async move {
            let (connector, _) = system.open(&context).await?;
            page::describe(connector.as_ref(), context).await.map(|said| said.to_string())
        })
        .await
    }

    /// Whether it can be read.
    pub async fn check(&self, call: Arc<Call>) -> Told<()> {
        let system = self.0.clone();
        call.read(|context| async move { system.open(&context).await?.0.check(context).await })
            .await
    }

    /// A whole resource.
    pub async fn read(
        &self,
        resource: String,
        page_size: Option<u64>,
        call: Arc<Call>,
    ) -> Told<Arc<Snapshot>> {
        let (system, request) = (self.0.clone(), request(resource, None, None, page_size));
        call.read(|context| async move {
            let (connector, _) = system.open(&context).await?;
            let read = Reader::new().read_all(connector.as_ref(), context, request).await;
            read.map(snapshot::shared)
        })
        .await
    }

    /// What changed in a resource since a reading.
    pub async fn read_delta(
        &self,
        resource: String,
        since: String,
        page_size: Option<u64>,
        call: Arc<Call>,
    ) -> Told<ReadDelta> {
        let (system, request) = (self.0.clone(), request(resource, None, Some(since), page_size));
        call.read(|context| async move {
            let (connector, _) = system.open(&context).await?;
            let delta = connector.read_delta(context, request).await?;
            let removed = json!(delta.removed).to_string();
            Ok(ReadDelta { records: snapshot::shared(delta.records), removed })
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
        let (system, request) = (self.0.clone(), request(resource, cursor, since, page_size));
        call.read(|context| async move {
            let page = system.open(&context).await?.0.read_page(context, request).await?;
            Ok(ReadPage { facts: facts(&page), records: table::shared(page.records) })
        })
        .await
    }
}

impl Source {
    pub(crate) fn system(&self) -> System {
        self.0.clone()
    }

    async fn opened(&self, call: &Call) -> Told<Opened> {
        let system = self.0.clone();
        call.read(|context| async move { system.open(&context).await }).await
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

/// What changed since a reading.
#[derive(uniffi::Record)]
pub struct ReadDelta {
    /// The records that changed, and where to go on from.
    pub records: Arc<Snapshot>,
    /// Those that are gone, as JSON.
    pub removed: String,
}

impl System {
    pub(crate) async fn open(self, context: &Context) -> Result<Opened> {
        match self {
            Self::Built(connector, mishaps) => Ok((connector, mishaps)),
            Self::Swift(host) => {
                let connector = HostConnector::open(host, context.clone()).await?;
                let mishaps = connector.mishaps().clone();
                Ok((Arc::new(connector), Some(mishaps)))
            }
        }
    }
}

fn built(connector: impl Connector + 'static) -> Arc<Source> {
    Arc::new(Source(System::Built(Arc::new(connector), None)))
}

fn request(
    resource: String,
    cursor: Option<String>,
    since: Option<String>,
    page_size: Option<u64>,
) -> ReadRequest {
    let mut request = ReadRequest::new(resource);
    request.cursor = cursor.map(Cursor::new);
    request.since = since.map(Cursor::new);
    request.page_size = page_size.map(|size| size as usize);
    request
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
