//! The conformance suite over a connector of Swift.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value as Json;
use trueup::{Context, Result};
use trueup_bindings::conform::{self, Made, Once, Truth};
use trueup_testkit::block_on;

use crate::call::Call;
use crate::connector::{Source, System};
use crate::errors::{Failure, Told};
use crate::records::NamedRecords;

/// Makes what is tested, afresh for each promise.
#[uniffi::export(rust, foreign)]
#[async_trait]
pub trait Maker: Send + Sync {
    /// The connector, and the truth about its source.
    async fn make(&self) -> Result<HostSubject, Failure>;
}

/// The source behind a connector under test.
#[uniffi::export(rust, foreign)]
#[async_trait]
pub trait HostSource: Send + Sync {
    /// Breaks it, so that it cannot be read any more.
    async fn break_down(&self) -> Result<(), Failure>;

    /// Changes it, and gives the new truth of the resources that changed.
    async fn change(&self) -> Result<Vec<NamedRecords>, Failure>;
}

/// A connector under test.
#[derive(uniffi::Record)]
pub struct HostSubject {
    /// The connector.
    pub source: Arc<Source>,
    /// All records of each resource.
    pub truth: Vec<NamedRecords>,
    /// A resource that may be written, and records of it that can be made.
    pub writes: Option<NamedRecords>,
    /// The source behind it.
    pub behind: Arc<dyn HostSource>,
    /// Whether the source can be broken.
    pub can_break: bool,
    /// Whether the source can be changed.
    pub can_change: bool,
}

/// Checks every promise; fails where one is broken.
#[uniffi::export]
pub async fn conformance(maker: Arc<dyn Maker>, call: Arc<Call>) -> Told<String> {
    let check = move |context: &Context| {
        let checked = conform::check(context, |context| made(&*maker, context))?;
        conform::all_kept(&checked).map(|()| Json::from(checked))
    };
    Ok(call.start(check).await?.to_string())
}

fn made(maker: &dyn Maker, context: &Context) -> Result<Made> {
    let subject = block_on(maker.make())?;
    let connector = match subject.source.system() {
        System::Built(connector, _) => connector,
        System::Swift(host) => conform::open(host, context)?,
    };
    let (breaks, changes, later) = (subject.behind.clone(), subject.behind, context.clone());
    let breaking: Once<()> = Box::new(move || Ok(block_on(breaks.break_down())?));
    let change: Once<Truth> = Box::new(move || resolve(block_on(changes.change())?, &later));
    let writes = resolve(subject.writes.into_iter().collect(), context)?.pop();
    Ok(Made {
        connector,
        truth: resolve(subject.truth, context)?,
        writes,
        breaking: subject.can_break.then_some(breaking),
        change: subject.can_change.then_some(change),
    })
}

fn resolve(named: Vec<NamedRecords>, context: &Context) -> Result<Truth> {
    named.into_iter().map(|one| Ok((one.name, one.records.given().resolve(context)?))).collect()
}
