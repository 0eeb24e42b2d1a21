//! Files as a system that can be read page by page.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use trueup_connector::{
    Capability, Connector, Consistency, Context, Error, Identity, Kind, Page, ReadRequest,
    Resource, Result, Snapshot, Writer, async_trait, suggest,
};

use crate::chunks::Reading;
use crate::config::{FileSettings, Format, Settings};
use crate::inference::Inference;
use crate::layout::Layout;
use crate::place::{Mark, Place};
use crate::task::{Stop, guarded, offload};
use crate::{arrow, csv, parquet, source};

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
pub struct Files(Arc<Inner>);

struct Inner {
    settings: Settings,
    resources: Vec<Entry>,
    /// Readings under way, by the cursor they go on from.
    open: Mutex<Vec<(String, Reading)>>,
}

/// One file, and what is known of it.
struct Entry {
    name: String,
    format: Format,
    file: FileSettings,
    /// Tells cursors of other resources and settings apart.
    scope: String,
    layout: Mutex<Option<Arc<Layout>>>,
}

/// Readings kept open; one more closes the oldest, which is opened again at its place when needed.
const OPEN: usize = 16;

impl Files {
    /// A connector with these settings; files are looked at when they are read.
    ///
    /// # Errors
    /// `invalid` for a setting that cannot be, naming the file.
    pub fn new(settings: Settings) -> Result<Self> {
        let mut resources: Vec<Entry> = Vec::new();
        for file in &settings.files {
            let entry = Entry::new(file)?;
            if resources.iter().any(|other| other.name == entry.name) {
                let message =
                    format!("two files are called `{}`; give one another `name`", entry.name);
                return Err(file.invalid(&message));
            }
            resources.push(entry);
        }
        Ok(Self(Arc::new(Inner { settings, resources, open: Mutex::default() })))
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
            self.0.resources.iter().map(|e| e.file.path.display().to_string()).collect();
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
            let resources = inner.resources.iter();
            let described =
                resources.map(|e| Ok(Resource::new(&e.name, inner.look(e, stop)?.schema.clone())));
            described.collect()
        })
        .await
    }

    async fn check(&self, context: Context) -> Result<()> {
        let inner = self.0.clone();
        offload(context, move |_| {
            inner.resources.iter().try_for_each(|entry| source::open(&entry.file).map(drop))
        })
        .await
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        let inner = self.0.clone();
        offload(context, move |stop| inner.page(&request, stop)).await
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        None
    }
}

