//! The promises of every connector, against the sandbox.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use support::{Rig, change, rig};
use trueup_connector::{Connector, Context, Operation, Resource, Schema, Snapshot, Value};
use trueup_sandbox::Graph;
use trueup_testkit::Subject;
use trueup_testkit::conformance::apply_unguarded;

const SIZE: u64 = 9;

fn snapshot(schema: &Schema, rows: Vec<Json>) -> Snapshot {
    let rows: Vec<Map<String, Json>> =
        rows.into_iter().map(|row| row.as_object().unwrap().clone()).collect();
    Snapshot::from_json_as(schema, &rows).unwrap()
}

fn schema(described: &[Resource], name: &str) -> Schema {
    described.iter().find(|resource| resource.name == name).unwrap().schema.clone()
}

/// The truth about users, from the sandbox's own books.
fn users(sandbox: &Graph) -> Vec<Json> {
    let rows = sandbox.directory("users").into_iter().map(|user| {
        json!({"user_principal_name": user["userPrincipalName"], "id": user["id"],
            "display_name": user["displayName"], "given_name": user["givenName"],
            "surname": user["surname"], "mail": user["mail"], "mail_nickname": user["mailNickname"],
            "account_enabled": user["accountEnabled"], "department": user["department"],
            "job_title": user["jobTitle"], "employee_id": user["employeeId"],
            "company_name": user["companyName"], "office_location": user["officeLocation"],
            "usage_location": user["usageLocation"], "user_type": user["userType"],
            "on_premises": false, "created": user["createdDateTime"]})
    });
    rows.collect()
}

fn groups(sandbox: &Graph) -> Vec<Json> {
    let rows = sandbox.directory("groups").into_iter().map(|group| {
        let types = group["groupTypes"].as_array().unwrap();
        let kind = if types.iter().any(|t| t == "Unified") { "microsoft365" } else { "security" };
        json!({"display_name": group["displayName"], "id": group["id"],
            "description": group["description"], "mail_nickname": group["mailNickname"],
            "mail": group["mail"], "kind": kind,
            "dynamic": types.iter().any(|t| t == "DynamicMembership"),
            "membership_rule": group["membershipRule"], "unique_name": group["uniqueName"],
            "visibility": group["visibility"], "on_premises": false,
            "created": group["createdDateTime"]})
    });
    rows.collect()
}

fn members(sandbox: &Graph) -> Vec<Json> {
    let groups: Vec<Json> = sandbox.directory("groups").iter().map(|g| g["id"].clone()).collect();
    let rows = sandbox.members().into_iter().map(|(group, member)| {
        let kind = if groups.iter().any(|id| *id == *member) { "group" } else { "user" };
        json!({"group_id": group, "member_id": member, "member_type": kind})
    });
    rows.collect()
}

/// Users made, changed, renamed and deleted, by somebody else. The clock that tells new users from
/// old ones counts seconds.
async fn happen(
    sandbox: Arc<Graph>,
    described: Vec<Resource>,
    writer: Arc<dyn trueup_connector::Writer>,
) -> Vec<(String, Snapshot)> {
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let before = users(&sandbox);
    let login = |at: usize| before[at]["user_principal_name"].as_str().unwrap().to_owned();
    let new = [("display_name", Value::from("New Here")), ("account_enabled", Value::from(true))];
    let other = [("department", Value::from("Elsewhere"))];
    let changes = vec![
        change("users", Operation::Create, &["new.here@example.com"], &new),
        change("users", Operation::Update, &[&login(0)], &other),
        change("users", Operation::Delete, &[&login(1)], &[]),
        change("groups", Operation::Create, &["Newcomers"], &[]),
        change("groups", Operation::Delete, &["Guests"], &[]),
    ];
    for receipt in apply_unguarded(&*writer, Context::new(), changes).await.unwrap() {
        support::done(&receipt);
    }
    vec![
        ("users".into(), snapshot(&schema(&described, "users"), users(&sandbox))),
        ("groups".into(), snapshot(&schema(&described, "groups"), groups(&sandbox))),
        ("group_members".into(), snapshot(&schema(&described, "group_members"), members(&sandbox))),
    ]
}

/// Everything but what may be written.
async fn subject() -> (Subject, Vec<Resource>) {
    let Rig { server, sandbox, entra } = rig(SIZE).await;
    let described = entra.describe(Context::new()).await.unwrap();
    let truth = |name: &str, rows: Vec<Json>| snapshot(&schema(&described, name), rows);
    let (witness, changed) = (sandbox.clone(), sandbox.clone());
    let (resources, writer) = (described.clone(), entra.writer().unwrap());
    let subject = Subject::new(entra)
        .with_truth("users", truth("users", users(&sandbox)))
        .with_truth("groups", truth("groups", groups(&sandbox)))
        .with_truth("group_members", truth("group_members", members(&sandbox)))
        .with_truth("deleted_groups", truth("deleted_groups", Vec::new()))
        .with_change(move || happen(changed, resources, writer))
        .with_witness(move || {
            let witness = witness.clone();
            async move { witness.dump().into_bytes() }
        })
        .with_break(move || async move { server.stop() });
    (subject, described)
}

async fn users_written() -> Subject {
    let (subject, described) = subject().await;
    let one = |number: u32| {
        let at = number as usize;
        let (department, country) = (["Legal", "Sales"][at % 2], ["DE", "FR", "JP"][at % 3]);
        json!({"user_principal_name": format!("fresh.{number}@example.com"),
            "display_name": format!("Fresh {number}"), "given_name": "Fresh",
            "surname": format!("{number}"), "mail_nickname": format!("fresh.{number}"),
            "account_enabled": number.is_multiple_of(2), "department": department,
            "job_title": format!("Title {number}"), "employee_id": format!("E{number}"),
            "company_name": "Example", "office_location": format!("Room {number}"),
            "usage_location": country})
    };
    let fresh = snapshot(&schema(&described, "users"), (0..5).map(one).collect());
    subject.with_writes("users", fresh)
}

async fn groups_written() -> Subject {
    let (subject, described) = subject().await;
    let one = |number: u32| {
        json!({"display_name": format!("It's group {number}"), "description": format!("Text {number}"),
            "mail_nickname": format!("group-{number}")})
    };
    let fresh = snapshot(&schema(&described, "groups"), (0..5).map(one).collect());
    subject.with_writes("groups", fresh)
}

trueup_testkit::conformance!(users_conform, users_written);
trueup_testkit::conformance!(groups_conform, groups_written);
