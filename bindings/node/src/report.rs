//! Reports, and how they drift.

use std::sync::Arc;

use arrow_array::RecordBatch;
use napi::bindgen_prelude::ToNapiValue;
use napi_derive::napi;
use trueup::{FindingId, Result};
use trueup_bindings::{compare, flat};

use crate::errors::OrThrow;
use crate::records::Records;
use crate::snapshot::Snapshot;
use crate::table::Table;
use crate::wire;
use crate::work::Work;

/// What two snapshots agree and disagree on.
#[napi]
pub struct Report(pub(crate) trueup::Report);

#[napi]
impl Report {
    /// Everything that is known without computing more.
    #[napi]
    pub fn facts(&self) -> String {
        wire::text(compare::facts(&self.0))
    }

    /// The digest over name, rules, coverage, counts and findings.
    #[napi]
    pub fn digest(&self) -> napi::Result<Work> {
        self.work(|report| report.digest().map(|digest| trueup::hex(&digest)))
    }

    /// The findings, as a table.
    #[napi]
    pub fn findings(&self) -> napi::Result<Work> {
        self.work(|report| compare::findings(report).map(Table))
    }

    /// Every finding's id and the digest of its state, as JSON.
    #[napi]
    pub fn states(&self) -> napi::Result<Work> {
        self.work(|report| compare::states(report).map(wire::text))
    }

    /// One finding in words, as JSON.
    #[napi]
    pub fn explain(&self, finding: String) -> napi::Result<Work> {
        let id: FindingId = finding.parse().or_throw()?;
        self.work(move |report| report.explain(id).map(|said| wire::text(flat::explanation(&said))))
    }

    /// The rows of a finding about several.
    #[napi]
    pub fn members(&self, finding: String) -> napi::Result<Work> {
        let id: FindingId = finding.parse().or_throw()?;
        self.work(move |report| report.members(id).map(|rows| Table(rows.into())))
    }

    /// The expected side's rows of the keys that matched.
    #[napi]
    pub fn matched(&self) -> napi::Result<Work> {
        self.work(|report| compare::matched(report).map(Table))
    }

    /// Where both sides came from, as JSON.
    #[napi]
    pub fn inputs(&self) -> napi::Result<Work> {
        self.work(|report| compare::inputs(report).map(wire::text))
    }

    /// The base for the next three-way comparison.
    #[napi]
    pub fn advance(&self, base: Option<&Records>) -> napi::Result<Work> {
        let base = base.map(Records::given).transpose().or_throw()?;
        let report = self.0.clone();
        Work::start(move |context| {
            let base = base.map(|base| base.resolve(context)).transpose()?;
            report.advance(base.as_ref()).map(Snapshot)
        })
    }

    /// The report as a page.
    #[napi]
    pub fn html(&self) -> napi::Result<Work> {
        self.work(trueup::Report::html)
    }

    /// Saves the report as a Parquet file.
    #[napi]
    pub fn save(&self, path: String) -> napi::Result<Work> {
        self.work(move |report| report.save(path))
    }

    /// Writes the report as a page.
    #[napi]
    pub fn to_html(&self, path: String) -> napi::Result<Work> {
        self.work(move |report| report.to_html(path))
    }

    /// Writes the findings as CSV.
    #[napi]
    pub fn to_csv(&self, path: String) -> napi::Result<Work> {
        self.work(move |report| report.to_csv(path))
    }

    /// Loads a saved report.
    #[napi]
    pub fn load(path: String) -> napi::Result<Work> {
        Work::start(move |_| trueup::Report::load(path).map(Self))
    }

    /// What became of the findings of an earlier report.
    #[napi]
    pub fn drift(before: &Report, after: &Report) -> napi::Result<Work> {
        let (before, after) = (before.0.clone(), after.0.clone());
        Work::start(move |_| trueup::drift(&before, &after).map(|drift| Drift(Arc::new(drift))))
    }
}

impl Report {
    fn work<T: ToNapiValue + Send + 'static>(
        &self,
        work: impl FnOnce(&trueup::Report) -> Result<T> + Send + 'static,
    ) -> napi::Result<Work> {
        let report = self.0.clone();
        Work::start(move |_| work(&report))
    }
}

/// What became of findings between two reports.
#[napi]
pub struct Drift(Arc<trueup::Drift>);

#[napi]
impl Drift {
    /// The counts, and what changed beside the findings.
    #[napi]
    pub fn facts(&self) -> String {
        wire::text(compare::drift(&self.0))
    }

    /// Findings that are new.
    #[napi]
    pub fn opened(&self) -> napi::Result<Work> {
        self.table(trueup::Drift::opened)
    }

    /// Findings whose state is another.
    #[napi]
    pub fn changed(&self) -> napi::Result<Work> {
        self.table(trueup::Drift::changed)
    }

    /// Findings that are gone.
    #[napi]
    pub fn resolved(&self) -> napi::Result<Work> {
        self.table(trueup::Drift::resolved)
    }

    /// Findings that stayed as they were.
    #[napi]
    pub fn unchanged_ids(&self) -> Vec<String> {
        self.0.unchanged_ids().map(|id| id.to_string()).collect()
    }
}

impl Drift {
    fn table(&self, make: fn(&trueup::Drift) -> Result<RecordBatch>) -> napi::Result<Work> {
        let drift = self.0.clone();
        Work::start(move |_| make(&drift).map(|rows| Table(rows.into())))
    }
}
