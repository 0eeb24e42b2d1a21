//! The store: what is refused, what is kept, what is forgotten, and that two processes may use it.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod runtime_support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use runtime_support::{Mode, Shifted, Target, grant, plan, yes};
use rusqlite::Connection;
use trueup::audit::{Checkpoint, Ed25519Signer, Signer, Trust};
use trueup::guard::{Actor, Answer, Approval, Approver, Policy, Request};
use trueup::runtime::{Clock, Executor, Store, StoreOptions, StoreSettings};
use trueup::{Coverage, Kind, Reconciliation, Report, Snapshot};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn store(&self) -> (PathBuf, Store) {
        let path = self.path("store.db");
        let store = Store::create(&path).unwrap();
        (path, store)
    }
}

/// A store with something in it, closed.
fn filled(folder: &Folder) -> PathBuf {
    let (path, store) = folder.store();
    for reading in 0..50 {
        let plan = plan(&format!("reading-{reading}"), 0..8, 4);
        grant(&store, &plan);
    }
    drop(store);
    path
}

#[track_caller]
fn refused(path: &Path, kind: Kind, words: &str) {
    let bytes = fs::read(path).ok();
    let error = Store::open(path).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!(fs::read(path).ok(), bytes, "the file was changed");
}

#[test]
fn what_is_no_store_of_ours_is_refused_and_left_alone() {
    let folder = Folder::new();
    refused(&folder.path("none"), Kind::NotFound, "none");
    fs::write(folder.path("empty"), "").unwrap();
    refused(&folder.path("empty"), Kind::Data, "empty");
    let made = StoreOptions::new().open_or_create(folder.path("empty")).unwrap_err();
    assert_eq!(made.kind(), Kind::Data);
    fs::write(folder.path("text"), "once upon a time there was a file of text").unwrap();
    refused(&folder.path("text"), Kind::Data, "not a store of trueup");
    let foreign = Connection::open(folder.path("foreign")).unwrap();
    foreign.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(foreign);
    refused(&folder.path("foreign"), Kind::Data, "not a store of trueup");
}

#[test]
fn a_store_of_a_newer_version_or_with_other_tables_is_refused() {
    let folder = Folder::new();
    let path = filled(&folder);
    let change = |statement: &str| {
        Connection::open(&path).unwrap().execute_batch(statement).unwrap();
    };
    change("PRAGMA user_version = 2");
    refused(&path, Kind::Unsupported, "is of version 2, this trueup knows versions up to 1");
    change("PRAGMA user_version = 1; UPDATE step SET digest = zeroblob(32)");
    refused(&path, Kind::Data, "step 1 of the store's tables is not the one");
}

#[test]
fn a_store_that_was_cut_off_is_refused_at_every_length() {
    let folder = Folder::new();
    let path = filled(&folder);
    let whole = fs::read(&path).unwrap();
    let cut = folder.path("cut");
    for part in 0..40 {
        fs::write(&cut, &whole[..whole.len() * part / 40]).unwrap();
        let error = Store::open(&cut).unwrap_err();
        assert_eq!(error.kind(), Kind::Data, "{part}: {error}");
    }
    fs::write(&cut, &whole).unwrap();
    Store::open(&cut).unwrap().verify().unwrap();
}

#[test]
fn a_file_is_not_made_over_another() {
    let folder = Folder::new();
    let path = filled(&folder);
    assert_eq!(Store::create(&path).unwrap_err().kind(), Kind::Conflict);
    let store = StoreOptions::new().open_or_create(&path).unwrap();
    assert!(store.verify().unwrap().entries > 0);
    let left: Vec<_> =
        fs::read_dir(folder.0.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("-new")), "{left:?}");
}

