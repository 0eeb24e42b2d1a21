//! Reconciling: documents, runs, and the index for changes.

use std::sync::Arc;

use trueup::{Context, Result, Side, Snapshot};
use trueup_bindings::compare::{self, Index};

use crate::call::Call;
use crate::errors::Told;
use crate::records::{Given, Records};
use crate::report::{self, Report};

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
        let (base, threads) = (base.map(|base| base.given()), threads.map(|it| it as usize));
        let document = self.0.clone();
        call.start(move |context| {
            let sides = resolve(sides, context)?;
            let base = base.map(|base| base.resolve(context)).transpose()?;
            let report = compare::compare(&document, context, &sides, base.as_ref(), threads);
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
        let threads = threads.map(|threads| threads as usize);
        call.start(move |context| {
            let index = Index::new(document, &resolve(sides, context)?, threads)?;
            Ok(Arc::new(Incremental(index)))
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

/// Two snapshots side by side, with an index that takes changes.
#[derive(uniffi::Object)]
pub struct Incremental(Index);

#[uniffi::export]
impl Incremental {
    /// Puts these records in the place of those that have their keys.
    pub async fn change(&self, side: String, records: Arc<Records>, call: Arc<Call>) -> Told<()> {
        let (side, index) = (compare::side(&side)?, self.0.clone());
        let given = records.given().of_schema(index.schema(side));
        call.start(move |context| {
            let changed = given.resolve(context)?;
            index.with(context, |index| index.change(side, &changed))
        })
        .await
    }

    /// Removes the records that have these keys.
    pub async fn remove(&self, side: String, keys: Arc<Records>, call: Arc<Call>) -> Told<u64> {
        let (side, index, given) = (compare::side(&side)?, self.0.clone(), keys.given());
        call.start(move |context| {
            let keys = given.resolve(context)?;
            let removed = index.with(context, |index| index.remove(side, &keys))?;
            Ok(removed as u64)
        })
        .await
    }

    /// The report that comparing afresh would give.
    pub async fn report(&self, call: Arc<Call>) -> Told<Arc<Report>> {
        let index = self.0.clone();
        call.start(move |context| index.with(context, |index| index.report().map(report::shared)))
            .await
    }
}
