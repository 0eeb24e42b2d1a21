//! Plans carried out: once, in waves, with every kind of answer a target can give.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod runtime_support;

use std::sync::{Arc, OnceLock};

use runtime_support::{Mode, Quirk, Target, gate, grant, plan, policy, wished, yes};
use trueup::audit::{Ed25519Signer, Signer, Trust, verify};
use trueup::guard::Grant;
use trueup::runtime::{
    ChangeState, Event, EvidenceFile, Executor, ExecutorSettings, RunReport, RunStatus, Store,
    Systems,
};
use trueup::{Kind, Provenance};

fn settings() -> ExecutorSettings {
    let json = r#"{"in_flight": 4, "lease_ms": 2000, "error_count": 100,
        "retry": {"attempts": 4, "first_ms": 1, "longest_ms": 5}}"#;
    serde_json::from_str(json).unwrap()
}

struct Stage {
    folder: tempfile::TempDir,
    store: Store,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(folder.path().join("store.db")).unwrap();
        Self { folder, store }
    }

    fn target(&self, mode: Mode) -> Target {
        Target::new(self.folder.path().join("effects"), mode)
    }

    async fn run(&self, ids: Vec<i64>, settings: ExecutorSettings, systems: &Systems) -> RunReport {
        let plan = plan("reading-1", ids, 3);
        let executor = Executor::new(self.store.clone()).with_settings(settings);
        let grant = grant(&self.store, &plan);
        let run = executor.execute(&plan, &grant, systems, yes()).await.unwrap();
        run.wait().await.unwrap()
    }
}

