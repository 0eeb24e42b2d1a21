//! The connector.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use trueup_connector::{
    Capability, Connector, Consistency, Context, Coverage, Error, Identity, Kind as ErrorKind,
    Page, Predicate, ReadRequest, Resource, Result, Value, Writer, async_trait, suggest,
};
use trueup_kit::{Client, Cursors, Request, Secrets, records};

use crate::config::ScimConfig;
use crate::discovery::{self, Discovery};
use crate::error::detail;
use crate::filter;
use crate::model::{Kind, Shapes};
use crate::page::{At, Lists};
use crate::writer::ScimWriter;

/// Reads and writes users, groups and memberships of a SCIM 2.0 server.
///
/// It works inside a Tokio runtime. Clones share connections, token and limits.
#[derive(Clone, Debug)]
pub struct Scim(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) client: Client,
    pub(crate) discovery: Discovery,
    pub(crate) lists: Lists,
    pub(crate) shapes: Shapes,
    pub(crate) settle: Duration,
    identity: Identity,
    cursors: Cursors,
    within: Option<Predicate>,
}

impl Scim {
    /// Asks a server what it can do, and goes by that from then on.
    ///
    /// # Errors
    /// `invalid`, naming the setting; what stands in the way of asking the server.
    pub async fn connect(config: ScimConfig, secrets: Arc<dyn Secrets>) -> Result<Self> {
        let client = Client::new(config.endpoint.clone(), config.manners, secrets, detail)?;
        let discovery = discovery::ask(&client, &Context::new()).await?;
        let shapes = Shapes::new(&discovery, &config.extra)?;
        let within = config.within.as_ref().map(Predicate::from_json).transpose()?;
        if let Some(within) = &within {
            let schema = shapes.of(Kind::Users).schema();
            Coverage::Within(within.clone()).check(schema, &schema.key())?;
        }
        let identity = Identity::new("scim", client.base().as_str()).with_tenant(&config.tenant);
        Ok(Self(Arc::new(Inner {
            lists: Lists::new(&config, &discovery),
            settle: Duration::from_millis(config.settle_ms),
            cursors: Cursors::new(&identity),
            client,
            discovery,
            shapes,
            identity,
            within,
        })))
    }
}

#[async_trait]
impl Connector for Scim {
    fn identity(&self) -> Identity {
        self.0.identity.clone()
    }

    fn capability(&self) -> Capability {
        let mut capability = Capability::default();
        capability.page_size = true;
        capability.consistency = Consistency::BestEffort;
        capability
    }

    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        context.check()?;
        let one = |kind: Kind| Resource::new(kind.name(), self.0.shapes.of(kind).schema().clone());
        Ok(Kind::ALL.map(one).into())
    }

    async fn check(&self, context: Context) -> Result<()> {
        for kind in [Kind::Users, Kind::Groups] {
            let request = Request::get(kind.endpoint()).query("count", 0);
            self.0.client.send(&context, request).await?;
        }
        Ok(())
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        let kind = kind(&request.resource)?;
        check(&request)?;
        let at = match &request.cursor {
            Some(cursor) => self.0.cursors.open(&request.resource, cursor)?,
            None => At { count: self.0.first_count(kind, request.page_size), ..At::default() },
        };
        self.0.page(&context, kind, at, request.page_size).await
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        Some(Arc::new(ScimWriter::new(self.0.clone())))
    }
}

impl Inner {
    /// A group may have any number of members, so groups are asked for one by one where a page is to
    /// be small.
    fn first_count(&self, kind: Kind, page_size: Option<usize>) -> usize {
        match (kind, page_size) {
            (Kind::Members, Some(_)) => 1,
            _ => self.lists.count(page_size),
        }
    }

    async fn page(
        &self,
        context: &Context,
        kind: Kind,
        at: At,
        page_size: Option<usize>,
    ) -> Result<Page> {
        let filter = self.filter(kind);
        let listed = self.lists.read(&self.client, context, kind, filter.as_deref(), &at).await?;
        let rows: Vec<Json> =
            listed.objects.into_iter().flat_map(|object| kind.expand(object)).collect();
        let size = page_size.unwrap_or(usize::MAX);
        let given: Vec<&Json> = rows.iter().skip(at.skip).take(size).collect();
        let after = at.skip.saturating_add(given.len());
        let next = match after < rows.len() {
            true => Some(At { skip: after, ..at }),
            false => listed.next.map(|place| At { place: Some(place), skip: 0, count: at.count }),
        };
        let next = next.map(|next| self.cursors.seal(kind.name(), &next)).transpose()?;
        let records = self.records(kind, &given)?;
        Ok(Page::new(records).with_next(next).with_coverage(self.coverage(kind)))
    }

    /// Records of the objects that are covered: some servers take a filter and do not heed it.
    fn records(&self, kind: Kind, objects: &[&Json]) -> Result<arrow_array::RecordBatch> {
        let shape = self.shapes.of(kind);
        let mut rows = Vec::with_capacity(objects.len());
        for object in objects {
            let values = shape.values(object)?;
            if self.covers(kind, &values)? {
                rows.push(values);
            }
        }
        records(shape.schema(), &rows)
    }

    fn covers(&self, kind: Kind, values: &[Value]) -> Result<bool> {
        let Some(within) = self.within.as_ref().filter(|_| kind == Kind::Users) else {
            return Ok(true);
        };
        let schema = self.shapes.of(kind).schema();
        let field = |name: &str| schema.index(name).and_then(|at| values.get(at)).cloned();
        within.holds(&|name| field(name).unwrap_or(Value::Null))
    }

    fn filter(&self, kind: Kind) -> Option<String> {
        let within = self.within.as_ref().filter(|_| kind == Kind::Users && self.discovery.filter);
        within.and_then(filter::scim)
    }

    fn coverage(&self, kind: Kind) -> Coverage {
        match &self.within {
            Some(within) if kind == Kind::Users => Coverage::Within(within.clone()),
            _ => Coverage::Complete,
        }
    }
}

pub(crate) fn kind(name: &str) -> Result<Kind> {
    Kind::named(name).ok_or_else(|| {
        let known = suggest(name, Kind::ALL.map(Kind::name));
        Error::new(ErrorKind::NotFound, format!("there is no resource `{name}`{known}"))
    })
}

fn check(request: &ReadRequest) -> Result<()> {
    if request.since.is_some() {
        let message = "SCIM cannot say what changed since an earlier reading; read it whole";
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    match request.page_size {
        Some(0) => Err(Error::new(ErrorKind::Invalid, "the page size must be at least 1")),
        _ => Ok(()),
    }
}
