//! Everything that it takes to have a plan carried out.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;
use trueup::guard::{Actor, Approver, Grant, Policy, Request, Standing};
use trueup::runtime::{
    Clock, Executor, ExecutorSettings, PolicyGate, RunReport, RunStatus, Store, StoreOptions,
    SystemClock, Systems,
};
use trueup::{FieldValue, Impact, Origin, Plan, PlannedChange, Provenance, Side};
use trueup_connector::{Change, Error, Operation, Value, async_trait};

use super::super::target::Target;
use super::super::{Broken, Promise, Subject};
use super::courier::{Courier, Mishap};

/// A connector that is ready to be written by the executor.
pub(super) struct Stage<'a> {
    pub(super) target: Target<'a>,
    pub(super) courier: Courier,
    subject: &'a Subject,
    systems: Systems,
    store: Store,
    clock: Arc<Shifted>,
    policy: Arc<Policy>,
    plans: AtomicU32,
}

const POLICY: &str = r#"
version = 1
name = "conformance"
valid = "1h"
stale_share = "100%"
[[rule]]
id = "all"
outcome = "allow"
"#;

/// How often a run that waits for pending changes is taken up again.
const ROUNDS: u32 = 2;
/// How long an executor that died holds its lease, by a clock that the test sets.
const LEASE_MS: u64 = 60_000;

impl<'a> Stage<'a> {
    /// `None` where the connector only reads.
    pub(super) async fn of(subject: &'a Subject, promise: Promise) -> Result<Option<Self>, Broken> {
        let Some(target) = Target::of(subject, promise).await? else { return Ok(None) };
        let wrong = |error: Error| promise.broken(format!("the stage cannot be set: {error}"));
        let courier = Courier::new(Arc::clone(subject.connector()));
        let systems = Systems::new().with(Side::Actual, Arc::new(courier.clone()));
        let clock = Arc::new(Shifted::default());
        let store = StoreOptions::new().with_clock(clock.clone()).in_memory().map_err(wrong)?;
        let policy = Arc::new(Policy::from_toml(POLICY).map_err(wrong)?);
        let plans = AtomicU32::new(0);
        Ok(Some(Self { target, courier, subject, systems, store, clock, policy, plans }))
    }

    /// A plan of these changes, made from a reading of its own.
    pub(super) fn plan(&self, changes: &[Change]) -> Result<Plan, Broken> {
        let number = self.plans.fetch_add(1, Ordering::Relaxed);
        let identity = self.subject.connector().identity();
        let resource = &self.target.resource.name;
        let reading = Provenance::read(identity.system, resource)
            .with_read_id(format!("{}-{number}", self.target.stamp()));
        let impact = Impact::new(Side::Actual, changes.len() as u64);
        let planned = changes.iter().map(|change| self.planned(change)).collect();
        let plan = Plan::propose(Origin::new("conformance", &reading), [impact], planned);
        plan.map_err(|error| self.target.broken(&format!("no plan can be made: {error}")))
    }

    /// Carries changes out as one plan, in one call, to its end.
    pub(super) async fn run(&self, changes: &[Change]) -> Result<RunReport, Broken> {
        let plan = self.plan(changes)?;
        self.execute(&plan).await.map_err(|error| {
            self.target.broken(&format!("a plan of good changes is not carried out: {error:?}"))
        })
    }

    /// Carries a plan out, in one call, to its end.
    pub(super) async fn execute(&self, plan: &Plan) -> Result<RunReport, Error> {
        let grant = self.grant(plan)?;
        let run = self.executor().execute(plan, &grant, &self.systems, self.gate()).await?;
        self.to_its_end(run.wait().await?).await
    }

    /// The same with an executor that does not wait for pending changes, and others that do.
    pub(super) async fn run_without_patience(
        &self,
        changes: &[Change],
    ) -> Result<RunReport, Broken> {
        let plan = self.plan(changes)?;
        let run = async {
            let (mut settings, grant) = (self.settings(), self.grant(&plan)?);
            settings.pending_ms = 0;
            let executor = Executor::new(self.store.clone()).with_settings(settings);
            let run = executor.execute(&plan, &grant, &self.systems, self.gate()).await?;
            self.to_its_end(run.wait().await?).await
        };
        run.await.map_err(|error: Error| {
            self.target.broken(&format!("a run that waits cannot be taken up again: {error:?}"))
        })
    }

