//! Connectors: those that come along, and those of Python, called in one way.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use trueup::runtime::{self, Reader};
use trueup::{
    Connector, ConnectorExt, Context, Cursor, Delta, Error, Kind, Page, ReadRequest, Result,
};
use trueup_bindings::page::{self, HostConnector};
use trueup_bindings::process::Origin;
use trueup_bindings::write::Mishaps;
use trueup_bindings::{given, layers};
use trueup_files::{Files, Settings};
use trueup_sql::{Postgres, PostgresConfig, Secret, Sqlite, SqliteConfig};

use crate::convert;
use crate::errors::OrRaise;
use crate::host::PyHost;
use crate::table::Table;
use crate::work::{Deliver, Work};

/// A system that can be read, and maybe written.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Source {
    system: System,
    origin: Origin,
}

#[derive(Clone)]
enum System {
    Built(Arc<dyn Connector>, Option<Mishaps>),
    Python(PyHost),
}

/// A connector, and what comes out of its `apply` where Python wrote it.
pub(crate) type Opened = (Arc<dyn Connector>, Option<Mishaps>);

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
        let source = self.get(py)?;
        Work::read(py, |context| async move {
            page::describe(source.open(&context).await?.0.as_ref(), context).await
        })
    }

    /// The same system with what it says of itself known: for runs, and for layers.
    fn opened(&self, py: Python<'_>) -> PyResult<Work> {
        let source = self.get(py)?;
        Work::read(py, |context| async move {
            let (connector, mishaps) = source.open(&context).await?;
            Ok(Self { system: System::Built(connector, mishaps), origin: Origin::here() })
        })
    }

    /// An opened system within layers.
    fn within(&self, py: Python<'_>, layers: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (connector, mishaps) = self.built_in(py)?;
        let connector = layers::wrap(connector, convert::json(layers, "layers")?).or_raise(py)?;
        Ok(Self { system: System::Built(connector, mishaps), origin: self.origin })
    }

    /// An opened system whose answers are kept, and the tape that keeps them.
    fn record(&self, py: Python<'_>) -> PyResult<(Self, Tape)> {
        let (connector, mishaps) = self.built_in(py)?;
        let (connector, tape) = layers::record(connector);
        Ok((Self { system: System::Built(connector, mishaps), origin: self.origin }, Tape(tape)))
    }

    /// The system that says what is on a tape.
    #[staticmethod]
    fn replay(py: Python<'_>, tape: &str) -> PyResult<Self> {
        let connector = layers::replay(tape).or_raise(py)?;
        Ok(Self { system: System::Built(connector, None), origin: Origin::here() })
    }

    fn check(&self, py: Python<'_>) -> PyResult<Work> {
        let source = self.get(py)?;
        Work::read(py, |context| async move { source.open(&context).await?.0.check(context).await })
    }

    /// A whole resource.
    #[pyo3(signature = (resource, page_size))]
    fn read(&self, py: Python<'_>, resource: String, page_size: Option<usize>) -> PyResult<Work> {
        let (source, request) = (self.get(py)?, request(resource, None, None, page_size));
        Work::read(py, |context| async move {
            let (connector, _) = source.open(&context).await?;
            Reader::new().read_all(connector.as_ref(), context, request).await
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
        let (source, request) = (self.get(py)?, request(resource, None, Some(since), page_size));
        Work::read(py, |context| async move {
            source.open(&context).await?.0.read_delta(context, request).await
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
        let (source, request) = (self.get(py)?, request(resource, cursor, since, page_size));
        Work::read(py, |context| async move {
            source.open(&context).await?.0.read_page(context, request).await
        })
    }
}

impl Source {
    fn built(connector: impl Connector + 'static) -> Self {
        Self { system: System::Built(Arc::new(connector), None), origin: Origin::here() }
    }

    /// The connector of a system that is open.
    pub(crate) fn built_in(&self, py: Python<'_>) -> PyResult<Opened> {
        match self.get(py)? {
            System::Built(connector, mishaps) => Ok((connector, mishaps)),
            System::Python(_) => {
                Err(PyTypeError::new_err("a connector of Python is opened before it is used"))
            }
        }
    }

    fn get(&self, py: Python<'_>) -> PyResult<System> {
        if let System::Built(..) = &self.system {
            self.origin.check("connector").or_raise(py)?;
        }
        Ok(self.system.clone())
    }
}

impl System {
    async fn open(self, context: &Context) -> Result<Opened> {
        match self {
            Self::Built(connector, mishaps) => Ok((connector, mishaps)),
            Self::Python(host) => {
                let connector = HostConnector::open(host, context.clone()).await?;
                let mishaps = connector.mishaps().clone();
                Ok((Arc::new(connector), Some(mishaps)))
            }
        }
    }
}

/// What a system said, kept.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Tape(runtime::Tape);

#[pymethods]
impl Tape {
    fn text(&self, py: Python<'_>) -> PyResult<String> {
        layers::tape_text(&self.0).or_raise(py)
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
        let removed = convert::valued(py, &json!(self.removed))?;
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
        let facts = convert::valued(py, &facts)?;
        facts.set_item("coverage", convert::valued(py, &self.coverage.to_json())?)?;
        let records = Py::new(py, Table(given::Table::from(self.records)))?;
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
