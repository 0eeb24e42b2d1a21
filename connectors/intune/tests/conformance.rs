//! The promises of every connector, against the sandbox.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use serde_json::{Map, Value as Json, json};
use support::{ESTATE, Rig, rig};
use trueup_connector::{Connector, Context, Schema, Snapshot};
use trueup_sandbox::{Estate, Plan};
use trueup_testkit::Subject;

fn snapshot(schema: &Schema, rows: Vec<Json>) -> Snapshot {
    let rows: Vec<Map<String, Json>> =
        rows.into_iter().map(|row| row.as_object().unwrap().clone()).collect();
    Snapshot::from_json_as(schema, &rows).unwrap()
}

/// The truth about apps, from the estate that the sandbox was made of.
fn apps(estate: &Estate) -> Vec<Json> {
    let apps = (0..estate.apps()).map(|number| estate.app(number));
    apps.map(|app| {
        json!({"id": app.id, "name": app.name, "publisher": app.publisher,
            "type": "win32LobApp", "description": format!("{} {}", app.name, app.version),
            "publishing_state": "published", "content_version": "1",
            "file_name": "IntunePackage.intunewin", "created": "2025-02-03T10:00:00Z",
            "last_modified": "2025-08-03T10:00:00Z"})
    })
    .collect()
}

/// The truth about assignments, from the sandbox's own books.
fn assignments(rig: &Rig) -> Vec<Json> {
    let rows = rig.sandbox.assignments().into_iter().map(|(app, assignment)| {
        json!({"app_id": app, "target": "groupAssignmentTarget",
            "group_id": assignment["target"]["groupId"], "id": assignment["id"],
            "intent": assignment["intent"]})
    });
    rows.collect()
}

/// Assignments that are not there yet, of an app that has none.
fn fresh(schema: &Schema, estate: &Estate) -> Snapshot {
    let app = estate.app(1).id;
    let one = |number: u32| {
        let intent = ["required", "available", "uninstall"][number as usize % 3];
        json!({"app_id": app, "target": "groupAssignmentTarget",
            "group_id": format!("00000000-0000-4000-8000-00000000000{number}"), "intent": intent})
    };
    snapshot(schema, (0..5).map(one).collect())
}

async fn subject() -> Subject {
    let rig = rig(Plan::default()).await;
    let estate = Estate::new(ESTATE.0, ESTATE.1);
    let described = rig.intune.describe(Context::new()).await.unwrap();
    let schema = |name: &str| {
        described.iter().find(|resource| resource.name == name).unwrap().schema.clone()
    };
    let (apps, assigned) = (apps(&estate), assignments(&rig));
    let Rig { server, sandbox, intune } = rig;
    let subject = Subject::new(intune)
        .with_truth("mobile_apps", snapshot(&schema("mobile_apps"), apps))
        .with_truth("app_assignments", snapshot(&schema("app_assignments"), assigned))
        .with_writes("app_assignments", fresh(&schema("app_assignments"), &estate));
    subject
        .with_witness(move || {
            let sandbox = sandbox.clone();
            async move { sandbox.dump().into_bytes() }
        })
        .with_break(move || async move { server.stop() })
}

trueup_testkit::conformance!(intune, subject);
