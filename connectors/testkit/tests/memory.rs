//! The connector in memory keeps every promise, whatever it claims.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::time::Duration;

use common::memory;
use trueup_connector::{Connector, Idempotency, Identity};
use trueup_connector::{
    ConnectorExt, Context, Coverage, Cursor, Kind, Predicate, ReadRequest, Value,
};
use trueup_testkit::{Memory, Subject, block_on, conformance, rows};

fn subject(memory: Memory) -> Subject {
    common::subject(memory.clone(), &memory)
}

conformance!(plain, async || subject(memory()));
conformance!(with_delta, async || subject(memory().with_delta()));
conformance!(without_page_size, async || subject(memory().without_page_size()));
conformance!(with_delta_only, async || subject(memory().without_page_size().with_delta()));
conformance!(within_a_predicate, async || {
    let memory = memory();
    let serials = ["S", "T"].map(|start| Predicate::starts_with("serial", start));
    let covered = Coverage::Within(Predicate::Any(serials.into()));
    common::subject(memory.clone().with_coverage("devices", covered), &memory)
});

fn written(idempotency: Idempotency) -> Subject {
    common::written(subject(memory().with_writer(idempotency)))
}

conformance!(written_by_key, async || written(Idempotency::Key));
conformance!(written_conditionally, async || written(Idempotency::Conditional));
conformance!(written_once, async || written(Idempotency::AtMostOnce));
conformance!(written_and_read_back, async || {
    written(Idempotency::ReadBack { settle: Duration::from_millis(1) })
});
conformance!(pending, async || {
    common::written(subject(memory().with_writer(Idempotency::Key).with_pending(3)))
});

#[test]
fn a_reading_goes_on_with_the_records_it_began_with() {
    block_on(async {
        let memory = memory();
        let first = ReadRequest::new("devices").with_page_size(20);
        let page = memory.read_page(Context::new(), first.clone()).await.unwrap();
        memory.remove("devices", &[Value::from("S22")]).unwrap();
        let second = first.with_cursor(page.next.unwrap());
        let page = memory.read_page(Context::new(), second).await.unwrap();
        assert_eq!(page.records.num_rows(), 3);
    });
}

#[test]
fn provenance_says_where_records_come_from() {
    let memory =
        memory().with_identity(Identity::new("inventory", "test")).with_tenant("acme").with_delta();
    let snapshot = block_on(memory.read(Context::new(), "people")).unwrap();
    let provenance = snapshot.provenance();
    assert_eq!((provenance.system.as_str(), provenance.tenant.as_str()), ("inventory", "acme"));
    assert!(provenance.cursor.is_some());
}

#[test]
fn what_cannot_be_done_is_said() {
    let memory = memory();
    let unknown = memory.remove("peple", &[Value::from("a")]).unwrap_err();
    assert!(unknown.message().ends_with("did you mean `people`?"), "{unknown}");
    let absent = memory.remove("people", &[Value::from("z")]).unwrap_err();
    assert_eq!(absent.kind(), Kind::NotFound);
    let other = memory.set("people", &rows(&["x"], r#"[{"x":1}]"#)).unwrap_err();
    assert_eq!(other.kind(), Kind::Data);
    let page = |request| block_on(memory.read_page(Context::new(), request)).unwrap_err().kind();
    assert_eq!(page(ReadRequest::new("people").with_page_size(0)), Kind::Invalid);
    assert_eq!(page(ReadRequest::new("people").with_cursor(Cursor::new("7"))), Kind::Invalid);
    memory.break_down();
    assert_eq!(page(ReadRequest::new("people")), Kind::Unavailable);
    memory.mend();
    assert_eq!(block_on(memory.read(Context::new(), "people")).unwrap().rows(), 3);
}
