//! A file's place: locked while it is written, and taken by a new file at once or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fs4::fs_std::FileExt;
use trueup_connector::{Error, Kind, Result, Retry};

use crate::config::{Compression, FileSettings};
use crate::place::Stamp;
use crate::task::Stop;

/// How long to wait for another writer of the file.
const PATIENCE: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_millis(5);

/// A file's place, locked against other writers until this is dropped.
pub(super) struct Locked {
    /// Where the file really is: a link stays a link.
    path: PathBuf,
    /// Where the new file is made.
    pub(super) new: PathBuf,
    _lock: File,
}

impl Locked {
    /// Waits for other writers of the file to end.
    ///
    /// The lock is on a file beside it, `.name.lock`, which stays: the file itself is replaced.
    pub(super) fn wait(file: &FileSettings, stop: &Stop) -> Result<Self> {
        let path =
            fs::canonicalize(&file.path).map_err(|cause| crate::source::failed(file, cause))?;
        let lock = beside(&path, "lock");
        let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&lock);
        let opened = opened.map_err(|cause| unwritable(&lock, cause))?;
        let since = Instant::now();
        while !FileExt::try_lock_exclusive(&opened).map_err(|cause| unwritable(&lock, cause))? {
            stop.check()?;
            if since.elapsed() > PATIENCE {
                let message = "another program is writing the file; try again when it is done";
                return Err(Error::new(Kind::Unavailable, message).with("file", path.display()));
            }
            std::thread::sleep(TICK);
        }
        Ok(Self { new: beside(&path, "new"), path, _lock: opened })
    }

    /// Makes the new file, whole and on disk, beside the old one.
    pub(super) fn prepare(&self, bytes: &[u8], packed: Compression, before: Stamp) -> Result<()> {
        let made = || -> io::Result<()> {
            let permissions = fs::metadata(&self.path)?.permissions();
            let mut new = File::create(&self.new)?;
            new.write_all(&pack(bytes, packed)?)?;
            new.set_permissions(permissions)?;
            later(&new, before)?;
            new.sync_all()
        };
        made().map_err(|cause| unwritable(&self.new, cause))
    }

    /// Puts the new file in the place of the old one, which must still be as it was.
    pub(super) fn replace(&self, file: &FileSettings, before: Stamp) -> Result<()> {
        if crate::source::open(file)?.1 != before {
            let message = "the file changed while it was written; it was left as it is";
            let error = Error::new(Kind::Conflict, message).with("file", self.path.display());
            return Err(error.with_retry(Retry::Backoff));
        }
        fs::rename(&self.new, &self.path).map_err(|cause| unwritable(&self.path, cause))
    }

    /// Makes sure that the new name is on disk too.
    pub(super) fn settle(&self) -> Result<()> {
        #[cfg(unix)]
        if let Some(folder) = self.path.parent() {
            let synced = File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(|cause| unwritable(folder, cause))?;
        }
        Ok(())
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Where it was put in its place it is no longer there; else nobody needs it.
        drop(fs::remove_file(&self.new));
    }
}

/// A hidden file of the same folder.
fn beside(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{what}"))
}

/// Readers tell a file's versions apart by length and time, so the time must not stand still.
fn later(new: &File, before: Stamp) -> io::Result<()> {
    let now = Stamp::of(&new.metadata()?);
    if now.changed > before.changed {
        return Ok(());
    }
    let nanos = u64::try_from(before.changed.saturating_add(1_000)).unwrap_or(u64::MAX);
    new.set_modified(std::time::UNIX_EPOCH + Duration::from_nanos(nanos))
}

fn pack(bytes: &[u8], packed: Compression) -> io::Result<Vec<u8>> {
    match packed {
        Compression::None => Ok(bytes.to_vec()),
        Compression::Gzip => {
            let mut packer =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packer.write_all(bytes)?;
            packer.finish()
        }
        Compression::Zstd => zstd::encode_all(bytes, 0),
    }
}

fn unwritable(path: &Path, cause: io::Error) -> Error {
    let (kind, message) = match cause.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            Kind::Forbidden,
            "the file may not be written: see the rights of it and its folder".to_owned(),
        ),
        _ => (Kind::Unavailable, format!("the file cannot be written: {cause}")),
    };
    Error::new(kind, message).with("file", path.display()).with_source(cause)
}
