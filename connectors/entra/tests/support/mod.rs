//! What the tests share: a sandbox, and a connector to it.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;

use trueup_connector::{Change, Column, Connector, Context, Operation, Receipt, Snapshot, Value};
use trueup_entra::{Entra, EntraConfig};
use trueup_kit::{Auth, Endpoint, Fixed, Manners, Secret};
use trueup_sandbox::{Estate, Graph, Plan, Server};
use trueup_testkit::conformance::apply_unguarded;

/// A sandbox with its connector.
pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) sandbox: Arc<Graph>,
    pub(crate) entra: Entra,
}

pub(crate) fn estate(size: u64) -> Estate {
    Estate::new(7, size)
}

pub(crate) async fn rig(size: u64) -> Rig {
    rig_with(Graph::new(&estate(size)), Plan::default(), |_| {}).await
}

pub(crate) async fn rig_with(
    sandbox: Graph,
    plan: Plan,
    bend: impl FnOnce(&mut EntraConfig),
) -> Rig {
    let sandbox = Arc::new(sandbox);
    let server = Server::start(sandbox.clone(), plan).await.unwrap();
    let mut config = config(&server.base_url());
    bend(&mut config);
    let entra = Entra::new(config, secrets()).unwrap();
    Rig { server, sandbox, entra }
}

pub(crate) fn secrets() -> Arc<Fixed> {
    Arc::new(Fixed::new([("entra-secret", Secret::new(Graph::SECRET))]))
}

pub(crate) fn config(base: &str) -> EntraConfig {
    let mut config = EntraConfig::new(Graph::TENANT, Graph::CLIENT);
    let auth = Auth::ClientSecret {
        token_url: format!("{base}/{}/oauth2/v2.0/token", Graph::TENANT),
        client_id: Graph::CLIENT.into(),
        scope: format!("{base}/.default"),
        secret: "entra-secret".into(),
    };
    config.endpoint = Endpoint::new(format!("{base}/v1.0")).with_auth(auth);
    config.manners = impatient();
    config.settle_ms = 0;
    config
}

/// Tries often, and waits shortly.
pub(crate) fn impatient() -> Manners {
    serde_json::from_str(r#"{"tries": 12, "max_wait_ms": 20}"#).unwrap()
}

impl Rig {
    pub(crate) async fn write(&self, change: Change) -> Receipt {
        let writer = self.entra.writer().unwrap();
        let mut receipts = apply_unguarded(&*writer, Context::new(), vec![change]).await.unwrap();
        receipts.pop().unwrap()
    }
}

/// A change with texts as key and values after.
pub(crate) fn change(
    resource: &str,
    operation: Operation,
    key: &[&str],
    after: &[(&str, Value)],
) -> Change {
    let key = key.iter().map(|part| Value::from(*part)).collect();
    let mut change = Change::new(resource, operation, key);
    change.after = after.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    change
}

pub(crate) fn values(snapshot: &Snapshot, name: &str) -> Vec<Value> {
    let mut values = Vec::new();
    for batch in snapshot.batches() {
        let column = Column::new(batch.column_by_name(name).unwrap()).unwrap();
        values.extend((0..batch.num_rows()).map(|row| column.value(row)));
    }
    values
}

pub(crate) fn texts(snapshot: &Snapshot, name: &str) -> Vec<String> {
    values(snapshot, name).iter().map(Value::to_string).collect()
}

#[track_caller]
pub(crate) fn done(receipt: &Receipt) {
    assert!(matches!(receipt, Receipt::Done { .. }), "{receipt:?}");
}
