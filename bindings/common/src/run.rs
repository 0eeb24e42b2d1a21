//! Runs: a plan carried out in the background, told of as data.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::{Value as Json, json};
use trueup::guard::{BreakGlass, Grant, Policy, Request};
use trueup::runtime::{
    ChangeState, Event, Execution, Executor, ExecutorSettings, PolicyGate, RunCounts, RunReport,
    Systems,
};
use trueup::{Connector, Context, Error, Kind, Plan, Result, Side};

use crate::job::{Cancelled, Job};
use crate::store::Store;
use crate::write::Mishaps;

/// What must say yes when a plan is carried out.
#[derive(Clone, Debug)]
pub struct Gate {
    /// The policy that is asked again.
    pub policy: Policy,
    /// Who asks, where, and what else is known.
    pub request: Request,
    /// What break-glass lifts, while it is open.
    pub glass: Option<BreakGlass>,
}

/// A system that a plan writes to.
#[derive(Clone)]
pub struct Target {
    /// Whose system it is.
    pub side: Side,
    /// The system.
    pub connector: Arc<dyn Connector>,
    /// What came out of its `apply`, where a host wrote it.
    pub mishaps: Option<Mishaps>,
}

/// What a run begins with.
pub enum Start {
    /// A plan, and the permission to carry it out.
    Execute(Plan, Box<Grant>),
    /// A run that has not ended, by its name; and its plan, where that writes secrets.
    Recover(String, Option<Plan>),
}

/// A run in the background. Dropping it does not stop the run.
pub struct Running {
    job: Job<Finished>,
    told: Arc<Told>,
}

/// What a run tells while it goes on.
#[derive(Default)]
struct Told {
    id: OnceLock<String>,
    total: OnceLock<u64>,
    settled: Mutex<BTreeMap<usize, bool>>,
    events: Option<Mutex<Vec<Json>>>,
}

/// What became of a run.
pub struct Finished {
    report: RunReport,
    mishaps: BTreeMap<usize, Arc<Error>>,
}

/// Carries a plan out, or takes a run up again.
///
/// The job is never dropped: cancelling it tells the run, which finishes what is under way, writes it
/// down and ends. `events` keeps what happens for [`Running::events`]; without it only progress is told.
///
/// # Errors
/// `invalid` for settings that are none; `unavailable` where no runtime can be started. What keeps the
/// run from beginning is the job's outcome.
pub fn run(
    store: &Store,
    settings: Json,
    start: Start,
    targets: Vec<Target>,
    gate: Gate,
    events: bool,
) -> Result<Running> {
    let settings: ExecutorSettings = serde_json::from_value(settings).map_err(|cause| {
        Error::new(Kind::Invalid, format!("the executor's settings are wrong: {cause}"))
    })?;
    let executor = Executor::new(store.get()?.clone()).with_settings(settings);
    let told = Arc::new(Told { events: events.then(Mutex::default), ..Told::default() });
    let listening = told.clone();
    let job = Job::write(move |context, cancelled| async move {
        let tell = {
            let (told, context) = (listening.clone(), context.clone());
            move |event: &Event| told.note(event, &context)
        };
        let executor = executor.with_listener(tell);
        let execution = begin(&executor, start, &targets, gate, &context).await?;
        // A run that has nothing to tell yet has a name all the same.
        listening.id.get_or_init(|| execution.0.id().to_owned());
        finish(execution, &targets, cancelled).await
    })?;
    Ok(Running { job, told })
}

/// Runs that have not ended, first begun first.
///
/// # Errors
/// Those of the store.
pub fn open_runs(store: &Store) -> Result<Job<Vec<String>>> {
    let executor = Executor::new(store.get()?.clone());
    Job::write(|_, _| async move { executor.open_runs().await })
}

/// What a person says became of a change that nobody knew about.
///
/// # Errors
/// Those of the store; as [`Executor::answer`] in the job.
pub fn answer(
    store: &Store,
    run: String,
    place: usize,
    took_place: bool,
    by: String,
    reason: String,
) -> Result<Job<()>> {
    let executor = Executor::new(store.get()?.clone());
    Job::write(
        move |_, _| async move { executor.answer(&run, place, took_place, &by, &reason).await },
    )
}

impl Running {
    /// The work: to be waited for, cancelled, and asked for its progress and outcome.
    pub fn job(&self) -> &Job<Finished> {
        &self.job
    }

    /// The run's name, as soon as it has begun.
    pub fn id(&self) -> Option<&str> {
        self.told.id.get().map(String::as_str)
    }

    /// What happened since the last call, first to last; nothing where nobody asked for it.
    pub fn events(&self) -> Vec<Json> {
        let events = self.told.events.as_ref().map(|events| {
            std::mem::take(&mut *events.lock().unwrap_or_else(PoisonError::into_inner))
        });
        events.unwrap_or_default()
    }
}

