//! Guarded, journalled and audited writes, 64 in flight, to a system that does nothing, at once.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::json;
use trueup::guard::{Actor, Policy, Request, Standing};
use trueup::runtime::{Executor, PolicyGate, Store, Systems};
use trueup::{
    Authorised, Capability, Connector, Context, Error, FieldValue, Idempotency, Identity, Impact,
    Kind, Operation, Origin, Page, Plan, PlannedChange, Provenance, ReadRequest, Receipt, Resource,
    Side, Writer, async_trait,
};
use trueup_benches::Result;
use trueup_benches::measure::{Case, report};

const POLICY: &str = "version = 1\nname = \"bench\"\n[[rule]]\nid = \"creates\"\naction = \"create\"\noutcome = \"allow\"";
const SETTINGS: &str = r#"{"in_flight": 64, "verify": false}"#;

/// Makes a store, plans and grants; on the clock is the run alone.
pub(crate) fn run(case: &Case) -> Result<()> {
    let folder = tempfile::tempdir_in(&case.dir)?;
    let store = Store::create(folder.path().join("store.db"))?;
    let plan = plan(case.size()?)?;
    store.keep_plan(&plan)?;
    let policy = Arc::new(Policy::from_toml(POLICY)?);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis();
    let request = Request::new(Actor::new("agent:sync"), i64::try_from(now)?);
    let asked = policy.decide(&plan, &request).asked()?;
    let standing = asked.standing(&[], request.now(), &|_, _, _, _| false);
    let Standing::Granted(grant) = standing else {
        return Err("the policy asks somebody".into());
    };
    let systems = Systems::new().with(Side::Actual, Arc::new(Nothing));
    let executor = Executor::new(store).with_settings(serde_json::from_str(SETTINGS)?);
    let gate = Arc::new(PolicyGate::new(policy, request));
    let tokio =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    report(super::TOOL, case, || {
        let done = tokio.block_on(async {
            executor.execute(&plan, &grant, &systems, gate).await?.wait().await
        })?;
        Ok((json!({ "written": done.counts().done }), done))
    })
}

fn plan(size: usize) -> Result<Plan> {
    let create = |id: usize| {
        PlannedChange::new(Side::Actual, Operation::Create)
            .with_key([FieldValue::new("id", id as i64)])
            .with_after([FieldValue::new("id", id as i64), FieldValue::new("value", "new value")])
    };
    let read = Provenance::read("nothing", "items").with_read_id("r-1");
    let changes = (0..size).map(create).collect();
    Ok(Plan::propose(Origin::new("bench", &read), [Impact::new(Side::Actual, 1)], changes)?)
}

/// A system that takes everything and does nothing.
#[derive(Debug)]
struct Nothing;

#[async_trait]
impl Writer for Nothing {
    fn idempotency(&self, _: &str, _: &Operation) -> Idempotency {
        Idempotency::Key
    }

    async fn apply(&self, _: Context, changes: Authorised) -> trueup::Result<Vec<Receipt>> {
        let done = |_| Receipt::Done { id: Some("7".into()), version: Some("1".into()) };
        Ok(changes.changes().iter().map(done).collect())
    }

    async fn status(&self, _: Context, _: String) -> trueup::Result<Receipt> {
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

    async fn describe(&self, _: Context) -> trueup::Result<Vec<Resource>> {
        Ok(Vec::new())
    }

    async fn check(&self, _: Context) -> trueup::Result<()> {
        Ok(())
    }

    async fn read_page(&self, _: Context, _: ReadRequest) -> trueup::Result<Page> {
        Err(Error::new(Kind::NotFound, "there is nothing"))
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        Some(Arc::new(Self))
    }
}
