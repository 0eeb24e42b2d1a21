//! The store, and runs that journal into it.

use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;
use trueup::{Error, Kind, Progress, Result, Side};
use trueup_bindings::run::{self, Finished, Gate, Running, Start, Target};
use trueup_bindings::{compare, store};

use crate::approvals::{BreakGlass, Grant, Key};
use crate::call::{Call, Work};
use crate::connector::{Source, System};
use crate::errors::{Failure, Thrown, Told, thrown};
use crate::guard::{Decision, Policy, read_request};
use crate::plan::{self, Plan};
use crate::report::Report;
use crate::snapshot::Snapshot;
use crate::wire;

/// One SQLite file that remembers what was read, found, planned, permitted and done.
#[derive(uniffi::Object)]
pub struct Store(store::Store);

/// A file of the host's in an evidence pack.
#[derive(uniffi::Record)]
pub struct PackFile {
    /// Its name in the pack.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A system that a plan writes to.
#[derive(uniffi::Record)]
pub struct SystemOfSide {
    /// `expected` or `actual`.
    pub side: String,
    /// The system.
    pub source: Arc<Source>,
}

/// What is to be run: a plan with its grant, or the run of a name.
#[derive(uniffi::Record)]
pub struct Order {
    /// The executor's settings, as JSON.
    pub settings: String,
    /// The plan.
    pub plan: Option<Arc<Plan>>,
    /// Its grant.
    pub grant: Option<Arc<Grant>>,
    /// The run to take up again.
    pub run: Option<String>,
    /// The systems.
    pub systems: Vec<SystemOfSide>,
    /// The policy that is asked again.
    pub policy: Arc<Policy>,
    /// What it is asked, as JSON.
    pub request: String,
    /// What break-glass lifts.
    pub glass: Option<Arc<BreakGlass>>,
}

/// Makes or opens a store; `opening` is `create`, `open`, `open_or_create` or `in_memory`, as JSON.
#[uniffi::export]
pub async fn make_store(
    path: String,
    opening: String,
    settings: String,
    call: Arc<Call>,
) -> Told<Arc<Store>> {
    let opening = wire::read(&opening, "the opening")?;
    let settings: Json = wire::read(&settings, "the settings")?;
    let make = move || store::Store::make(path.as_ref(), opening, settings);
    call.start(move |_| make().map(|store| Arc::new(Store(store)))).await
}

/// Makes a store of a backup.
#[uniffi::export]
pub async fn restore_store(backup: String, to: String, call: Arc<Call>) -> Told<Arc<Store>> {
    let make = move || store::Store::restore(backup.as_ref(), to.as_ref());
    call.start(move |_| make().map(|store| Arc::new(Store(store)))).await
}

#[uniffi::export]
impl Store {
    /// What is asked in plain data: JSON in and out.
    pub async fn ask(&self, question: String, call: Arc<Call>) -> Told<String> {
        let question: Json = wire::read(&question, "the question")?;
        Ok(self.work(call, move |store| store.ask(question)).await?.to_string())
    }

    /// Notes a reading.
    pub async fn note_reading(&self, snapshot: Arc<Snapshot>, call: Arc<Call>) -> Told<()> {
        self.work(call, move |store| store.note_reading(&snapshot.0)).await
    }

    /// Notes that both sides agree as this report says.
    pub async fn note_agreed(&self, report: Arc<Report>, call: Arc<Call>) -> Told<()> {
        self.work(call, move |store| store.note_agreed(&report.0)).await
    }

    /// Follows the findings of a reconciliation to this report.
    pub async fn follow(&self, report: Arc<Report>, call: Arc<Call>) -> Told<String> {
        Ok(self.work(call, move |store| store.follow(&report.0)).await?.to_string())
    }

    /// Keeps an open finding out of sight.
    pub async fn suppress(
        &self,
        report: Arc<Report>,
        finding: String,
        owner: String,
        reason: String,
        until: i64,
        call: Arc<Call>,
    ) -> Told<()> {
        self.work(call, move |store| store.suppress(&report.0, &finding, &owner, &reason, until))
            .await
    }

    /// Ends a suppression before its time.
    pub async fn unsuppress(
        &self,
        report: Arc<Report>,
        finding: String,
        by: String,
        call: Arc<Call>,
    ) -> Told<()> {
        self.work(call, move |store| store.unsuppress(&report.0, &finding, &by)).await
    }

    /// Keeps a plan.
    pub async fn keep_plan(&self, plan: Arc<Plan>, call: Arc<Call>) -> Told<()> {
        self.work(call, move |store| store.keep_plan(&plan.0)).await
    }

    /// A plan that was kept.
    pub async fn plan(&self, digest: String, call: Arc<Call>) -> Told<Arc<Plan>> {
        self.work(call, move |store| store.plan(&digest).map(plan::shared)).await
    }

    /// Writes down what was decided about a plan.
    pub async fn keep_decision(&self, decision: Arc<Decision>, call: Arc<Call>) -> Told<()> {
        self.work(call, move |store| store.keep_decision(&decision.0)).await
    }

    /// Writes down that a plan was granted.
    pub async fn keep_grant(&self, grant: Arc<Grant>, call: Arc<Call>) -> Told<()> {
        self.work(call, move |store| store.keep_grant(&grant.0)).await
    }

