//! The connector.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use trueup_connector::{
    Capability, Connector, Consistency, Context, Error, Identity, Kind as ErrorKind, Page,
    ReadRequest, Resource, Result, Writer, async_trait, suggest,
};
use trueup_kit::graph::{self, Probe, with_right};
use trueup_kit::{Client, Cursors, Secrets, Shape};

use crate::config::EntraConfig;
use crate::model::Kind;
use crate::page::{self, At, Since};
use crate::writer::EntraWriter;

/// Reads and writes Microsoft Entra ID.
///
/// It works inside a Tokio runtime. Clones share connections, token and limits.
#[derive(Clone, Debug)]
pub struct Entra(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) client: Client,
    pub(crate) config: EntraConfig,
    /// What was made here: for a while the directory may not know it everywhere.
    pub(crate) made: Mutex<BTreeSet<String>>,
    cursors: Cursors,
    identity: Identity,
    shapes: Vec<(Kind, Shape)>,
}

impl Entra {
    /// A connector with these settings; nothing is sent yet.
    ///
    /// # Errors
    /// `invalid`, naming the setting.
    pub fn new(config: EntraConfig, secrets: Arc<dyn Secrets>) -> Result<Self> {
        let client = Client::new(config.endpoint.clone(), config.manners, secrets, graph::detail)?;
        let identity = Identity::new("entra", client.base().as_str()).with_tenant(&config.tenant);
        let shapes = Kind::ALL.map(|kind| Ok((kind, kind.shape()?)));
        let shapes = shapes.into_iter().collect::<Result<Vec<_>>>()?;
        let (cursors, made) = (Cursors::new(&identity), Mutex::default());
        Ok(Self(Arc::new(Inner { client, config, made, cursors, identity, shapes })))
    }
}

#[async_trait]
impl Connector for Entra {
    fn identity(&self) -> Identity {
        self.0.identity.clone()
    }

    fn capability(&self) -> Capability {
        let mut capability = Capability::default();
        capability.page_size = true;
        capability.delta = true;
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
        let probe = |kind: Kind| Probe::new(kind.list(1), kind.right(), kind.name());
        graph::check(&self.0.client, &context, Kind::ALL.map(probe).into()).await
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        let kind = kind(&request.resource)?;
        check(&request, kind)?;
        let at = self.0.start(kind, &request)?;
        let page = self.0.page(&context, kind, at, request.page_size).await;
        page.map_err(|error| with_right(error, kind.right(), kind.name()))
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        Some(Arc::new(EntraWriter::new(self.0.clone())))
    }
}

impl Inner {
    pub(crate) fn shape(&self, kind: Kind) -> Result<&Shape> {
        let found = self.shapes.iter().find(|(known, _)| *known == kind);
        found
            .map(|(_, shape)| shape)
            .ok_or_else(|| Error::new(ErrorKind::Internal, format!("{} has no shape", kind.name())))
    }

    fn start(&self, kind: Kind, request: &ReadRequest) -> Result<At> {
        if let Some(cursor) = &request.cursor {
            return self.cursors.open(kind.name(), cursor);
        }
        let list = graph::At::start(self.top(kind, request.page_size));
        let since = request.since.as_ref();
        let since: Option<Since> =
            since.map(|cursor| self.cursors.open(&resumed(kind), cursor)).transpose()?;
        Ok(At { list, since, ..At::default() })
    }

    /// Members come for twenty groups a call, and one by one where a page is to be small; a user may
    /// have several licences.
    fn top(&self, kind: Kind, page_size: Option<usize>) -> usize {
        let most = match kind {
            Kind::Members | Kind::Nested => 20,
            _ => self.config.page_size,
        };
        let most = most.clamp(1, 999);
        page_size.map_or(most, |size| size.min(most))
    }

    async fn page(
        &self,
        context: &Context,
        kind: Kind,
        at: At,
        page_size: Option<usize>,
    ) -> Result<Page> {
        let read = page::read(&self.client, context, kind, at, page_size).await?;
        let next = read.next.map(|next| self.cursors.seal(kind.name(), &next)).transpose()?;
        let resume =
            read.resume.map(|since| self.cursors.seal(&resumed(kind), &since)).transpose()?;
        let records = self.shape(kind)?.batch(&read.rows)?;
        Ok(Page::new(records).with_next(next).with_resume(resume).with_removed(read.removed))
    }
}

/// Tokens to go on from are no places in a reading.
fn resumed(kind: Kind) -> String {
    format!("{} from now on", kind.name())
}

pub(crate) fn kind(name: &str) -> Result<Kind> {
    Kind::named(name).ok_or_else(|| {
        let known = suggest(name, Kind::ALL.map(Kind::name));
        Error::new(ErrorKind::NotFound, format!("there is no resource `{name}`{known}"))
    })
}

fn check(request: &ReadRequest, kind: Kind) -> Result<()> {
    if request.since.is_some() && kind.latest().is_none() {
        let message = format!(
            "Graph cannot say what changed in {} since an earlier reading; read it whole",
            kind.name()
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    match request.page_size {
        Some(0) => Err(Error::new(ErrorKind::Invalid, "the page size must be at least 1")),
        _ => Ok(()),
    }
}
