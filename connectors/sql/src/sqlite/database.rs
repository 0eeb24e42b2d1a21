//! One connection to the file: inside one read transaction, or to write.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{Connection, OpenFlags};
use trueup_connector::{Error, Kind, Result};

use super::catalog::{self, Described, Shape};
use super::config::SqliteConfig;
use super::error::error;
use super::types::Classes;
use crate::ask::Stop;
use crate::source::{self, Source};

/// How many steps of its machine SQLite takes before it asks whether to go on.
const STEPS: i32 = 20_000;

/// A connection, whose transaction ends when this is dropped.
pub(crate) struct Database {
    pub(crate) connection: Connection,
    stop: Arc<Mutex<Option<Stop>>>,
    config: Arc<SqliteConfig>,
}

impl Database {
    /// Opens the file for reading only, and takes a view of it.
    pub(crate) fn open(config: &Arc<SqliteConfig>) -> Result<Self> {
        let database = Self::connect(config, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        database.begin().map_err(|cause| error(cause, database.path()))?;
        Ok(database)
    }

    /// Opens the file for writing; what is done is on disk when its transaction ends.
    pub(crate) fn open_to_write(config: &Arc<SqliteConfig>) -> Result<Self> {
        let database = Self::connect(config, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let set = database.connection.execute_batch("pragma synchronous = full");
        set.map_err(|cause| error(cause, database.path()))?;
        Ok(database)
    }

    fn connect(config: &Arc<SqliteConfig>, flags: OpenFlags) -> Result<Self> {
        let path = &config.path;
        let there = path.try_exists().unwrap_or(true);
        if !there {
            let message = "there is no such database file";
            return Err(Error::new(Kind::NotFound, message).with("file", path.display()));
        }
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags);
        let connection = connection.map_err(|cause| error(cause, path))?;
        let patience = Duration::from_millis(config.busy_timeout_ms);
        connection.busy_timeout(patience).map_err(|cause| error(cause, path))?;
        Ok(Self { connection, stop: Arc::default(), config: config.clone() })
    }

    /// Says which ask the next work is for: it stops when the ask no longer stands.
    pub(crate) fn work_for(&self, stop: &Stop) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop.clone());
    }

    pub(crate) fn path(&self) -> &Path {
        &self.config.path
    }

    /// Whether the resources asked for are there, without reading records.
    pub(crate) fn check(&self) -> Result<()> {
        self.sources()?.iter().try_for_each(|source| self.shape(source).map(drop))
    }

    /// The resources there are.
    pub(crate) fn describe_all(&self) -> Result<Vec<Described>> {
        self.sources()?.iter().map(|source| self.describe(source, None)).collect()
    }

    /// The source of a resource.
    pub(crate) fn source(&self, name: &str) -> Result<Source> {
        source::find(&self.sources()?, name)
    }

    fn sources(&self) -> Result<Vec<Source>> {
        let sources = catalog::sources(&self.connection, &self.config.resources);
        let sources = sources.map_err(|cause| error(cause, self.path()))?;
        // A type stated for a resource that is not there is a mistake in its name.
        self.config.types.keys().try_for_each(|name| source::find(&sources, name).map(drop))?;
        Ok(sources)
    }

    /// What a resource looks like; types that the values decide are taken from `earlier`.
    pub(crate) fn describe(
        &self,
        source: &Source,
        earlier: Option<&Described>,
    ) -> Result<Described> {
        let shape = self.shape(source)?;
        match earlier {
            Some(earlier) if earlier.shape == shape => Ok(earlier.clone()),
            Some(_) => Err(changed(&shape.name)),
            None => {
                let classes = self.measure(&shape)?;
                shape.describe(&classes)
            }
        }
    }

    /// What the catalogue says of a source.
    pub(crate) fn shape(&self, source: &Source) -> Result<Shape> {
        let shape = catalog::shape(&self.connection, source);
        let mut shape =
            shape.map_err(|cause| error(cause, self.path()).with("resource", source.name()))??;
        for (column, ty) in self.config.types.get(source.name()).into_iter().flatten() {
            shape.set_type(column, ty)?;
        }
        Ok(shape)
    }

    /// Counts the storage classes of each column, where some column's type depends on it.
    fn measure(&self, shape: &Shape) -> Result<Vec<Classes>> {
        let mut classes = vec![Classes::default(); shape.columns.len()];
        if shape.is_open() {
            self.count(shape, &mut classes).map_err(|cause| error(cause, self.path()))?;
        }
        Ok(classes)
    }

    fn count(&self, shape: &Shape, classes: &mut [Classes]) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare(&shape.sql)?;
        let mut rows = statement.query([])?;
        let skip = usize::from(shape.numbered);
        let open = shape.columns.iter().enumerate().filter(|(_, column)| column.ty.is_none());
        let open: Vec<usize> = open.map(|(at, _)| at).collect();
        while let Some(row) = rows.next()? {
            for at in &open {
                let Some(class) = classes.get_mut(*at) else { continue };
                match row.get_ref(at + skip)?.data_type() {
                    Type::Null => {}
                    Type::Integer => class.integers += 1,
                    Type::Real => class.reals += 1,
                    Type::Text => class.texts += 1,
                    Type::Blob => class.blobs += 1,
                }
            }
        }
        Ok(())
    }

    fn begin(&self) -> rusqlite::Result<()> {
        let stop = self.stop.clone();
        let stopped = move || {
            let stop = stop.lock().unwrap_or_else(PoisonError::into_inner);
            stop.as_ref().is_some_and(|stop| stop.check().is_err())
        };
        self.connection.progress_handler(STEPS, Some(stopped))?;
        // The view is taken by the first look into the file, so look.
        self.connection.execute_batch("begin; select 1 from sqlite_schema limit 1")
    }
}

fn changed(resource: &str) -> Error {
    let message = "the table has changed since it was described; describe it and read again";
    Error::new(Kind::Conflict, message).with("resource", resource)
}
