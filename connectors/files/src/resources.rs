//! The resources of a connector: what is known of each file, and the readings under way.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use trueup_connector::{
    Consistency, Error, Kind, Page, Provenance, ReadRequest, Result, Snapshot, suggest,
};

use crate::chunks::{Chunks, Reading};
use crate::config::{FileSettings, Format, Settings};
use crate::layout::Layout;
use crate::place::{Mark, Place, Stamp};
use crate::task::Stop;
use crate::{arrow, csv, json, parquet, source};

/// The files of one connector.
pub(crate) struct Resources {
    pub(crate) settings: Settings,
    pub(crate) entries: Vec<Entry>,
    /// Readings under way, by the cursor they go on from.
    open: Mutex<Vec<(String, Reading)>>,
}

/// One file, and what is known of it.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) format: Format,
    pub(crate) file: FileSettings,
    /// Tells cursors of other resources and settings apart.
    scope: String,
    layout: Mutex<Option<Arc<Layout>>>,
}

/// Readings kept open; one more closes the oldest, which is opened again at its place when needed.
const OPEN: usize = 16;

impl Entry {
    fn new(file: &FileSettings) -> Result<Self> {
        let (name, format) = (file.name()?, file.format()?);
        file.limit()?;
        let settings = serde_json::to_string(file).unwrap_or_default();
        let scope = format!("{name} {settings}");
        Ok(Self { name, format, file: file.clone(), scope, layout: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, Option<Arc<Layout>>> {
        self.layout.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resources {
    pub(crate) fn new(settings: Settings) -> Result<Self> {
        let mut entries: Vec<Entry> = Vec::new();
        for file in &settings.files {
            let entry = Entry::new(file)?;
            if entries.iter().any(|other| other.name == entry.name) {
                let message =
                    format!("two files are called `{}`; give one another `name`", entry.name);
                return Err(file.invalid(&message));
            }
            entries.push(entry);
        }
        Ok(Self { settings, entries, open: Mutex::default() })
    }

    fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.settings.threads.unwrap_or_else(cores).clamp(1, 64)
    }

    pub(crate) fn entry(&self, name: &str) -> Result<&Entry> {
        self.entries.iter().find(|entry| entry.name == name).ok_or_else(|| {
            let near = suggest(name, self.entries.iter().map(|entry| entry.name.as_str()));
            Error::new(Kind::NotFound, format!("there is no resource `{name}`{near}"))
        })
    }

    /// The layout, if it is known of the file as it is now.
    fn known(&self, entry: &Entry) -> Result<Option<Arc<Layout>>> {
        let (_, stamp) = source::open(&entry.file)?;
        Ok(entry.known().clone().filter(|layout| layout.stamp == stamp))
    }

    /// The layout of the file as it is now, whatever it was before.
    pub(crate) fn look(&self, entry: &Entry, stop: &Stop) -> Result<Arc<Layout>> {
        if let Some(layout) = self.known(entry)? {
            return Ok(layout);
        }
        let layout = Arc::new(match entry.format {
            Format::Csv => csv::look(&entry.file, self.threads(), stop)?,
            Format::Parquet => parquet::look(&entry.file)?,
            Format::Arrow => arrow::look(&entry.file)?,
            Format::Json | Format::JsonLines => {
                json::look(&entry.file, entry.format, self.threads(), stop)?
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
    pub(crate) fn layout(&self, entry: &Entry, stop: &Stop) -> Result<Arc<Layout>> {
        let before = entry.known().clone();
        let now = self.look(entry, stop)?;
        if before.as_ref().is_some_and(|before| before.schema != now.schema) {
            *entry.known() = before;
            return Err(changed(&entry.file, "and so did its columns; describe it again"));
        }
        Ok(now)
    }

    fn start(&self, entry: &Entry, place: Option<(Place, usize)>, stop: &Stop) -> Result<Reading> {
        let layout = self.layout(entry, stop)?;
        let (place, skip) = place.unwrap_or((layout.start, 0));
        let (file, threads) = (&entry.file, self.threads());
        let chunks: Box<dyn Chunks> = match entry.format {
            Format::Csv => Box::new(csv::CsvChunks::open(file, layout, place, threads)?),
            Format::Parquet => Box::new(parquet::ParquetChunks::open(file, &layout, place)?),
            Format::Arrow => Box::new(arrow::ArrowChunks::open(file, &layout, place)?),
            Format::Json | Format::JsonLines => {
                Box::new(json::JsonChunks::open(file, entry.format, layout, place, threads)?)
            }
        };
        Reading::new(chunks, skip, stop)
    }

    pub(crate) fn page(&self, request: &ReadRequest, stop: &Stop) -> Result<Page> {
        let entry = self.entry(&request.resource)?;
        if request.since.is_some() {
            return Err(Error::new(Kind::Unsupported, "files have no record of what changed"));
        }
        let mut reading = match &request.cursor {
            None => self.start(entry, None, stop)?,
            Some(cursor) => {
                let mark = Mark::from_cursor(cursor, &entry.scope)?;
                self.resume(entry, cursor.as_str(), mark, stop)?
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
    fn still(&self, entry: &Entry, stamp: Stamp) -> Result<()> {
        match source::open(&entry.file)?.1 == stamp {
            true => Ok(()),
            false => Err(changed(&entry.file, "while it was read; read it again from the start")),
        }
    }

    pub(crate) fn read_all(&self, stop: &Stop, resource: &str) -> Result<Snapshot> {
        let entry = self.entry(resource)?;
        if entry.format == Format::Csv && self.known(entry)?.is_none() {
            let (layout, batches) = csv::read(&entry.file, self.threads(), stop)?;
            self.still(entry, layout.stamp)?;
            *entry.known() = Some(layout.clone());
            if let Some(batches) = batches {
                return self.snapshot(entry, &layout, batches);
            }
        }
        let layout = self.look(entry, stop)?;
        let mut reading = self.start(entry, None, stop)?;
        let (mut batches, mut rows) = (Vec::new(), 0);
        while let Some(batch) = reading.take(usize::MAX, stop)? {
            rows += batch.num_rows() as u64;
            stop.report("read", rows);
            batches.push(batch);
        }
        self.still(entry, reading.stamp())?;
        self.snapshot(entry, &layout, batches)
    }

    fn snapshot(
        &self,
        entry: &Entry,
        layout: &Layout,
        batches: Vec<RecordBatch>,
    ) -> Result<Snapshot> {
        let provenance = Provenance::read("files", &entry.name).with_tenant(&self.settings.tenant);
        let snapshot = Snapshot::new(layout.arrow.clone(), batches)?.with_provenance(provenance);
        Ok(snapshot.with_consistency(Consistency::Snapshot))
    }
}

fn changed(file: &FileSettings, what: &str) -> Error {
    Error::new(Kind::Conflict, format!("the file changed {what}")).with("file", file.path.display())
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("settings", &self.settings).finish_non_exhaustive()
    }
}
