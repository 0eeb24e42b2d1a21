#![doc = include_str!("docs.md")]

mod arrow;
mod chunks;
mod config;
mod connector;
mod csv;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod inference;
mod json;
mod layout;
mod own_types;
mod parallel;
mod parquet;
mod pieces;
mod place;
mod resources;
mod scalar;
mod source;
mod task;
mod writing;

use std::path::PathBuf;

use trueup_connector::{Context, Result, Snapshot};

pub use config::{Compression, CsvSettings, FileSettings, Format, Settings};
pub use connector::Files;
pub use inference::{Evidence, Inference, RuledOut};

/// Reads one file whole, with all defaults.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("stock.csv");
/// # std::fs::write(&path, "sku,count\n007,3\n").unwrap();
/// let stock = trueup_files::read(path)?;
/// assert_eq!(stock.rows(), 1);
/// # Ok::<(), trueup_connector::Error>(())
/// ```
///
/// # Errors
/// `not_found`, `forbidden`, `invalid` where the extension does not tell the format, and `data`
/// where the file is malformed, naming file, line, column and value.
pub fn read(path: impl Into<PathBuf>) -> Result<Snapshot> {
    let files = Files::open(path)?;
    let name = files.settings().files.first().map(FileSettings::name).transpose()?;
    files.read_blocking(&Context::new(), &name.unwrap_or_default())
}