    /// Signs the log's head.
    pub async fn checkpoint(&self, key: Arc<Key>, call: Arc<Call>) -> Told<String> {
        self.work(call, move |store| store.checkpoint(&key.0)).await
    }

    /// The evidence pack of a run.
    pub async fn evidence(
        &self,
        run: String,
        files: Vec<PackFile>,
        key: Arc<Key>,
        call: Arc<Call>,
    ) -> Told<Vec<u8>> {
        let files = files.into_iter().map(|it| (it.name, it.media_type, it.bytes)).collect();
        self.work(call, move |store| store.evidence(&run, files, &key.0)).await
    }

    /// Runs that have not ended.
    pub async fn open_runs(&self, call: Arc<Call>) -> Told<Vec<String>> {
        call.over(run::open_runs(&self.0)?).await
    }

    /// What a person says became of a change that nobody knew about.
    pub async fn answer_for(
        &self,
        run: String,
        place: u64,
        took_place: bool,
        by: String,
        reason: String,
        call: Arc<Call>,
    ) -> Told<()> {
        call.over(run::answer(&self.0, run, place as usize, took_place, by, reason)?).await
    }

    /// Begins to carry out what is ordered.
    pub async fn run(&self, order: Order, call: Arc<Call>) -> Told<Arc<Run>> {
        let Order { settings, plan, grant, run, systems, policy, request, glass } = order;
        let plan = plan.map(|plan| plan.0.clone());
        let start = match (plan, grant, run) {
            (Some(plan), Some(grant), None) => Start::Execute(plan, Box::new(grant.0.clone())),
            (plan, _, run) => Start::Recover(run.unwrap_or_default(), plan),
        };
        let settings: Json = wire::read(&settings, "the executor's settings")?;
        let glass = glass.map(|glass| glass.0.clone());
        let gate = Gate { policy: policy.0.clone(), request: read_request(&request)?, glass };
        let targets = targets(systems, &call).await?;
        let running = run::run(&self.0, settings, start, targets, gate, true)?;
        Ok(Arc::new(Run { running: Arc::new(running), outcome: OnceLock::new() }))
    }
}

impl Store {
    async fn work<T: Send + 'static>(
        &self,
        call: Arc<Call>,
        work: impl FnOnce(&store::Store) -> Result<T> + Send + 'static,
    ) -> Told<T> {
        let store = self.0.clone();
        call.start(move |_| work(&store)).await
    }
}

/// The systems, opened.
async fn targets(systems: Vec<SystemOfSide>, call: &Call) -> Told<Vec<Target>> {
    let side = |it: SystemOfSide| Ok((compare::side(&it.side)?, it.source.system()));
    let systems = systems.into_iter().map(side).collect::<Result<Vec<(Side, System)>>>()?;
    call.read(|context| async move {
        let mut targets = Vec::new();
        for (side, system) in systems {
            let (connector, mishaps) = system.open(&context).await?;
            targets.push(Target { side, connector, mishaps });
        }
        Ok(targets)
    })
    .await
}

/// A run that goes on by itself.
#[derive(uniffi::Object)]
pub struct Run {
    running: Arc<Running>,
    outcome: OnceLock<Result<Outcome>>,
}

/// What became of a run: the report as JSON, and what came out of a connector's `apply`.
#[derive(Clone, uniffi::Record)]
pub struct Outcome {
    /// What became of every change.
    pub said: String,
    /// What was thrown, by the places of the changes it was about.
    pub thrown: Vec<ThrownAt>,
}

/// What came out of a connector's `apply`.
#[derive(Clone, uniffi::Record)]
pub struct ThrownAt {
    /// The place of the change it was about.
    pub place: u64,
    /// What was thrown.
    pub thrown: Arc<dyn Thrown>,
}

#[uniffi::export]
impl Run {
    /// Its name, as soon as it has begun.
    pub fn id(&self) -> Option<String> {
        self.running.id().map(str::to_owned)
    }

    /// What happened since the last call, as JSON.
    pub fn events(&self) -> String {
        Json::from(self.running.events()).to_string()
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.running.job().wait(std::time::Duration::ZERO)
    }

    /// Asks it to stop.
    pub fn cancel(&self) {
        self.running.job().cancel();
    }

    /// Waits for its end; cancelling the call asks the run to stop.
    pub async fn outcome(&self, call: Arc<Call>) -> Told<Outcome> {
        call.until(self.running.clone()).await;
        let outcome = self.outcome.get_or_init(|| match self.running.job().take() {
            Some(finished) => finished.map(|finished| outcome(&finished)),
            None => Err(Error::new(Kind::Internal, "the run left no outcome; please report it")),
        });
        outcome.as_ref().cloned().map_err(Failure::from)
    }
}

fn outcome(finished: &Finished) -> Outcome {
    let thrown = finished.mishaps().iter().filter_map(|(place, error)| {
        Some(ThrownAt { place: *place as u64, thrown: thrown(error)? })
    });
    Outcome { said: finished.to_json().to_string(), thrown: thrown.collect() }
}

impl Work for Running {
    fn cancel(&self) {
        self.job().cancel();
    }

    fn progress(&self) -> Option<Progress> {
        self.job().progress()
    }

    fn when_over(&self, bell: Box<dyn FnOnce() + Send>) {
        self.job().when_over(bell);
    }
}
