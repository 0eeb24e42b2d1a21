//! What the tests share: servers, connectors to them, and the truth about them.

#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod real;

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use trueup_connector::{Connector, Context, Schema, Snapshot};
use trueup_kit::{Auth, Endpoint, Fixed, Manners, Secret};
use trueup_sandbox::{Estate, Plan, Scim as Sandbox, Server};
use trueup_scim::{Scim, ScimConfig};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A sandbox with its connector.
pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) scim: Scim,
}

/// The sandbox of a small estate, changed by `bend`, and a connector to it.
pub(crate) async fn rig(bend: impl FnOnce(Sandbox) -> Sandbox) -> Rig {
    rig_with(bend, |_| {}, Plan::default()).await
}

pub(crate) async fn rig_with(
    bend: impl FnOnce(Sandbox) -> Sandbox,
    settings: impl FnOnce(&mut ScimConfig),
    plan: Plan,
) -> Rig {
    let sandbox = Arc::new(bend(Sandbox::new(&Estate::new(7, 9))));
    let server = Server::start(sandbox.clone(), plan).await.unwrap();
    let mut config = config(&format!("{}/v2", server.base_url()));
    settings(&mut config);
    let scim = Scim::connect(config, secrets()).await.unwrap();
    Rig { server, sandbox, scim }
}

pub(crate) fn config(base: &str) -> ScimConfig {
    let endpoint = Endpoint::new(base).with_auth(Auth::Bearer { secret: "scim".into() });
    let mut config = ScimConfig::new(endpoint);
    config.manners = impatient();
    config.settle_ms = 0;
    config
}

/// Tries often, and waits shortly.
pub(crate) fn impatient() -> Manners {
    serde_json::from_str(r#"{"tries": 12, "max_wait_ms": 20}"#).unwrap()
}

pub(crate) fn secrets() -> Arc<Fixed> {
    Arc::new(Fixed::new([("scim", Secret::new(Sandbox::TOKEN))]))
}

/// The truth about a server's users, groups and memberships, from its own objects.
pub(crate) async fn truth(scim: &Scim, users: &[Json], groups: &[Json]) -> Vec<(String, Snapshot)> {
    let mut truth = Vec::new();
    for resource in scim.describe(Context::new()).await.unwrap() {
        let rows: Vec<Json> = match resource.name.as_str() {
            "users" => users.iter().map(user).collect(),
            "groups" => groups.iter().map(group).collect(),
            _ => groups.iter().flat_map(members).collect(),
        };
        truth.push((resource.name, snapshot(&resource.schema, rows)));
    }
    truth
}

pub(crate) fn snapshot(schema: &Schema, rows: Vec<Json>) -> Snapshot {
    let rows: Vec<Map<String, Json>> =
        rows.into_iter().map(|row| row.as_object().unwrap().clone()).collect();
    Snapshot::from_json_as(schema, &rows).unwrap()
}

pub(crate) fn user(json: &Json) -> Json {
    let enterprise = &json[ENTERPRISE];
    let first = |name: &str| json[name][0]["value"].clone();
    json!({
        "user_name": json["userName"], "id": json["id"], "version": json["meta"]["version"],
        "external_id": json["externalId"], "display_name": json["displayName"],
        "active": json["active"], "given_name": json["name"]["givenName"],
        "family_name": json["name"]["familyName"], "nick_name": json["nickName"],
        "title": json["title"], "user_type": json["userType"],
        "preferred_language": json["preferredLanguage"], "locale": json["locale"],
        "timezone": json["timezone"], "email": first("emails"), "phone": first("phoneNumbers"),
        "employee_number": enterprise["employeeNumber"], "cost_center": enterprise["costCenter"],
        "organization": enterprise["organization"], "division": enterprise["division"],
        "department": enterprise["department"], "manager_id": enterprise["manager"]["value"],
        "created": json["meta"]["created"], "last_modified": json["meta"]["lastModified"],
    })
}

fn group(json: &Json) -> Json {
    json!({"display_name": json["displayName"], "id": json["id"],
        "version": json["meta"]["version"], "external_id": json["externalId"],
        "created": json["meta"]["created"], "last_modified": json["meta"]["lastModified"]})
}

fn members(json: &Json) -> Vec<Json> {
    let members = json["members"].as_array().cloned().unwrap_or_default();
    let one = |entry: &Json| json!({"group_id": json["id"], "member_id": entry["value"], "type": entry["type"]});
    members.iter().map(one).collect()
}

/// Users that are not there yet.
pub(crate) fn fresh(schema: &Schema) -> Snapshot {
    let user = |number: u32| {
        json!({"user_name": format!("new.{number}@example.com"), "active": number.is_multiple_of(2),
            "external_id": format!("x{number}"), "display_name": format!("Neu Größe {number}"),
            "given_name": "Neu", "family_name": format!("Größe {number}"),
            "title": if number == 1 { json!(null) } else { json!("Boss") },
            "department": format!("D{number}")})
    };
    snapshot(schema, (0..5).map(user).collect())
}
