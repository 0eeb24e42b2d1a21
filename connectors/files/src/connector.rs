//! Files as a system that can be read page by page.

use std::path::PathBuf;
use std::sync::Arc;

use trueup_connector::{
    Capability, Connector, Consistency, Context, Identity, Page, ReadRequest, Resource, Result,
    Snapshot, Writer, async_trait,
};

use crate::config::{FileSettings, Settings};
use crate::inference::Inference;
use crate::resources::Resources;
use crate::source;
use crate::task::{Stop, guarded, offload};
use crate::writing::FilesWriter;

/// A connector over files: each is one resource.
///
/// ```
/// use trueup_connector::{Connector, ConnectorExt, Context};
/// use trueup_files::{FileSettings, Files, Settings};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("stock.csv");
/// # std::fs::write(&path, "sku,count\n007,3\n").unwrap();
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let files = Files::new(Settings::default().with_file(FileSettings::new(path).with_key(["sku"])))?;
/// let stock = files.read(Context::new(), "stock").await?;
/// assert_eq!((stock.rows(), stock.schema().key()), (1, vec!["sku"]));
/// # Ok::<(), trueup_connector::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Files(Arc<Resources>);

impl Files {
    /// A connector with these settings; files are looked at when they are read.
    ///
    /// # Errors
    /// `invalid` for a setting that cannot be, naming the file.
    pub fn new(settings: Settings) -> Result<Self> {
        Ok(Self(Arc::new(Resources::new(settings)?)))
    }

    /// A connector over one file, with all defaults; the resource is called like the file.
    ///
    /// # Errors
    /// `not_found` and `forbidden`, and those of [`Files::new`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let file = FileSettings::new(path);
        source::open(&file)?;
        Self::new(Settings::default().with_file(file))
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Why the columns of a resource have their types; looks through the file if nobody did.
    ///
    /// # Errors
    /// As [`Connector::describe`].
    pub fn inference(&self, resource: &str) -> Result<Inference> {
        guarded(|| {
            let entry = self.0.entry(resource)?;
            let layout = self.0.layout(entry, &Stop::default())?;
            Ok(Inference::clone(&layout.inference))
        })
    }

    /// Reads a whole resource on this thread and its helpers; for callers without a runtime.
    ///
    /// # Errors
    /// As [`Connector::describe`] and [`Connector::read_page`].
    pub fn read_blocking(&self, context: &Context, resource: &str) -> Result<Snapshot> {
        guarded(|| self.0.read_all(&Stop::new(context.clone()), resource))
    }
}

#[async_trait]
impl Connector for Files {
    fn identity(&self) -> Identity {
        let paths: Vec<_> =
            self.0.entries.iter().map(|e| e.file.path.display().to_string()).collect();
        Identity::new("files", paths.join(", ")).with_tenant(&self.0.settings.tenant)
    }

    /// Pages of any size. A reading sees each file at one moment: a file that changes under a
    /// reading, as its length and its time of change tell, ends the reading with a `conflict`.
    fn capability(&self) -> Capability {
        let mut capability = Capability::default();
        capability.page_size = true;
        capability.consistency = Consistency::Snapshot;
        capability
    }

    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        let inner = self.0.clone();
        offload(context, move |stop| {
            let resources = inner.entries.iter();
            let described =
                resources.map(|e| Ok(Resource::new(&e.name, inner.look(e, stop)?.schema.clone())));
            described.collect()
        })
        .await
    }

    async fn check(&self, context: Context) -> Result<()> {
        let inner = self.0.clone();
        offload(context, move |_| {
            inner.entries.iter().try_for_each(|entry| source::open(&entry.file).map(drop))
        })
        .await
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        let inner = self.0.clone();
        offload(context, move |stop| inner.page(&request, stop)).await
    }

    /// Files whose records can be told apart can be written; where none can, there is no writer.
    fn writer(&self) -> Option<Arc<dyn Writer>> {
        let any = self.0.entries.iter().any(|entry| entry.file.has_key());
        any.then(|| Arc::new(FilesWriter(self.0.clone())) as Arc<dyn Writer>)
    }
}