    /// Has the executor die on the way, and another one take the run up, to its end.
    pub(super) async fn execute_with_a_crash(
        &self,
        plan: &Plan,
        mishap: fn(oneshot::Sender<()>) -> Mishap,
    ) -> Result<RunReport, Error> {
        let grant = self.grant(plan)?;
        let (dies, dead) = oneshot::channel();
        self.courier.expect(mishap(dies));
        let mut mortal = tokio::runtime::Builder::new_multi_thread();
        let mortal = mortal.worker_threads(1).enable_all().build().map_err(|cause| {
            Error::new(trueup_connector::Kind::Unavailable, "no thread is left").with_source(cause)
        })?;
        let (executor, systems, gate) = (self.executor(), self.systems.clone(), self.gate());
        let plan = plan.clone();
        mortal.spawn(async move { executor.execute(&plan, &grant, &systems, gate).await });
        // Where the call never comes, the run is over: then it is not open, as is said below.
        let came = dead.await;
        mortal.shutdown_background();
        self.clock.jump(LEASE_MS + 1);
        let open = self.executor().open_runs().await?;
        match (came, open.first()) {
            (Ok(()), Some(run)) => {
                let run = self.executor().recover(run, None, &self.systems, self.gate()).await?;
                self.to_its_end(run.wait().await?).await
            }
            _ => Err(Error::new(trueup_connector::Kind::Internal, "the changes were never sent")),
        }
    }

    /// Takes a run up until nothing in it is pending, or the patience is over.
    async fn to_its_end(&self, mut report: RunReport) -> Result<RunReport, Error> {
        for _ in 0..ROUNDS {
            if report.status != RunStatus::Waiting {
                break;
            }
            let executor = self.executor();
            let run = executor.recover(&report.run, None, &self.systems, self.gate()).await?;
            report = run.wait().await?;
        }
        Ok(report)
    }

    /// How many effects there were, where the subject's author can tell.
    pub(super) async fn effects(&self) -> Option<usize> {
        self.subject.count_effects().await
    }

    fn executor(&self) -> Executor {
        Executor::new(self.store.clone()).with_settings(self.settings())
    }

    fn settings(&self) -> ExecutorSettings {
        let mut settings = ExecutorSettings::default();
        let quarter = self.subject.patience() / (ROUNDS + 2);
        settings.pending_ms = u64::try_from(quarter.as_millis()).unwrap_or(u64::MAX);
        (settings.batch, settings.lease_ms, settings.error_share) = (64, LEASE_MS, 1.0);
        (settings.retry.first_ms, settings.retry.longest_ms) = (1, 20);
        settings.retry.patience_ms = settings.pending_ms;
        settings
    }

    fn gate(&self) -> Arc<PolicyGate> {
        Arc::new(PolicyGate::new(Arc::clone(&self.policy), self.request()))
    }

    fn request(&self) -> Request {
        let now = self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Request::new(Actor::new("agent:conformance"), now.as_millis() as i64)
    }

    fn grant(&self, plan: &Plan) -> Result<Grant, Error> {
        let request = self.request();
        let asked = self.policy.decide(plan, &request).asked()?;
        let nobody = |_: &Approver, _: &str, _: &[u8], _: &[u8]| false;
        match asked.standing(&[], request.now(), &nobody) {
            Standing::Granted(grant) => Ok(grant),
            other => {
                let message = format!("the suite's own policy does not grant a plan: {other:?}");
                Err(Error::new(trueup_connector::Kind::Internal, message))
            }
        }
    }

    fn planned(&self, change: &Change) -> PlannedChange {
        let schema = &self.target.resource.schema;
        let key = schema.key().into_iter().zip(&change.key);
        let key = key.map(|(name, value)| FieldValue::new(name, value.clone()));
        let fields = |fields: &[(String, Value)]| -> Vec<FieldValue> {
            fields
                .iter()
                .map(|(name, value)| FieldValue::new(name.as_str(), value.clone()))
                .collect()
        };
        let before = match change.operation {
            Operation::Create => Vec::new(),
            _ => fields(&change.before),
        };
        PlannedChange::new(Side::Actual, change.operation.clone())
            .with_key(key)
            .with_id(change.id.clone().map(Value::Text))
            .with_version(change.version.clone().map(Value::Text))
            .with_before(before)
            .with_after(fields(&change.after))
    }
}

/// The machine's clock, set ahead by the test.
#[derive(Debug, Default)]
struct Shifted {
    system: SystemClock,
    ahead_ms: AtomicI64,
}

impl Shifted {
    fn jump(&self, millis: u64) {
        self.ahead_ms.fetch_add(i64::try_from(millis).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for Shifted {
    fn now(&self) -> SystemTime {
        let ahead = self.ahead_ms.load(Ordering::SeqCst).unsigned_abs();
        self.system.now() + Duration::from_millis(ahead)
    }

    fn elapsed(&self) -> Duration {
        self.system.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        self.system.sleep(time).await;
    }
}
