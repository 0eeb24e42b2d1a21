//! Connectors: those that come along, and those of JavaScript, called in one way.

use std::sync::Arc;

use napi_derive::napi;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use trueup::runtime::{self, Reader};
use trueup::{Connector, ConnectorExt, Context, Cursor, Error, Kind, Page, ReadRequest, Result};
use trueup_bindings::page::{self, HostConnector};
use trueup_bindings::write::Mishaps;
use trueup_bindings::{layers, write};
use trueup_files::{Files, Settings};
use trueup_sql::{Postgres, PostgresConfig, Secret, Sqlite, SqliteConfig};

use crate::errors::OrThrow;
use crate::host::{JsHost, Post};
use crate::snapshot::Snapshot;
use crate::table::Table;
use crate::wire;
use crate::work::Work;

/// A system that can be read, and maybe written.
#[napi]
#[derive(Clone)]
pub struct Source(System);

#[derive(Clone)]
enum System {
    Built(Arc<dyn Connector>, Option<Mishaps>),
    Js(JsHost),
}

/// A connector, and what comes out of its `apply` where JavaScript wrote it.
pub(crate) type Opened = (Arc<dyn Connector>, Option<Mishaps>);

#[napi]
impl Source {
    /// Files; settings as JSON.
    #[napi(factory)]
    pub fn files(settings: String) -> napi::Result<Self> {
        let settings: Settings = read(&settings, "files").or_throw()?;
        Files::new(settings).or_throw().map(Self::built)
    }

    /// An SQLite file; it is opened in the background.
    #[napi]
    pub fn sqlite(config: String) -> napi::Result<Work> {
        let config: SqliteConfig = read(&config, "sqlite").or_throw()?;
        Work::start(|_| Sqlite::from_config(config).map(Self::built))
    }

    /// Connects; the password stands apart from the settings, or in the address.
    #[napi]
    pub fn postgres(
        config: String,
        url: Option<String>,
        password: Option<String>,
    ) -> napi::Result<Work> {
        let config = postgres(&config, url.as_deref(), password).or_throw()?;
        Work::read(|_| async move { Postgres::connect(config).await.map(Self::built) })
    }

    /// A connector written in JavaScript: the function that calls its methods.
    #[napi(factory)]
    pub fn host(#[napi(ts_arg_type = "(call: Call) => void")] post: Post) -> Self {
        Self(System::Js(JsHost::new(post)))
    }

    /// The system that says what is on a tape.
    #[napi(factory)]
    pub fn replay(tape: String) -> napi::Result<Self> {
        layers::replay(&tape).or_throw().map(|connector| Self(System::Built(connector, None)))
    }

    /// What it says of itself, as JSON.
    #[napi]
    pub fn describe(&self) -> napi::Result<Work> {
        let system = self.0.clone();
        Work::read(|context| async move {
            let (connector, _) = system.open(&context).await?;
            page::describe(connector.as_ref(), context).await.map(wire::text)
        })
    }

    /// The same system with what it says of itself known: for runs, and for layers.
    #[napi]
    pub fn opened(&self) -> napi::Result<Work> {
        let system = self.0.clone();
        Work::read(|context| async move {
            let (connector, mishaps) = system.open(&context).await?;
            Ok(Self(System::Built(connector, mishaps)))
        })
    }

    /// An opened system within layers.
    #[napi]
    pub fn within(&self, layers: String) -> napi::Result<Source> {
        let (connector, mishaps) = self.built_in().or_throw()?;
        let layers = wire::parse(&layers, "the layers").or_throw()?;
        let wrapped = layers::wrap(connector, layers).or_throw()?;
        Ok(Self(System::Built(wrapped, mishaps)))
    }

    /// An opened system whose answers are kept.
    #[napi]
    pub fn record(&self) -> napi::Result<Recording> {
        let (connector, mishaps) = self.built_in().or_throw()?;
        let (connector, tape) = layers::record(connector);
        Ok(Recording { source: Self(System::Built(connector, mishaps)), tape })
    }

    /// Whether it can be read.
    #[napi]
    pub fn check(&self) -> napi::Result<Work> {
        let system = self.0.clone();
        Work::read(|context| async move { system.open(&context).await?.0.check(context).await })
    }

    /// A whole resource.
    #[napi]
    pub fn read(&self, resource: String, page_size: Option<u32>) -> napi::Result<Work> {
        let (system, request) = (self.0.clone(), request(resource, None, None, page_size));
        Work::read(|context| async move {
            let (connector, _) = system.open(&context).await?;
            Reader::new().read_all(connector.as_ref(), context, request).await.map(Snapshot)
        })
    }

