//! What a hostile writer does to the executor: it may lie about what it did, and nothing is done twice.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use trueup::guard::{Actor, Approver, Policy, Request, Standing};
use trueup::runtime::{
    ChangeState, Executor, ExecutorSettings, PolicyGate, RunReport, StoreOptions, Systems,
};
use trueup::{FieldValue, Impact, Origin, Plan, PlannedChange, Provenance, Side};
use trueup_connector::{Connector, Idempotency, Operation};
use trueup_testkit::{Fault, Hostile, Memory, Misdeed, block_on, rows};

/// What it does to writes without a false declaration: nothing of it can cause a second effect.
const LIES: [Misdeed; 19] = [
    Misdeed::WritesHalf,
    Misdeed::SaysDone,
    Misdeed::SaysStale,
    Misdeed::SaysFailed,
    Misdeed::SaysUnknown,
    Misdeed::FailsAfterWriting,
    Misdeed::PanicsWriting,
    Misdeed::PendsForever,
    Misdeed::ForgetsHandles,
    Misdeed::DropsReceipts,
    Misdeed::AddsReceipts,
    Misdeed::SwapsReceipts,
    Misdeed::RepeatsReceipts,
    Misdeed::StopsAtFailure,
    Misdeed::FailsAgain,
    Misdeed::HidesStale,
    Misdeed::CutsValues,
    Misdeed::IgnoresWriteCancel,
    Misdeed::InventsStatus,
];

fn memory(idempotency: Idempotency) -> Memory {
    let records = rows(&["id"], r#"[{"id":1,"n":1,"s":"a"},{"id":2,"n":2,"s":"b"}]"#);
    let memory = Memory::new().with_resource("items", records).with_writer(idempotency);
    match idempotency {
        // A target that has no idea of keys makes a record as often as it is told to.
        Idempotency::AtMostOnce | Idempotency::ReadBack { .. } => memory.with_blind_creates(),
        _ => memory,
    }
}

/// Two creates, an update and a delete, the second create as in the first record that is there.
fn plan(reading: &str) -> Plan {
    let key = |id: i64| [FieldValue::new("id", id)];
    let values = |n: i64, s: &str| [FieldValue::new("n", n), FieldValue::new("s", s)];
    let change = |operation| PlannedChange::new(Side::Actual, operation);
    let create = |id: i64| {
        let after = key(id).into_iter().chain(values(id, "a text of more than twenty letters"));
        change(Operation::Create).with_key(key(id)).with_after(after)
    };
    let changes = vec![
        create(3),
        create(4),
        change(Operation::Update)
            .with_key(key(1))
            .with_before(values(1, "a"))
            .with_after(values(7, "another text of more than twenty letters")),
        change(Operation::Delete).with_key(key(2)).with_before(values(2, "b")),
    ];
    let read = Provenance::read("memory", "items").with_read_id(reading);
    Plan::propose(Origin::new("test", &read), [Impact::new(Side::Actual, 2)], changes).unwrap()
}

/// Runs a plan, in calls of `batch` changes; twice where the first run leaves something open.
async fn run(connector: Arc<dyn Connector>, batch: usize) -> RunReport {
    let systems = Systems::new().with(Side::Actual, connector);
    let text = "version = 1\nname = \"test\"\nvalid = \"1h\"\nstale_share = \"100%\"\n\
        [[rule]]\nid = \"all\"\noutcome = \"allow\"\n";
    let policy = Arc::new(Policy::from_toml(text).unwrap());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let request = Request::new(Actor::new("agent:test"), now.as_millis() as i64);
    let plan = plan("reading");
    let asked = policy.decide(&plan, &request).asked().unwrap();
    let nobody = |_: &Approver, _: &str, _: &[u8], _: &[u8]| false;
    let Standing::Granted(grant) = asked.standing(&[], request.now(), &nobody) else {
        panic!("not granted")
    };
    let settings: ExecutorSettings = serde_json::from_str(
        r#"{"error_share": 1.0, "pending_ms": 30, "retry": {"attempts": 4, "first_ms": 1, "longest_ms": 2}}"#,
    )
    .unwrap();
    let settings = {
        let mut it = settings;
        it.batch = batch;
        it
    };
    let executor = Executor::new(StoreOptions::new().in_memory().unwrap()).with_settings(settings);
    let gate = Arc::new(PolicyGate::new(policy, request));
    let run = executor.execute(&plan, &grant, &systems, gate.clone()).await.unwrap();
    let report = run.wait().await.unwrap();
    match executor.open_runs().await.unwrap().first() {
        Some(open) => {
            executor.recover(open, None, &systems, gate).await.unwrap().wait().await.unwrap()
        }
        None => report,
    }
}

/// Each key once, whatever was said about it.
fn check_effects(memory: &Memory, what: &str) {
    let effects = memory.effects();
    let once: HashSet<&String> = effects.iter().collect();
    assert_eq!(once.len(), effects.len(), "{what}: {effects:?}");
    let ids = memory.snapshot("items").unwrap().content(&["id"]);
    assert!(ids.is_ok(), "{what}: a record is there twice");
}

#[test]
fn a_hostile_writer_causes_no_second_effect() {
    let settle = Duration::from_millis(2);
    for idempotency in [
        Idempotency::Key,
        Idempotency::Conditional,
        Idempotency::ReadBack { settle },
        Idempotency::AtMostOnce,
    ] {
        for misdeed in LIES {
            for batch in [1, 4] {
                let mut memory = memory(idempotency);
                if matches!(misdeed, Misdeed::ForgetsHandles) {
                    memory = memory.with_pending(2);
                }
                let hostile = Arc::new(Hostile::new(memory.clone(), misdeed));
                let report = block_on(run(hostile, batch));
                let what = format!("{misdeed:?}, {idempotency:?}, {batch} in a call");
                check_effects(&memory, &what);
                let done = report.changes.iter().filter(|it| it.state == ChangeState::Done);
                let proved = done.filter(|it| it.verified == Some(true)).count();
                assert!(proved <= memory.effects().len(), "{what}: {report:?}");
            }
        }
    }
}

#[test]
fn what_a_lying_writer_calls_done_is_found_not_to_be() {
    for misdeed in [Misdeed::SaysDone, Misdeed::WritesHalf, Misdeed::CutsValues] {
        let hostile = Hostile::new(memory(Idempotency::Conditional), misdeed);
        let report = block_on(run(Arc::new(hostile), 1));
        assert_eq!(report.changes[0].state, ChangeState::Done, "{misdeed:?}");
        assert_eq!(report.changes[0].verified, Some(false), "{misdeed:?}: {report:?}");
    }
}

#[test]
fn faults_in_a_row_cause_no_second_effect_either() {
    let faults = [Fault::Lost, Fault::Unanswered, Fault::Half, Fault::Unsure, Fault::Throttled];
    for idempotency in [
        Idempotency::Key,
        Idempotency::Conditional,
        Idempotency::ReadBack { settle: Duration::from_millis(2) },
        Idempotency::AtMostOnce,
    ] {
        for (first, second) in faults.iter().flat_map(|a| faults.map(|b| (*a, b))) {
            let memory = memory(idempotency);
            memory.fail_next(first);
            memory.fail_next(second);
            let report = block_on(run(Arc::new(memory.clone()), 4));
            let what = format!("{first:?}, {second:?}, {idempotency:?}: {report:?}");
            check_effects(&memory, &what);
            if idempotency != Idempotency::AtMostOnce {
                assert_eq!((report.counts().done, memory.effects().len()), (4, 4), "{what}");
            }
        }
    }
}
