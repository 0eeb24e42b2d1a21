//! Reconciling: documents, runs, and the index for changes.

use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};

use trueup::{Context, Error, Kind, Result, Run, Side, Snapshot};

use crate::call::Call;
use crate::errors::Told;
use crate::records::{Given, Records};
use crate::report::{self, Report};
use crate::wire;

/// What is compared and how.
#[derive(uniffi::Object)]
pub struct Reconciliation(trueup::Reconciliation);

#[uniffi::export]
impl Reconciliation {
    /// Reads the document as JSON.
    #[uniffi::constructor]
    pub fn from_json(text: String) -> Told<Self> {
        Ok(Self(trueup::Reconciliation::from_json(&text)?))
    }

    /// The document as JSON.
    pub fn to_json(&self) -> String {
        self.0.to_json().to_string()
    }

    /// Compares; `base` makes it a three-way comparison.
    pub async fn run(
        &self,
        expected: Arc<Records>,
        actual: Arc<Records>,
        base: Option<Arc<Records>>,
        threads: Option<u32>,
        call: Arc<Call>,
    ) -> Told<Arc<Report>> {
        let sides = [expected.given(), actual.given()];
        let base = base.map(|base| base.given());
        let document = self.0.clone();
        call.start(move |context| {
            let [expected, actual] = resolve(sides, context)?;
            let base = base.map(|base| base.resolve(context)).transpose()?;
            let run = fresh(threads)?.with_context(context.clone());
            let report = match base {
                None => document.compare(&run, &expected, &actual),
                Some(base) => document.compare_three_way(&run, &expected, &actual, &base),
            };
            report.map(report::shared)
        })
        .await
    }

    /// Compares, and keeps an index that takes changes.
    pub async fn index(
        &self,
        expected: Arc<Records>,
        actual: Arc<Records>,
        threads: Option<u32>,
        call: Arc<Call>,
    ) -> Told<Arc<Incremental>> {
        let (sides, document) = ([expected.given(), actual.given()], self.0.clone());
        call.start(move |context| {
            let [expected, actual] = resolve(sides, context)?;
            // The index lives on, so it must not keep the context of the call that made it.
            let run = fresh(threads)?;
            let index = trueup::Incremental::new(document, &run, &expected, &actual)?;
            Ok(Arc::new(Incremental(Arc::new(Mutex::new(index)))))
        })
        .await
    }
}

fn resolve([expected, actual]: [Given; 2], context: &Context) -> Result<[Snapshot; 2]> {
    let side = |given: Given, side: Side| {
        context.check()?;
        given.resolve(context).map_err(|error| error.with("side", side))
    };
    Ok([side(expected, Side::Expected)?, side(actual, Side::Actual)?])
}

fn fresh(threads: Option<u32>) -> Result<Run> {
    let run = Run::fresh()?;
    match threads.map(|threads| NonZero::new(threads as usize)) {
        None => Ok(run),
        Some(Some(threads)) => Ok(run.with_threads(threads)),
        Some(None) => Err(Error::new(Kind::Invalid, "`threads` must be at least 1")),
    }
}

/// Two snapshots side by side, with an index that takes changes.
#[derive(uniffi::Object)]
pub struct Incremental(Arc<Mutex<trueup::Incremental>>);

#[uniffi::export]
impl Incremental {
    /// Puts these records in the place of those that have their keys.
    pub async fn change(&self, side: String, records: Arc<Records>, call: Arc<Call>) -> Told<()> {
        let (side, given) = (wire::side(&side)?, records.given());
        let change = move |index: &mut trueup::Incremental, context: &Context| {
            index.change(side, &given.resolve(context)?)
        };
        self.work(call, change).await
    }

    /// Removes the records that have these keys.
    pub async fn remove(&self, side: String, keys: Arc<Records>, call: Arc<Call>) -> Told<u64> {
        let (side, given) = (wire::side(&side)?, keys.given());
        let remove = move |index: &mut trueup::Incremental, context: &Context| {
            index.remove(side, &given.resolve(context)?).map(|removed| removed as u64)
        };
        self.work(call, remove).await
    }

    /// The report that comparing afresh would give.
    pub async fn report(&self, call: Arc<Call>) -> Told<Arc<Report>> {
        self.work(call, |index, _| index.report().map(report::shared)).await
    }
}

impl Incremental {
    async fn work<T: Send + 'static>(
        &self,
        call: Arc<Call>,
        work: impl FnOnce(&mut trueup::Incremental, &Context) -> Result<T> + Send + 'static,
    ) -> Told<T> {
        let index = self.0.clone();
        call.start(move |context| {
            let mut index = index.lock().unwrap_or_else(PoisonError::into_inner);
            context.check()?;
            work(&mut index, context)
        })
        .await
    }
}
