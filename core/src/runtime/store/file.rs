//! The file: making it, and looking at it before anything is done to it.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use trueup_connector::{Error, Kind, Result};

use super::StoreSettings;
use super::faults::sql;
use super::{schema, words};

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Makes a file that only its owner may read, there whole or not at all. `fill` gets an empty file;
/// `name` is unlike that of every other file in the making.
pub(super) fn make(path: &Path, name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if path.try_exists().map_err(|cause| io(path, cause))? {
        let message = "there is a file already; open it, or choose another path";
        return Err(Error::new(Kind::Conflict, message).with("file", path.display()));
    }
    let unfinished = beside(path, &format!("new-{name}"));
    empty(&unfinished).map_err(|cause| io(&unfinished, cause))?;
    let made = fill(&unfinished);
    // A link, not a rename: it fails where another process was first.
    let made = made.and_then(|()| keep(&unfinished, path).map_err(|cause| io(path, cause)));
    let removed = fs::remove_file(&unfinished).map_err(|cause| io(&unfinished, cause));
    made.and(removed)
}

/// Makes a new store.
pub(super) fn create(path: &Path, name: &str, settings: &StoreSettings, now: i64) -> Result<()> {
    make(path, name, |file| {
        let mut connection = connect(file, settings, OpenFlags::empty())?;
        schema::make(&mut connection, &settings.log, now)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(sql)?;
        connection.close().map_err(|(_, cause)| sql(cause))
    })
}

/// Opens a store, and brings it to this version.
pub(super) fn open(path: &Path, settings: &StoreSettings, now: i64) -> Result<Connection> {
    look(path)?;
    let mut connection = connect(path, settings, OpenFlags::empty())?;
    prepare(&mut connection, settings, now).map_err(|error| error.with("file", path.display()))?;
    Ok(connection)
}

/// A store that lives in memory and ends with the connection.
pub(super) fn in_memory(settings: &StoreSettings, now: i64) -> Result<Connection> {
    let mut connection = Connection::open_in_memory().map_err(sql)?;
    schema::make(&mut connection, &settings.log, now)?;
    configure(&connection, settings)?;
    Ok(connection)
}

/// Refuses a file that is not there, is empty, is something else, or was cut off.
pub(super) fn look(path: &Path) -> Result<()> {
    let refuse = |message: &str| {
        Err(Error::new(Kind::Data, message.to_owned()).with("file", path.display()))
    };
    let mut head = [0; 32];
    let mut file = File::open(path).map_err(|cause| io(path, cause))?;
    let length = file.metadata().map_err(|cause| io(path, cause))?.len();
    if length == 0 {
        return refuse("the file is empty: it was cut off, or never was a store; restore a backup");
    }
    if file.read_exact(&mut head).is_err() || !head.starts_with(MAGIC) {
        return refuse("the file is not a store of trueup");
    }
    // While changes wait in the log beside it, the file may be shorter than it says.
    let waiting = fs::metadata(beside(path, "wal")).is_ok_and(|wal| wal.len() > 0);
    match promised(&head) {
        Some(promised) if length < promised && !waiting => refuse(&format!(
            "the store was cut off: it has {length} of {promised} bytes; restore a backup"
        )),
        _ => Ok(()),
    }
}

/// Opens a file that is there, without changing it.
pub(super) fn connect(
    path: &Path,
    settings: &StoreSettings,
    more: OpenFlags,
) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|cause| sql(cause).with("file", path.display()))?;
    connection.busy_timeout(Duration::from_millis(settings.busy_ms)).map_err(sql)?;
    Ok(connection)
}

/// The file of the same name with one more ending: `store.db` and `wal` give `store.db-wal`.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-");
    name.push(ending);
    PathBuf::from(name)
}

pub(super) fn io(path: &Path, cause: std::io::Error) -> Error {
    let kind = match cause.kind() {
        std::io::ErrorKind::NotFound => Kind::NotFound,
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            Kind::Forbidden
        }
        std::io::ErrorKind::StorageFull => Kind::Limit,
        std::io::ErrorKind::AlreadyExists => Kind::Conflict,
        _ => Kind::Unavailable,
    };
    let message = format!("the store's file cannot be used: {cause}");
    Error::new(kind, message).with("file", path.display()).with_source(cause)
}

/// A new file of no bytes; SQLite gives the files beside it the same rights.
fn empty(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Gives a finished file its name, and waits until both are on disk.
fn keep(unfinished: &Path, path: &Path) -> std::io::Result<()> {
    File::open(unfinished)?.sync_all()?;
    fs::hard_link(unfinished, path)?;
    // Elsewhere a folder cannot be opened; its file system keeps names by itself.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn prepare(connection: &mut Connection, settings: &StoreSettings, now: i64) -> Result<()> {
    // First of all: a file that cannot be written cannot always be read either, for what SQLite keeps
    // beside it.
    if connection.is_readonly(rusqlite::MAIN_DB).map_err(sql)? {
        let message =
            "the store is read-only; give this process the right to write it and its folder";
        return Err(Error::new(Kind::Forbidden, message));
    }
    schema::check(connection)?;
    schema::migrate(connection, now)?;
    configure(connection, settings)
}

fn configure(connection: &Connection, settings: &StoreSettings) -> Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL").map_err(sql)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(sql)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(sql)?;
    // What is forgotten is overwritten in the file, too.
    connection.pragma_update(None, "secure_delete", true).map_err(sql)?;
    connection.set_prepared_statement_cache_capacity(128);
    words::teach(connection).map_err(sql)?;
    match settings.most_pages {
        Some(pages) => connection.pragma_update(None, "max_page_count", pages).map_err(sql),
        None => Ok(()),
    }
}

/// How long the file must be, by its own head (<https://sqlite.org/fileformat2.html>, 1.3).
fn promised(head: &[u8; 32]) -> Option<u64> {
    let page = u16::from_be_bytes(head.get(16..18)?.try_into().ok()?);
    let page = if page == 1 { 65_536 } else { u64::from(page) };
    let pages = u32::from_be_bytes(head.get(28..32)?.try_into().ok()?);
    Some(page * u64::from(pages))
}
