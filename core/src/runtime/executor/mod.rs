//! Carrying a plan out, once: journal first, then the effect, then the receipt.
//!
//! order: settings → hooks → report → execution → gate → work → desk → begun → limit → judge → look → errand → course → rounds → doubts

mod begun;
mod course;
mod desk;
mod doubts;
mod errand;
mod execution;
mod gate;
mod hooks;
mod judge;
mod limit;
mod look;
mod report;
mod rounds;
mod settings;
mod work;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::watch;
use tracing::Instrument;
use trueup_connector::{Error, Kind, Result};

use super::clock::{fresh_id, hex};
use super::store::Store;
use super::store::approvals::plan;
use super::store::journal::{abandon, answer, find_open, look_up, open_runs};
use crate::guard::Grant;
use crate::plan::Plan;
use begun::Begun;
use course::{Course, Listener};
use desk::{Desk, tell};
use errand::Kit;
use limit::Limit;
use work::Work;

pub use execution::Execution;
pub use gate::{Gate, Next, PolicyGate, Usage};
pub use hooks::{Hooks, Point};
pub use report::{ChangeReport, Event, RunCounts, RunReport, RunStatus};
pub use settings::ExecutorSettings;
pub use work::Systems;

/// Carries plans out.
///
/// # What it promises
/// - **Nothing without a grant.** A grant is used up in the transaction that begins the run, is good
///   for one plan, and the gate is asked again in that transaction.
/// - **Nothing that is not on disk.** A change is sealed in the transaction that writes its intent
///   and its entry of the audit log. Where that cannot be written, nothing is sent.
/// - **Once.** A change of unknown outcome is settled as its target allows: with a key or a
///   condition it is sent again; else the target is read back after it had time to settle; else a
///   person is asked. A plan is executed once.
/// - **One at a time.** A run holds a lease on every resource it writes. When that runs out another
///   may take it; what the first does then is refused by the store. That stops trueup's own
///   processes; against everybody else there is the change's precondition.
/// - **A failed change is a receipt.** The others go on, until too many fail.
///
/// It needs a tokio runtime with time enabled.
#[derive(Clone)]
pub struct Executor {
    store: Store,
    settings: ExecutorSettings,
    listener: Option<Listener>,
    hooks: Option<Arc<dyn Hooks>>,
}

impl Executor {
    /// An executor that journals into this store, with the default settings.
    pub fn new(store: Store) -> Self {
        Self { store, settings: ExecutorSettings::default(), listener: None, hooks: None }
    }

