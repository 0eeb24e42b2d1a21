//! The whole way through the flat layer: plan, decide, answers, grant, run, evidence; and a writer of a
//! host that fails.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};
use trueup::audit::Signer;
use trueup::guard::Policy;
use trueup::runtime::Reader;
use trueup::{
    Connector, Context, Error, Kind, Page, Plan, ReadRequest, Reconciliation, Resource, Result,
    Side, Snapshot, async_trait, record,
};
use trueup_bindings::job::Job;
use trueup_bindings::keys::{Key, People};
use trueup_bindings::page::{Host, HostConnector};
use trueup_bindings::plan::Planning;
use trueup_bindings::run::{Gate, Start, Target, run};
use trueup_bindings::store::{Opening, Store};
use trueup_bindings::write::HostWriter;
use trueup_bindings::{approvals, evidence, flat, plan};

const LONG: Duration = Duration::from_secs(60);

/// A shelf of a host: books by id, in memory.
#[derive(Clone, Debug, Default)]
struct Shelf {
    books: Arc<Mutex<Vec<(i128, String)>>>,
    /// What `apply` does instead of its work.
    mishap: Option<&'static str>,
}

#[async_trait]
impl Host for Shelf {
    async fn describe(&self, _: Context) -> Result<Json> {
        let fields = json!([
            {"name": "id", "type": "int", "role": "key", "writable": true},
            {"name": "title", "type": "text", "writable": true}]);
        let books = json!({"name": "books", "fields": fields, "idempotency": "at_most_once"});
        Ok(json!({"system": "shelf", "resources": [books]}))
    }

    async fn check(&self, _: Context) -> Result<()> {
        Ok(())
    }

    async fn read_page(&self, _: Context, _: ReadRequest, resource: &Resource) -> Result<Page> {
        let books = self.books.lock().unwrap();
        let row =
            |(id, title): &(i128, String)| vec![trueup::Value::Int(*id), title.as_str().into()];
        let rows: Vec<_> = books.iter().map(row).collect();
        Ok(Page::new(record::batch_from_values(&resource.schema, &rows)?))
    }

    fn writer(&self) -> Option<Box<dyn HostWriter>> {
        Some(Box::new(self.clone()))
    }
}

#[async_trait]
impl HostWriter for Shelf {
    async fn apply(&self, _: Context, changes: Json) -> Result<Json> {
        if let Some(mishap) = self.mishap {
            return Err(Error::new(Kind::Internal, mishap));
        }
        let mut books = self.books.lock().unwrap();
        for change in changes.as_array().unwrap() {
            let id = i128::from(change["key"]["id"].as_i64().unwrap());
            books.retain(|(book, _)| *book != id);
            if change["operation"] != "delete" {
                books.push((id, change["after"]["title"].as_str().unwrap().to_owned()));
            }
        }
        Ok(changes.as_array().unwrap().iter().map(|_| json!("done")).collect())
    }