#[test]
fn a_store_that_another_process_locks_is_unavailable_and_then_goes_on() {
    let folder = Folder::new();
    let path = filled(&folder);
    let mut settings = StoreSettings::default();
    settings.busy_ms = 20;
    let store = StoreOptions::new().with_settings(settings).open(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let plan = plan("reading-x", [0], 1);
    let error = store.keep_plan(&plan).unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    assert!(error.to_string().contains("locked by another process"), "{error}");
    other.execute_batch("COMMIT").unwrap();
    store.keep_plan(&plan).unwrap();
    assert_eq!(store.plan(plan.digest()).unwrap(), plan);
}

#[test]
fn two_handles_write_at_the_same_time_and_the_log_is_one() {
    let folder = Folder::new();
    let (path, first) = folder.store();
    let second = Store::open(&path).unwrap();
    std::thread::scope(|scope| {
        for (name, store) in [("a", &first), ("b", &second)] {
            scope.spawn(move || {
                for number in 0..100 {
                    store.keep_plan(&plan(&format!("{name}-{number}"), [0, 2], 1)).unwrap();
                }
            });
        }
    });
    assert_eq!(first.verify().unwrap().entries, 200);
    assert_eq!(first.verify().unwrap(), second.verify().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_sends_nothing_and_stays_whole() {
    let folder = Folder::new();
    let (path, store) = folder.store();
    let plan = plan("reading-1", 10..400, 400);
    let grant = grant(&store, &plan);
    drop(store);
    let pages = u32::try_from(fs::metadata(&path).unwrap().len() / 4096).unwrap();
    let mut settings = StoreSettings::default();
    settings.most_pages = Some(pages + 8);
    let store = StoreOptions::new().with_settings(settings).open(&path).unwrap();
    let (target, systems) = Target::new(folder.path("effects"), Mode::Key).systems();
    let executor = Executor::new(store.clone());
    let error = match executor.execute(&plan, &grant, &systems, yes()).await {
        Ok(run) => run.wait().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), Kind::Limit, "{error}");
    assert!(error.to_string().contains("full"), "{error}");
    let written = store.log_entries(0, 100_000).unwrap();
    let intents = written.iter().filter(|entry| entry.entry.kind() == "change.intent").count();
    assert!(target.effects().len() <= intents, "an effect without an intent");
    store.verify().unwrap();
}

#[test]
fn every_altered_entry_is_found() {
    let folder = Folder::new();
    let path = filled(&folder);
    for statement in [
        "UPDATE entry SET text = replace(text, 'test', 'best') WHERE place = 4",
        "UPDATE entry SET text = replace(text, 'plan.', 'plam.') WHERE place = 4",
        "UPDATE entry SET text = replace(text, 'Z', 'z') WHERE place = 4",
        "UPDATE entry SET text = '' WHERE place = 4",
        "UPDATE entry SET leaf = zeroblob(32) WHERE place = 4",
        "DELETE FROM entry WHERE place = 4",
        "DELETE FROM entry WHERE place = (SELECT max(place) FROM entry)",
        "UPDATE tree SET state = zeroblob(8)",
        "UPDATE tree SET state = zeroblob(9)",
    ] {
        let copy = folder.path("copy");
        fs::copy(&path, &copy).unwrap();
        Connection::open(&copy).unwrap().execute_batch(statement).unwrap();
        let error = Store::open(&copy).unwrap().verify().unwrap_err();
        assert_eq!(error.kind(), Kind::Data, "{statement}: {error}");
        fs::remove_file(&copy).unwrap();
    }
}

#[test]
fn a_backup_is_whole_and_a_damaged_one_is_not_restored() {
    let folder = Folder::new();
    let path = filled(&folder);
    let store = Store::open(&path).unwrap();
    store.backup(folder.path("backup")).unwrap();
    assert_eq!(store.backup(folder.path("backup")).unwrap_err().kind(), Kind::Conflict);
    let restored = Store::restore(folder.path("backup"), folder.path("restored")).unwrap();
    restored.verify().unwrap();
    assert_eq!(restored.log_entries(0, 50).unwrap(), store.log_entries(0, 99).unwrap());
    let copy = Connection::open(folder.path("backup")).unwrap();
    copy.execute_batch("UPDATE entry SET leaf = zeroblob(32) WHERE place = 0").unwrap();
    drop(copy);
    let error = Store::restore(folder.path("backup"), folder.path("again")).unwrap_err();
    assert_eq!(error.kind(), Kind::Data, "{error}");
    assert!(!folder.path("again").exists());
}

#[test]
fn what_is_forgotten_is_gone_from_the_file_and_the_log_still_verifies() {
    let folder = Folder::new();
    let (path, store) = folder.store();
    let plan = plan("reading-1", [0], 1);
    store.keep_plan(&plan).unwrap();
    let request = Request::new(Actor::new("agent:sync"), 1_767_225_600_000);
    let asked = Policy::standard().unwrap().decide(&plan, &request).asked().unwrap();
    let no = Answer::Reject { reason: "zanzibar".into() };
    let ana = Approver::new("ana@example", ["owner"]);
    store.keep_answer(&Approval::new(no, ana, asked.binding().clone(), 1)).unwrap();
    let before = store.verify().unwrap();
    let erased = store.forget_person("ana@example", "dpo@example", "asked for it").unwrap();
    assert_eq!((erased.entries, erased.documents), (1, 1));
    let after = store.verify().unwrap();
    assert_eq!((after.entries, after.erased), (before.entries + 2, 1));
    let gone = store.forget_person("ana@example", "dpo@example", "again").unwrap_err();
    assert_eq!(gone.kind(), Kind::NotFound);
    let later = SystemTime::now() + Duration::from_secs(60);
    let erased = store.forget_before(later, "dpo@example", "too old").unwrap();
    assert_eq!((erased.entries, erased.documents), (2, 1));
    assert_eq!(store.plan(plan.digest()).unwrap_err().kind(), Kind::NotFound);
    store.verify().unwrap();
    drop(store);
    let bytes = fs::read(path).unwrap();
    for word in ["zanzibar", "ana@example"] {
        assert!(
            !bytes.windows(word.len()).any(|at| at == word.as_bytes()),
            "{word} is in the file"
        );
    }
}

fn rows(json: &str) -> Snapshot {
    Snapshot::from_json(&serde_json::from_str::<Vec<_>>(json).unwrap()).unwrap()
}

fn report(actual: &str, coverage: Coverage) -> Report {
    let wish = rows(r#"[{"id": 1, "os": "14"}, {"id": 2, "os": "14"}, {"id": 3, "os": "14"}]"#);
    let actual = rows(actual).with_coverage(coverage);
    Reconciliation::new("fleet").with_key(["id"]).run(&wish, &actual).unwrap()
}

#[test]
fn drift_is_followed_over_runs() {
    let folder = Folder::new();
    let clock = Arc::new(Shifted::default());
    let store = StoreOptions::new().with_clock(clock.clone());
    let store = store.create(folder.path("store.db")).unwrap();
    let check = |actual: &str, coverage, want: [usize; 5]| {
        let followed = store.follow(&report(actual, coverage)).unwrap();
        let unchanged = usize::try_from(followed.unchanged).unwrap();
        let (opened, changed) = (followed.opened.len(), followed.changed.len());
        let (resolved, unseen) = (followed.resolved.len(), followed.unseen.len());
        assert_eq!([opened, changed, resolved, unseen, unchanged], want, "{actual}");
        followed
    };
    let whole = Coverage::Complete;
    let monday = r#"[{"id": 1, "os": "13"}, {"id": 2, "os": "14"}]"#;
    check(monday, whole.clone(), [2, 0, 0, 0, 0]);
    check(monday, whole.clone(), [0, 0, 0, 0, 2]);
    check(r#"[{"id": 1, "os": "12"}, {"id": 2, "os": "14"}]"#, whole.clone(), [0, 1, 0, 0, 1]);
    check(r#"[{"id": 1, "os": "12"}]"#, Coverage::Partial, [0, 0, 0, 1, 1]);
    let agreed = r#"[{"id": 1, "os": "14"}, {"id": 2, "os": "14"}, {"id": 3, "os": "14"}]"#;
    check(agreed, Coverage::Partial, [0, 0, 2, 0, 0]);
    check(monday, Coverage::Partial, [1, 0, 0, 0, 0]);
    let open = store.findings("", "fleet", "").unwrap();
    let again = open.iter().find(|finding| finding.resolved_at.is_none()).unwrap();
    assert_eq!(again.times_opened, 2);

    let last = report(monday, Coverage::Partial);
    let until = clock.now() + Duration::from_secs(60);
    let refused = store.suppress(&last, again.id, "ana", " ", until).unwrap_err();
    assert_eq!(refused.kind(), Kind::Invalid);
    store.suppress(&last, again.id, "ana", "new image on Friday", until).unwrap();
    assert_eq!(check(monday, Coverage::Partial, [0, 0, 0, 0, 1]).suppressed, 1);
    clock.set(120_000);
    assert_eq!(check(monday, Coverage::Partial, [0, 0, 0, 0, 1]).suppressed, 0);
}

#[test]
fn agreed_counts_are_those_of_a_report_without_findings() {
    let store = StoreOptions::new().in_memory().unwrap();
    let open = report(r#"[{"id": 1, "os": "13"}]"#, Coverage::Complete);
    assert_eq!(store.note_agreed(&open).unwrap_err().kind(), Kind::Invalid);
    assert_eq!(store.last_agreed("", "fleet", "").unwrap(), None);
    let agreed = r#"[{"id": 1, "os": "14"}, {"id": 2, "os": "14"}, {"id": 3, "os": "14"}]"#;
    store.note_agreed(&report(agreed, Coverage::Complete)).unwrap();
    let counts = store.last_agreed("", "fleet", "").unwrap().unwrap();
    assert_eq!((counts.expected, counts.actual), (3, 3));
}

#[test]
fn readings_are_noted_once() {
    let store = StoreOptions::new().in_memory().unwrap();
    let unnamed = rows(r#"[{"id": 1}]"#);
    assert_eq!(store.note_reading(&unnamed).unwrap_err().kind(), Kind::Invalid);
    let from =
        trueup::Provenance::read("intune", "devices").with_read_id("r-1").with_tenant("acme");
    let named = unnamed.with_provenance(from);
    store.note_reading(&named).unwrap();
    assert_eq!(store.note_reading(&named).unwrap_err().kind(), Kind::Conflict);
    let readings = store.readings("acme", "intune").unwrap();
    assert_eq!((readings.len(), readings[0].rows, &*readings[0].fields), (1, 1, "id int"));
}

#[test]
fn the_log_is_signed_and_what_was_signed_cannot_be_changed_unseen() {
    let folder = Folder::new();
    let path = folder.path("store.db");
    let mut settings = StoreSettings::default();
    settings.log = "log.example/store".into();
    let store = StoreOptions::new().with_settings(settings).create(&path).unwrap();
    store.keep_plan(&plan("reading-1", [0], 1)).unwrap();
    let signer = Ed25519Signer::new("log.example/store", [1; 32]).unwrap();
    let trust = Trust::new().with_log(signer.verifier().clone());
    let note = store.checkpoint(&signer).unwrap();
    let saved = Checkpoint::open(&note, &[signer.verifier().clone()]).unwrap();
    store.keep_plan(&plan("reading-2", [0], 1)).unwrap();
    let verdict = store.verify_log(&trust, Some(&saved)).unwrap();
    assert!(verdict.holds(), "{verdict}");
    assert_eq!(verdict.anchored, [0]);
    let stranger = Ed25519Signer::new("other.example/store", [1; 32]).unwrap();
    assert_eq!(store.checkpoint(&stranger).unwrap_err().kind(), Kind::Invalid);
    store.forget_before(SystemTime::now() + Duration::from_secs(9), "dpo", "too old").unwrap();
    assert!(store.verify_log(&trust, Some(&saved)).unwrap().holds());
    drop(store);
    let cut = "DELETE FROM entry; UPDATE tree SET state = zeroblob(8)";
    Connection::open(&path).unwrap().execute_batch(cut).unwrap();
    let store = Store::open(&path).unwrap();
    assert!(!store.verify_log(&trust, Some(&saved)).unwrap().holds());
}