fn states(report: &RunReport) -> Vec<ChangeState> {
    report.changes.iter().map(|change| change.state).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_carried_out_and_found_in_the_target() {
    for mode in Mode::ALL {
        let stage = Stage::new();
        let (target, systems) = stage.target(mode).systems();
        let report = stage.run(vec![0, 1, 2, 3, 12, 13], settings(), &systems).await;
        assert_eq!(report.status, RunStatus::Finished, "{report:?}");
        assert_eq!(report.counts().to_string(), "6 done of 6");
        assert!(report.changes.iter().all(|it| it.verified == Some(true)), "{report:?}");
        assert_eq!(target.records(), wished([0, 1, 2, 3, 12, 13]));
        assert_eq!(target.effects().len(), 6);
        assert!(stage.store.verify().unwrap().entries > 12);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_evidence_of_a_run_proves_every_step_and_nothing_that_was_altered() {
    let stage = Stage::new();
    let (_, systems) = stage.target(Mode::Conditional).systems();
    let report = stage.run(vec![0, 1, 12], settings(), &systems).await;
    let signer = Ed25519Signer::new("trueup.local/log", [7; 32]).unwrap();
    let file = EvidenceFile::new("note.txt", "text/plain", "by hand");
    let pack = stage.store.evidence(&report.run, vec![file.clone()], &signer).unwrap();
    let trust = Trust::new().with_log(signer.verifier().clone());
    let verdict = verify(&pack, &trust, None);
    assert!(verdict.holds(), "{verdict}");
    // An intent and a receipt a change, the decision, begin, reading back, end, and the pack itself.
    assert!(verdict.anchored.len() >= 2 * 3 + 4, "{verdict}");
    assert_eq!(verdict.files.len(), 5);
    assert!(verdict.files.iter().all(|file| file.anchored_by.is_some()), "{verdict}");
    let at = pack.windows(7).position(|bytes| bytes == b"by hand").unwrap();
    let mut altered = pack.clone();
    altered[at] ^= 1;
    assert!(!verify(&altered, &trust, None).holds());
    let none = stage.store.evidence("no such run", vec![file], &signer).unwrap_err();
    assert_eq!(none.kind(), Kind::NotFound);
}

/// What a quirk of the target leads to, in each mode, for a plan of ids 0 to 2, id 1 being quirky.
async fn check(mode: Mode, quirk: Quirk, batch: usize, want: [ChangeState; 3], effects: usize) {
    let stage = Stage::new();
    let (target, systems) = stage.target(mode).with_quirk(1, quirk).systems();
    let mut settings = settings();
    settings.batch = batch;
    settings.in_flight = 1;
    let report = stage.run(vec![0, 1, 2], settings, &systems).await;
    assert_eq!(states(&report), want, "{mode:?} {quirk:?} {report:?}");
    assert_eq!(target.effects().len(), effects, "{mode:?} {quirk:?} {:?}", target.effects());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_a_target_is_told_apart() {
    use ChangeState::{Done, Failed, Unknown};
    for mode in [Mode::Key, Mode::Conditional, Mode::ReadBack] {
        for quirk in [
            Quirk::ErrorAfter,
            Quirk::ErrorBefore,
            Quirk::Pending,
            Quirk::Busy,
            Quirk::Short,
            Quirk::Panic,
            Quirk::UnknownAfter,
        ] {
            check(mode, quirk, 1, [Done, Done, Done], 3).await;
            check(mode, quirk, 3, [Done, Done, Done], 3).await;
        }
        check(mode, Quirk::Refuses, 1, [Done, Failed, Done], 2).await;
    }
    // A target that says no to what it did causes no second effect.
    for mode in [Mode::Key, Mode::ReadBack] {
        check(mode, Quirk::BusyAfter, 1, [Done, Done, Done], 3).await;
        check(mode, Quirk::BusyAfter, 3, [Done, Done, Done], 3).await;
    }
    let mode = Mode::AtMostOnce;
    for quirk in [Quirk::ErrorAfter, Quirk::Panic, Quirk::Short, Quirk::UnknownAfter] {
        check(mode, quirk, 1, [Done, Unknown, Done], 3).await;
    }
    check(mode, Quirk::ErrorBefore, 1, [Done, Unknown, Done], 2).await;
    check(mode, Quirk::Busy, 1, [Done, Failed, Done], 2).await;
    check(mode, Quirk::Pending, 1, [Done, Done, Done], 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_somebody_else_changed_is_stale_and_the_others_go_on() {
    let stage = Stage::new();
    let (target, systems) = stage.target(Mode::Conditional).systems();
    target.meddle(2, "theirs");
    let report = stage.run(vec![0, 1, 2], settings(), &systems).await;
    let want = [ChangeState::Done, ChangeState::Done, ChangeState::Stale];
    assert_eq!(states(&report), want, "{report:?}");
    assert_eq!(target.records()[&2], "theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_executed_once_and_a_grant_is_used_once() {
    let stage = Stage::new();
    let (target, systems) = stage.target(Mode::Key).systems();
    stage.run(vec![0, 1], settings(), &systems).await;
    let executor = Executor::new(stage.store.clone()).with_settings(settings());
    let (first, other) = (plan("reading-1", [0, 1], 3), plan("reading-2", [0, 1], 3));
    let (used, fresh) = (grant(&stage.store, &other), grant(&stage.store, &first));
    let check = async |plan, grant: &Grant, kind, words: &str| {
        let refused = executor.execute(plan, grant, &systems, yes()).await.unwrap_err();
        assert_eq!(refused.kind(), kind, "{refused}");
        assert!(refused.to_string().contains(words), "{refused}");
    };
    check(&first, &fresh, Kind::Conflict, "executed already").await;
    check(&other, &fresh, Kind::Forbidden, "is for plan").await;
    executor.execute(&other, &used, &systems, yes()).await.unwrap().wait().await.unwrap();
    let third = plan("reading-3", [0, 1], 3);
    check(&third, &used, Kind::Forbidden, "used already").await;
    let entries = stage.store.log_entries(0, 1_000).unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.entry.kind() == "run.refused").count(), 3);
    assert_eq!(target.effects().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_stops_between_changes_and_says_what_was_not_sent() {
    let stage = Stage::new();
    let (target, systems) = stage.target(Mode::Key).systems();
    let plan = plan("reading-1", 10..60, 5);
    let canceller: Arc<OnceLock<Box<dyn Fn() + Send + Sync>>> = Arc::default();
    let cancel = canceller.clone();
    let executor =
        Executor::new(stage.store.clone()).with_settings(settings()).with_listener(move |event| {
            if matches!(event, Event::Change { place: 12, .. }) {
                cancel.wait()();
            }
        });
    let grant = grant(&stage.store, &plan);
    let run = executor.execute(&plan, &grant, &systems, yes()).await.unwrap();
    assert!(canceller.set(Box::new(run.canceller())).is_ok());
    let report = run.wait().await.unwrap();
    assert_eq!(report.status, RunStatus::Cancelled);
    let counts = report.counts();
    assert!(
        counts.done >= 13 && counts.refused > 0 && counts.done + counts.refused == 50,
        "{counts}"
    );
    assert_eq!(target.effects().len() as u64, counts.done);
    assert_eq!(report.effects().len() as u64, counts.done);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_errors_stop_the_run() {
    let stage = Stage::new();
    let target = (10..20).fold(stage.target(Mode::Key), |it, id| it.with_quirk(id, Quirk::Refuses));
    let (target, systems) = target.systems();
    let mut settings = settings();
    (settings.error_count, settings.error_share, settings.in_flight) = (3, 0.5, 1);
    let report = stage.run((10..40).collect(), settings, &systems).await;
    assert_eq!(report.status, RunStatus::Stopped);
    assert_eq!(report.counts().to_string(), "0 done, 27 refused, 3 failed of 30");
    assert!(report.reason.unwrap().contains("3 of 3 changes failed"));
    assert_eq!(target.effects().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_drift_next_week_is_fixed_again() {
    let stage = Stage::new();
    let (target, systems) = stage.target(Mode::Key).systems();
    stage.run(vec![0, 2], settings(), &systems).await;
    target.meddle(0, "old 0");
    let executor = Executor::new(stage.store.clone()).with_settings(settings());
    let again = plan("reading-2", [0], 3);
    let grant = grant(&stage.store, &again);
    let run = executor.execute(&again, &grant, &systems, yes()).await.unwrap();
    assert_eq!(run.wait().await.unwrap().counts().done, 1);
    assert_eq!(target.records(), wished([0, 2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_undone_by_a_plan_of_what_took_place() {
    let stage = Stage::new();
    let (target, systems) = stage.target(Mode::Conditional).systems();
    let ids = [0, 1, 12];
    let first = plan("reading-1", ids, 2);
    let executor = Executor::new(stage.store.clone()).with_settings(settings());
    let granted = grant(&stage.store, &first);
    let run = executor.execute(&first, &granted, &systems, yes()).await.unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!(target.records(), wished(ids));
    let reading = Provenance::read("counted", "items").with_read_id("reading-2");
    let back = first.rollback(&report.effects(), &reading).unwrap();
    assert!(back.irreversible.is_empty());
    let granted = grant(&stage.store, &back.plan);
    let run = executor.execute(&back.plan, &granted, &systems, yes()).await.unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!(report.counts().done, 3, "{report:?}");
    assert_eq!(target.records(), wished([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_answers_once_what_nobody_knew() {
    let stage = Stage::new();
    let (_, systems) = stage.target(Mode::AtMostOnce).with_quirk(0, Quirk::ErrorAfter).systems();
    let report = stage.run(vec![0, 2], settings(), &systems).await;
    let asked: Vec<usize> = report.questions().map(|change| change.place).collect();
    assert_eq!(asked, [0]);
    let executor = Executor::new(stage.store.clone());
    let nobody = executor.answer(&report.run, 0, true, " ", "seen").await.unwrap_err();
    assert_eq!(nobody.kind(), Kind::Invalid);
    executor.answer(&report.run, 0, true, "ana", "the record has the new value").await.unwrap();
    for place in [0, 1, 7] {
        let again = executor.answer(&report.run, place, false, "ana", "no").await.unwrap_err();
        assert_eq!(again.kind(), Kind::Conflict, "{place}: {again}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pending_for_long_is_left_and_taken_up_again() {
    let stage = Stage::new();
    let (target, systems) = stage.target(Mode::Key).with_quirk(2, Quirk::LongPending).systems();
    let mut settings = settings();
    settings.pending_ms = 10;
    let report = stage.run(vec![0, 2, 4, 6], settings.clone(), &systems).await;
    assert_eq!(report.status, RunStatus::Waiting, "{report:?}");
    let want =
        [ChangeState::Done, ChangeState::Pending, ChangeState::Done, ChangeState::Authorised];
    assert_eq!(states(&report), want);
    let executor = Executor::new(stage.store.clone()).with_settings(settings);
    assert_eq!(executor.open_runs().await.unwrap(), std::slice::from_ref(&report.run));
    let other = plan("reading-9", [0], 1);
    let wrong = executor.recover(&report.run, Some(&other), &systems, yes()).await.unwrap_err();
    assert_eq!(wrong.kind(), Kind::Invalid, "{wrong}");
    let run = executor.recover(&report.run, None, &systems, yes()).await.unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!((report.status, report.counts().done), (RunStatus::Finished, 4), "{report:?}");
    assert_eq!(target.effects().len(), 4);
    assert!(executor.open_runs().await.unwrap().is_empty());
    let over = executor.recover(&report.run, None, &systems, yes()).await.unwrap_err();
    assert_eq!(over.kind(), Kind::Conflict, "{over}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_lies_is_found_by_reading_back() {
    let stage = Stage::new();
    let (_, systems) = stage.target(Mode::Key).with_quirk(2, Quirk::Lies).systems();
    let report = stage.run(vec![0, 2, 12], settings(), &systems).await;
    let verified: Vec<_> = report.changes.iter().map(|change| change.verified).collect();
    assert_eq!(verified, [Some(true), Some(false), Some(true)], "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_says_no_now_stops_what_it_granted_before() {
    let stage = Stage::new();
    let (target, systems) = stage.target(Mode::Key).systems();
    let plan = plan("reading-1", [0], 1);
    let granted = grant(&stage.store, &plan);
    let never = policy(
        "freeze = [{ zone = \"UTC\", from = \"2020-01-01T00:00\", to = \"2199-01-01T00:00\" }]",
    );
    let executor = Executor::new(stage.store.clone());
    let refused = executor.execute(&plan, &granted, &systems, gate(&never)).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Forbidden, "{refused}");
    assert!(target.effects().is_empty());
    assert_eq!(stage.store.grant(&hex(&granted.id())).unwrap_err().kind(), Kind::NotFound);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
