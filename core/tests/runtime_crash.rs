//! The process is killed at every step of a run, and at pairs of steps: nothing is done twice, and
//! nothing is lost.
//!
//! The runs take place in a child process, which is this very test file told so by its environment.
//! The target counts its effects in a file of its own. With `TRUEUP_DEEP=1` every pair is tried.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod runtime_support;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use runtime_support::{Mode, Quirk, Target, grant, plan, wished, yes};
use trueup::runtime::{ChangeState, Executor, ExecutorSettings, Hooks, Point, RunReport, Store};

const IDS: [i64; 6] = [0, 1, 2, 3, 12, 13];

/// Stops at a point, the so-manieth time it is reached, and waits to be killed.
#[derive(Debug)]
struct Stop {
    point: String,
    left: AtomicU32,
}

impl Hooks for Stop {
    fn at(&self, point: Point) {
        if point.name() == self.point && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            println!("\nREACHED {}", self.point);
            loop {
                std::thread::park();
            }
        }
    }
}

/// Not a test by itself: what the child process does.
#[test]
fn child() {
    let Ok(folder) = std::env::var("TRUEUP_CHILD") else { return };
    let told = |name: &str| std::env::var(name).unwrap();
    let mode = Mode::named(&told("TRUEUP_MODE"));
    let left = AtomicU32::new(told("TRUEUP_TIMES").parse().unwrap());
    let hooks = Arc::new(Stop { point: told("TRUEUP_POINT"), left });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(carry_out(Path::new(&folder), mode, hooks));
    println!("\nENDED");
}

async fn carry_out(folder: &Path, mode: Mode, hooks: Arc<Stop>) {
    let store = Store::open(folder.join("store.db")).unwrap();
    let target = Target::new(folder.join("effects"), mode)
        .with_quirk(1, Quirk::ErrorAfter)
        .with_quirk(3, Quirk::Pending)
        .with_quirk(12, Quirk::Short);
    let (_, systems) = target.systems();
    let settings: ExecutorSettings = serde_json::from_str(
        r#"{"in_flight": 3, "lease_ms": 150, "error_count": 100,
            "retry": {"attempts": 9, "first_ms": 1, "longest_ms": 2}}"#,
    )
    .unwrap();
    let executor = Executor::new(store.clone()).with_settings(settings).with_hooks(hooks);
    let begun =
        store.log_entries(0, 10_000).unwrap().iter().any(|it| it.entry.kind() == "run.started");
    if !begun {
        let plan = plan("reading-1", IDS, 3);
        let grant = grant(&store, &plan);
        let run = executor.execute(&plan, &grant, &systems, yes()).await.unwrap();
        unless_too_slow(run.wait().await);
    }
    for _ in 0..20 {
        let open = executor.open_runs().await.unwrap();
        let Some(run) = open.first() else { return };
        let run = executor.recover(run, None, &systems, yes()).await.unwrap();
        unless_too_slow(run.wait().await);
    }
    panic!("the run comes to no end");
}

/// On a busy machine a lease may run out before changes are sent. They are not, then, and the run is
/// taken up again, as by any host.
fn unless_too_slow(outcome: trueup::Result<RunReport>) {
    if let Err(error) = outcome {
        assert!(error.to_string().contains("the lease ran out before"), "{error}");
    }
}

/// Runs the child until it reaches the point or ends; whether it reached it.
fn run_until(folder: &Path, mode: Mode, point: &str, times: u32) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env("TRUEUP_CHILD", folder)
        .env("TRUEUP_MODE", mode.name())
        .env("TRUEUP_POINT", point)
        .env("TRUEUP_TIMES", times.to_string())
        .stdout(Stdio::piped())
        .stderr(File::create(folder.join("said")).unwrap())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = lines.map_while(Result::ok);
    let end = said.find(|line| line.starts_with("REACHED") || line == "ENDED");
    child.kill().unwrap();
    child.wait().unwrap();
    match end.as_deref() {
        Some("ENDED") => false,
        Some(_) => true,
        None => {
            let said = std::fs::read_to_string(folder.join("said")).unwrap();
            panic!("the child failed in mode {} on its way to {point}: {said}", mode.name())
        }
    }
}

