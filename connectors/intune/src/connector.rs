//! The connector.

use std::sync::Arc;

use arrow_array::RecordBatch;
use trueup_connector::{
    Capability, Connector, Consistency, Context, Error, Identity, Kind as ErrorKind, Page,
    ReadRequest, Resource, Result, Writer, async_trait, suggest,
};
use trueup_kit::graph::{self, At, Probe, detail, with_right};
use trueup_kit::{Client, Cursors, Secrets, Shape};

use crate::config::IntuneConfig;
use crate::model::Kind;
use crate::page;
use crate::writer::IntuneWriter;

/// Reads and writes Microsoft Intune.
///
/// It works inside a Tokio runtime. Clones share connections, token and limits.
#[derive(Clone, Debug)]
pub struct Intune(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) client: Client,
    pub(crate) config: IntuneConfig,
    pub(crate) cursors: Cursors,
    identity: Identity,
    shapes: Vec<(Kind, Shape)>,
}

impl Intune {
    /// A connector with these settings; nothing is sent yet.
    ///
    /// # Errors
    /// `invalid`, naming the setting.
    pub fn new(config: IntuneConfig, secrets: Arc<dyn Secrets>) -> Result<Self> {
        let client = Client::new(config.endpoint.clone(), config.manners, secrets, detail)?;
        let identity = Identity::new("intune", client.base().as_str()).with_tenant(&config.tenant);
        let shapes = Kind::ALL.map(|kind| Ok((kind, kind.shape()?)));
        let shapes = shapes.into_iter().collect::<Result<Vec<_>>>()?;
        let cursors = Cursors::new(&identity);
        Ok(Self(Arc::new(Inner { client, config, cursors, identity, shapes })))
    }
}

#[async_trait]
impl Connector for Intune {
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
        let one =
            |(kind, shape): &(Kind, Shape)| Resource::new(kind.name(), shape.schema().clone());
        Ok(self.0.shapes.iter().map(one).collect())
    }

    async fn check(&self, context: Context) -> Result<()> {
        let kinds = [Kind::Devices, Kind::Apps, Kind::Policies, Kind::Detected];
        let probe = |kind: Kind| Probe::new(kind.list(1), kind.right(), kind.name());
        graph::check(&self.0.client, &context, kinds.map(probe).into()).await
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        let kind = kind(&request.resource)?;
        check(&request)?;
        let at = match &request.cursor {
            Some(cursor) => self.0.cursors.open(&request.resource, cursor)?,
            None => At::start(self.0.top(kind, request.page_size)),
        };
        let page = self.0.page(&context, kind, at, request.page_size).await;
        page.map_err(|error| with_right(error, kind.right(), kind.name()))
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        Some(Arc::new(IntuneWriter::new(self.0.clone())))
    }
}

impl Inner {
    pub(crate) fn shape(&self, kind: Kind) -> Result<&Shape> {
        let found = self.shapes.iter().find(|(known, _)| *known == kind);
        found
            .map(|(_, shape)| shape)
            .ok_or_else(|| Error::new(ErrorKind::Internal, format!("{} has no shape", kind.name())))
    }

    /// An entry may have any number of records where more is asked for by entry, so entries come one
    /// by one there when a page is to be small; and never so many that a page is long in the making.
    fn top(&self, kind: Kind, page_size: Option<usize>) -> usize {
        let most = match kind {
            Kind::Installs => 20,
            Kind::States => 100,
            _ => self.config.page_size,
        };
        let most = most.clamp(1, self.config.page_size.max(1));
        match (kind, page_size) {
            (Kind::Assignments | Kind::States | Kind::Installs, Some(_)) => 1,
            (_, size) => size.map_or(most, |size| size.min(most)),
        }
    }

    async fn page(
        &self,
        context: &Context,
        kind: Kind,
        at: At,
        page_size: Option<usize>,
    ) -> Result<Page> {
        let read = page::read(&self.client, context, kind, &at).await?;
        let (given, next) = graph::cut(&read.rows, at, read.next, page_size);
        let next = next.map(|next| self.cursors.seal(kind.name(), &next)).transpose()?;
        let records: RecordBatch = self.shape(kind)?.batch(given)?;
        Ok(Page::new(records).with_next(next))
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
        let message = "Intune cannot say what changed since an earlier reading; read it whole";
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    match request.page_size {
        Some(0) => Err(Error::new(ErrorKind::Invalid, "the page size must be at least 1")),
        _ => Ok(()),
    }
}
