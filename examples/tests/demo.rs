//! The demo, whole: what it finds and what it shows.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use std::fs;
use std::io::BufRead;

use trueup::{Context, DriftCounts};
use trueup_examples::catalogue::Release;
use trueup_examples::demo::{Outcome, Settings, run};
use trueup_examples::inventory::{CHANGES, Db, Inventory};
use trueup_examples::steps;
use trueup_test_postgres::Server;

const PACKAGES: u64 = 68_820 + 8_849;

/// Runs the demo; what it found, and what it showed.
fn demo(db: Db) -> (Outcome, String) {
    let folder = tempfile::tempdir().unwrap();
    let program = Some(env!("CARGO_BIN_EXE_demo").into());
    let settings = Settings { db, out: folder.path().join("out"), program };
    let mut shown = anstream::StripStream::new(Vec::new());
    let outcome = run(&settings, &mut shown).unwrap();
    let findings = fs::read(settings.out.join("findings.csv")).unwrap().lines().count() as u64 - 1;
    let counts = outcome.with_renames;
    assert!(findings > counts.missing + counts.unexpected + counts.changed, "a row a field");
    assert!(settings.out.join("report.html").is_file());
    (outcome, String::from_utf8(shown.into_inner()).unwrap())
}

fn check(db: Db) {
    let (outcome, shown) = demo(db);
    let counts = outcome.by_key;
    assert_eq!((counts.missing, counts.unexpected, counts.changed), (14_233, 8_849, 43_437));
    assert_eq!((counts.matched, counts.renamed, counts.keys()), (11_150, 0, PACKAGES));
    let counts = outcome.with_renames;
    assert_eq!((counts.missing, counts.unexpected, counts.changed), (13_996, 8_612, 43_674));
    assert_eq!((counts.matched, counts.renamed, counts.keys()), (11_150, 237, PACKAGES - 237));
    let all: u64 = outcome.sections.iter().map(|section| section.all()).sum();
    assert_eq!(all, counts.missing + counts.unexpected + counts.changed);
    assert_eq!(outcome.explained, 4);
    let DriftCounts { opened, changed, resolved, .. } = outcome.drift;
    assert_eq!((opened, changed, resolved), (3, 1, 5));
    for text in ["68,820 records", "14,233   are in the catalogue only", "237 of the changed"] {
        assert!(shown.contains(text), "{text} is not in:\n{shown}");
    }
    for text in ["version: 8.14.1-2, not", "shadow-tool amd64", "opened              3"] {
        assert!(shown.contains(text), "{text} is not in:\n{shown}");
    }
    check_settled(&outcome, &shown);
}

/// The second half: everything that was approved was done once, and is proved.
fn check_settled(outcome: &Outcome, shown: &str) {
    let settled = &outcome.settled;
    assert_eq!((settled.planned, settled.narrowed), (66_282, 1_548));
    assert!((774..1_548).contains(&settled.killed_after), "{}", settled.killed_after);
    assert_eq!((settled.counts.done, settled.counts.total), (1_548, 1_548));
    assert_eq!(settled.left, 0);
    // An intent and a receipt a change, and what was decided, answered, begun, taken up and ended.
    assert!(settled.proved > 2 * 1_548, "{} entries", settled.proved);
    for text in
        ["narrow to 500", "2 waves, 80 changes", "granted, once", "it holds", "one bit flipped"]
    {
        assert!(shown.contains(text), "{text} is not in:\n{shown}");
    }
    for text in ["refused for eight hours", "granted for four hours", "due in 48 hours"] {
        assert!(shown.contains(text), "{text} is not in:\n{shown}");
    }
}

#[test]
fn the_demo_on_sqlite() {
    check(Db::Sqlite);
}

/// The same again, so only where there is time: `make test-deep`.
#[test]
fn the_demo_on_postgres() {
    if std::env::var_os("TRUEUP_DEEP").is_some() && Server::shared().is_some() {
        check(Db::Postgres);
    }
}

/// A database made of a release agrees with it in every value, until it is changed.
async fn check_inventory(db: Db) {
    let mut inventory = Inventory::start(db).await.unwrap();
    let release = steps::read_catalogue(Release::Bookworm, Context::new()).await.unwrap();
    inventory.fill(&release).await.unwrap();
    let read = steps::read_inventory(&inventory, Context::new()).await.unwrap();
    let report = steps::by_key().run(&release, &read).unwrap();
    assert!(report.converged(), "{}", report.counts());
    assert_eq!((report.counts().matched, report.len()), (63_436, 0));
    inventory.run(CHANGES).await.unwrap();
    let read = steps::read_inventory(&inventory, Context::new()).await.unwrap();
    let counts = *steps::by_key().run(&release, &read).unwrap().counts();
    assert_eq!((counts.missing, counts.unexpected, counts.changed), (2, 2, 3));
}

#[tokio::test]
async fn an_sqlite_inventory_says_what_was_put_in() {
    check_inventory(Db::Sqlite).await;
}

#[tokio::test]
async fn a_postgres_inventory_says_what_was_put_in() {
    if Server::shared().is_some() {
        check_inventory(Db::Postgres).await;
    }
}
