//! What bounds a run: its grant, its time, other runs of the same records, and what a host gets wrong.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod runtime_support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use runtime_support::scripted::{FAST, Scripted, Stage, all_done, one};
use runtime_support::{Mode, Quirk, Target, gate, grant, grant_by, plan, policy, yes};
use trueup::audit::{Ed25519Signer, Signer};
use trueup::guard::{
    Actor, Answer, Approval, Approver, BreakGlass, Decision, Grant, Opening, Policy, Request,
};
use trueup::runtime::{ChangeState, EvidenceFile, Gate, PolicyGate, RunStatus, Usage};
use trueup::{
    Change, Error, FieldValue, Idempotency, Kind, Operation, Plan, PlannedChange, Receipt, Result,
    Side, Value, async_trait,
};

fn now() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_is_not_done_because_the_new_name_is_taken() {
    for quirk in [Quirk::ErrorBefore, Quirk::Lies] {
        let stage = Stage::new();
        let (target, systems) = stage.target(Mode::ReadBack).with_quirk(1, quirk).systems();
        let change = PlannedChange::new(Side::Actual, Operation::Update)
            .with_key([FieldValue::new("id", 1)])
            .with_before([FieldValue::new("id", 1)])
            .with_after([FieldValue::new("id", 2)]);
        let plan = one(change, "r1");
        let granted = grant(&stage.store, &plan);
        let run = stage.executor(FAST).execute(&plan, &granted, &systems, yes()).await.unwrap();
        let report = run.wait().await.unwrap();
        assert!(target.effects().is_empty());
        assert_ne!(report.changes[0].verified, Some(true), "{quirk:?} {report:?}");
        if quirk == Quirk::ErrorBefore {
            assert_eq!(report.changes[0].state, ChangeState::Unknown, "{report:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_after_a_freeze_began_in_the_middle_of_a_wave() {
    let stage = Stage::new();
    let at = |millis: i64| {
        let text = Value::Instant(i128::from(millis) * 1_000_000).to_string();
        text[..19].to_owned()
    };
    let (from, to) = (at(now() + 120_000), at(now() + 86_400_000));
    let policy =
        policy(&format!("freeze = [{{ zone = \"UTC\", from = \"{from}\", to = \"{to}\" }}]"));
    let (clock, calls) = (stage.clock.clone(), AtomicU64::new(0));
    // Each write takes half a minute.
    let scripted = Scripted::new(Idempotency::Key, move |changes| {
        let calls = calls.fetch_add(1, Ordering::SeqCst) + 1;
        clock.set(i64::try_from(calls).unwrap() * 30_000);
        all_done(changes)
    });
    let plan = plan("r1", 100..140, 1_000);
    let granted = grant_by(&policy, &stage.store, &plan);
    let executor = stage.executor(r#"{"in_flight": 1, "verify": false, "lease_ms": 600000}"#);
    let run = executor.execute(&plan, &granted, &scripted.systems(), gate(&policy)).await.unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!(report.status, RunStatus::Stopped, "{report:?}");
    assert!((3..=5).contains(&report.counts().done), "{}", report.counts());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_taken_up_late_is_wound_up_and_not_carried_out() {
    let ask = "version = 1\nname = \"n\"\n[[rule]]\nid = \"all\"\noutcome = \"ask\"\n";
    let strict = Arc::new(Policy::from_toml(ask).unwrap());
    let other = Arc::new(PolicyGate::new(strict, Request::new(Actor::new("agent:other"), 0)));
    for (late, least, most) in [(false, 3, 3), (true, 0, 1)] {
        let stage = Stage::new();
        let (target, systems) = stage.target(Mode::Key).systems();
        let plan = plan("r1", [100, 101, 102], 1);
        let granted = grant(&stage.store, &plan);
        let run = stage.begin_and_die(&plan, &granted, &systems);
        let executor = stage.executor(FAST);
        if late {
            // The grant was for an hour.
            stage.clock.set(30 * 86_400_000);
            let report = executor.recover(&run, None, &systems, other.clone()).await.unwrap();
            let report = report.wait().await.unwrap();
            assert_eq!(report.status, RunStatus::Stopped);
            // The first may have been sent before the process ended.
            assert!(report.counts().refused >= 2, "{report:?}");
            assert!(report.reason.unwrap().contains("the grant expired at"));
        } else {
            let refused = executor.recover(&run, None, &systems, other.clone()).await.unwrap_err();
            assert_eq!(refused.kind(), Kind::Forbidden, "{refused}");
            let report = executor.recover(&run, None, &systems, yes()).await.unwrap();
            assert_eq!(report.wait().await.unwrap().counts().done, 3);
        }
        assert!((least..=most).contains(&target.effects().len()), "late: {late}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_where_it_began_or_not_at_all() {
    let stage = Stage::new();
    let (_, systems) = stage.target(Mode::Key).systems();
    let plan = plan("r1", [100], 1);
    let run = stage.begin_and_die(&plan, &grant(&stage.store, &plan), &systems);
    let (_, elsewhere) = Target::new(stage.folder.path().join("other"), Mode::Key).systems();
    let refused = stage.executor(FAST).recover(&run, None, &elsewhere, yes()).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Invalid, "{refused}");
    assert!(refused.to_string().contains("hand in the same ones"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_with_an_unsettled_change_is_left_alone_by_other_runs() {
    let stage = Stage::new();
    let mut target = stage.target(Mode::ReadBack).with_quirk(100, Quirk::ErrorAfter);
    // It dies while the target settles.
    target.settle = Duration::from_secs(1);
    let (target, systems) = target.systems();
    let first = plan("r1", [100, 101], 10);
    let granted = grant(&stage.store, &first);
    let run = stage.die(&first, &granted, &systems, Duration::from_millis(300));
    assert_eq!(target.effects().len(), 2);
    stage.clock.set(2_000);
    let (executor, same) = (stage.executor(FAST), plan("r2", [100], 10));
    let granted = grant(&stage.store, &same);
    let refused = executor.execute(&same, &granted, &systems, yes()).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Conflict, "{refused}");
    assert!(refused.to_string().contains("recover it first"), "{refused}");
    let other = plan("r3", [103], 10);
    let granted = grant(&stage.store, &other);
    let done = executor.execute(&other, &granted, &systems, yes()).await.unwrap();
    assert_eq!(done.wait().await.unwrap().counts().done, 1);
    let report = executor.recover(&run, None, &systems, yes()).await.unwrap().wait().await.unwrap();
    assert_eq!((report.counts().done, target.effects().len()), (2, 3), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reading_changes_a_record_once_however_the_plan_is_cut() {
    let stage = Stage::new();
    let (target, systems) = stage.target(Mode::Key).systems();
    let (executor, whole) = (stage.executor(FAST), plan("r1", [100, 101, 102], 10));
    let only = |ids: &[i64]| {
        let keys: Vec<Value> = ids.iter().map(|id| Value::from(*id)).collect();
        whole.narrow(|change| change.key()[0].value().is_some_and(|key| keys.contains(key)))
    };
    let run = async |plan: &Plan| {
        let granted = grant(&stage.store, plan);
        executor.execute(plan, &granted, &systems, yes()).await?.wait().await
    };
    run(&only(&[100, 101]).unwrap()).await.unwrap();
    let again = run(&only(&[100]).unwrap()).await.unwrap_err();
    assert_eq!(again.kind(), Kind::Conflict, "{again}");
    assert!(again.to_string().contains("after the same reading"), "{again}");
    // The rest of it may be carried out.
    assert_eq!(run(&only(&[102]).unwrap()).await.unwrap().counts().done, 1);
    assert_eq!(target.effects().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_never_done_is_left_in_time_and_not_asked_all_the_time() {
    let stage = Stage::new();
    let scripted = Scripted::new(Idempotency::Key, |changes| {
        let pending =
            |_: &Change| Receipt::Pending { handle: "h".into(), check_after: Duration::ZERO };
        Ok(changes.iter().map(pending).collect())
    });
    let plan = plan("r1", [100], 10);
    let granted = grant(&stage.store, &plan);
    let executor = stage.executor(r#"{"pending_ms": 200, "verify": false}"#);
    let run = executor.execute(&plan, &granted, &scripted.systems(), yes()).await.unwrap();
    let report = tokio::time::timeout(Duration::from_secs(20), run.wait()).await.unwrap().unwrap();
    assert_eq!(report.status, RunStatus::Waiting);
    assert!(scripted.asked.load(Ordering::SeqCst) < 20);
    let receipts = stage.store.log_entries(0, 1_000).unwrap();
    let receipts = receipts.iter().filter(|entry| entry.entry.kind() == "change.receipt").count();
    assert_eq!(receipts, 1);
    // A person gives it up, when the process that was at it is gone.
    let nobody = executor.abandon(&report.run, "ana", " ").await.unwrap_err();
    assert_eq!(nobody.kind(), Kind::Invalid);
    let report = executor.abandon(&report.run, "ana", "it hangs").await.unwrap();
    assert_eq!((report.status, report.counts().unknown), (RunStatus::Abandoned, 1));
    let again = executor.abandon(&report.run, "ana", "it hangs").await.unwrap_err();
    assert_eq!(again.kind(), Kind::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_bounds_how_long_a_run_may_take() {
    let timed = policy("timeout = \"1s\"");
    for (takes, least) in [(Duration::from_millis(300), 1), (Duration::from_secs(600), 0)] {
        let stage = Stage::new();
        let mut scripted = Scripted::new(Idempotency::Key, all_done);
        scripted.takes = takes;
        let plan = plan("r1", 100..120, 100);
        let granted = grant_by(&timed, &stage.store, &plan);
        let executor = stage.executor(r#"{"in_flight": 1, "verify": false}"#);
        let run = executor.execute(&plan, &granted, &scripted.systems(), gate(&timed)).await;
        let report = tokio::time::timeout(Duration::from_secs(30), run.unwrap().wait()).await;
        let report = report.unwrap().unwrap();
        assert_eq!(report.status, RunStatus::Stopped, "{report:?}");
        assert!(report.reason.as_ref().unwrap().contains("gives the plan 1 s"), "{report:?}");
        let counts = report.counts();
        assert!(counts.done >= least && counts.done < 10, "{counts}");
        assert_eq!(counts.done + counts.unknown + counts.refused, 20, "{counts}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_lacks_nothing_that_the_policy_wants() {
    let stage = Stage::new();
    let (_, systems) = stage.target(Mode::Key).systems();
    let dutiful = policy("evidence = [\"ticket\", \"plan\"]");
    let plan = plan("r1", [100], 1);
    let granted = grant_by(&dutiful, &stage.store, &plan);
    let executor = stage.executor(FAST);
    let run = executor.execute(&plan, &granted, &systems, gate(&dutiful)).await.unwrap();
    let run = run.wait().await.unwrap().run;
    let names = vec!["plan".to_owned(), "ticket".to_owned()];
    assert_eq!(stage.store.owed_evidence().unwrap(), [(run.clone(), names)]);
    let signer = Ed25519Signer::new("trueup.local/log", [7; 32]).unwrap();
    let refused = stage.store.evidence(&run, Vec::new(), &signer).unwrap_err();
    assert_eq!(refused.kind(), Kind::Invalid);
    assert!(refused.to_string().contains("`ticket`"), "{refused}");
    assert_eq!(stage.store.owed_evidence().unwrap().len(), 1);
    let ticket = EvidenceFile::new("ticket.txt", "text/plain", "CHG-7");
    stage.store.evidence(&run, vec![ticket], &signer as &dyn Signer).unwrap();
    assert!(stage.store.owed_evidence().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_without_a_condition_is_sent_once() {
    let stage = Stage::new();
    let calls = Arc::new(AtomicU64::new(0));
    let counted = calls.clone();
    let scripted = Scripted::new(Idempotency::Conditional, move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Err(Error::new(Kind::Unavailable, "the connection broke"))
    });
    let wipe = PlannedChange::new(Side::Actual, Operation::Action("wipe".into()))
        .with_key([FieldValue::new("id", 1)]);
    let plan = one(wipe, "r1");
    let granted = grant(&stage.store, &plan);
    let executor = stage.executor(FAST);
    let run = executor.execute(&plan, &granted, &scripted.systems(), yes()).await.unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(report.changes[0].state, ChangeState::Unknown, "{report:?}");
}

#[derive(Debug)]
struct Panics;

#[async_trait]
impl Gate for Panics {
    fn decide(&self, _: &Plan, _: i64, _: &dyn Usage) -> Result<Decision> {
        panic!("the gate panics, as the test wants it")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_panics_takes_nothing_with_it() {
    let stage = Stage::new();
    let (target, systems) = stage.target(Mode::Key).systems();
    let plan = plan("r1", [100], 1);
    let (granted, executor) = (grant(&stage.store, &plan), stage.executor(FAST));
    let refused = executor.execute(&plan, &granted, &systems, Arc::new(Panics)).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Internal, "{refused}");
    let run = executor.execute(&plan, &granted, &systems, yes()).await.unwrap();
    assert_eq!(run.wait().await.unwrap().counts().done, 1);
    assert_eq!(target.effects().len(), 1);
    stage.store.verify().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_answered_is_in_the_report_of_the_run() {
    let stage = Stage::new();
    let (_, systems) = stage.target(Mode::AtMostOnce).with_quirk(0, Quirk::ErrorAfter).systems();
    let plan = plan("r1", [0, 2], 10);
    let (granted, executor) = (grant(&stage.store, &plan), stage.executor(FAST));
    let run = executor.execute(&plan, &granted, &systems, yes()).await.unwrap();
    let first = run.wait().await.unwrap();
    assert_eq!(first.effects().len(), 1);
    executor.answer(&first.run, 0, true, "ana", "the record has the new value").await.unwrap();
    let after = executor.report(&first.run).await.unwrap();
    assert_eq!((after.status, after.effects().len()), (RunStatus::Finished, 2));
    assert_eq!(executor.report("none").await.unwrap_err().kind(), Kind::NotFound);
}

const FROZEN: &str = "version = 1\nname = \"n\"\nvalid = \"1h\"\nstale_share = \"100%\"\n\
    break_glass = [\"owner\"]\n\
    [[rule]]\nid = \"all\"\noutcome = \"allow\"\n\
    freeze = [{ zone = \"UTC\", from = \"2020-01-01T00:00\", to = \"2199-01-01T00:00\" }]\n";

/// Two people open it, and a plan gets its grant.
fn broken_glass(plan: &Plan, at: i64) -> (Arc<PolicyGate>, Grant) {
    let policy = Arc::new(Policy::from_toml(FROZEN).unwrap());
    let requester = Actor::new("agent:test").on_behalf_of("person:eve");
    let opening = Opening {
        requester: requester.clone(),
        lifts: vec!["all".into()],
        reason: "the mail is down".into(),
        from: at,
        until: at + 3_600_000,
    };
    let asked = opening.asked(&policy).unwrap();
    let yes = |person: &str| {
        let approver = Approver::new(person, ["owner"]);
        Approval::new(Answer::Approve, approver, asked.binding().clone(), at).attested("desk")
    };
    let nobody = |_: &Approver, _: &str, _: &[u8], _: &[u8]| false;
    let answers = [yes("person:bo"), yes("person:cy")];
    let glass = BreakGlass::open(&policy, opening, &answers, at, &nobody).unwrap();
    let request = Request::new(requester, at);
    let decision = glass.decide(&policy, plan, &request).unwrap();
    let (grant, _) = glass.grant(&decision, &[], &BTreeSet::new(), at, &nobody).unwrap();
    let gate = PolicyGate::new(policy, request).with_break_glass(Arc::new(glass));
    (Arc::new(gate), grant)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_under_break_glass_is_reviewed_before_it_is_broken_again() {
    let stage = Stage::new();
    let (target, systems) = stage.target(Mode::Key).systems();
    let (executor, first) = (stage.executor(FAST), plan("r1", [100], 1));
    let (gate, granted) = broken_glass(&first, now());
    let run = executor.execute(&first, &granted, &systems, gate).await.unwrap();
    assert_eq!(run.wait().await.unwrap().counts().done, 1);
    let [review] = stage.store.reviews().unwrap().try_into().unwrap();
    assert_eq!((review.plan, review.reviewed), (first.digest(), None));
    // Two days and an hour later nobody has looked.
    let later = 49 * 3_600_000;
    stage.clock.set(later);
    let second = plan("r2", [101], 1);
    let (gate, granted) = broken_glass(&second, now() + later);
    let refused = executor.execute(&second, &granted, &systems, gate.clone()).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Forbidden, "{refused}");
    assert!(refused.to_string().contains("review it first"), "{refused}");
    for (by, kind) in
        [("person:bo", Kind::Forbidden), ("person:eve", Kind::Forbidden), (" ", Kind::Invalid)]
    {
        assert_eq!(stage.store.review(&review.grant, by).unwrap_err().kind(), kind, "{by}");
    }
    stage.store.review(&review.grant, "person:di").unwrap();
    assert_eq!(stage.store.review(&review.grant, "person:di").unwrap_err().kind(), Kind::NotFound);
    let run = executor.execute(&second, &granted, &systems, gate).await.unwrap();
    assert_eq!(run.wait().await.unwrap().counts().done, 1);
    assert_eq!(target.effects().len(), 2);
}
