//! Reconciling: documents, runs, and the index for changes.

use std::thread;

use napi::bindgen_prelude::ToNapiValue;
use napi_derive::napi;
use trueup::{Context, Error, Kind, Result, Side, Snapshot};
use trueup_bindings::compare::{self, Index};

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
        let sides = given(expected, actual)?;
        let base = base.map(Records::given).transpose().or_throw()?;
        let document = self.0.clone();
        let threads = threads.map(|threads| threads as usize);
        Work::start(move |context| {
            let sides = resolve(sides, context)?;
            let base = base.map(|base| base.resolve(context)).transpose()?;
            compare::compare(&document, context, &sides, base.as_ref(), threads).map(Report)
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
        let (sides, document) = (given(expected, actual)?, self.0.clone());
        let threads = threads.map(|threads| threads as usize);
        Work::start(move |context| {
            Index::new(document, &resolve(sides, context)?, threads).map(Incremental)
        })
    }
}

fn given(expected: &Records, actual: &Records) -> napi::Result<[Given; 2]> {
    Ok([expected.given().or_throw()?, actual.given().or_throw()?])
}

/// Both sides, at the same time.
fn resolve([expected, actual]: [Given; 2], context: &Context) -> Result<[Snapshot; 2]> {
    let side = |given: Given, side: Side| {
        context.check()?;
        given.resolve(context).map_err(|error| error.with("side", side))
    };
    thread::scope(|scope| {
        let actual = scope.spawn(|| side(actual, Side::Actual));
        let expected = side(expected, Side::Expected)?;
        let broke = |_| Err(Error::new(Kind::Internal, "trueup broke down; please report it"));
        Ok([expected, actual.join().unwrap_or_else(broke)?])
    })
}

/// Two snapshots side by side, with an index that takes changes.
#[napi]
pub struct Incremental(Index);

#[napi]
impl Incremental {
    /// Puts these records in the place of those that have their keys.
    #[napi]
    pub fn change(&self, side: String, records: &Records) -> napi::Result<Work> {
        let (side, given) = (read_side(&side)?, records.given().or_throw()?);
        self.work(move |index, context| {
            let records = given.resolve(context)?;
            index.with(context, |index| index.change(side, &records))
        })
    }

    /// Removes the records that have these keys.
    #[napi]
    pub fn remove(&self, side: String, keys: &Records) -> napi::Result<Work> {
        let (side, given) = (read_side(&side)?, keys.given().or_throw()?);
        self.work(move |index, context| {
            let keys = given.resolve(context)?;
            index.with(context, |index| index.remove(side, &keys)).map(|removed| removed as f64)
        })
    }

    /// The report that comparing afresh would give.
    #[napi]
    pub fn report(&self) -> napi::Result<Work> {
        self.work(|index, context| index.with(context, |index| index.report()).map(Report))
    }
}

impl Incremental {
    fn work<T: ToNapiValue + Send + 'static>(
        &self,
        work: impl FnOnce(&Index, &Context) -> Result<T> + Send + 'static,
    ) -> napi::Result<Work> {
        let index = self.0.clone();
        Work::start(move |context| work(&index, context))
    }
}

/// `expected` or `actual`.
pub(crate) fn read_side(name: &str) -> napi::Result<Side> {
    compare::side(name).or_throw()
}
