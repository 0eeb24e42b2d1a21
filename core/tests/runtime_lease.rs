//! One run at a time a scope, clocks that jump, and limits that splitting a plan does not evade.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod runtime_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runtime_support::{Mode, Quirk, Shifted, Target, gate, grant, grant_by, plan, policy, yes};
use trueup::guard::Decision;
use trueup::runtime::{
    Executor, ExecutorSettings, Gate, Hooks, Next, Point, PolicyGate, RunCounts, RunStatus, Store,
    StoreOptions, Usage,
};
use trueup::{Kind, Plan, Result, async_trait};

struct Stage {
    folder: tempfile::TempDir,
    clock: Arc<Shifted>,
    store: Store,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Shifted::default());
        let store = StoreOptions::new().with_clock(clock.clone());
        let store = store.create(folder.path().join("store.db")).unwrap();
        Self { folder, clock, store }
    }

    fn target(&self) -> Target {
        Target::new(self.folder.path().join("effects"), Mode::Key)
    }

    fn executor(&self) -> Executor {
        let settings: ExecutorSettings =
            serde_json::from_str(r#"{"lease_ms": 5000, "in_flight": 1}"#).unwrap();
        Executor::new(self.store.clone()).with_settings(settings)
    }
}

/// Holds a run at a point until it is let go.
#[derive(Debug)]
struct Hold(Point, AtomicBool);

impl Hooks for Hold {
    fn at(&self, point: Point) {
        while point == self.0 && !self.1.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_second_run_is_refused_and_an_old_one_is_fenced_off() {
    let stage = Stage::new();
    let (target, systems) = stage.target().systems();
    let hold = Arc::new(Hold(Point::AfterSend, AtomicBool::new(false)));
    let (first, second) = (plan("reading-1", [0], 1), plan("reading-2", [2], 1));
    let (one, two) = (grant(&stage.store, &first), grant(&stage.store, &second));
    let slow = stage.executor().with_hooks(hold.clone());
    let held = slow.execute(&first, &one, &systems, yes()).await.unwrap();
    let quick = stage.executor();
    let refused = quick.execute(&second, &two, &systems, yes()).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Conflict);
    assert!(refused.to_string().contains("another run writes to this resource"), "{refused}");
    // The first run is silent for longer than its lease: the second takes its place.
    stage.clock.set(3_000_000);
    let run = quick.execute(&second, &two, &systems, yes()).await.unwrap();
    assert_eq!(run.wait().await.unwrap().counts().done, 1);
    hold.1.store(true, Ordering::SeqCst);
    let id = held.id().to_owned();
    let fenced = held.wait().await.unwrap_err();
    assert_eq!(fenced.kind(), Kind::Conflict, "{fenced}");
    assert!(fenced.to_string().contains("another executor took this run's place"), "{fenced}");
    let again = quick.recover(&id, None, &systems, yes()).await.unwrap();
    assert_eq!(again.wait().await.unwrap().counts().done, 1);
    assert_eq!(target.effects().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_ends_grants_and_never_revives_them() {
    let stage = Stage::new();
    let (target, systems) = stage.target().systems();
    let plan = plan("reading-1", [0], 1);
    let grant = grant(&stage.store, &plan);
    let executor = stage.executor();
    let check = async |words: &str| {
        let refused = executor.execute(&plan, &grant, &systems, yes()).await.unwrap_err();
        assert!(refused.to_string().contains(words), "{refused}");
    };
    stage.clock.set(7_200_000);
    check("the grant ended at").await;
    // The refusal is in the log, two hours from now; the grant would be good again.
    stage.clock.set(0);
    check("the clock went back").await;
    assert!(target.effects().is_empty());
}

/// Which parts of two changes each a policy lets through, with this limit in its one rule.
async fn parts(stage: &Stage, target: Target, limit: &str) -> (Vec<i64>, usize) {
    let (target, systems) = target.systems();
    let (policy, mut begun) = (policy(limit), Vec::new());
    for part in 0..5_i64 {
        let plan = plan(&format!("part-{part}"), [20 + part * 2, 21 + part * 2], 2);
        let grant = grant_by(&policy, &stage.store, &plan);
        match stage.executor().execute(&plan, &grant, &systems, gate(&policy)).await {
            Ok(run) => {
                run.wait().await.unwrap();
                begun.push(part);
            }
            Err(error) => {
                assert_eq!(error.kind(), Kind::Forbidden, "{error}");
                assert!(error.to_string().contains("the plan is denied now"), "{error}");
            }
        }
    }
    (begun, target.effects().len())
}

#[tokio::test(flavor = "multi_thread")]
async fn splitting_a_plan_evades_no_limit() {
    for limit in ["rate = { count = 6, per = \"1h\" }", "limit = { at_most = 6 }"] {
        let stage = Stage::new();
        let begun = parts(&stage, stage.target(), limit).await;
        assert_eq!(begun, (vec![0, 1, 2], 6), "{limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_did_not_do_is_given_back() {
    let stage = Stage::new();
    let refuses = [20, 21, 22].into_iter();
    let target = refuses.fold(stage.target(), |to, id| to.with_quirk(id, Quirk::Refuses));
    // The first part does nothing and the second half of it; so the third is the first that fits no more.
    let begun = parts(&stage, target, "limit = { at_most = 2 }").await;
    assert_eq!(begun, (vec![0, 1], 1));
    stage.store.verify().unwrap();
}

/// Waits once after each wave, and stops after the second.
#[derive(Debug)]
struct Careful(AtomicBool, Arc<PolicyGate>);

#[async_trait]
impl Gate for Careful {
    fn decide(&self, plan: &Plan, now: i64, used: &dyn Usage) -> Result<Decision> {
        self.1.decide(plan, now, used)
    }

    async fn after_wave(&self, wave: u32, so_far: &RunCounts) -> Result<Next> {
        assert_eq!(so_far.done, u64::from(wave + 1) * 2);
        Ok(match (wave, self.0.swap(true, Ordering::SeqCst)) {
            (_, false) => Next::Wait(Duration::from_millis(2)),
            (0, true) => Next::Go,
            _ => Next::Stop("the second wave looks odd".into()),
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_pauses_between_waves_until_their_gate_is_met() {
    let stage = Stage::new();
    let (target, systems) = stage.target().systems();
    let plan = plan("reading-1", 20..26, 2);
    let grant = grant(&stage.store, &plan);
    let gate = Arc::new(Careful(AtomicBool::new(false), yes()));
    let run = stage.executor().execute(&plan, &grant, &systems, gate).await.unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!((report.status, report.counts().done), (RunStatus::Stopped, 4), "{report:?}");
    assert_eq!(report.reason.as_deref(), Some("the second wave looks odd"));
    assert_eq!(target.effects().len(), 4);
}
