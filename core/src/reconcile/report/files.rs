//! Reports in files; nothing else of a report touches one.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use trueup_connector::{Error, Kind, Result};

use super::Report;

impl Report {
    /// Saves the report as one Parquet file that any tool can read: the table of findings, each with
    /// its `state`, `members` (the rows of a finding about several, as JSON) and `compared` (what
    /// values were compared as, where that is not as they stand). Secret values are masked.
    ///
    /// Everything else is in the file's metadata, with content roots, which are computed now: a hash
    /// a record. The file is written beside its place and moved there when it is whole.
    ///
    /// # Errors
    /// `unavailable` where the file cannot be written, `data` where a value cannot be normalised.
    ///
    /// ```
    /// # use trueup::*;
    /// # use std::num::NonZero;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("fleet.parquet");
    /// # let rows = |json: &str| Snapshot::from_json(&serde_json::from_str::<Vec<_>>(json).unwrap());
    /// # let (wish, state) = (rows(r#"[{"id": 1}]"#)?, rows(r#"[{"id": 2}]"#)?);
    /// # let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
    /// let report = Reconciliation::new("fleet").with_key(["id"]).compare(&run, &wish, &state)?;
    /// report.save(&path)?;
    /// let loaded = Report::load(&path)?;
    /// assert_eq!(loaded.digest()?, report.digest()?);
    /// assert_eq!(loaded.findings_table()?, report.findings_table()?);
    /// # Ok::<(), Error>(())
    /// ```
    #[cfg(feature = "parquet")]
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), |file| self.write_parquet(file))
    }

    /// Loads a report that [`Report::save`] saved.
    ///
    /// It offers everything but what needs the records that were compared: [`Report::matched`] and
    /// [`Report::advance`] are `unsupported`.
    ///
    /// # Errors
    /// `not_found`; `data` where the file is malformed, or was changed: findings, counts, rules and
    /// digest must go together; `unsupported` where a newer version of trueup wrote it.
    #[cfg(feature = "parquet")]
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => Error::new(Kind::NotFound, "there is no such file"),
            _ => cannot(cause),
        });
        file.and_then(Self::read_parquet).map_err(|error| error.with("file", path.display()))
    }

    /// Writes [`Report::html`] to a file.
    ///
    /// # Errors
    /// `unavailable` where the file cannot be written; as [`Report::html`].
    pub fn to_html(&self, path: impl AsRef<Path>) -> Result<()> {
        let html = self.html()?;
        write_whole(path.as_ref(), |file| file.write_all(html.as_bytes()).map_err(cannot))
    }

    /// Writes the findings to a CSV file; [`Report::write_csv`] says how.
    ///
    /// # Errors
    /// As [`Report::write_csv`].
    pub fn to_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), |file| self.write_csv(BufWriter::new(file)))
    }
}

/// Writes a file beside its place and moves it there when it is whole.
fn write_whole(path: &Path, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let done = File::create(&part).map_err(cannot).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all().map_err(cannot)
    });
    let done = done.and_then(|()| std::fs::rename(&part, path).map_err(cannot));
    done.inspect_err(|_| drop(std::fs::remove_file(&part)))
        .map_err(|error| error.with("file", path.display()))
}

fn cannot(cause: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("the file cannot be read or written: {cause}"))
        .with_source(cause)
}
