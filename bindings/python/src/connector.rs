//! Connectors: those that come along, and those of Python, called in one way.

use std::sync::Arc;

use pyo3::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use trueup::{
    Connector, ConnectorExt, Context, Cursor, Delta, Error, Kind, Page, ReadRequest, Result,
};
use trueup_bindings::page::HostConnector;
use trueup_bindings::process::Origin;
use trueup_files::{Files, Settings};
use trueup_sql::{Postgres, PostgresConfig, Secret, Sqlite, SqliteConfig};

use crate::convert;
use crate::errors::OrRaise;
use crate::host::PyHost;
use crate::table::Table;
use crate::work::{Deliver, Work};

/// A system that can be read.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Source {
    system: System,
    origin: Origin,
}

#[derive(Clone)]
enum System {
    Built(Arc<dyn Connector>),
    Python(PyHost),
}

#[pymethods]
impl Source {
    #[staticmethod]
    fn files(py: Python<'_>, settings: &Bound<'_, PyAny>) -> PyResult<Self> {
        let settings: Settings = read(settings, "files")?;
        Files::new(settings).or_raise(py).map(Self::built)
    }

    #[staticmethod]
    fn sqlite(py: Python<'_>, config: &Bound<'_, PyAny>) -> PyResult<Self> {
        let config: SqliteConfig = read(config, "sqlite")?;
        py.detach(|| Sqlite::from_config(config)).or_raise(py).map(Self::built)
    }

    /// Connects; the password stands apart from the settings, or in the address.
    #[staticmethod]
    #[pyo3(signature = (config, url, password))]
    fn postgres(
        py: Python<'_>,
        config: &Bound<'_, PyAny>,
        url: Option<&str>,
        password: Option<String>,
    ) -> PyResult<Work> {
        let mut settings = convert::json(config, "postgres")?;
        let mut secret = password.map(Secret::new);
        if let Some(url) = url {
            let by_url = PostgresConfig::from_url(url).or_raise(py)?;
            secret = secret.or(by_url.password.clone());
            settings = over(json!(by_url), settings);
        }
        let mut config: PostgresConfig = serde_json::from_value(settings)
            .map_err(|cause| wrong("postgres", &cause))
            .or_raise(py)?;
        config.password = secret;
        Work::read(py, |_| async move { Postgres::connect(config).await.map(Self::built) })
    }

    /// A connector written in Python; coroutines run on `event_loop`, or on a loop of ours.
    #[staticmethod]
    #[pyo3(signature = (object, event_loop))]
    fn host(object: Py<PyAny>, event_loop: Option<Py<PyAny>>) -> Self {
        let system = System::Python(PyHost::new(object, event_loop));
        Self { system, origin: Origin::here() }
    }

    fn describe(&self, py: Python<'_>) -> PyResult<Work> {
        let system = self.system(py)?;
        Work::read(py, |context| async move {
            let connector = system.open(&context).await?;
            let (identity, able) = (connector.identity(), connector.capability());
            let resources = connector.describe(context).await?;
            let fields =
                |r: &trueup::Resource| json!({"name": r.name, "fields": r.schema.fields()});
            let resources: Vec<Json> = resources.iter().map(fields).collect();
            Ok(json!({
                "system": identity.system,
                "instance": identity.instance,
                "tenant": identity.tenant,
                "capability": able,
                "resources": resources,
            }))
        })
    }

    fn check(&self, py: Python<'_>) -> PyResult<Work> {
        let system = self.system(py)?;
        Work::read(py, |context| async move { system.open(&context).await?.check(context).await })
    }

    /// A whole resource.
    #[pyo3(signature = (resource, page_size))]
    fn read(&self, py: Python<'_>, resource: String, page_size: Option<usize>) -> PyResult<Work> {
        let (system, request) = (self.system(py)?, request(resource, None, None, page_size));
        Work::read(py, |context| async move {
            system.open(&context).await?.read_all(context, request).await
        })
    }

    /// What changed in a resource since a reading.
    #[pyo3(signature = (resource, since, page_size))]
    fn read_delta(
        &self,
        py: Python<'_>,
        resource: String,
        since: String,
        page_size: Option<usize>,
    ) -> PyResult<Work> {
        let (system, request) = (self.system(py)?, request(resource, None, Some(since), page_size));
        Work::read(py, |context| async move {
            system.open(&context).await?.read_delta(context, request).await
        })
    }

    #[pyo3(signature = (resource, cursor, since, page_size))]
    fn read_page(
        &self,
        py: Python<'_>,
        resource: String,
        cursor: Option<String>,
        since: Option<String>,
        page_size: Option<usize>,
    ) -> PyResult<Work> {
        let (system, request) = (self.system(py)?, request(resource, cursor, since, page_size));
        Work::read(py, |context| async move {
            system.open(&context).await?.read_page(context, request).await
        })
    }
}

impl Source {
    fn built(connector: impl Connector + 'static) -> Self {
        Self { system: System::Built(Arc::new(connector)), origin: Origin::here() }
    }

    fn system(&self, py: Python<'_>) -> PyResult<System> {
        if let System::Built(_) = &self.system {
            self.origin.check("connector").or_raise(py)?;
        }
        Ok(self.system.clone())
    }
}

impl System {
    async fn open(self, context: &Context) -> Result<Arc<dyn Connector>> {
        match self {
            Self::Built(connector) => Ok(connector),
            Self::Python(host) => Ok(Arc::new(HostConnector::open(host, context.clone()).await?)),
        }
    }
}

impl Deliver for Source {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, self)?.into_any())
    }
}

impl Deliver for Delta {
    /// The records that changed, and those that are gone.
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let removed = convert::object(py, &json!(self.removed))?;
        Ok((self.records.deliver(py)?, removed).into_pyobject(py)?.into_any().unbind())
    }
}

impl Deliver for Page {
    /// The records, and what the page says beside them.
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let facts = json!({
            "next": self.next,
            "resume": self.resume,
            "removed": self.removed,
        });
        let facts = convert::object(py, &facts)?;
        facts.set_item("coverage", convert::object(py, &self.coverage.to_json())?)?;
        let records = Py::new(py, Table::from(self.records))?;
        Ok((records, facts).into_pyobject(py)?.into_any().unbind())
    }
}

fn request(
    resource: String,
    cursor: Option<String>,
    since: Option<String>,
    page_size: Option<usize>,
) -> ReadRequest {
    let mut request = ReadRequest::new(resource);
    request.cursor = cursor.map(Cursor::new);
    request.since = since.map(Cursor::new);
    request.page_size = page_size;
    request
}

/// Settings of a connector: plain data, unknown names refused.
fn read<T: DeserializeOwned>(settings: &Bound<'_, PyAny>, what: &str) -> PyResult<T> {
    let json = convert::json(settings, what)?;
    serde_json::from_value(json).map_err(|cause| wrong(what, &cause)).or_raise(settings.py())
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
