//! The connector.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arrow_array::RecordBatch;
use serde_json::Value as Json;
use trueup_connector::{
    Capability, Connector, Consistency, Context, Error, Identity, Kind as ErrorKind, Page,
    ReadRequest, Resource, Result, Writer, async_trait, suggest,
};
use trueup_kit::{Client, Cursors, Request, Secrets, Shape};

use crate::config::JamfConfig;
use crate::error::{detail, is_absent};
use crate::model::Kind;
use crate::page::{At, MOST};
use crate::reading;
use crate::writer::JamfWriter;

/// Reads and writes Jamf Pro.
///
/// It works inside a Tokio runtime. Clones share connections, token and limits.
#[derive(Clone, Debug)]
pub struct Jamf(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) client: Client,
    pub(crate) config: JamfConfig,
    pub(crate) cursors: Cursors,
    identity: Identity,
    shapes: Vec<(Kind, Shape)>,
    /// The version of the inventory that the server speaks; 0 before it was asked.
    version: AtomicU8,
}

impl Jamf {
    /// A connector with these settings; nothing is sent yet.
    ///
    /// # Errors
    /// `invalid`, naming the setting.
    pub fn new(config: JamfConfig, secrets: Arc<dyn Secrets>) -> Result<Self> {
        if config.inventory_version.is_some_and(|version| !(1..=4).contains(&version)) {
            let message =
                "the setting `inventory_version` is 1 to 4; leave it out to ask the server";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let client = Client::new(config.endpoint.clone(), config.manners, secrets, detail)?;
        let identity = Identity::new("jamf", client.base().as_str()).with_tenant(&config.tenant);
        let shapes = Kind::ALL.map(|kind| Ok((kind, kind.shape()?)));
        let shapes = shapes.into_iter().collect::<Result<Vec<_>>>()?;
        let cursors = Cursors::new(&identity);
        let version = AtomicU8::new(config.inventory_version.unwrap_or(0));
        Ok(Self(Arc::new(Inner { client, config, cursors, identity, shapes, version })))
    }
}

#[async_trait]
impl Connector for Jamf {
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
        for kind in [Kind::Computers, Kind::MobileDevices, Kind::Packages, Kind::Policies] {
            let at = At { size: 1, ..At::default() };
            let asked = self.0.read(&context, kind, at).await;
            asked.map_err(|error| with_right(error, kind))?;
        }
        Ok(())
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        let kind = kind(&request.resource)?;
        check(&request)?;
        let at = match &request.cursor {
            Some(cursor) => self.0.cursors.open(&request.resource, cursor)?,
            None => At { size: self.0.size(kind, request.page_size), ..At::default() },
        };
        let page = self.0.page(&context, kind, at, request.page_size).await;
        page.map_err(|error| with_right(error, kind))
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        Some(Arc::new(JamfWriter::new(self.0.clone())))
    }
}

impl Inner {
    pub(crate) fn shape(&self, kind: Kind) -> Result<&Shape> {
        let found = self.shapes.iter().find(|(known, _)| *known == kind);
        found
            .map(|(_, shape)| shape)
            .ok_or_else(|| Error::new(ErrorKind::Internal, format!("{} has no shape", kind.name())))
    }

    /// An entry may have any number of records where they are flattened, so entries come one by one
    /// there when a page is to be small; and never so many that a page is long in the making.
    fn size(&self, kind: Kind, page_size: Option<usize>) -> u64 {
        let most = match kind {
            Kind::SmartGroups | Kind::PrestageScopes => 50,
            kind if kind.is_classic() => 50,
            _ => MOST,
        };
        let whole = |size: usize| u64::try_from(size).unwrap_or(MOST);
        let most = whole(self.config.page_size).clamp(1, most);
        match page_size {
            Some(_) if kind.is_flattened() => 1,
            Some(size) => whole(size).min(most),
            None => most,
        }
    }

    async fn page(
        &self,
        context: &Context,
        kind: Kind,
        at: At,
        page_size: Option<usize>,
    ) -> Result<Page> {
        let (rows, next) = self.read(context, kind, at.clone()).await?;
        let size = page_size.unwrap_or(usize::MAX);
        let given: Vec<&Json> = rows.iter().skip(at.skip).take(size).collect();
        let after = at.skip.saturating_add(given.len());
        let next = match after < rows.len() {
            true => Some(At { skip: after, ..at }),
            false => next,
        };
        let next = next.map(|next| self.cursors.seal(kind.name(), &next)).transpose()?;
        let records: RecordBatch = self.shape(kind)?.batch(given)?;
        Ok(Page::new(records).with_next(next))
    }

    async fn read(&self, context: &Context, kind: Kind, at: At) -> Result<crate::page::Entries> {
        let version = match kind {
            Kind::Computers | Kind::Applications | Kind::Attributes | Kind::GroupMembers => {
                self.version(context).await?
            }
            _ => 0,
        };
        reading::read(&self.client, context, kind, version, at).await
    }

    /// The newest version of the inventory that the server speaks, asked for once.
    pub(crate) async fn version(&self, context: &Context) -> Result<u8> {
        let known = self.version.load(Ordering::Relaxed);
        if known != 0 {
            return Ok(known);
        }
        for version in [4, 3, 2, 1] {
            let path = format!("api/v{version}/computers-inventory");
            let request = Request::get(path).query("page", 0).query("page-size", 1);
            match self.client.send(context, request).await {
                Ok(_) => {
                    self.version.store(version, Ordering::Relaxed);
                    return Ok(version);
                }
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let message = "the server has no inventory of computers; check that `base_url` is the server's \
                       address, without `/api`";
        Err(Error::new(ErrorKind::NotFound, message))
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
        let message = "Jamf Pro cannot say what changed since an earlier reading; read it whole";
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    match request.page_size {
        Some(0) => Err(Error::new(ErrorKind::Invalid, "the page size must be at least 1")),
        _ => Ok(()),
    }
}

/// A missing privilege is named; the Classic API says 401 where it means 403.
fn with_right(error: Error, kind: Kind) -> Error {
    let unsure = kind.is_classic() && error.kind() == ErrorKind::Unauthenticated;
    match error.kind() == ErrorKind::Forbidden || unsure {
        true => error.with("privilege", kind.right()).with("resource", kind.name()),
        false => error,
    }
}