impl Finished {
    /// What became of every change, as data; `effects` are for [`plan::rollback`](crate::plan::rollback).
    pub fn to_json(&self) -> Json {
        let report = &self.report;
        let changes = report.changes.iter().map(|change| {
            json!({
                "place": change.place,
                "state": change.state.name(),
                "attempts": change.attempts,
                "id": change.id,
                "version": change.version,
                "verified": change.verified,
                "error": change.error,
            })
        });
        let effects = report.effects().into_iter().map(
            |effect| json!({"place": effect.place, "id": effect.id, "version": effect.version}),
        );
        let counts = report.counts();
        json!({
            "run": report.run,
            "status": report.status.name(),
            "reason": report.reason,
            "counts": said(&counts),
            "changes": changes.collect::<Vec<_>>(),
            "effects": effects.collect::<Vec<_>>(),
            "questions": report.questions().map(|change| change.place).collect::<Vec<_>>(),
            "text": format!("{}: {counts}", report.status),
        })
    }

    /// The last error that came out of a host's `apply`, by the place of the change it was about.
    pub fn mishaps(&self) -> &BTreeMap<usize, Arc<Error>> {
        &self.mishaps
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.report.fmt(f)
    }
}

impl Told {
    fn note(&self, event: &Event, context: &Context) {
        match event {
            Event::Started { run, changes } => {
                self.id.get_or_init(|| run.clone());
                self.total.get_or_init(|| *changes as u64);
            }
            Event::Change { place, state } => self.progress(*place, *state, context),
            _ => {}
        }
        if let Some(events) = &self.events {
            events.lock().unwrap_or_else(PoisonError::into_inner).push(happened(event));
        }
    }

    fn progress(&self, place: usize, state: ChangeState, context: &Context) {
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_final() && settled.insert(place, true).is_none() {
            context.report("execute", settled.len() as u64, self.total.get().copied());
        }
    }
}

/// The run, and the plan whose changes it carries out.
async fn begin(
    executor: &Executor,
    start: Start,
    targets: &[Target],
    gate: Gate,
    context: &Context,
) -> Result<(Execution, Option<Plan>)> {
    context.check()?;
    let systems = targets.iter().fold(Systems::new(), |systems, target| {
        systems.with(target.side, target.connector.clone())
    });
    let policy = PolicyGate::new(Arc::new(gate.policy), gate.request);
    let gate = Arc::new(match gate.glass {
        Some(glass) => policy.with_break_glass(Arc::new(glass)),
        None => policy,
    });
    match start {
        Start::Execute(plan, grant) => {
            let execution = executor.execute(&plan, &grant, &systems, gate).await?;
            Ok((execution, Some(plan)))
        }
        Start::Recover(run, plan) => {
            let execution = executor.recover(&run, plan.as_ref(), &systems, gate).await?;
            Ok((execution, plan))
        }
    }
}

async fn finish(
    (execution, plan): (Execution, Option<Plan>),
    targets: &[Target],
    cancelled: Cancelled,
) -> Result<Finished> {
    let stop = execution.canceller();
    let mut waiting = Box::pin(execution.wait());
    let report = tokio::select! {
        report = &mut waiting => report,
        () = cancelled.asked() => {
            stop();
            waiting.await
        }
    }?;
    let mut mishaps = BTreeMap::new();
    for place in plan.iter().flat_map(|plan| 0..plan.changes().len()) {
        let change = plan.as_ref().map(|plan| plan.change_for(place)).transpose()?;
        let key = change.map(|change| change.idempotency_key).unwrap_or_default();
        let of = |target: &Target| target.mishaps.as_ref().and_then(|mishaps| mishaps.of(&key));
        mishaps.extend(targets.iter().find_map(of).map(|error| (place, error)));
    }
    Ok(Finished { report, mishaps })
}

fn said(counts: &RunCounts) -> Json {
    json!({
        "total": counts.total,
        "done": counts.done,
        "pending": counts.pending,
        "stale": counts.stale,
        "refused": counts.refused,
        "failed": counts.failed,
        "unknown": counts.unknown,
    })
}

/// An event as data.
fn happened(event: &Event) -> Json {
    match event {
        Event::Started { run, changes } => {
            json!({"event": "started", "run": run, "changes": changes})
        }
        Event::Change { place, state } => {
            json!({"event": "change", "place": place, "state": state.name()})
        }
        Event::Waiting { why, time } => {
            json!({"event": "waiting", "why": why, "seconds": time.as_secs_f64()})
        }
        Event::WaveEnded { wave } => json!({"event": "wave_ended", "wave": wave}),
        Event::Stopping { reason } => json!({"event": "stopping", "reason": reason}),
        Event::Ended { status } => json!({"event": "ended", "status": status.name()}),
        _ => json!({"event": "unknown"}),
    }
}
