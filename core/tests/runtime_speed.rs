//! How fast guarded, journalled and audited writes are, beside one bare SQLite transaction a write.
//!
//! A measurement, interleaved in one run: `cargo test --profile demo -p trueup --test runtime_speed
//! -- --ignored --nocapture`.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod runtime_support;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use runtime_support::{grant, plan, yes};
use rusqlite::Connection;
use trueup::runtime::{Executor, ExecutorSettings, Store, Systems};
use trueup::{
    Authorised, Capability, Connector, Context, Idempotency, Identity, Operation, Page,
    ReadRequest, Receipt, Resource, Result, Side, Writer, async_trait,
};

/// Does nothing, at once.
#[derive(Debug)]
struct Nothing;

#[async_trait]
impl Writer for Nothing {
    fn idempotency(&self, _: &str, _: &Operation) -> Idempotency {
        Idempotency::Key
    }

    async fn apply(&self, _: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        let done = |_| Receipt::Done { id: Some("7".into()), version: Some("1".into()) };
        Ok(changes.changes().iter().map(done).collect())
    }

    async fn status(&self, _: Context, _: String) -> Result<Receipt> {
        Ok(Receipt::Stale)
    }
}

#[async_trait]
impl Connector for Nothing {
    fn identity(&self) -> Identity {
        Identity::new("nothing", "here")
    }

    fn capability(&self) -> Capability {
        Capability::default()
    }

    async fn describe(&self, _: Context) -> Result<Vec<Resource>> {
        Ok(Vec::new())
    }

    async fn check(&self, _: Context) -> Result<()> {
        Ok(())
    }

    async fn read_page(&self, _: Context, _: ReadRequest) -> Result<Page> {
        Err(trueup::Error::new(trueup::Kind::NotFound, "there is nothing"))
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        Some(Arc::new(Self))
    }
}

const WRITES: i64 = 2_000;

/// Writes a second, each in a transaction of its own that is flushed.
fn bare(folder: &Path) -> f64 {
    let connection = Connection::open(folder.join("bare.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.execute_batch("CREATE TABLE IF NOT EXISTS item (id INTEGER, value TEXT)").unwrap();
    let mut insert = connection.prepare("INSERT INTO item (id, value) VALUES (?, ?)").unwrap();
    let began = Instant::now();
    for id in 0..WRITES {
        insert.execute(rusqlite::params![id, "new value"]).unwrap();
    }
    WRITES as f64 / began.elapsed().as_secs_f64()
}

/// Guarded, journalled, audited writes a second, 64 in flight.
async fn ours(folder: &Path, turn: usize) -> f64 {
    let store = Store::create(folder.join(format!("store-{turn}.db"))).unwrap();
    let settings: ExecutorSettings =
        serde_json::from_str(r#"{"in_flight": 64, "verify": false}"#).unwrap();
    let plan = plan("reading-1", 20..20 + WRITES, usize::MAX);
    let grant = grant(&store, &plan);
    let systems = Systems::new().with(Side::Actual, Arc::new(Nothing));
    let executor = Executor::new(store).with_settings(settings);
    let began = Instant::now();
    let run = executor.execute(&plan, &grant, &systems, yes()).await.unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!(report.counts().done, WRITES.unsigned_abs());
    WRITES as f64 / began.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn guarded_writes_are_half_as_fast_as_bare_ones_at_least() {
    let folder = tempfile::tempdir_in(".").unwrap();
    let mut ratios = Vec::new();
    for turn in 0..5 {
        let (bare, ours) = (bare(folder.path()), ours(folder.path(), turn).await);
        println!("bare {bare:.0}/s, ours {ours:.0}/s, ratio {:.2}", ours / bare);
        ratios.push(ours / bare);
    }
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[2] >= 0.5, "{ratios:?}");
}
