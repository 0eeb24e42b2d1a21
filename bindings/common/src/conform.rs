//! The conformance suite over a host's connector.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value as Json, json};
use trueup::{Connector, Context, Error, Kind, Result, Snapshot};
use trueup_testkit::{Promise, Subject};

use crate::page::{Host, HostConnector};

/// All records of resources, by their names.
pub type Truth = Vec<(String, Snapshot)>;

/// A function of the host that is called once; it may block.
pub type Once<T> = Box<dyn FnOnce() -> Result<T> + Send>;

/// A connector under test, made afresh for each promise, and the truth about its source.
pub struct Made {
    /// The connector.
    pub connector: Arc<dyn Connector>,
    /// All records of each resource, as somebody knows them who did not use the connector.
    pub truth: Truth,
    /// A resource that may be written, and records of it that are not there and can be made.
    pub writes: Option<(String, Snapshot)>,
    /// Breaks the source so that it cannot be read any more, where that is possible.
    pub breaking: Option<Once<()>>,
    /// Changes the source, and says the new truth of the resources that changed.
    pub change: Option<Once<Truth>>,
}

/// Asks a host what its connector is, and waits for the answer.
///
/// # Errors
/// As [`HostConnector::open`].
pub fn open<H: Host + 'static>(host: H, context: &Context) -> Result<Arc<dyn Connector>> {
    let opened = trueup_testkit::block_on(HostConnector::open(host, context.clone()))?;
    Ok(Arc::new(opened))
}

/// Checks every promise of the contract, and says how each stands: `{"promise": …, "kept": …,
/// "detail": …}`.
///
/// `make` is called once a promise, and may block. It runs until it has checked all, or was cancelled.
///
/// # Errors
/// Those of `make` and of what it gives, and `cancelled`.
pub fn check(
    context: &Context,
    mut make: impl FnMut(&Context) -> Result<Made>,
) -> Result<Vec<Json>> {
    let promises = Promise::ALL.into_iter().zip(0_u64..);
    let checked = promises.map(|(promise, done)| {
        context.check()?;
        context.report("conformance", done, Some(Promise::ALL.len() as u64));
        let failed = Failed::default();
        let subject = subject(make(context)?, &failed);
        let outcome = trueup_testkit::conformance::run(promise, async move || subject);
        if let Some(error) = failed.take() {
            return Err(error.with("promise", promise));
        }
        let detail = outcome.as_ref().err().map(ToString::to_string);
        Ok(json!({"promise": promise.name(), "kept": outcome.is_ok(), "detail": detail}))
    });
    checked.collect()
}

/// Fails where a promise is broken.
///
/// # Errors
/// `protocol`, with everything that is broken and how.
pub fn all_kept(checked: &[Json]) -> Result<()> {
    let broken: Vec<&str> =
        checked.iter().filter_map(|promise| promise.get("detail")?.as_str()).collect();
    match broken.is_empty() {
        true => Ok(()),
        false => Err(Error::new(Kind::Protocol, broken.join("\n"))),
    }
}

/// What went wrong in a function of the host, which the suite has no way to say.
#[derive(Clone, Default)]
struct Failed(Arc<Mutex<Option<Error>>>);

impl Failed {
    fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What the function gives; it may wait for other threads of the host.
    fn run<T: Default>(&self, work: Once<T>) -> T {
        tokio::task::block_in_place(work).unwrap_or_else(|error| {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            T::default()
        })
    }
}

fn subject(made: Made, failed: &Failed) -> Subject {
    let Made { connector, truth, writes, breaking, change } = made;
    let told =
        |subject: Subject, (name, records): (String, Snapshot)| subject.with_truth(name, records);
    let mut subject = truth.into_iter().fold(Subject::shared(connector), told);
    if let Some((resource, fresh)) = writes {
        subject = subject.with_writes(resource, fresh);
    }
    if let Some(change) = change {
        let failed = failed.clone();
        subject = subject.with_change(move || async move { failed.run(change) });
    }
    let failed = failed.clone();
    match breaking {
        Some(breaking) => subject.with_break(move || async move { failed.run(breaking) }),
        None => subject.unbreakable("whoever asked for the suite says so"),
    }
}

#[cfg(test)]
mod tests {
    use trueup_testkit::{Hostile, Memory, Misdeed, rows};

    use super::*;

    fn made(wrap: impl Fn(Memory) -> Arc<dyn Connector>) -> impl FnMut(&Context) -> Result<Made> {
        move |_| {
            let device = |n: u32| format!(r#"{{"serial":"A{n}","os":"14.{n}"}}"#);
            let some = |from: u32| (from..from + 4).map(device).collect::<Vec<_>>().join(",");
            let truth = rows(&["serial"], &format!("[{}]", some(0)));
            let fresh = rows(&["serial"], &format!("[{}]", some(10)));
            let memory = Memory::new().with_resource("devices", truth.clone());
            let memory = memory.with_writer(trueup::Idempotency::Conditional);
            let source = memory.clone();
            let breaking: Once<()> = Box::new(move || {
                source.break_down();
                Ok(())
            });
            Ok(Made {
                connector: wrap(memory),
                truth: vec![("devices".to_owned(), truth)],
                writes: Some(("devices".to_owned(), fresh)),
                breaking: Some(breaking),
                change: None,
            })
        }
    }

    #[test]
    fn a_good_connector_keeps_its_promises_and_a_bad_one_does_not() {
        let good = check(&Context::new(), made(|memory| Arc::new(memory))).unwrap();
        all_kept(&good).unwrap();
        assert_eq!(good.len(), Promise::ALL.len());
        let bad = made(|memory| Arc::new(Hostile::new(memory, Misdeed::LosesRecords)));
        let error = all_kept(&check(&Context::new(), bad).unwrap()).unwrap_err();
        assert!(error.message().contains("`paging`"), "{error}");
    }

    #[test]
    fn what_fails_beside_the_connector_is_an_error() {
        let mut whole = made(|memory| Arc::new(memory));
        let broken = move |context: &Context| {
            let breaking: Once<()> = Box::new(|| Err(Error::new(Kind::Data, "no tool for that")));
            Ok(Made { breaking: Some(breaking), ..whole(context)? })
        };
        assert_eq!(check(&Context::new(), broken).unwrap_err().message(), "no tool for that");
    }
}
