//! What the store proves: erased people are gone, packs say what is gone, tables are those of the log,
//! and no log has two histories.
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

use runtime_support::{Mode, Quirk, Shifted, Target, gate, grant, grant_by, plan, policy, yes};
use rusqlite::Connection;
use trueup::audit::{Checkpoint, Ed25519Signer, Signer, Trust, verify};
use trueup::guard::{Actor, Answer, Approval, Approver, Grant, Policy, Request, Standing};
use trueup::runtime::{Executor, ExecutorSettings, PolicyGate, Store, StoreOptions};
use trueup::{Kind, Plan};

struct Stage {
    folder: tempfile::TempDir,
    clock: Arc<Shifted>,
    store: Store,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Shifted::default());
        let store = StoreOptions::new().with_clock(clock.clone());
        let store = store.create(folder.path().join("store.db")).unwrap();
        Self { folder, clock, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn target(&self) -> Target {
        Target::new(self.path("effects"), Mode::Key)
    }

    fn executor(&self) -> Executor {
        let settings: ExecutorSettings = serde_json::from_str(r#"{"pending_ms": 50}"#).unwrap();
        Executor::new(self.store.clone()).with_settings(settings)
    }

    /// Carries a plan out that one person approved at another's wish; nothing is kept by hand.
    async fn run(&self, plan: &Plan, requester: &str, approver: &str) -> String {
        let (grant, gate) = approved(plan, requester, approver);
        let (_, systems) = self.target().systems();
        let run = self.executor().execute(plan, &grant, &systems, gate).await.unwrap();
        run.wait().await.unwrap().run
    }

    /// Alters the file from outside.
    fn alter(&self, statement: &str) {
        Connection::open(self.path("store.db")).unwrap().execute_batch(statement).unwrap();
    }

    fn count(&self, file: &str, word: &str) -> usize {
        let bytes = fs::read(self.path(file)).unwrap_or_default();
        bytes.windows(word.len()).filter(|at| *at == word.as_bytes()).count()
    }
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

/// The grant of a policy that asks one person, and what lets it through.
fn approved(plan: &Plan, requester: &str, approver: &str) -> (Grant, Arc<PolicyGate>) {
    let text = "version = 1\nname = \"strict\"\n\
        [[rule]]\nid = \"all\"\noutcome = \"ask\"\nask = { count = 1 }\n";
    let policy = Arc::new(Policy::from_toml(text).unwrap());
    let request = Request::new(Actor::new("agent:test").on_behalf_of(requester), now());
    let asked = policy.decide(plan, &request).asked().unwrap();
    let approver = Approver::new(approver, ["owner"]);
    let yes = Approval::new(Answer::Approve, approver, asked.binding().clone(), asked.at());
    let standing = asked.standing(&[yes.attested("desk")], asked.at(), &|_, _, _, _| false);
    let Standing::Granted(grant) = standing else { panic!("{standing:?}") };
    (grant, Arc::new(PolicyGate::new(policy, request)))
}

fn signer(name: &str) -> Ed25519Signer {
    Ed25519Signer::new(name, [7; 32]).unwrap()
}

fn trust(signer: &Ed25519Signer) -> Trust {
    Trust::new().with_log(signer.verifier().clone())
}

fn soon() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_in_no_file_of_the_store() {
    let stage = Stage::new();
    stage.run(&plan("r-1", [100], 1), "person:zeta", "person:boris").await;
    stage.run(&plan("r-2", [102], 1), "person:zetas-sister", "person:boris.junior").await;
    stage.run(&plan("r-3", [104], 1), "person:cy", "person:boris").await;
    for person in ["person:zeta", "person:Boris"] {
        let forgotten = stage.store.forget_person(person, "dpo", "article 17").unwrap();
        assert!(forgotten.entries > 0, "{person}: {forgotten:?}");
        let again = stage.store.forget_person(person, "dpo", "article 17").unwrap_err();
        assert_eq!(again.kind(), Kind::NotFound, "{again}");
    }
    for file in ["store.db", "store.db-wal"] {
        assert_eq!(stage.count(file, "person:zeta\""), 0, "{file}");
        assert_eq!(stage.count(file, "person:boris\""), 0, "{file}");
    }
    assert!(stage.count("store.db", "person:zetas-sister") > 0);
    assert!(stage.count("store.db", "person:boris.junior") > 0);
    stage.store.verify().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_tell_of_a_person_go_and_the_rest_stays() {
    let stage = Stage::new();
    let (_, systems) = Target::new(stage.path("effects"), Mode::AtMostOnce)
        .with_quirk(100, Quirk::ErrorAfter)
        .systems();
    let plan = plan("r-1", [100, 102], 1);
    let grant = grant(&stage.store, &plan);
    let executor = stage.executor();
    let run = executor.execute(&plan, &grant, &systems, yes()).await.unwrap();
    let report = run.wait().await.unwrap();
    let reason = "\"Ana@Example\" saw it,\nana@example.org did not";
    executor.answer(&report.run, 0, true, "desk", reason).await.unwrap();
    let refused = stage.store.forget_person("ana@example", "dpo", "ana@example asked").unwrap_err();
    assert_eq!(refused.kind(), Kind::Invalid, "{refused}");
    let forgotten = stage.store.forget_person("ana@example", "dpo", "article 17").unwrap();
    assert_eq!((forgotten.entries, forgotten.records), (1, 1));
    let changes = executor.report(&report.run).await.unwrap().changes;
    assert_eq!(changes[0].error.as_deref(), Some("erased"));
    stage.store.verify().unwrap();
    let kept = stage.store.forget_person("ana", "dpo", "article 17").unwrap_err();
    assert_eq!(kept.kind(), Kind::NotFound, "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_not_erased_under_an_open_run() {
    let stage = Stage::new();
    let plan = plan("r-1", [100], 1);
    let (grant, gate) = approved(&plan, "person:zeta", "person:boris");
    let (_, systems) = stage.target().with_quirk(100, Quirk::LongPending).systems();
    let executor = stage.executor();
    let run = executor.execute(&plan, &grant, &systems, gate).await.unwrap().wait().await.unwrap();
    let refused = stage.store.forget_person("person:zeta", "dpo", "article 17").unwrap_err();
    assert_eq!(refused.kind(), Kind::Conflict, "{refused}");
    assert!(refused.to_string().contains(&run.run), "{refused}");
    executor.abandon(&run.run, "desk", "the person goes").await.unwrap();
    stage.store.forget_person("person:zeta", "dpo", "article 17").unwrap();
    stage.store.verify().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_after_retention_says_what_is_gone() {
    let stage = Stage::new();
    let signer = signer("trueup.local/log");
    let run = stage.run(&plan("r-1", [100], 1), "person:ana", "person:bo").await;
    let before = stage.store.evidence(&run, vec![], &signer).unwrap();
    let before = verify(&before, &trust(&signer), None);
    assert!(before.holds() && before.erased.is_empty(), "{before}");
    stage.store.forget_before(soon(), "dpo", "older than a year").unwrap();
    let pack = stage.store.evidence(&run, vec![], &signer).unwrap();
    let verdict = verify(&pack, &trust(&signer), None);
    assert!(verdict.holds(), "{verdict}");
    let erased: Vec<u64> = verdict.erased.iter().map(|erased| erased.entry).collect();
    assert_eq!(erased, before.anchored, "every entry of the first pack is in the second");
    assert!(verdict.erased.iter().all(|it| it.reason.as_deref() == Some("older than a year")));
    let gone = serde_json::json!(["plan.json", "decisions.json", "approvals.json"]);
    assert_eq!(verdict.about.unwrap()["gone"], gone);
    stage.store.verify().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_without_the_beginning_of_its_run_is_not_made() {
    let stage = Stage::new();
    let run = stage.run(&plan("r-1", [100], 1), "person:ana", "person:bo").await;
    stage.alter("UPDATE entry SET run = NULL, plan = NULL");
    let signer = signer("trueup.local/log");
    let error = stage.store.evidence(&run, vec![], &signer).unwrap_err();
    assert_eq!(error.kind(), Kind::Data, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_those_of_the_log() {
    let stage = Stage::new();
    let policy = policy("rate = { count = 9, per = \"1h\" }");
    let (_, systems) = stage.target().with_quirk(102, Quirk::Refuses).systems();
    let one = plan("r-1", [100, 102], 1);
    let grant = grant_by(&policy, &stage.store, &one);
    let executor = stage.executor();
    executor.execute(&one, &grant, &systems, gate(&policy)).await.unwrap().wait().await.unwrap();
    stage.run(&plan("r-2", [104], 1), "person:ana", "person:bo").await;
    stage.store.verify().unwrap();
    stage.store.backup(stage.path("good")).unwrap();
    for statement in [
        "DELETE FROM usage",
        "UPDATE usage SET amount = 0",
        "UPDATE usage SET at = at - 3600000",
        "UPDATE usage SET rule = 'other'",
        "UPDATE item SET state = 'failed' WHERE state = 'done'",
        "UPDATE item SET state = 'done'",
        "UPDATE item SET attempts = 7",
        "UPDATE item SET error = 'none'",
        "DELETE FROM item WHERE place = 1",
        "UPDATE run SET status = 'running'",
        "UPDATE run SET scopes = '[]'",
        "UPDATE grant SET expires_at = expires_at + 1",
        "UPDATE grant SET terms = replace(terms, '\"expires\":', '\"expires\":9')",
        "UPDATE plan SET document = replace(document, 'new 100', 'new 101')",
        "UPDATE plan SET tenant = 'other'",
        "UPDATE decision SET outcome = 'deny'",
        "UPDATE decision SET document = NULL",
        "DELETE FROM decision",
        "DELETE FROM answer",
        "UPDATE answer SET person = 'person:cy'",
        "UPDATE lease SET epoch = epoch + 1",
        "UPDATE entry SET run = NULL WHERE run IS NOT NULL",
        "UPDATE entry SET plan = run",
        "UPDATE tree SET latest = 0",
    ] {
        let copy = stage.path("copy");
        fs::copy(stage.path("good"), &copy).unwrap();
        let altered = Connection::open(&copy).unwrap();
        altered.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        altered.execute_batch(statement).unwrap();
        drop(altered);
        let error = Store::open(&copy).unwrap().verify().expect_err(statement);
        assert_eq!(error.kind(), Kind::Data, "{statement}: {error}");
        remove(&copy);
    }
}

fn remove(path: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(ending);
        let _ = fs::remove_file(file);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_erased_entry_was_about_cannot_be_altered_unseen() {
    let stage = Stage::new();
    stage.run(&plan("r-1", [100], 1), "person:ana", "person:bo").await;
    stage.store.forget_before(soon(), "dpo", "too old").unwrap();
    stage.store.verify().unwrap();
    let last = "(SELECT max(place) FROM entry WHERE run IS NOT NULL)";
    stage.alter(&format!("UPDATE entry SET run = NULL WHERE place = {last}"));
    assert_eq!(stage.store.verify().unwrap_err().kind(), Kind::Data);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_every_kind_are_replayed() {
    for mode in Mode::ALL {
        let stage = Stage::new();
        let quirks = [
            (100, Quirk::ErrorAfter),
            (102, Quirk::ErrorBefore),
            (104, Quirk::Busy),
            (106, Quirk::Refuses),
            (108, Quirk::Pending),
            (110, Quirk::LongPending),
            (112, Quirk::Lies),
        ];
        let target = Target::new(stage.path("effects"), mode);
        let target = quirks.into_iter().fold(target, |it, (id, quirk)| it.with_quirk(id, quirk));
        let (_, systems) = target.systems();
        let plan = plan("r-1", (100..116).step_by(2), 3);
        let grant = grant(&stage.store, &plan);
        let executor = stage.executor();
        let run = executor.execute(&plan, &grant, &systems, yes()).await.unwrap();
        let run = run.wait().await.unwrap().run;
        stage.store.verify().unwrap();
        if executor.open_runs().await.unwrap().contains(&run) {
            executor.abandon(&run, "desk", "it takes too long").await.unwrap();
            stage.store.verify().unwrap();
        }
        for question in executor.report(&run).await.unwrap().questions() {
            executor.answer(&run, question.place, true, "desk", "it is there").await.unwrap();
        }
        stage.store.verify().unwrap();
        stage.store.forget_before(soon(), "dpo", "too old").unwrap();
        stage.store.verify().unwrap();
    }
}

#[test]
fn a_plan_that_was_erased_can_be_kept_again() {
    let stage = Stage::new();
    let plan = plan("r-1", [100], 1);
    stage.store.keep_plan(&plan).unwrap();
    stage.store.forget_before(soon(), "dpo", "too old").unwrap();
    assert_eq!(stage.store.plan(plan.digest()).unwrap_err().kind(), Kind::NotFound);
    stage.store.keep_plan(&plan).unwrap();
    assert_eq!(stage.store.plan(plan.digest()).unwrap(), plan);
    stage.store.verify().unwrap();
}

#[test]
fn a_plan_that_people_are_asked_about_is_not_forgotten() {
    let stage = Stage::new();
    let (waits, granted) = (plan("r-1", [1, 3, 5], 1), plan("r-2", [100], 1));
    stage.store.keep_plan(&waits).unwrap();
    let request = Request::new(Actor::new("agent:test"), now());
    let decision = Policy::standard().unwrap().decide(&waits, &request);
    stage.store.keep_decision(&decision).unwrap();
    let asked = decision.asked().unwrap();
    let bo = Approver::new("person:bo", ["owner"]);
    let answer = Approval::new(Answer::Approve, bo, asked.binding().clone(), asked.at());
    stage.store.keep_answer(&answer.attested("desk")).unwrap();
    stage.store.keep_grant(&grant(&stage.store, &granted)).unwrap();
    stage.store.forget_before(soon(), "dpo", "too old").unwrap();
    assert_eq!(stage.store.plan(waits.digest()).unwrap(), waits);
    assert_eq!(stage.store.plan(granted.digest()).unwrap(), granted);
    assert!(stage.store.decisions(waits.digest()).unwrap()[0].document.is_some());
    assert!(stage.store.answers(waits.digest()).unwrap()[0].document.is_some());
    stage.store.verify().unwrap();
    // When nobody can answer any more, it goes.
    stage.clock.set(400 * 86_400_000);
    let later = SystemTime::now() + Duration::from_secs(401 * 86_400);
    stage.store.forget_before(later, "dpo", "too old").unwrap();
    assert_eq!(stage.store.plan(waits.digest()).unwrap_err().kind(), Kind::NotFound);
    stage.store.verify().unwrap();
}

#[test]
fn a_restored_log_goes_on_under_a_name_of_its_own() {
    let stage = Stage::new();
    let first = signer("trueup.local/log");
    stage.store.keep_plan(&plan("r-1", [100], 1)).unwrap();
    let early = stage.store.checkpoint(&first).unwrap();
    stage.store.backup(stage.path("backup")).unwrap();
    stage.store.keep_plan(&plan("r-2", [100], 1)).unwrap();
    let late = stage.store.checkpoint(&first).unwrap();
    let [early, late] =
        [early, late].map(|note| Checkpoint::open(&note, &[first.verifier().clone()]).unwrap());

    let restored = Store::restore(stage.path("backup"), stage.path("restored")).unwrap();
    restored.keep_plan(&plan("r-3", [100], 1)).unwrap();
    assert_eq!(restored.checkpoint(&first).unwrap_err().kind(), Kind::Invalid);
    let name = restored.log_name().unwrap();
    assert!(name.starts_with("trueup.local/log/restored-"), "{name}");
    let second = signer(&name);
    restored.checkpoint(&second).unwrap();
    let verdict = restored.verify_log(&trust(&second), Some(&early)).unwrap();
    assert!(verdict.holds(), "{verdict}");
    let verdict = restored.verify_log(&trust(&second), Some(&late)).unwrap();
    assert!(!verdict.holds(), "what the backup does not have is missing");
    restored.verify().unwrap();

    restored.backup(stage.path("backup-2")).unwrap();
    let again = Store::restore(stage.path("backup-2"), stage.path("again")).unwrap();
    let other = again.log_name().unwrap();
    assert!(other != name && other.len() == name.len(), "{other}");
    again.verify().unwrap();
    let verdict = again.verify_log(&trust(&second), Some(&early)).unwrap();
    assert!(verdict.holds(), "{verdict}");
}

#[test]
fn a_clock_that_was_wrong_can_be_set_right() {
    let stage = Stage::new();
    let reason = "the battery was empty";
    let early = stage.store.accept_clock("person:ana", reason).unwrap_err();
    assert_eq!(early.kind(), Kind::Conflict, "{early}");
    stage.clock.set(365 * 86_400_000);
    stage.store.keep_plan(&plan("r-1", [100], 1)).unwrap();
    stage.clock.set(0);
    let unnamed = stage.store.accept_clock(" ", reason).unwrap_err();
    assert_eq!(unnamed.kind(), Kind::Invalid, "{unnamed}");
    stage.store.accept_clock("person:ana", reason).unwrap();
    stage.store.verify().unwrap();
    let last = stage.store.log_entries(1, 9).unwrap().pop().unwrap();
    assert_eq!(last.entry.kind(), "clock.accepted");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(stage.run(&plan("r-2", [102], 1), "person:ana", "person:bo"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_rests_on_is_in_its_evidence_whatever_the_host_kept() {
    let stage = Stage::new();
    let plan = plan("r-1", [100], 1);
    let run = stage.run(&plan, "person:ana", "person:bo").await;
    let decisions = stage.store.decisions(plan.digest()).unwrap();
    assert!(decisions.iter().any(|it| it.what == "ask"), "{decisions:?}");
    let answers = stage.store.answers(plan.digest()).unwrap();
    assert_eq!(answers.len(), 1);
    let said = answers[0].document.as_ref().unwrap();
    assert_eq!(said["approver"]["actor"], serde_json::json!(["person:bo"]));
    assert_eq!(said["vouched"], serde_json::json!({"attested": {"by": "desk"}}));
    let runs = stage.store.runs().unwrap();
    assert_eq!((runs.len(), &runs[0].id, &*runs[0].status), (1, &run, "finished"));
}

#[test]
fn a_backup_ends_while_others_write() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let stage = Stage::new();
    for reading in 0..200 {
        stage.store.keep_plan(&plan(&format!("r-{reading}"), 100..160, 1)).unwrap();
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0;
            while !stop.load(Ordering::SeqCst) {
                stage.store.keep_plan(&plan(&format!("w-{written}"), [100], 1)).unwrap();
                written += 1;
            }
            written
        });
        for number in 0..3 {
            stage.store.backup(stage.path(&format!("backup-{number}"))).unwrap();
        }
        stop.store(true, Ordering::SeqCst);
        assert!(writer.join().unwrap() > 3, "nobody wrote meanwhile");
    });
}

#[cfg(unix)]
#[test]
fn files_are_their_owners_and_leftovers_are_in_nobodys_way() {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = Stage::new();
    fs::write(stage.path("backup-copy"), [1; 5000]).unwrap();
    fs::write(stage.path("backup-new"), [1; 5000]).unwrap();
    stage.store.keep_plan(&plan("r-1", [100], 1)).unwrap();
    stage.store.backup(stage.path("backup")).unwrap();
    let restored = Store::restore(stage.path("backup"), stage.path("restored")).unwrap();
    restored.keep_plan(&plan("r-2", [100], 1)).unwrap();
    for file in ["store.db", "store.db-wal", "backup", "restored", "restored-wal"] {
        let mode = fs::metadata(stage.path(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file} is {mode:o}");
    }
}
