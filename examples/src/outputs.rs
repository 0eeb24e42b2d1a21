//! The files the demo leaves behind.

use std::fs;
use std::path::{Path, PathBuf};

use trueup::Report;

use crate::Result;

/// A report as files.
#[derive(Clone, Debug)]
pub(crate) struct Outputs {
    /// Parquet; it can be loaded again.
    pub(crate) report: PathBuf,
    /// A page for people.
    pub(crate) html: PathBuf,
    /// A table for spreadsheets.
    pub(crate) csv: PathBuf,
}

impl Outputs {
    /// Writes all of them into a folder, which is made where it is not there.
    pub(crate) fn write(report: &Report, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)
            .map_err(|cause| format!("cannot make the folder `{}`: {cause}", folder.display()))?;
        let file = |name| folder.join(name);
        let (saved, html, csv) =
            (file("report.parquet"), file("report.html"), file("findings.csv"));
        report.save(&saved)?;
        report.to_html(&html)?;
        report.to_csv(&csv)?;
        Ok(Self { report: saved, html, csv })
    }

    /// The files with their sizes in bytes.
    pub(crate) fn sizes(&self) -> Result<[(&Path, u64); 3]> {
        let size = |path: &Path| fs::metadata(path).map(|meta| meta.len());
        let [report, html, csv] = [&self.report, &self.html, &self.csv].map(PathBuf::as_path);
        Ok([(report, size(report)?), (html, size(html)?), (csv, size(csv)?)])
    }
}
