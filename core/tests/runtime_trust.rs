//! What a target and its connector say is held against what is there; what they lose is not lost.
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
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use runtime_support::scripted::{FAST, Scripted, Stage, all_done, one};
use runtime_support::{Mode, Quirk, grant, plan, yes};
use trueup::runtime::{ChangeState, RunStatus, Store};
use trueup::{
    Change, Consistency, Error, FieldValue, Idempotency, Impact, Kind, Operation, Origin, Plan,
    PlannedChange, Provenance, Receipt, Result, Side,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_waits_for_nothing_that_failed() {
    // The record is made anew under another key, then the old one is removed.
    let create = PlannedChange::new(Side::Actual, Operation::Create)
        .with_key([FieldValue::new("id", 100)])
        .with_after([FieldValue::new("id", 100), FieldValue::new("value", "kept")]);
    let delete = PlannedChange::new(Side::Actual, Operation::Delete)
        .with_key([FieldValue::new("id", 1)])
        .with_before([FieldValue::new("value", "old 1")])
        .with_wave(1);
    let from = Provenance::read("counted", "items").with_read_id("r1");
    let plan = Plan::propose(
        Origin::new("test", &from),
        [Impact::new(Side::Actual, 10)],
        vec![create, delete],
    );
    let plan = plan.unwrap();
    for (mode, quirk, first) in [
        (Mode::Key, Quirk::Refuses, ChangeState::Failed),
        (Mode::AtMostOnce, Quirk::ErrorAfter, ChangeState::Unknown),
    ] {
        let stage = Stage::new();
        let (target, systems) = stage.target(mode).with_quirk(100, quirk).systems();
        let granted = grant(&stage.store, &plan);
        let run = stage.executor(FAST).execute(&plan, &granted, &systems, yes()).await.unwrap();
        let report = run.wait().await.unwrap();
        let states: Vec<_> = report.changes.iter().map(|change| change.state).collect();
        assert_eq!(states, [first, ChangeState::Refused], "{report:?}");
        assert!(target.records().contains_key(&1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_is_the_reason_of_the_run_and_no_effect() {
    let stage = Stage::new();
    let (_, systems) = stage.target(Mode::Key).with_quirk(2, Quirk::Lies).systems();
    let plan = plan("r1", [0, 2], 10);
    let granted = grant(&stage.store, &plan);
    let run = stage.executor(FAST).execute(&plan, &granted, &systems, yes()).await.unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!(report.status, RunStatus::Finished);
    assert!(report.reason.as_ref().unwrap().contains("1 changes are called done"), "{report:?}");
    assert_eq!(report.effects().iter().map(|effect| effect.place).collect::<Vec<_>>(), [0]);
}

fn lost(_: &[Change]) -> Result<Vec<Receipt>> {
    Err(Error::new(Kind::Unavailable, "the connection broke"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_torn_reading_misses_is_not_made_again() {
    let settle = Duration::from_millis(1);
    for (consistency, first, calls) in [
        // The record moved between two pages of the first reading.
        (Consistency::BestEffort, ChangeState::Unknown, 1),
        (Consistency::Snapshot, ChangeState::Done, 2),
    ] {
        let stage = Stage::new();
        let sent = Arc::new(AtomicU64::new(0));
        let counted = sent.clone();
        let mut scripted = Scripted::new(Idempotency::ReadBack { settle }, move |changes| {
            match counted.fetch_add(1, Ordering::SeqCst) {
                0 => lost(changes),
                _ => all_done(changes),
            }
        });
        scripted.capability.consistency = consistency;
        *scripted.readings.lock().unwrap() = vec![vec![], vec![100]];
        let plan = plan("r1", [100], 10);
        let granted = grant(&stage.store, &plan);
        let executor = stage.executor(FAST);
        let run = executor.execute(&plan, &granted, &scripted.systems(), yes()).await.unwrap();
        let report = run.wait().await.unwrap();
        assert_eq!(report.changes[0].state, first, "{consistency:?} {report:?}");
        assert_eq!(sent.load(Ordering::SeqCst), calls, "{consistency:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_a_target_repeats_is_written_nowhere() {
    let stage = Stage::new();
    let scripted = Scripted::new(Idempotency::Key, |changes| {
        let no = |change: &Change| {
            let value = change.after.iter().find(|(name, _)| name == "value").unwrap();
            let message = format!("the password `{}` is too short", value.1);
            Receipt::Failed(Error::new(Kind::Data, message))
        };
        Ok(changes.iter().map(no).collect())
    });
    let create = PlannedChange::new(Side::Actual, Operation::Create)
        .with_key([FieldValue::new("id", 100)])
        .with_after([FieldValue::new("id", 100), FieldValue::secret("value", "hunter2")]);
    let plan = one(create, "r1");
    let granted = grant(&stage.store, &plan);
    let executor = stage.executor(FAST);
    let run = executor.execute(&plan, &granted, &scripted.systems(), yes()).await.unwrap();
    let report = run.wait().await.unwrap();
    assert!(report.changes[0].error.as_ref().unwrap().contains("`‹secret›` is too short"));
    let entries = stage.store.log_entries(0, 1_000).unwrap();
    assert!(entries.iter().all(|entry| !entry.entry.text().contains("hunter2")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_reading_keeps_its_lease() {
    let stage = Stage::new();
    let mut scripted = Scripted::new(Idempotency::Key, all_done);
    scripted.reads_for = Duration::from_millis(1_200);
    *scripted.readings.lock().unwrap() = vec![vec![100]];
    let (first, second) = (plan("r1", [100], 10), plan("r2", [101], 10));
    let executor = stage.executor(r#"{"lease_ms": 400}"#);
    let granted = grant(&stage.store, &first);
    let run = executor.execute(&first, &granted, &scripted.systems(), yes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(800)).await;
    // It reads the target back, and still has it.
    let granted = grant(&stage.store, &second);
    let refused = executor.execute(&second, &granted, &scripted.systems(), yes()).await;
    assert_eq!(refused.unwrap_err().kind(), Kind::Conflict);
    let report = run.wait().await.unwrap();
    assert_eq!(report.changes[0].verified, Some(true), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_was_erased_is_kept_again() {
    let stage = Stage::new();
    let plan = plan("r1", [100], 10);
    stage.store.keep_plan(&plan).unwrap();
    let later = SystemTime::now() + Duration::from_secs(5);
    stage.store.forget_before(later, "dpo", "retention").unwrap();
    assert_eq!(stage.store.plan(plan.digest()).unwrap_err().kind(), Kind::NotFound);
    stage.store.keep_plan(&plan).unwrap();
    assert_eq!(stage.store.plan(plan.digest()).unwrap(), plan);
}

#[test]
fn a_backup_ends_while_others_write_and_after_one_that_did_not() {
    let stage = Stage::new();
    for number in 0..200 {
        stage.store.keep_plan(&plan(&format!("r{number}"), 100..120, 10)).unwrap();
    }
    std::fs::write(stage.folder.path().join("copy.db-copy"), "half a copy").unwrap();
    let writer = stage.store.clone();
    let stop = Arc::new(AtomicU64::new(0));
    let stopped = stop.clone();
    let writing = std::thread::spawn(move || {
        let mut number = 1_000;
        while stopped.load(Ordering::SeqCst) == 0 {
            writer.keep_plan(&plan(&format!("r{number}"), [100], 10)).unwrap();
            number += 1;
        }
    });
    let began = std::time::Instant::now();
    stage.store.backup(stage.folder.path().join("copy.db")).unwrap();
    let took = began.elapsed();
    stop.store(1, Ordering::SeqCst);
    writing.join().unwrap();
    assert!(took < Duration::from_secs(20), "{took:?}");
    let copy = Store::open(stage.folder.path().join("copy.db")).unwrap();
    assert!(copy.verify().unwrap().entries >= 200);
}
