//! Whole readings and deltas, from pages written down here.

use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use serde_json::{Value as Json, json};

use super::*;
use crate::connector::{Capability, Connector, Cursor, Identity, Page, Removed};
use crate::record::{Field, LogicalType, Role, Schema, Value, batch_from_json};
use crate::writer::Writer;

/// Gives the pages it was told to, and keeps what it was asked.
#[derive(Debug)]
struct Script {
    pages: Mutex<Vec<Page>>,
    asked: Mutex<Vec<ReadRequest>>,
    delta: bool,
}

#[async_trait]
impl Connector for Script {
    fn identity(&self) -> Identity {
        Identity::new("script", "test")
    }

    fn capability(&self) -> Capability {
        Capability { delta: self.delta, ..Capability::default() }
    }

    async fn describe(&self, _: Context) -> Result<Vec<Resource>> {
        Ok(vec![Resource::new("devices", schema())])
    }

    async fn check(&self, _: Context) -> Result<()> {
        Ok(())
    }

    async fn read_page(&self, _: Context, request: ReadRequest) -> Result<Page> {
        self.asked.lock().unwrap().push(request);
        Ok(self.pages.lock().unwrap().remove(0))
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        None
    }
}

fn schema() -> Schema {
    Schema::new([
        Field::new("serial", LogicalType::Text).with_role(Role::Key),
        Field::new("oid", LogicalType::Text).with_role(Role::Id),
        Field::new("os", LogicalType::Text),
    ])
    .unwrap()
}

fn page(records: Json) -> Page {
    let rows: Vec<_> = serde_json::from_value(records).unwrap();
    Page::new(batch_from_json(&schema(), &rows).unwrap())
}

fn device(serial: &str, os: &str) -> Json {
    json!({"serial": serial, "oid": format!("o{serial}"), "os": os})
}

/// The pages, each but the last with a cursor to the next.
fn script(pages: Vec<Page>) -> Script {
    let last = pages.len() - 1;
    let link = |(n, page): (usize, Page)| match n == last {
        true => page.with_resume(Some(Cursor::new("later"))),
        false => page.with_next(Some(Cursor::new(n.to_string()))),
    };
    let pages = pages.into_iter().enumerate().map(link).collect();
    Script { pages: Mutex::new(pages), asked: Mutex::default(), delta: true }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn delta_of(pages: Vec<Page>) -> Result<Delta> {
    let since = ReadRequest::new("devices").with_since(Cursor::new("then"));
    now(script(pages).read_delta(Context::new(), since))
}

fn told(records: &Snapshot) -> Vec<String> {
    let mut told = Vec::new();
    for batch in records.batches() {
        let column = |n: usize| crate::record::Column::new(batch.column(n)).unwrap();
        let (serial, os) = (column(0), column(2));
        told.extend((0..batch.num_rows()).map(|i| format!("{}={}", serial.value(i), os.value(i))));
    }
    told
}

#[test]
fn a_request_holds_for_every_page() {
    let script = script(vec![page(json!([device("A", "1")])), page(json!([device("B", "1")]))]);
    let request = ReadRequest::new("devices").with_page_size(1);
    let read = now(script.read_all(Context::new(), request)).unwrap();
    assert_eq!(read.rows(), 2);
    let asked = script.asked.lock().unwrap();
    assert!(asked.iter().all(|request| request.page_size == Some(1)));
    assert_eq!(asked[1].cursor, Some(Cursor::new("0")));
}

#[test]
fn the_last_word_on_a_record_counts() {
    let gone = |serial: &str| Removed::Key(vec![Value::from(serial)]);
    let delta = delta_of(vec![
        page(json!([device("A", "1"), device("B", "1"), device("C", "1"), device("D", "1")])),
        page(json!([device("A", "2")])).with_removed(vec![gone("B"), Removed::Id("oC".into())]),
        page(json!([device("B", "3"), device("E", "1")])).with_removed(vec![gone("E")]),
    ])
    .unwrap();
    assert_eq!(told(&delta.records), ["D=1", "A=2", "B=3", "E=1"]);
    assert_eq!(delta.removed, [gone("B"), Removed::Id("oC".into()), gone("E")]);
    assert_eq!(delta.records.provenance().cursor.as_deref(), Some("later"));
}

#[test]
fn a_delta_of_nothing_is_empty() {
    let delta = delta_of(vec![page(json!([]))]).unwrap();
    assert_eq!((delta.records.rows(), delta.removed.len()), (0, 0));
}

#[test]
fn a_request_that_makes_no_sense_is_refused() {
    let since = ReadRequest::new("devices").with_since(Cursor::new("then"));
    let one = || script(vec![page(json!([]))]);
    let error = now(one().read_all(Context::new(), since.clone())).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    let error = now(one().read_delta(Context::new(), ReadRequest::new("devices"))).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    let without = Script { delta: false, ..one() };
    let error = now(without.read_delta(Context::new(), since)).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    let error = now(one().read(Context::new(), "device")).unwrap_err();
    assert!(error.message().ends_with("did you mean `devices`?"), "{error}");
}

#[test]
fn a_whole_reading_with_removed_records_breaks_the_contract() {
    let odd = page(json!([])).with_removed(vec![Removed::Id("oA".into())]);
    let error = now(script(vec![odd]).read(Context::new(), "devices")).unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
}
