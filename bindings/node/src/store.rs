//! The store, and runs that journal into it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{ClassInstance, JsObjectValue, ToNapiValue, Uint8Array};
use napi_derive::napi;
use trueup::{Error, Kind, Result};
use trueup_bindings::run::{self, Finished, Gate, Running, Start, Target};
use trueup_bindings::store;

use crate::approvals::{BreakGlass, Grant, Key, parse};
use crate::connector::Source;
use crate::errors::{OrThrow, said, thrown};
use crate::guard::{Decision, Policy, read_request};
use crate::plan::Plan;
use crate::reconcile::read_side;
use crate::report::Report;
use crate::snapshot::Snapshot;
use crate::wire;
use crate::work::{Delivery, Task, Work};

/// One SQLite file that remembers what was read, found, planned, permitted and done; until it is closed.
#[napi]
pub struct Store(Mutex<Option<store::Store>>);

/// A file of the host's in an evidence pack.
#[napi(object, object_to_js = false)]
pub struct EvidenceFile {
    /// Its name.
    pub name: String,
    /// What it is.
    pub media_type: String,
    /// What is in it.
    pub bytes: Uint8Array,
}

/// A system that a run writes to.
#[napi(object, object_to_js = false)]
pub struct RunTarget<'a> {
    /// Whose system it is.
    pub side: String,
    /// The system, opened.
    pub source: ClassInstance<'a, Source>,
}

/// What a run begins with: a plan and its grant, or the name of a run and maybe its plan.
#[napi(object, object_to_js = false)]
pub struct RunStart<'a> {
    /// The plan.
    pub plan: Option<ClassInstance<'a, Plan>>,
    /// The permission.
    pub grant: Option<ClassInstance<'a, Grant>>,
    /// The run that is taken up again.
    pub run: Option<String>,
    /// The executor's settings, as JSON.
    pub settings: String,
    /// The policy that is asked again.
    pub policy: ClassInstance<'a, Policy>,
    /// Who asks it, as JSON.
    pub request: String,
    /// What break-glass lifts.
    pub glass: Option<ClassInstance<'a, BreakGlass>>,
}

#[napi]
impl Store {
    /// Makes or opens a store, as `opening` says.
    #[napi]
    pub fn make(path: String, opening: String, settings: String) -> napi::Result<Work> {
        let opening = wire::read(&opening, "`mode`").or_throw()?;
        let settings = parse(&settings)?;
        Work::start(move |_| {
            store::Store::make(&PathBuf::from(path), opening, settings).map(Self::of)
        })
    }

    /// Makes a store of a backup.
    #[napi]
    pub fn restore(backup: String, to: String) -> napi::Result<Work> {
        Work::start(move |_| {
            store::Store::restore(&PathBuf::from(backup), &PathBuf::from(to)).map(Self::of)
        })
    }

    /// Lets go of the file; what goes on keeps it until its end.
    #[napi]
    pub fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// A hold of its own on the file, for a run that is about to begin.
    #[napi]
    pub fn held(&self) -> napi::Result<Store> {
        self.get().map(Self::of)
    }

    /// What is asked in plain data, and answered so.
    #[napi]
    pub fn ask(&self, question: String) -> napi::Result<Work> {
        let question = parse(&question)?;
        self.work(move |store| store.ask(question).map(wire::text))
    }

    /// Notes a reading.
    #[napi]
    pub fn note_reading(&self, snapshot: &Snapshot) -> napi::Result<Work> {
        let snapshot = snapshot.0.clone();
        self.work(move |store| store.note_reading(&snapshot))
    }

    /// Notes that both sides agree.
    #[napi]
    pub fn note_agreed(&self, report: &Report) -> napi::Result<Work> {
        let report = report.0.clone();
        self.work(move |store| store.note_agreed(&report))
    }

    /// Follows findings to this report.
    #[napi]
    pub fn follow(&self, report: &Report) -> napi::Result<Work> {
        let report = report.0.clone();
        self.work(move |store| store.follow(&report).map(wire::text))
    }

    /// Keeps a finding out of sight.
    #[napi]
    pub fn suppress(
        &self,
        report: &Report,
        finding: String,
        owner: String,
        reason: String,
        until: i64,
    ) -> napi::Result<Work> {
        let report = report.0.clone();
        self.work(move |store| store.suppress(&report, &finding, &owner, &reason, until))
    }

    /// Ends a suppression.
    #[napi]
    pub fn unsuppress(&self, report: &Report, finding: String, by: String) -> napi::Result<Work> {
        let report = report.0.clone();
        self.work(move |store| store.unsuppress(&report, &finding, &by))
    }

    /// Keeps a plan.
    #[napi]
    pub fn keep_plan(&self, plan: &Plan) -> napi::Result<Work> {
        let plan = plan.0.clone();
        self.work(move |store| store.keep_plan(&plan))
    }

    /// A plan that was kept.
    #[napi]
    pub fn plan(&self, digest: String) -> napi::Result<Work> {
        self.work(move |store| store.plan(&digest).map(Plan))
    }

