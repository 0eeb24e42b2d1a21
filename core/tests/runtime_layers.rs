//! Layers keep every promise of what they wrap, and add their own.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod runtime_support;

use std::io::Cursor as Bytes;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use runtime_support::{Mode, Target};
use trueup::runtime::{
    RateLayer, RateSettings, ReadOnlyLayer, Reader, RecordLayer, RetryLayer, RetrySchedule, Tape,
    TimeoutLayer, TimeoutSettings,
};
use trueup::{
    Capability, Connector, ConnectorExt, Context, Error, Identity, Kind, Page, ReadRequest,
    Resource, Result, Retry, Writer, async_trait,
};
use trueup_testkit::{Memory, Subject, conformance, rows};

/// A system that keeps every promise, in a stack of all layers that do not change its answers.
async fn wrapped() -> Subject {
    let many: Vec<_> = (0..30).map(|i| format!(r#"{{"serial":"A{i}","os":"14.{i}"}}"#)).collect();
    let truth = rows(&["serial"], &format!("[{}]", many.join(",")));
    let none = rows(&["serial"], r#"[{"serial":"B2","os":"14.1"}]"#);
    let memory =
        Memory::new().with_resource("devices", truth.clone()).with_resource("spare", none.clone());
    let source = memory.clone();
    Subject::shared(stack(Arc::new(memory)))
        .with_truth("devices", truth)
        .with_truth("spare", none)
        .with_break(move || async move { source.break_down() })
}

fn stack(inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
    let recorded = RecordLayer::new().wrap(inner);
    let timed = TimeoutLayer::new(TimeoutSettings::default()).wrap(recorded);
    let mut often = RateSettings::default();
    (often.calls, often.per_ms, often.burst) = (1_000_000, 1_000, 1_000);
    let rated = RateLayer::new(often).wrap(timed);
    RetryLayer::new(schedule()).wrap(ReadOnlyLayer.wrap(rated))
}

fn schedule() -> RetrySchedule {
    serde_json::from_str(r#"{"attempts": 3, "first_ms": 1, "longest_ms": 2}"#).unwrap()
}

conformance!(layers_conform, wrapped);

/// A system whose pages fail so many times, in this way, and take so long.
#[derive(Debug)]
struct Flaky {
    inner: Memory,
    left: AtomicU32,
    calls: Mutex<Vec<Instant>>,
    retry: Retry,
    takes: Duration,
}

impl Flaky {
    fn new(fails: u32, retry: Retry) -> Arc<Self> {
        let inner = Memory::new().with_resource("devices", rows(&["id"], r#"[{"id":"A1"}]"#));
        let (left, calls) = (AtomicU32::new(fails), Mutex::default());
        Arc::new(Self { inner, left, calls, retry, takes: Duration::ZERO })
    }

    fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }
}

#[async_trait]
impl Connector for Flaky {
    fn identity(&self) -> Identity {
        self.inner.identity()
    }

    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        self.inner.describe(context).await
    }

    async fn check(&self, context: Context) -> Result<()> {
        self.inner.check(context).await
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        self.calls.lock().unwrap().push(Instant::now());
        tokio::time::sleep(self.takes).await;
        let fail = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        match fail {
            Ok(_) => Err(Error::new(Kind::Throttled, "too many calls").with_retry(self.retry)),
            Err(_) => self.inner.read_page(context, request).await,
        }
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        None
    }
}

async fn page(connector: &dyn Connector) -> Result<Page> {
    connector.read_page(Context::new(), ReadRequest::new("devices")).await
}

#[tokio::test]
async fn retries_end_with_success_at_the_last_attempt_or_where_they_make_no_sense() {
    for (fails, retry, calls, works) in [
        (2, Retry::Backoff, 3, true),
        (3, Retry::Backoff, 3, false),
        (1, Retry::Never, 1, false),
        (1, Retry::After(Duration::from_millis(3)), 2, true),
        (1, Retry::After(Duration::from_secs(100_000)), 1, false),
    ] {
        let flaky = Flaky::new(fails, retry);
        let outcome = page(RetryLayer::new(schedule()).wrap(flaky.clone()).as_ref()).await;
        assert_eq!((flaky.calls(), outcome.is_ok()), (calls, works), "{fails} {retry:?}");
    }
}

#[tokio::test]
async fn a_cancelled_context_ends_the_tries() {
    let flaky = Flaky::new(9, Retry::After(Duration::from_millis(1)));
    let connector = RetryLayer::new(RetrySchedule::default()).wrap(flaky.clone());
    let context = Context::new();
    context.cancel();
    let outcome = connector.read_page(context, ReadRequest::new("devices")).await;
    assert_eq!((outcome.unwrap_err().kind(), flaky.calls()), (Kind::Throttled, 1));
}

#[tokio::test]
async fn calls_are_spread_and_a_pause_holds_everybody() {
    let flaky = Flaky::new(0, Retry::Never);
    let mut settings = RateSettings::default();
    (settings.calls, settings.per_ms, settings.burst) = (100, 1_000, 2);
    let rated = RateLayer::new(settings.clone()).wrap(flaky.clone());
    let began = Instant::now();
    for _ in 0..6 {
        page(rated.as_ref()).await.unwrap();
    }
    // Two at once, then four that are ten milliseconds apart.
    assert!(began.elapsed() >= Duration::from_millis(40), "{:?}", began.elapsed());
    let flaky = Flaky::new(1, Retry::After(Duration::from_millis(50)));
    let rated = RateLayer::new(settings).wrap(flaky.clone());
    page(rated.as_ref()).await.unwrap_err();
    let (a, b) = tokio::join!(page(rated.as_ref()), page(rated.as_ref()));
    assert!(a.is_ok() && b.is_ok());
    let calls = flaky.calls.lock().unwrap();
    let apart = calls[1].duration_since(calls[0]);
    assert!(apart >= Duration::from_millis(50), "{apart:?}");
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_ended() {
    let mut flaky = Arc::into_inner(Flaky::new(0, Retry::Never)).unwrap();
    flaky.takes = Duration::from_secs(3_600);
    let mut settings = TimeoutSettings::default();
    settings.ask_ms = 5;
    let error = page(TimeoutLayer::new(settings).wrap(Arc::new(flaky)).as_ref()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (Kind::Unavailable, Retry::Backoff));
    assert_eq!(error.message(), "the system did not answer within 5 ms");
}

#[tokio::test]
async fn a_tape_says_what_the_system_said_and_no_more() {
    let flaky = Flaky::new(1, Retry::Backoff);
    let layer = RecordLayer::new();
    let recorded = layer.wrap(flaky);
    page(recorded.as_ref()).await.unwrap_err();
    let live = recorded.read(Context::new(), "devices").await.unwrap();
    let mut bytes = Vec::new();
    layer.tape().write(&mut bytes).unwrap();
    let replay = Tape::read(Bytes::new(&bytes)).unwrap().replay().unwrap();
    assert_eq!(replay.identity(), recorded.identity());
    assert!(replay.writer().is_none());
    assert_eq!(page(&replay).await.unwrap_err().kind(), Kind::Throttled);
    let again = replay.read(Context::new(), "devices").await.unwrap();
    assert_eq!(again.content(&["id"]).unwrap().root(), live.content(&["id"]).unwrap().root());
    let over = page(&replay).await.unwrap_err();
    assert_eq!(over.kind(), Kind::NotFound);
    let cut = &bytes[..bytes.len() - 4];
    assert_eq!(Tape::read(Bytes::new(cut)).unwrap_err().kind(), Kind::Data);
}

#[tokio::test]
async fn a_tape_takes_no_secrets() {
    let secret = rows(&["id"], r#"[{"id":"A1","pin":"0000"}]"#);
    let secret = secret.with_field("pin", |field| field.secret()).unwrap();
    let memory = Memory::new().with_resource("devices", secret);
    let layer = RecordLayer::new();
    let error = page(layer.wrap(Arc::new(memory)).as_ref()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported, "{error}");
    let mut bytes = Vec::new();
    layer.tape().write(&mut bytes).unwrap();
    assert!(!String::from_utf8(bytes).unwrap().contains("0000"));
}

#[tokio::test]
async fn writers_go_through_all_but_the_read_only_layer() {
    let folder = tempfile::tempdir().unwrap();
    let (target, _) = Target::new(folder.path().join("effects"), Mode::Key).systems();
    let door: Arc<dyn Connector> = target.door();
    let wrapped = TimeoutLayer::new(TimeoutSettings::default()).wrap(door.clone());
    let wrapped = RateLayer::new(RateSettings::default()).wrap(wrapped);
    let wrapped = RetryLayer::new(schedule()).wrap(RecordLayer::new().wrap(wrapped));
    let writer = wrapped.writer().unwrap();
    let (own, through) = (door.writer().unwrap(), writer);
    let operation = trueup::Operation::Update;
    assert_eq!(through.idempotency("items", &operation), own.idempotency("items", &operation));
    let receipt = through.status(Context::new(), "7".into()).await.unwrap();
    assert!(matches!(receipt, trueup::Receipt::Done { id: Some(id), .. } if id == "7"));
    assert!(ReadOnlyLayer.wrap(wrapped).writer().is_none());
}

#[tokio::test]
async fn a_reading_has_a_name_and_a_time_of_its_own() {
    let memory = Memory::new().with_resource("devices", rows(&["id"], r#"[{"id":"A1"}]"#));
    let read = async || Reader::new().read(&memory, Context::new(), "devices").await.unwrap();
    let (first, second) = (read().await, read().await);
    let (first, second) = (first.provenance(), second.provenance());
    assert_ne!(first.read_id, second.read_id);
    let hex = |id: &str| id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit());
    assert!(hex(&first.read_id) && hex(&second.read_id));
    let at = first.read_at.as_deref().unwrap();
    assert!(at.starts_with("20") && at.ends_with('Z'), "{at}");
}
