//! Against `scim2-server`, which others wrote.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use serde_json::{Value as Json, json};
use support::real::Real;
use support::{config, fresh, secrets, truth};
use trueup_connector::{Change, Connector, ConnectorExt, Context, Operation, Receipt, Value};
use trueup_scim::{Pages, Scim};
use trueup_testkit::conformance::apply_unguarded;
use trueup_testkit::{Promise, Subject, block_on};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn user(name: &str) -> Json {
    json!({"schemas": [USER, ENTERPRISE], "userName": name, "active": true,
        "name": {"givenName": "Ada", "familyName": "O'Neill \"x\""}, "title": null,
        "emails": [{"value": "ada@example.com", "type": "work"}],
        ENTERPRISE: {"department": "R&D", "employeeNumber": "1"}})
}

async fn subject(cursors: bool) -> Option<Subject> {
    let real = Real::start(cursors).await?;
    let mut members = Vec::new();
    for number in 0..7 {
        let made = real.post("Users", &user(&format!("user{number}@example.com"))).await;
        members.push(json!({"value": made["id"], "type": "User"}));
    }
    let one = vec![members[0].clone()];
    for (name, members) in [("all", members), ("none", vec![]), ("one", one)] {
        let group = json!({"schemas": [GROUP], "displayName": name, "members": members});
        real.post("Groups", &group).await;
    }
    let mut config = config(&real.base());
    config.endpoint.auth = trueup_kit::Auth::None;
    config.pages = if cursors { Pages::Cursor } else { Pages::Index };
    let scim = Scim::connect(config, secrets()).await.unwrap();
    let told = truth(&scim, &real.all("Users").await, &real.all("Groups").await).await;
    let schema = scim.describe(Context::new()).await.unwrap().remove(0).schema;
    let subject = told
        .into_iter()
        .fold(Subject::new(scim), |subject, (name, records)| subject.with_truth(name, records));
    let subject = subject.with_writes("users", fresh(&schema));
    Some(subject.with_break(move || async move { drop(real) }))
}

/// Every promise, with a server of its own.
fn conforms(cursors: bool) {
    for promise in Promise::ALL {
        let checked = block_on(async {
            match subject(cursors).await {
                Some(subject) => promise.check(&subject).await,
                None => Ok(()),
            }
        });
        checked.unwrap();
    }
}

#[test]
fn scim2_server_takes_and_loses_members() {
    block_on(async {
        let Some(real) = Real::start(false).await else { return };
        let user = real.post("Users", &user("joins@example.com")).await;
        let group = real.post("Groups", &json!({"schemas": [GROUP], "displayName": "g"})).await;
        let mut config = config(&real.base());
        config.endpoint.auth = trueup_kit::Auth::None;
        let scim = Scim::connect(config, secrets()).await.unwrap();
        let writer = scim.writer().unwrap();
        let key = [&group["id"], &user["id"]].map(|id| Value::from(id.as_str().unwrap()));
        for (operation, count) in [(Operation::Create, 1), (Operation::Delete, 0)] {
            for _ in 0..2 {
                let change = Change::new("members", operation.clone(), key.clone().into());
                let receipts =
                    apply_unguarded(&*writer, Context::new(), vec![change]).await.unwrap();
                assert!(matches!(receipts.as_slice(), [Receipt::Done { .. }]), "{receipts:?}");
                assert_eq!(scim.read(Context::new(), "members").await.unwrap().rows(), count);
            }
        }
    });
}

#[test]
fn scim2_server_by_index() {
    conforms(false);
}

#[test]
fn scim2_server_by_cursor() {
    conforms(true);
}