/// Kills the process at these points, one after the other, and then lets it finish; which of them it
/// reached.
fn check(mode: Mode, points: &[(Point, u32)]) -> Vec<Point> {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path().join("store.db")).unwrap();
    drop(store);
    let reached =
        points.iter().filter(|(point, times)| run_until(folder.path(), mode, point.name(), *times));
    let reached = reached.map(|(point, _)| *point).collect();
    assert!(!run_until(folder.path(), mode, "nowhere", 1));
    let target = Target::new(folder.path().join("effects"), mode);
    let context = format!("{} {points:?}: {:?}", mode.name(), target.effects());
    let mut sent = HashMap::<String, u32>::new();
    for [_, _, _, key] in target.effects() {
        *sent.entry(key).or_default() += 1;
    }
    assert!(sent.values().all(|times| *times == 1), "done twice: {context}");
    let store = Store::open(folder.path().join("store.db")).unwrap();
    store.verify().unwrap();
    let report = last_report(&store);
    if mode == Mode::AtMostOnce {
        // The delete of the second wave is held back where something before it is not known.
        let told = |(place, state): (usize, &ChangeState)| match state {
            ChangeState::Done | ChangeState::Unknown => true,
            ChangeState::Refused => IDS[place] == 3,
            _ => false,
        };
        assert!(report.iter().enumerate().all(told), "lost: {report:?} {context}");
    } else {
        assert_eq!(target.records(), wished(IDS), "lost: {context}");
        assert!(report.iter().all(|state| *state == ChangeState::Done), "{report:?} {context}");
    }
    reached
}

/// The last state that the log has of each change.
fn last_report(store: &Store) -> Vec<ChangeState> {
    let mut states = vec![ChangeState::Authorised; IDS.len()];
    for entry in store.log_entries(0, 10_000).unwrap() {
        if entry.entry.kind() == "change.receipt" {
            let said: serde_json::Value =
                serde_json::from_str(entry.entry.payload().unwrap()).unwrap();
            let place = usize::try_from(said["place"].as_u64().unwrap()).unwrap();
            let state = said["state"].as_str().unwrap();
            states[place] = ChangeState::ALL.into_iter().find(|it| it.name() == state).unwrap();
        }
    }
    states
}

fn deep() -> bool {
    std::env::var("TRUEUP_DEEP").is_ok_and(|deep| deep == "1")
}

/// Checks all cases, a few at a time; the points at which a process was killed.
fn check_all(cases: Vec<(Mode, Vec<(Point, u32)>)>) -> HashSet<Point> {
    let (cases, reached) = (Mutex::new(cases), Mutex::new(HashSet::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let Some((mode, points)) = cases.lock().unwrap().pop() else { break };
                    let killed = check(mode, &points);
                    reached.lock().unwrap().extend(killed);
                }
            });
        }
    });
    reached.into_inner().unwrap()
}

/// Every point that a run reaches which was not killed before.
fn first_points() -> impl Iterator<Item = Point> {
    let later = [Point::BeforeResume, Point::InResume];
    Point::ALL.into_iter().filter(move |point| !later.contains(point))
}

#[test]
fn killed_at_every_point() {
    let mut cases = Vec::new();
    for (place, point) in first_points().enumerate() {
        // Only a target that is read back comes by these.
        let looks = matches!(point, Point::AfterSettle | Point::AfterLook);
        let mode = if looks { Mode::ReadBack } else { Mode::ALL[place % 4] };
        cases.push((mode, vec![(point, 1)]));
        if deep() {
            cases.extend(Mode::ALL.map(|mode| (mode, vec![(point, 1)])));
            cases.extend(Mode::ALL.map(|mode| (mode, vec![(point, 2)])));
            cases.extend(Mode::ALL.map(|mode| (mode, vec![(point, 3)])));
        }
    }
    assert_eq!(check_all(cases), first_points().collect());
}

#[test]
fn killed_at_pairs_of_points() {
    let mut cases = Vec::new();
    for (a, first) in Point::ALL.into_iter().enumerate() {
        for (b, second) in Point::ALL.into_iter().enumerate() {
            if deep() {
                cases.extend(Mode::ALL.map(|mode| (mode, vec![(first, 1), (second, 1)])));
            } else if (a * 20 + b) % 13 == 7 {
                cases.push((Mode::ALL[(a + b) % 4], vec![(first, 1), (second, 1)]));
            }
        }
    }
    let reached = check_all(cases);
    assert!(reached.contains(&Point::BeforeResume) && reached.contains(&Point::InResume));
}
