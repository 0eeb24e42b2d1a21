//! What the tests share: a sandbox, and a connector to it.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use trueup_connector::{Column, Schema, Snapshot, Value};
use trueup_jamf::{Jamf, JamfConfig};
use trueup_kit::{Auth, Fixed, Manners, Secret};
use trueup_sandbox::{Estate, Jamf as Sandbox, Plan, Server};

/// A sandbox with its connector.
pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) jamf: Jamf,
}

pub(crate) async fn rig(size: u64) -> Rig {
    rig_with(sandbox(size), Plan::default(), |_| {}).await
}

pub(crate) fn sandbox(size: u64) -> Sandbox {
    Sandbox::new(&Estate::new(7, size))
}

pub(crate) async fn rig_with(
    sandbox: Sandbox,
    plan: Plan,
    bend: impl FnOnce(&mut JamfConfig),
) -> Rig {
    let sandbox = Arc::new(sandbox);
    let server = Server::start(sandbox.clone(), plan).await.unwrap();
    let mut config = config(&server.base_url());
    bend(&mut config);
    let jamf = Jamf::new(config, secrets()).unwrap();
    Rig { server, sandbox, jamf }
}

pub(crate) fn secrets() -> Arc<Fixed> {
    Arc::new(Fixed::new([("jamf-secret", Secret::new(Sandbox::SECRET))]))
}

pub(crate) fn config(base: &str) -> JamfConfig {
    let mut config = JamfConfig::new(base, Sandbox::CLIENT);
    config.manners = impatient();
    config.settle_ms = 0;
    config.check_after_ms = 1;
    config
}

/// The older of the two token paths.
pub(crate) fn older_token_path(config: &mut JamfConfig) {
    if let Auth::ClientSecret { token_url, .. } = &mut config.endpoint.auth {
        *token_url = token_url.replace("/api/v1/oauth", "/api/oauth");
    }
}

/// Tries often, and waits shortly.
pub(crate) fn impatient() -> Manners {
    serde_json::from_str(r#"{"tries": 12, "max_wait_ms": 20}"#).unwrap()
}

pub(crate) fn snapshot(schema: &Schema, rows: Vec<Json>) -> Snapshot {
    let rows: Vec<Map<String, Json>> =
        rows.into_iter().map(|row| row.as_object().unwrap().clone()).collect();
    Snapshot::from_json_as(schema, &rows).unwrap()
}

pub(crate) fn values(snapshot: &Snapshot, name: &str) -> Vec<Value> {
    let mut values = Vec::new();
    for batch in snapshot.batches() {
        let column = Column::new(batch.column_by_name(name).unwrap()).unwrap();
        values.extend((0..batch.num_rows()).map(|row| column.value(row)));
    }
    values
}

pub(crate) fn texts(snapshot: &Snapshot, name: &str) -> BTreeSet<String> {
    values(snapshot, name).iter().map(Value::to_string).collect()
}