impl Entry {
    fn new(file: &FileSettings) -> Result<Self> {
        let (name, format) = (file.name()?, file.format()?);
        file.record_limit()?;
        let settings = serde_json::to_string(file).unwrap_or_default();
        let scope = format!("{name} {settings}");
        Ok(Self { name, format, file: file.clone(), scope, layout: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, Option<Arc<Layout>>> {
        self.layout.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.settings.threads.unwrap_or_else(cores).clamp(1, 64)
    }

    fn entry(&self, name: &str) -> Result<&Entry> {
        self.resources.iter().find(|entry| entry.name == name).ok_or_else(|| {
            let near = suggest(name, self.resources.iter().map(|entry| entry.name.as_str()));
            Error::new(Kind::NotFound, format!("there is no resource `{name}`{near}"))
        })
    }

    /// The layout of the file as it is now, whatever it was before.
    fn look(&self, entry: &Entry, stop: &Stop) -> Result<Arc<Layout>> {
        let (_, stamp) = source::open(&entry.file)?;
        if let Some(layout) = entry.known().as_ref().filter(|layout| layout.stamp == stamp) {
            return Ok(layout.clone());
        }
        let layout = Arc::new(match entry.format {
            Format::Csv => csv::look(&entry.file, self.threads(), stop)?,
            Format::Parquet => parquet::look(&entry.file)?,
            Format::Arrow => arrow::look(&entry.file)?,
            Format::Json | Format::JsonLines => {
                crate::json::look(&entry.file, entry.format, self.threads(), stop)?
            }
        });
        let (_, after) = source::open(&entry.file)?;
        if after != layout.stamp {
            return Err(changed(&entry.file, "while it was looked at; try again"));
        }
        *entry.known() = Some(layout.clone());
        Ok(layout)
    }

    /// The layout; where the file is no longer as described, its columns must still be the same.
    fn layout(&self, entry: &Entry, stop: &Stop) -> Result<Arc<Layout>> {
        let before = entry.known().clone();
        let now = self.look(entry, stop)?;
        match before.filter(|before| before.schema != now.schema) {
            Some(_) => Err(changed(&entry.file, "and so did its columns; describe it again")),
            None => Ok(now),
        }
    }

    fn start(&self, entry: &Entry, place: Option<(Place, usize)>, stop: &Stop) -> Result<Reading> {
        let layout = self.layout(entry, stop)?;
        let (place, skip) = place.unwrap_or((layout.start, 0));
        let (file, threads) = (&entry.file, self.threads());
        let chunks: Box<dyn crate::chunks::Chunks> = match entry.format {
            Format::Csv => Box::new(csv::CsvChunks::open(file, layout, place, threads)?),
            Format::Parquet => Box::new(parquet::ParquetChunks::open(file, &layout, place)?),
            Format::Arrow => Box::new(arrow::ArrowChunks::open(file, &layout, place)?),
            Format::Json | Format::JsonLines => {
                Box::new(crate::json::JsonChunks::open(file, entry.format, layout, place, threads)?)
            }
        };
        Reading::new(chunks, skip, stop)
    }

    fn page(&self, request: &ReadRequest, stop: &Stop) -> Result<Page> {
        let entry = self.entry(&request.resource)?;
        if request.since.is_some() {
            return Err(Error::new(Kind::Unsupported, "files have no record of what changed"));
        }
        let (mut reading, _) = match &request.cursor {
            None => (self.start(entry, None, stop)?, ()),
            Some(cursor) => {
                let mark = Mark::from_cursor(cursor, &entry.scope)?;
                (self.resume(entry, cursor.as_str(), mark, stop)?, ())
            }
        };
        let limit = request.page_size.unwrap_or(usize::MAX);
        let batch = reading.take(limit, stop)?;
        let batch = match batch {
            Some(batch) => batch,
            None => RecordBatch::new_empty(self.layout(entry, stop)?.arrow.clone()),
        };
        let position = reading.position()?;
        self.still(entry, reading.stamp())?;
        let stamp = reading.stamp();
        let next =
            position.map(|(place, skip)| Mark { stamp, place, skip }.to_cursor(&entry.scope));
        if let Some(next) = &next {
            self.keep(next.as_str().to_owned(), reading);
        }
        Ok(Page::new(batch).with_next(next))
    }

    /// The reading that goes on from this cursor: still open, or opened again.
    fn resume(&self, entry: &Entry, cursor: &str, mark: Mark, stop: &Stop) -> Result<Reading> {
        self.still(entry, mark.stamp)?;
        let open = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let at = open.iter().position(|(known, _)| known == cursor);
            at.map(|at| open.remove(at).1)
        };
        match open {
            Some(reading) => Ok(reading),
            None => self.start(entry, Some((mark.place, mark.skip)), stop),
        }
    }

    fn keep(&self, cursor: String, reading: Reading) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= OPEN {
            open.remove(0);
        }
        open.push((cursor, reading));
    }

    /// Fails where the file is no longer the one that is being read.
    fn still(&self, entry: &Entry, stamp: crate::place::Stamp) -> Result<()> {
        match source::open(&entry.file)?.1 == stamp {
            true => Ok(()),
            false => Err(changed(&entry.file, "while it was read; read it again from the start")),
        }
    }

    fn read_all(&self, stop: &Stop, resource: &str) -> Result<Snapshot> {
        let entry = self.entry(resource)?;
        let layout = self.look(entry, stop)?;
        let mut reading = self.start(entry, None, stop)?;
        let (mut batches, mut rows) = (Vec::new(), 0);
        while let Some(batch) = reading.take(usize::MAX, stop)? {
            rows += batch.num_rows() as u64;
            stop.report("read", rows);
            batches.push(batch);
        }
        self.still(entry, reading.stamp())?;
        let provenance = trueup_connector::Provenance::read("files", &entry.name)
            .with_tenant(&self.settings.tenant);
        let snapshot = Snapshot::new(layout.arrow.clone(), batches)?.with_provenance(provenance);
        Ok(snapshot.with_consistency(Consistency::Snapshot))
    }
}

fn changed(file: &FileSettings, what: &str) -> Error {
    Error::new(Kind::Conflict, format!("the file changed {what}")).with("file", file.path.display())
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("settings", &self.settings).finish_non_exhaustive()
    }
}