    /// What changed in a resource since a reading.
    #[napi]
    pub fn read_delta(
        &self,
        resource: String,
        since: String,
        page_size: Option<u32>,
    ) -> napi::Result<Work> {
        let (system, request) = (self.0.clone(), request(resource, None, Some(since), page_size));
        Work::read(|context| async move {
            let (connector, _) = system.open(&context).await?;
            let delta = connector.read_delta(context, request).await?;
            let removed = wire::values(json!(delta.removed));
            Ok(Delta { records: delta.records, removed })
        })
    }

    /// One page.
    #[napi]
    pub fn read_page(
        &self,
        resource: String,
        cursor: Option<String>,
        since: Option<String>,
        page_size: Option<u32>,
    ) -> napi::Result<Work> {
        let (system, request) = (self.0.clone(), request(resource, cursor, since, page_size));
        Work::read(|context| async move {
            let (connector, _) = system.open(&context).await?;
            let page = connector.read_page(context, request).await?;
            Ok(ReadPage { facts: facts(&page), records: page.records })
        })
    }
}

impl Source {
    fn built(connector: impl Connector + 'static) -> Self {
        Self(System::Built(Arc::new(connector), None))
    }

    /// The connector of a system that is open.
    pub(crate) fn built_in(&self) -> Result<Opened> {
        match self.0.clone() {
            System::Built(connector, mishaps) => Ok((connector, mishaps)),
            System::Js(_) => {
                Err(Error::new(Kind::Internal, "a connector is opened before it is used so"))
            }
        }
    }
}

impl System {
    async fn open(self, context: &Context) -> Result<Opened> {
        match self {
            Self::Built(connector, mishaps) => Ok((connector, mishaps)),
            Self::Js(host) => {
                let connector = HostConnector::open(host, context.clone()).await?;
                let mishaps = connector.mishaps().clone();
                Ok((Arc::new(connector), Some(mishaps)))
            }
        }
    }
}

/// A system whose answers are kept.
#[napi]
pub struct Recording {
    source: Source,
    tape: runtime::Tape,
}

#[napi]
impl Recording {
    /// The system.
    #[napi]
    pub fn source(&self) -> Source {
        self.source.clone()
    }

    /// What it said so far, as JSON lines.
    #[napi]
    pub fn tape(&self) -> napi::Result<String> {
        layers::tape_text(&self.tape).or_throw()
    }
}

/// What changed since a reading.
#[napi]
pub struct Delta {
    records: trueup::Snapshot,
    removed: String,
}

#[napi]
impl Delta {
    /// The records that were made or changed.
    #[napi]
    pub fn records(&self) -> Snapshot {
        Snapshot(self.records.clone())
    }

    /// Those that are gone, as JSON.
    #[napi]
    pub fn removed(&self) -> String {
        self.removed.clone()
    }
}

/// One page, as a connector gave it.
#[napi]
pub struct ReadPage {
    facts: String,
    records: arrow_array::RecordBatch,
}

#[napi]
impl ReadPage {
    /// What the page says beside its records, as JSON.
    #[napi]
    pub fn facts(&self) -> String {
        self.facts.clone()
    }

    /// The records.
    #[napi]
    pub fn records(&self) -> Table {
        Table(self.records.clone().into())
    }
}

/// What the record as it is now means for a change; both as JSON.
#[napi]
pub fn standing_of(change: String, record: String) -> napi::Result<&'static str> {
    let change = wire::parse(&change, "the change").or_throw()?;
    let record = wire::parse(&record, "the record").or_throw()?;
    write::standing(change, record.is_object().then_some(&record), None).or_throw()
}

fn request(
    resource: String,
    cursor: Option<String>,
    since: Option<String>,
    page_size: Option<u32>,
) -> ReadRequest {
    let mut request = ReadRequest::new(resource);
    request.cursor = cursor.map(Cursor::new);
    request.since = since.map(Cursor::new);
    request.page_size = page_size.map(|size| size as usize);
    request
}

fn facts(page: &Page) -> String {
    wire::values(json!({
        "next": page.next,
        "resume": page.resume,
        "removed": page.removed,
        "coverage": page.coverage.to_json(),
    }))
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
    let json = wire::parse(settings, "the settings")?;
    serde_json::from_value(json).map_err(|cause| wrong(what, &cause))
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