    async fn status(&self, _: Context, handle: String) -> Result<Json> {
        Err(Error::new(Kind::NotFound, format!("there is no `{handle}`")))
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn wait<T: Send + 'static>(job: &Job<T>) -> Result<T> {
    assert!(job.wait(LONG));
    job.take().unwrap()
}

fn open(shelf: &Shelf) -> HostConnector<Shelf> {
    let shelf = shelf.clone();
    wait(&Job::read(|context| HostConnector::open(shelf, context)).unwrap()).unwrap()
}

fn read(connector: &Arc<HostConnector<Shelf>>) -> Snapshot {
    let connector = connector.clone();
    let reading = Job::read(|context| async move {
        Reader::new().read(connector.as_ref(), context, "books").await
    });
    wait(&reading.unwrap()).unwrap()
}

fn wish() -> Snapshot {
    let rows = json!([{"id": 1, "title": "Emma"}, {"id": 2, "title": "Dune"}]);
    Snapshot::from_json(&serde_json::from_value::<Vec<_>>(rows).unwrap()).unwrap()
}

fn books() -> Reconciliation {
    Reconciliation::new("books").with_resource("books").with_key(["id"])
}

/// Two people's answers to a decision: one signed, one attested.
fn answers(question: &Json, key: &Key) -> Json {
    let yes = |person: &str| {
        let approver = json!({"actor": [person], "roles": ["owner"]});
        approvals::answer(question.clone(), json!("approve"), approver, now()).unwrap()
    };
    let signed = approvals::sign(yes("person:bo"), key).unwrap();
    json!([signed, approvals::attest(yes("person:cy"), "desk").unwrap()])
}

struct Asked {
    store: Store,
    policy: Policy,
    plan: Plan,
    grant: trueup::guard::Grant,
    gate: Gate,
}

/// Everything up to the run.
fn asked(connector: &Arc<HostConnector<Shelf>>) -> Asked {
    let store = Store::make(Path::new(""), Opening::InMemory, json!({})).unwrap();
    let report = books().run(&wish(), &read(connector)).unwrap();
    let plan = plan::make(&report, Planning::default()).unwrap();
    let policy = Policy::standard().unwrap();
    let request = json!({"actor": ["agent:sync", "person:ana"], "now": now()});
    let request = flat::request(&request).unwrap();
    let decision = policy.decide(&plan, &request);
    let key = Key::generate("bo.example").unwrap();
    let people = json!({"person:bo": key.verifier().to_string()});
    let people = People::from_json(people).unwrap();
    let question = approvals::question(&decision).unwrap();
    store.keep_plan(&plan).unwrap();
    store.keep_decision(&decision).unwrap();
    let answers = answers(&question, &key);
    for answer in answers.as_array().unwrap() {
        store.ask(json!({"keep_answer": {"answer": answer}})).unwrap();
    }
    let nobody = json!([]);
    let (waiting, none) = approvals::standing(question.clone(), nobody, &people, now()).unwrap();
    assert_eq!((&waiting["state"], none.is_none()), (&json!("waiting"), true));
    let (said, grant) = approvals::standing(question, answers, &people, now()).unwrap();
    assert_eq!(said["state"], "granted", "{said}");
    let gate = Gate { policy: policy.clone(), request, glass: None };
    Asked { store, policy, plan, grant: grant.unwrap(), gate }
}

fn target(connector: &Arc<HostConnector<Shelf>>) -> Vec<Target> {
    let mishaps = Some(connector.mishaps().clone());
    let connector: Arc<dyn Connector> = connector.clone();
    vec![Target { side: Side::Actual, connector, mishaps }]
}

#[test]
fn a_plan_is_carried_out_and_proved() {
    let shelf = Shelf::default();
    shelf.books.lock().unwrap().push((1, "Ema".to_owned()));
    let connector = Arc::new(open(&shelf));
    let Asked { store, plan, grant, gate, .. } = asked(&connector);
    let start = Start::Execute(plan.clone(), Box::new(grant));
    let running = run(&store, json!({}), start, target(&connector), gate, true).unwrap();
    let done = wait(running.job()).unwrap();
    let said = done.to_json();
    assert_eq!(
        (&said["status"], &said["counts"]["done"]),
        (&json!("finished"), &json!(2)),
        "{said}"
    );
    assert_eq!(running.id(), said["run"].as_str());
    assert_eq!(running.events().last().unwrap(), &json!({"event": "ended", "status": "finished"}));
    assert_eq!(running.job().progress().unwrap().done, 2);
    assert!(books().run(&wish(), &read(&connector)).unwrap().converged());

    let reading = json!({"system": "shelf", "resource": "books", "read_id": "r-2"});
    let back = plan::rollback(&plan, said["effects"].clone(), reading).unwrap();
    assert_eq!(back.plan.changes().len(), 2);

    let log = Key::generate("trueup.local/log").unwrap();
    let note = ("note.txt".to_owned(), "text/plain".to_owned(), b"seen".to_vec());
    let pack = store.evidence(running.id().unwrap(), vec![note], &log).unwrap();
    let trust = json!({"logs": [log.verifier().to_string()]});
    let verdict = evidence::verify_pack(&pack, trust.clone(), None).unwrap();
    assert_eq!(verdict["holds"], true, "{verdict}");
    let mut altered = pack;
    altered[200] ^= 1;
    assert_eq!(evidence::verify_pack(&altered, trust, None).unwrap()["holds"], false);
}

#[test]
fn an_error_out_of_apply_makes_every_change_unknown() {
    let shelf = Shelf { mishap: Some("the shelf fell over"), ..Shelf::default() };
    let connector = Arc::new(open(&shelf));
    let Asked { store, plan, grant, gate, .. } = asked(&connector);
    let start = Start::Execute(plan, Box::new(grant));
    let settings = json!({"batch": 2});
    let running = run(&store, settings, start, target(&connector), gate, false).unwrap();
    let done = wait(running.job()).unwrap();
    let said = done.to_json();
    assert_eq!(
        (&said["counts"]["unknown"], &said["questions"]),
        (&json!(2), &json!([0, 1])),
        "{said}"
    );
    assert_eq!(done.mishaps()[&1].message(), "the shelf fell over");
    let name = running.id().unwrap().to_owned();
    let told = trueup_bindings::run::answer(&store, name, 0, true, "bo".into(), "I looked".into());
    wait(&told.unwrap()).unwrap();
}

#[test]
fn what_fields_cannot_take_is_refused_before_the_host_sees_it() {
    let shelf = Shelf::default();
    let connector = Arc::new(open(&shelf));
    let reading = json!({"system": "shelf", "resource": "books", "read_id": "r-1"});
    let change = json!([{"target": "actual", "operation": "create", "key": {"id": 1},
        "after": {"titel": "Emma"}}]);
    let plan = plan::propose("books", reading, 10, change).unwrap();
    let Asked { store, policy, gate, .. } = asked(&connector);
    let decision = policy.decide(&plan, &gate.request);
    let question = approvals::question(&decision).unwrap();
    let key = Key::generate("bo.example").unwrap();
    let people = People::from_json(json!({"person:bo": key.verifier().to_string()})).unwrap();
    let answers = answers(&question, &key);
    let (_, grant) = approvals::standing(question, answers, &people, now()).unwrap();
    let start = Start::Execute(plan, Box::new(grant.unwrap()));
    let running = run(&store, json!({}), start, target(&connector), gate, false).unwrap();
    let said = wait(running.job()).unwrap().to_json();
    assert_eq!(said["changes"][0]["state"], "refused", "{said}");
    assert!(said["changes"][0]["error"].as_str().unwrap().contains("`title`"), "{said}");
    assert!(shelf.books.lock().unwrap().is_empty());
}

#[test]
fn a_denied_plan_and_a_broken_glass() {
    let shelf = Shelf::default();
    let connector = Arc::new(open(&shelf));
    let Asked { store, policy, .. } = asked(&connector);
    let delete = |id: i64| json!({"target": "actual", "operation": "delete", "key": {"id": id}, "before": {"title": "x"}});
    let reading = json!({"system": "shelf", "resource": "books", "read_id": "r-9"});
    let deletes: Json = (0..60).map(delete).collect();
    let plan = plan::propose("cleanup", reading, 100, deletes).unwrap();
    let at = now();
    let request = flat::request(&json!({"actor": ["person:ana"], "now": at})).unwrap();
    let denied = policy.decide(&plan, &request);
    assert_eq!(approvals::question(&denied).unwrap_err().kind(), Kind::Forbidden);

    let opening = json!({"requester": ["person:ana"], "lifts": ["delete-many"], "reason": "release",
        "from": at, "until": at + 3_600_000});
    let key = Key::generate("bo.example").unwrap();
    let people = People::from_json(json!({"person:bo": key.verifier().to_string()})).unwrap();
    let asked = approvals::glass_question(&policy, opening.clone()).unwrap();
    let glass =
        approvals::break_glass(&policy, opening, answers(&asked, &key), &people, now()).unwrap();
    let decision = approvals::glass_decide(&glass, &policy, &plan, &request).unwrap();
    let yes = answers(&approvals::question(&decision).unwrap(), &key);
    let (grant, review) =
        approvals::glass_grant(&glass, &decision, yes.clone(), &[], &people, now()).unwrap();
    store.keep_plan(&plan).unwrap();
    store.keep_grant(&grant).unwrap();
    // The review is written down when the grant is used.
    assert_eq!(store.ask(json!("reviews")).unwrap(), json!([]));
    let kept = store.ask(json!({"grant": {"grant": review["grant"]}})).unwrap();
    assert_eq!(kept["run"], Json::Null);
    let again = [review["plan"].as_str().unwrap().to_owned()];
    let twice = approvals::glass_grant(&glass, &decision, yes, &again, &people, now());
    assert_eq!(twice.unwrap_err().kind(), Kind::Forbidden);
}