    /// Sets the settings.
    #[must_use]
    pub fn with_settings(mut self, settings: ExecutorSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Calls `listener` as runs go on: from any thread, with what is on disk by then. It must not
    /// block.
    #[must_use]
    pub fn with_listener(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Tells `hooks` of every step; for tests.
    #[must_use]
    pub fn with_hooks(mut self, hooks: Arc<dyn Hooks>) -> Self {
        self.hooks = Some(hooks);
        self
    }

    /// Begins to carry a plan out.
    ///
    /// When this returns, the grant is used up and the run is on disk; it goes on in a task of its
    /// own, whether or not anybody waits for it.
    ///
    /// # Errors
    /// `forbidden` for a grant that is used, for another plan or at its end, and where the
    /// gate says no; `conflict` for a plan that was executed already, and for a resource that another
    /// run writes to; `unsupported` for a system that cannot be written; those of the store. Nothing
    /// was sent then; what was refused, and why, is in the audit log.
    pub async fn execute(
        &self,
        plan: &Plan,
        grant: &Grant,
        systems: &Systems,
        gate: Arc<dyn Gate>,
    ) -> Result<Execution> {
        let id = fresh_id(self.store.entropy())?;
        self.at(Point::BeforeBegin);
        let begun = match Work::new(plan, systems) {
            Ok(work) => {
                self.begin(&id, grant, &work, gate.clone()).await.map(|begun| (work, begun))
            }
            Err(error) => Err(error),
        };
        let (work, begun) = match begun {
            Ok(begun) => begun,
            Err(error) => return Err(self.refuse(plan, grant, error).await),
        };
        self.at(Point::AfterBegin);
        Ok(self.start(work, begun, gate))
    }

    /// Runs that have not ended: their process did, or they wait for pending changes. The first
    /// begun is the first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn open_runs(&self) -> Result<Vec<String>> {
        let open = self.store.submit(|tx| open_runs(tx)).await?;
        Ok(open.into_iter().map(|(run, _)| run).collect())
    }

    /// Takes a run up again: finds out what became of the changes that may have been sent, and goes
    /// on with the rest.
    ///
    /// The plan is taken from the store, but for one that writes secrets: hand that in again. Where
    /// the lease of the process that ended still holds, this waits for its end.
    ///
    /// # Errors
    /// `not_found` for an unknown run, `conflict` for one that has ended or that another process is
    /// at, `invalid` for another plan than the run's, `forbidden` where the gate says no now;
    /// `unsupported` for a plan with secrets that was not handed in; those of the store.
    pub async fn recover(
        &self,
        run: &str,
        plan: Option<&Plan>,
        systems: &Systems,
        gate: Arc<dyn Gate>,
    ) -> Result<Execution> {
        let plan = self.plan_of(run, plan).await?;
        let work = Work::new(&plan, systems)?;
        self.at(Point::BeforeResume);
        let begun = self.resume(run, &work, gate.clone()).await?;
        Ok(self.start(work, begun, gate))
    }

    /// What became of a run, however long ago and in whichever process: with what people answered since.
    ///
    /// # Errors
    /// `not_found` for an unknown run; those of the store.
    pub async fn report(&self, run: &str) -> Result<RunReport> {
        let id = run.to_owned();
        let (status, reason, items) = self.store.submit(move |tx| look_up(tx, &id)).await?;
        let status = RunStatus::named(&status)?;
        Ok(RunReport::new(run, status, reason, items))
    }

    /// Gives a run up that cannot be taken up again: what was not sent is refused, and of what was, a
    /// person is asked. Nothing is sent, and no system is looked at.
    ///
    /// Take a run up with [`Executor::recover`] where that is possible: it finds out more.
    ///
    /// # Errors
    /// `not_found` for an unknown run, `conflict` for one that has ended or that another process is
    /// at; `invalid` without a name and a reason; those of the store.
    pub async fn abandon(&self, run: &str, by: &str, reason: &str) -> Result<RunReport> {
        check_said(by, reason)?;
        let [id, by, reason] = [run, by, reason].map(str::to_owned);
        self.store.submit(move |tx| abandon(tx, &id, &by, &reason)).await?;
        self.report(run).await
    }

    /// What a person says became of a change that nobody knew about: whether it took place.
    ///
    /// # Errors
    /// `conflict` where nobody was asked about it; `invalid` without a name and a reason; those of
    /// the store.
    pub async fn answer(
        &self,
        run: &str,
        place: usize,
        took_place: bool,
        by: &str,
        reason: &str,
    ) -> Result<()> {
        check_said(by, reason)?;
        let [run, by, reason] = [run, by, reason].map(str::to_owned);
        self.store.submit(move |tx| answer(tx, &run, place, took_place, &by, &reason)).await
    }

    /// The plan of an open run, as it is handed in or as it was kept.
    async fn plan_of(&self, run: &str, given: Option<&Plan>) -> Result<Plan> {
        let (run, given) = (run.to_owned(), given.cloned());
        let found = self.store.submit(move |tx| {
            let digest = find_open(tx, &run)?;
            match given {
                Some(given) if given.digest() == digest => Ok(given),
                Some(given) => {
                    let (is, got) = (hex(&digest), hex(&given.digest()));
                    let message = format!("run `{run}` is of plan `{is}`, not `{got}`");
                    Err(Error::new(Kind::Invalid, message))
                }
                None => plan(tx, &digest),
            }
        });
        found.await
    }

    fn start(&self, work: Work, begun: Begun, gate: Arc<dyn Gate>) -> Execution {
        let Begun { ticket, decision, items, terms, started_at, over } = begun;
        let (id, plan) = (ticket.run.clone(), hex(&work.plan().digest()));
        let desk = Desk::new(self.store.clone(), ticket, self.hooks.clone());
        let limit = Limit::new(&self.store, started_at, decision.timeout());
        let kit = Arc::new(Kit { desk, work, settings: self.settings.clone(), limit });
        let (cancelled, listener) = (Arc::new(watch::Sender::new(false)), self.listener.clone());
        let changes = items.len();
        let course = Course {
            kit,
            counts: RunCounts::of(items.iter().map(|item| item.state)),
            items,
            gate,
            decision,
            terms,
            listener,
            cancelled: cancelled.clone(),
            stop: over.map(|error| error.to_string()),
            to_look_at: HashSet::new(),
            due: HashMap::new(),
            polls: HashMap::new(),
        };
        let span = tracing::info_span!("trueup.run", run = %id, plan, changes);
        let task = tokio::spawn(course.run().instrument(span));
        Execution { id, cancelled, task }
    }

    /// Notes that a plan was refused, and why; the reason is what the caller gets.
    async fn refuse(&self, plan: &Plan, grant: &Grant, reason: Error) -> Error {
        let said = json!({
            "plan": hex(&plan.digest()), "grant": hex(&grant.id()), "kind": reason.kind().name(),
            "reason": reason.to_string(),
        });
        let noted = self.store.submit(move |tx| tx.log("run.refused", &said)).await;
        match noted {
            Ok(()) => reason,
            Err(error) => reason.with("not in the log, because", error),
        }
    }

    fn at(&self, point: Point) {
        tell(&self.hooks, point);
    }
}

fn check_said(by: &str, reason: &str) -> Result<()> {
    match by.trim().is_empty() || reason.trim().is_empty() {
        true => {
            let message = "an answer needs the name of who gives it, and a reason";
            Err(Error::new(Kind::Invalid, message))
        }
        false => Ok(()),
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor")
            .field("store", &self.store)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