    /// Keeps a decision.
    #[napi]
    pub fn keep_decision(&self, decision: &Decision) -> napi::Result<Work> {
        let decision = decision.0.clone();
        self.work(move |store| store.keep_decision(&decision))
    }

    /// Keeps a grant.
    #[napi]
    pub fn keep_grant(&self, grant: &Grant) -> napi::Result<Work> {
        let grant = grant.0.clone();
        self.work(move |store| store.keep_grant(&grant))
    }

    /// Signs the log's head.
    #[napi]
    pub fn checkpoint(&self, key: &Key) -> napi::Result<Work> {
        let key = key.0.clone();
        self.work(move |store| store.checkpoint(&key))
    }

    /// The evidence pack of a run.
    #[napi]
    pub fn evidence(&self, run: String, files: Vec<EvidenceFile>, key: &Key) -> napi::Result<Work> {
        let key = key.0.clone();
        let file = |file: EvidenceFile| (file.name, file.media_type, file.bytes.to_vec());
        let files = files.into_iter().map(file).collect();
        self.work(move |store| store.evidence(&run, files, &key).map(Uint8Array::from))
    }

    /// Runs that have not ended.
    #[napi]
    pub fn open_runs(&self) -> napi::Result<Work> {
        run::open_runs(&self.get()?).or_throw().map(Work::of)
    }

    /// What a person says became of a change.
    #[napi]
    pub fn answer_for(
        &self,
        run: String,
        place: u32,
        took_place: bool,
        by: String,
        reason: String,
    ) -> napi::Result<Work> {
        let store = self.get()?;
        run::answer(&store, run, place as usize, took_place, by, reason).or_throw().map(Work::of)
    }

    /// Carries a plan out with its grant, or takes a run up again.
    #[napi]
    pub fn run(&self, start: RunStart<'_>, targets: Vec<RunTarget<'_>>) -> napi::Result<Run> {
        let plan = start.plan.map(|plan| plan.0.clone());
        let settings = parse(&start.settings)?;
        let begin = match (plan, start.grant, start.run) {
            (Some(plan), Some(grant), None) => Start::Execute(plan, Box::new(grant.0.clone())),
            (plan, _, run) => Start::Recover(run.unwrap_or_default(), plan),
        };
        let targets = targets.into_iter().map(|target| {
            let (connector, mishaps) = target.source.built_in().or_throw()?;
            Ok(Target { side: read_side(&target.side)?, connector, mishaps })
        });
        let targets = targets.collect::<napi::Result<Vec<_>>>()?;
        let (policy, request) = (start.policy.0.clone(), read_request(&start.request)?);
        let gate = Gate { policy, request, glass: start.glass.map(|glass| glass.0.clone()) };
        let running = run::run(&self.get()?, settings, begin, targets, gate, true).or_throw()?;
        Ok(Run(Arc::new(running)))
    }
}

impl Store {
    fn of(store: store::Store) -> Self {
        Self(Mutex::new(Some(store)))
    }

    fn get(&self) -> napi::Result<store::Store> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let closed = || Error::new(Kind::Invalid, "the store was closed; open it again");
        held.ok_or_else(closed).or_throw()
    }

    fn work<T: ToNapiValue + Send + 'static>(
        &self,
        work: impl FnOnce(&store::Store) -> Result<T> + Send + 'static,
    ) -> napi::Result<Work> {
        let store = self.get()?;
        Work::start(move |_| work(&store))
    }
}

/// A run that goes on by itself.
#[napi]
pub struct Run(Arc<Running>);

#[napi]
impl Run {
    /// The work, whose value is what became of every change, as JSON; the exceptions that came out of
    /// `apply` stand beside it.
    #[napi]
    pub fn work(&self) -> Work {
        Work::of(self.0.clone())
    }

    /// Its name, as soon as it has begun.
    #[napi]
    pub fn id(&self) -> Option<String> {
        self.0.id().map(ToOwned::to_owned)
    }

    /// What happened since the last call, as JSON.
    #[napi]
    pub fn events(&self) -> String {
        wire::text(self.0.events().into())
    }
}

impl Task for Arc<Running> {
    fn cancel(&self) {
        self.job().cancel();
    }

    fn progress(&self) -> Option<trueup::Progress> {
        self.job().progress()
    }

    fn when_over(&self, bell: Box<dyn FnOnce() + Send>) {
        self.job().when_over(bell);
    }

    fn take(&self) -> Option<Result<Delivery>> {
        self.job().take().map(|outcome| outcome.map(finished))
    }
}

fn finished(finished: Finished) -> Delivery {
    Box::new(move |outcome| {
        outcome.set_named_property("value", wire::text(finished.to_json()))?;
        let (mut places, mut failures, mut causes) = (Vec::new(), Vec::new(), Vec::new());
        for (place, error) in finished.mishaps() {
            places.push(*place as f64);
            failures.push(said(error));
            causes.push(thrown(error));
        }
        outcome.set_named_property("places", places)?;
        outcome.set_named_property("failures", failures)?;
        outcome.set_named_property("causes", causes)
    })
}
