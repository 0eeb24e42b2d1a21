//! The catalogue: Parquet files of two Debian releases, through `trueup-files`.

use std::path::{Path, PathBuf};

use trueup_files::{FileSettings, Files, Settings};

use crate::Result;

/// What identifies a record, on both sides.
pub const KEY: [&str; 2] = ["package", "architecture"];

/// One release of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Debian 12.
    Bookworm,
    /// Debian 13.
    Trixie,
}

impl Release {
    /// The name of the release, and of its file's resource.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        }
    }

    /// Where its file is.
    pub fn path(self) -> PathBuf {
        folder().join(format!("{}.parquet", self.name()))
    }

    /// The connector that reads it.
    ///
    /// # Errors
    /// Where there is no such file.
    pub fn connector(self) -> Result<Files> {
        let file = FileSettings::new(self.path()).with_key(KEY);
        Ok(Files::new(Settings::default().with_file(file))?)
    }
}

/// The demo's data: beside a program that was unpacked from a release, else in the repository.
fn folder() -> PathBuf {
    let beside = std::env::current_exe().ok();
    let beside = beside.as_deref().and_then(Path::parent).map(|p| p.join("examples/data"));
    beside
        .filter(|folder| folder.is_dir())
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("data"))
}
