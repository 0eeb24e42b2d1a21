//! A stage with a clock to set, and a system that does what a closure says.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use trueup::guard::Grant;
use trueup::runtime::{Executor, ExecutorSettings, Store, StoreOptions, Systems};
use trueup::{
    Authorised, Capability, Change, Connector, Context, Idempotency, Identity, Impact, Operation,
    Origin, Page, Plan, PlannedChange, Provenance, ReadRequest, Receipt, Resource, Result, Side,
    Value, Writer, async_trait, record,
};

use super::{Mode, Shifted, Target, schema, yes};

pub(crate) fn settings(json: &str) -> ExecutorSettings {
    serde_json::from_str(json).unwrap()
}

pub(crate) const FAST: &str = r#"{"in_flight": 1, "lease_ms": 1000, "error_count": 100,
    "retry": {"attempts": 4, "first_ms": 1, "longest_ms": 5}}"#;

pub(crate) struct Stage {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) clock: Arc<Shifted>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Shifted::default());
        let options = StoreOptions::new().with_clock(clock.clone());
        let store = options.create(folder.path().join("store.db")).unwrap();
        Self { folder, store, clock }
    }

    pub(crate) fn target(&self, mode: Mode) -> Target {
        Target::new(self.folder.path().join("effects"), mode)
    }

    pub(crate) fn executor(&self, json: &str) -> Executor {
        Executor::new(self.store.clone()).with_settings(settings(json))
    }

    /// Begins a run in a runtime that ends right after: the run's process is gone.
    pub(crate) fn begin_and_die(&self, plan: &Plan, grant: &Grant, systems: &Systems) -> String {
        self.die(plan, grant, systems, Duration::ZERO)
    }

    /// The same, after this long.
    pub(crate) fn die(
        &self,
        plan: &Plan,
        grant: &Grant,
        systems: &Systems,
        after: Duration,
    ) -> String {
        let (executor, plan, grant) = (self.executor(FAST), plan.clone(), grant.clone());
        let systems = systems.clone();
        let life = async move {
            let run = executor.execute(&plan, &grant, &systems, yes()).await.unwrap();
            tokio::time::sleep(after).await;
            run.id().to_owned()
        };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(life)
        })
        .join()
        .unwrap()
    }
}

type Apply = dyn Fn(&[Change]) -> Result<Vec<Receipt>> + Send + Sync;

/// A writer that does what a closure says, and says that everything is pending for ever.
#[derive(Clone)]
pub(crate) struct Scripted {
    idempotency: Idempotency,
    apply: Arc<Apply>,
    /// The records that readings give, one reading after the other, the last for ever.
    pub(crate) readings: Arc<Mutex<Vec<Vec<i64>>>>,
    pub(crate) capability: Capability,
    /// How long a reading takes.
    pub(crate) reads_for: Duration,
    pub(crate) asked: Arc<AtomicU64>,
    pub(crate) takes: Duration,
}

impl Scripted {
    pub(crate) fn new(
        idempotency: Idempotency,
        apply: impl Fn(&[Change]) -> Result<Vec<Receipt>> + Send + Sync + 'static,
    ) -> Self {
        let (asked, takes, reads_for, readings) = Default::default();
        let (apply, capability) = (Arc::new(apply), Capability::default());
        Self { idempotency, apply, asked, takes, reads_for, readings, capability }
    }

    pub(crate) fn systems(&self) -> Systems {
        Systems::new().with(Side::Actual, Arc::new(self.clone()))
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

#[async_trait]
impl Writer for Scripted {
    fn idempotency(&self, _: &str, _: &Operation) -> Idempotency {
        self.idempotency
    }

    async fn apply(&self, _: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        let outcome = (self.apply)(changes.changes());
        tokio::time::sleep(self.takes).await;
        outcome
    }

    async fn status(&self, _: Context, handle: String) -> Result<Receipt> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(Receipt::Pending { handle, check_after: Duration::ZERO })
    }
}

#[async_trait]
impl Connector for Scripted {
    fn identity(&self) -> Identity {
        Identity::new("counted", "scripted")
    }

    fn capability(&self) -> Capability {
        self.capability.clone()
    }

    async fn describe(&self, _: Context) -> Result<Vec<Resource>> {
        Ok(vec![Resource::new("items", schema())])
    }

    async fn check(&self, _: Context) -> Result<()> {
        Ok(())
    }

    async fn read_page(&self, _: Context, _: ReadRequest) -> Result<Page> {
        tokio::time::sleep(self.reads_for).await;
        let ids = {
            let mut readings = self.readings.lock().expect("lock");
            match readings.len() {
                0 => Vec::new(),
                1 => readings[0].clone(),
                _ => readings.remove(0),
            }
        };
        let row = |id: i64| vec![Value::from(id), Value::from(format!("new {id}"))];
        let rows: Vec<Vec<Value>> = ids.into_iter().map(row).collect();
        Ok(Page::new(record::batch_from_values(&schema(), &rows)?))
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        Some(Arc::new(self.clone()))
    }
}

pub(crate) fn all_done(changes: &[Change]) -> Result<Vec<Receipt>> {
    Ok(changes.iter().map(|_| Receipt::Done { id: None, version: None }).collect())
}

pub(crate) fn one(change: PlannedChange, reading: &str) -> Plan {
    let from = Provenance::read("counted", "items").with_read_id(reading);
    let impact = Impact::new(Side::Actual, 10);
    Plan::propose(Origin::new("test", &from), [impact], vec![change]).unwrap()
}
