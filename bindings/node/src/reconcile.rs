//! Reconciling: documents, runs, and the index for changes.

use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::ToNapiValue;
use napi_derive::napi;
use trueup::{Context, Error, Kind, Result, Run, Side, Snapshot};

use crate::errors::OrThrow;
use crate::records::{Given, Records};
use crate::report::Report;
use crate::wire;
use crate::work::Work;

/// What is compared and how.
#[napi]
pub struct Reconciliation(trueup::Reconciliation);

#[napi]
impl Reconciliation {
    /// Reads the document that the TypeScript half wrote.
    #[napi(factory)]
    pub fn from_data(text: String) -> napi::Result<Self> {
        let document = wire::parse(&text, "the reconciliation").or_throw()?;
        Self::from_json(document.to_string())
    }

    /// Reads the document as JSON.
    #[napi(factory)]
    pub fn from_json(text: String) -> napi::Result<Self> {
        trueup::Reconciliation::from_json(&text).or_throw().map(Self)
    }

    /// The document as JSON.
    #[napi(js_name = "toJSON")]
    pub fn to_json(&self) -> String {
        wire::text(self.0.to_json())
    }

    /// Compares; `base` makes it a three-way comparison.
    #[napi]
    pub fn run(
        &self,
        expected: &Records,
        actual: &Records,
        base: Option<&Records>,
        threads: Option<u32>,
    ) -> napi::Result<Work> {
        let (sides, base) = ([expected.given(), actual.given()], base.map(Records::given));
        let document = self.0.clone();
        Work::start(move |context| {
            let [expected, actual] = resolve(sides, context)?;
            let base = base.map(|base| base.resolve(context)).transpose()?;
            let run = fresh(threads)?.with_context(context.clone());
            let report = match base {
                None => document.compare(&run, &expected, &actual),
                Some(base) => document.compare_three_way(&run, &expected, &actual, &base),
            };
            report.map(Report)
        })
    }

    /// Compares, and keeps an index that takes changes.
    #[napi]
    pub fn index(
        &self,
        expected: &Records,
        actual: &Records,
        threads: Option<u32>,
    ) -> napi::Result<Work> {
        let (sides, document) = ([expected.given(), actual.given()], self.0.clone());
        Work::start(move |context| {
            let [expected, actual] = resolve(sides, context)?;
            // The index lives on, so it must not keep the context of the call that made it.
            let run = fresh(threads)?;
            let index = trueup::Incremental::new(document, &run, &expected, &actual)?;
            Ok(Incremental(Arc::new(Mutex::new(index))))
        })
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
    match threads.map(|threads| std::num::NonZero::new(threads as usize)) {
        None => Ok(run),
        Some(Some(threads)) => Ok(run.with_threads(threads)),
        Some(None) => Err(Error::new(Kind::Invalid, "`threads` must be at least 1")),
    }
}

/// Two snapshots side by side, with an index that takes changes.
#[napi]
pub struct Incremental(Arc<Mutex<trueup::Incremental>>);

#[napi]
impl Incremental {
    /// Puts these records in the place of those that have their keys.
    #[napi]
    pub fn change(&self, side: String, records: &Records) -> napi::Result<Work> {
        let (side, given) = (read_side(&side)?, records.given());
        self.work(move |index, context| index.change(side, &given.resolve(context)?))
    }

    /// Removes the records that have these keys.
    #[napi]
    pub fn remove(&self, side: String, keys: &Records) -> napi::Result<Work> {
        let (side, given) = (read_side(&side)?, keys.given());
        self.work(move |index, context| {
            index.remove(side, &given.resolve(context)?).map(|removed| removed as f64)
        })
    }

    /// The report that comparing afresh would give.
    #[napi]
    pub fn report(&self) -> napi::Result<Work> {
        self.work(|index, _| index.report().map(Report))
    }
}

impl Incremental {
    fn work<T: ToNapiValue + Send + 'static>(
        &self,
        work: impl FnOnce(&mut trueup::Incremental, &Context) -> Result<T> + Send + 'static,
    ) -> napi::Result<Work> {
        let index = self.0.clone();
        Work::start(move |context| {
            let mut index = index.lock().unwrap_or_else(PoisonError::into_inner);
            context.check()?;
            work(&mut index, context)
        })
    }
}

/// `expected` or `actual`.
pub(crate) fn read_side(name: &str) -> napi::Result<Side> {
    let side = Side::BOTH.into_iter().find(|side| side.name() == name).ok_or_else(|| {
        let nearest = trueup::suggest(name, Side::BOTH.map(Side::name));
        Error::new(Kind::Invalid, format!("unknown side `{name}`{nearest}"))
    });
    side.or_throw()
}
