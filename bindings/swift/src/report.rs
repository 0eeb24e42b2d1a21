//! Reports, and how they drift.

use std::sync::Arc;

use trueup::{FindingId, Result};
use trueup_bindings::{compare, flat};

use crate::call::Call;
use crate::errors::Told;
use crate::records::Records;
use crate::snapshot::{self, Snapshot};
use crate::table::{self, Table};

/// What two snapshots agree and disagree on.
#[derive(uniffi::Object)]
pub struct Report(pub(crate) trueup::Report);

/// Loads a saved report.
#[uniffi::export]
pub async fn load_report(path: String, call: Arc<Call>) -> Told<Arc<Report>> {
    call.start(move |_| trueup::Report::load(path).map(shared)).await
}

/// What became of the findings of an earlier report.
#[uniffi::export]
pub async fn drift(before: Arc<Report>, after: Arc<Report>, call: Arc<Call>) -> Told<Arc<Drift>> {
    call.start(move |_| trueup::drift(&before.0, &after.0).map(|drift| Arc::new(Drift(drift))))
        .await
}

pub(crate) fn shared(report: trueup::Report) -> Arc<Report> {
    Arc::new(Report(report))
}

#[uniffi::export]
impl Report {
    /// Everything that is known without computing more.
    pub fn facts(&self) -> String {
        compare::facts(&self.0).to_string()
    }

    /// The digest over name, rules, coverage, counts and findings.
    pub async fn digest(&self, call: Arc<Call>) -> Told<String> {
        self.work(call, |report| report.digest().map(|digest| trueup::hex(&digest))).await
    }

    /// The findings, as a table.
    pub async fn findings(&self, call: Arc<Call>) -> Told<Arc<Table>> {
        self.work(call, |report| compare::findings(report).map(table::shared)).await
    }

    /// Every finding's id and the digest of its state, as JSON.
    pub async fn states(&self, call: Arc<Call>) -> Told<String> {
        Ok(self.work(call, compare::states).await?.to_string())
    }

    /// One finding in words, as JSON.
    pub async fn explain(&self, finding: String, call: Arc<Call>) -> Told<String> {
        let id: FindingId = finding.parse()?;
        let explain =
            move |report: &trueup::Report| report.explain(id).map(|said| flat::explanation(&said));
        Ok(self.work(call, explain).await?.to_string())
    }

    /// The rows of a finding about several.
    pub async fn members(&self, finding: String, call: Arc<Call>) -> Told<Arc<Table>> {
        let id: FindingId = finding.parse()?;
        self.work(call, move |report| report.members(id).map(table::shared)).await
    }

    /// The expected side's rows of the keys that matched.
    pub async fn matched(&self, call: Arc<Call>) -> Told<Arc<Table>> {
        self.work(call, |report| compare::matched(report).map(table::shared)).await
    }

    /// Where both sides came from, as JSON.
    pub async fn inputs(&self, call: Arc<Call>) -> Told<String> {
        Ok(self.work(call, compare::inputs).await?.to_string())
    }

    /// The base for the next three-way comparison.
    pub async fn advance(
        &self,
        base: Option<Arc<Records>>,
        call: Arc<Call>,
    ) -> Told<Arc<Snapshot>> {
        let (base, report) = (base.map(|base| base.given()), self.0.clone());
        call.start(move |context| {
            let base = base.map(|base| base.resolve(context)).transpose()?;
            report.advance(base.as_ref()).map(snapshot::shared)
        })
        .await
    }

    /// The report as a page.
    pub async fn html(&self, call: Arc<Call>) -> Told<String> {
        self.work(call, trueup::Report::html).await
    }

    /// Saves the report as a Parquet file.
    pub async fn save(&self, path: String, call: Arc<Call>) -> Told<()> {
        self.work(call, move |report| report.save(path)).await
    }

    /// Writes the report as a page.
    pub async fn to_html(&self, path: String, call: Arc<Call>) -> Told<()> {
        self.work(call, move |report| report.to_html(path)).await
    }

    /// Writes the findings as CSV.
    pub async fn to_csv(&self, path: String, call: Arc<Call>) -> Told<()> {
        self.work(call, move |report| report.to_csv(path)).await
    }
}

impl Report {
    async fn work<T: Send + 'static>(
        &self,
        call: Arc<Call>,
        work: impl FnOnce(&trueup::Report) -> Result<T> + Send + 'static,
    ) -> Told<T> {
        let report = self.0.clone();
        call.start(move |_| work(&report)).await
    }
}

/// What became of findings between two reports.
#[derive(uniffi::Object)]
pub struct Drift(trueup::Drift);

#[uniffi::export]
impl Drift {
    /// The counts, and what changed beside the findings.
    pub fn facts(&self) -> String {
        compare::drift(&self.0).to_string()
    }

    /// The findings that went one way.
    pub async fn table(self: Arc<Self>, way: Way, call: Arc<Call>) -> Told<Arc<Table>> {
        let make = match way {
            Way::Opened => trueup::Drift::opened,
            Way::Changed => trueup::Drift::changed,
            Way::Resolved => trueup::Drift::resolved,
        };
        call.start(move |_| make(&self.0).map(table::shared)).await
    }

    /// Findings that stayed as they were.
    pub fn unchanged_ids(&self) -> Vec<String> {
        self.0.unchanged_ids().map(|id| id.to_string()).collect()
    }
}

/// What became of a finding.
#[derive(uniffi::Enum)]
pub enum Way {
    /// It is new.
    Opened,
    /// Its state is another.
    Changed,
    /// It is gone.
    Resolved,
}
