//! How fast tables are read; `cargo test --release -p trueup-sql --test speed -- --ignored --nocapture`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]
#![cfg(all(feature = "sqlite", feature = "postgres"))]

mod support;

use std::time::{Duration, Instant};

use support::postgres::database;
use support::read;
use trueup_connector::Connector;
use trueup_sql::Sqlite;

const ROWS: u32 = 100_000;

/// A software inventory of eleven columns; `number` gives the row's number.
fn select(series: &str) -> String {
    format!(
        "select 'package-' || i as package, case i % 3 when 0 then 'all' else 'amd64' end as architecture,
          (i % 9) || '.' || (i % 31) || '-' || (i % 5) as version, 'section' || (i % 50) as section,
          'optional' as priority, 'Maintainer ' || (i % 900) || ' <m' || (i % 900) || '@example.org>' as maintainer,
          i * 7 % 99991 as installed_kib, i * 13 % 999983 as size,
          'libc6 (>= 2.36), libgcc-s1 (>= 3.0), libstdc++6 (>= 12), package-' || (i + 1) as depends,
          'a description of package ' || i || ' that is about as long as they are' as description,
          'https://example.org/packages/' || i as homepage
         from {series}"
    )
}

const COLUMNS: &str = "package text, architecture text, version text, section text, priority text,
    maintainer text, installed_kib int, size int, depends text, description text, homepage text,
    primary key (package, architecture)";

/// Prints the best of ten readings, and the processor time that one takes in this process: on a busy
/// machine that is the figure to look at.
async fn report(name: &str, connector: &dyn Connector, resource: &str) {
    let (mut best, before) = (Duration::MAX, processor());
    for _ in 0..10 {
        let start = Instant::now();
        assert_eq!(read(connector, resource).await.unwrap().rows(), ROWS as usize);
        best = best.min(start.elapsed());
    }
    let rate = f64::from(ROWS) / best.as_secs_f64() / 1e6;
    let processor = (processor() - before) / 10;
    println!(
        "{name}: {ROWS} rows of 11 columns in {best:.0?} ({rate:.2} million rows a second), \
         processor time {processor:.0?}"
    );
}

/// The processor time of this process so far; nothing where the system does not say.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.split_whitespace().skip(13).take(2).filter_map(|ticks| ticks.parse().ok());
    Duration::from_millis(ticks.map(|ticks: u64| ticks * 10).sum())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures; run it in release"]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inventory.db");
    let series = format!(
        "(with recursive n(i) as (select 1 union all select i + 1 from n where i < {ROWS}) select i from n)"
    );
    let sql =
        format!("create table packages ({COLUMNS}); insert into packages {};", select(&series));
    rusqlite::Connection::open(&path).unwrap().execute_batch(&sql).unwrap();
    let connector = Sqlite::open(&path).unwrap();
    report("SQLite", &connector, "packages").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures; run it in release"]
async fn postgres() {
    let series = format!("generate_series(1, {ROWS}) as i");
    let sql =
        format!("create table packages ({COLUMNS}); insert into packages {};", select(&series));
    let Some(database) = database(&sql).await else { return };
    let connector = database.connector().await;
    report("PostgreSQL", &connector, "public.packages").await;
}
