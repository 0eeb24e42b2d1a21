//! Connectors: those that come along, and those of JavaScript, called in one way.

use std::sync::Arc;

use napi_derive::napi;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use trueup::{Connector, ConnectorExt, Context, Cursor, Error, Kind, Page, ReadRequest, Result};
use trueup_bindings::page::HostConnector;
use trueup_files::{Files, Settings};
use trueup_sql::{Postgres, PostgresConfig, Secret, Sqlite, SqliteConfig};

use crate::errors::OrThrow;
use crate::host::{JsHost, Post};
use crate::snapshot::Snapshot;
use crate::table::Table;
use crate::wire;
use crate::work::Work;

/// A system that can be read.
#[napi]
#[derive(Clone)]
pub struct Source(System);

#[derive(Clone)]
enum System {
    Built(Arc<dyn Connector>),
    Js(JsHost),
}

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

    /// What it says of itself, as JSON.
    #[napi]
    pub fn describe(&self) -> napi::Result<Work> {
        let system = self.0.clone();
        Work::read(|context| async move {
            let connector = system.open(&context).await?;
            let (identity, able) = (connector.identity(), connector.capability());
            let resources = connector.describe(context).await?;
            let fields =
                |r: &trueup::Resource| json!({"name": r.name, "fields": r.schema.fields()});
            let resources: Vec<Json> = resources.iter().map(fields).collect();
            Ok(wire::text(json!({
                "system": identity.system,
                "instance": identity.instance,
                "tenant": identity.tenant,
                "capability": able,
                "resources": resources,
            })))
        })
    }

    /// Whether it can be read.
    #[napi]
    pub fn check(&self) -> napi::Result<Work> {
        let system = self.0.clone();
        Work::read(|context| async move { system.open(&context).await?.check(context).await })
    }

    /// A whole resource.
    #[napi]
    pub fn read(&self, resource: String) -> napi::Result<Work> {
        let system = self.0.clone();
        Work::read(|context| async move {
            system.open(&context).await?.read(context, &resource).await.map(Snapshot)
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
        let mut request = ReadRequest::new(resource);
        request.cursor = cursor.map(Cursor::new);
        request.since = since.map(Cursor::new);
        request.page_size = page_size.map(|size| size as usize);
        let system = self.0.clone();
        Work::read(|context| async move {
            let page = system.open(&context).await?.read_page(context, request).await?;
            Ok(ReadPage { facts: facts(&page), records: page.records })
        })
    }
}

impl Source {
    fn built(connector: impl Connector + 'static) -> Self {
        Self(System::Built(Arc::new(connector)))
    }
}

impl System {
    async fn open(self, context: &Context) -> Result<Arc<dyn Connector>> {
        match self {
            Self::Built(connector) => Ok(connector),
            Self::Js(host) => Ok(Arc::new(HostConnector::open(host, context.clone()).await?)),
        }
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
        self.records.clone().into()
    }
}

fn facts(page: &Page) -> String {
    wire::text(json!({
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
