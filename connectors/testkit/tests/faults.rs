//! What goes wrong with writing to memory, and what had an effect all the same.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use trueup_connector::{
    Change, Connector, Context, Error, Idempotency, Operation, Receipt, Role, Value,
};
use trueup_testkit::conformance::apply_unguarded;
use trueup_testkit::{Fault, Memory, block_on, rows};

fn memory(idempotency: Idempotency) -> Memory {
    let records = rows(&["id"], r#"[{"id":1,"n":1,"etag":1}]"#);
    let records = records.with_field("etag", |field| field.with_role(Role::Version)).unwrap();
    Memory::new().with_resource("items", records).with_writer(idempotency)
}

fn create(id: i64) -> Change {
    let mut change = Change::new("items", Operation::Create, vec![Value::from(id)]);
    change.after = vec![("n".into(), Value::from(7))];
    change.idempotency_key = format!("key-{id}");
    change
}

fn apply(memory: &Memory, ids: &[i64]) -> Result<Vec<Receipt>, Error> {
    let writer = memory.writer().unwrap();
    let changes = ids.iter().copied().map(create).collect();
    block_on(apply_unguarded(&*writer, Context::new(), changes))
}

#[test]
fn every_fault_has_the_effects_it_should() {
    for (fault, answered, effects, later) in [
        (Fault::Lost, false, 0, 0),
        (Fault::Unanswered, false, 3, 3),
        (Fault::Late, false, 0, 3),
        (Fault::Half, false, 2, 2),
        (Fault::Fails, true, 0, 0),
        (Fault::Throttled, true, 0, 0),
        (Fault::Unsure, true, 3, 3),
    ] {
        let memory = memory(Idempotency::Conditional);
        memory.fail_next(fault);
        let given = apply(&memory, &[2, 3, 4]);
        assert_eq!(given.is_ok(), answered, "{fault:?}");
        assert_eq!(memory.effects().len(), effects, "{fault:?}");
        let done = |r: &Receipt| matches!(r, Receipt::Done { .. });
        assert!(given.is_err() || !given.unwrap().iter().any(done), "{fault:?}");
        memory.settle();
        assert_eq!(memory.effects().len(), later, "{fault:?}");
        // One fault is for one call.
        assert!(apply(&memory, &[2, 3, 4]).unwrap().iter().all(done), "{fault:?}");
        assert_eq!(memory.effects(), ["key-2", "key-3", "key-4"], "{fault:?}");
    }
}

#[test]
fn what_is_sent_again_has_effects_as_declared() {
    for (idempotency, blind, effects) in [
        (Idempotency::Key, true, 1),
        (Idempotency::Conditional, false, 1),
        (Idempotency::AtMostOnce, false, 1),
        (Idempotency::AtMostOnce, true, 2),
    ] {
        let memory = match blind {
            true => memory(idempotency).with_blind_creates(),
            false => memory(idempotency),
        };
        memory.fail_next(Fault::Unanswered);
        assert!(apply(&memory, &[2]).is_err());
        apply(&memory, &[2]).unwrap();
        assert_eq!(memory.effects().len(), effects, "{idempotency:?}, blind: {blind}");
    }
}

#[test]
fn versions_count_up_and_are_preconditions() {
    let memory = memory(Idempotency::Conditional);
    let writer = memory.writer().unwrap();
    let update = |version: &str, n: i64| {
        let mut change = Change::new("items", Operation::Update, vec![Value::from(1)]);
        change.version = Some(version.into());
        change.after = vec![("n".into(), Value::from(n))];
        change
    };
    let changes = vec![update("1", 5), update("1", 6), update("2", 7)];
    let receipts = block_on(apply_unguarded(&*writer, Context::new(), changes)).unwrap();
    let versions: Vec<_> = receipts
        .iter()
        .map(|receipt| match receipt {
            Receipt::Done { version, .. } => version.clone().unwrap_or_default(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(versions, ["2", "Stale", "3"]);
}
