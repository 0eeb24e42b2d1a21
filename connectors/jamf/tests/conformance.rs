//! The promises of every connector, against the sandbox, for each resource that is written in a way of
//! its own.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use serde_json::{Value as Json, json};
use support::{Rig, rig, snapshot};
use trueup_connector::{Connector, Context, Schema};
use trueup_sandbox::Jamf as Sandbox;
use trueup_testkit::Subject;

/// How many records of a kind can be made.
const FRESH: usize = 5;

fn member(json: &Json, path: &str) -> Json {
    let found = json.pointer(path).cloned().unwrap_or_default();
    if found == "" || found == "-1" { Json::Null } else { found }
}

/// A record by its fields' names and where they stand.
fn row(json: &Json, fields: &[(&str, &str)]) -> Json {
    fields.iter().map(|(name, path)| ((*name).to_owned(), member(json, path))).collect()
}

fn computer(json: &Json) -> Json {
    row(
        json,
        &[
            ("id", "/id"),
            ("serial_number", "/hardware/serialNumber"),
            ("udid", "/udid"),
            ("management_id", "/general/managementId"),
            ("name", "/general/name"),
            ("asset_tag", "/general/assetTag"),
            ("platform", "/general/platform"),
            ("managed", "/general/remoteManagement/managed"),
            ("supervised", "/general/supervised"),
            ("mdm_approved", "/general/userApprovedMdm"),
            ("site_id", "/general/site/id"),
            ("reported", "/general/reportDate"),
            ("last_contact", "/general/lastContact"),
            ("enrolled", "/general/lastEnrolledDate"),
            ("mdm_profile_until", "/general/mdmProfileExpiration"),
            ("ip_address", "/general/lastIpAddress"),
            ("model", "/hardware/model"),
            ("model_identifier", "/hardware/modelIdentifier"),
            ("mac_address", "/hardware/macAddress"),
            ("ram_mib", "/hardware/totalRamMegabytes"),
            ("apple_silicon", "/hardware/appleSilicon"),
            ("os_version", "/operatingSystem/version"),
            ("os_build", "/operatingSystem/build"),
            ("filevault", "/operatingSystem/fileVault2Status"),
            ("recovery_key", "/diskEncryption/individualRecoveryKeyValidityStatus"),
            ("sip", "/security/sipStatus"),
            ("gatekeeper", "/security/gatekeeperStatus"),
            ("firewall", "/security/firewallEnabled"),
            ("activation_lock", "/security/activationLockEnabled"),
            ("username", "/userAndLocation/username"),
            ("real_name", "/userAndLocation/realname"),
            ("email", "/userAndLocation/email"),
        ],
    )
}

fn package(json: &Json) -> Json {
    let mut row = row(
        json,
        &[
            ("name", "/packageName"),
            ("id", "/id"),
            ("file_name", "/fileName"),
            ("category_id", "/categoryId"),
            ("priority", "/priority"),
            ("info", "/info"),
            ("notes", "/notes"),
            ("reboot_required", "/rebootRequired"),
            ("fill_user_template", "/fillUserTemplate"),
            ("sha3_512", "/hashValue"),
            ("transfer", "/cloudTransferStatus"),
        ],
    );
    row["size_bytes"] = json!(json["size"].as_str().and_then(|size| size.parse::<u64>().ok()));
    row
}

fn members(computer: &Json) -> Vec<Json> {
    let groups = computer["groupMemberships"].as_array().unwrap().iter();
    groups
        .map(|group| {
            json!({"group_id": group["groupId"], "computer_id": computer["id"],
                "group": group["groupName"], "smart": group["smartGroup"]})
        })
        .collect()
}

fn prestage(json: &Json) -> Json {
    row(
        json,
        &[
            ("name", "/displayName"),
            ("id", "/id"),
            ("version", "/versionLock"),
            ("instance_id", "/deviceEnrollmentProgramInstanceId"),
            ("department", "/department"),
            ("mandatory", "/mandatory"),
            ("mdm_removable", "/mdmRemovable"),
            ("require_authentication", "/requireAuthentication"),
            ("authentication_prompt", "/authenticationPrompt"),
            ("auto_advance", "/autoAdvanceSetup"),
            ("prevent_activation_lock", "/preventActivationLock"),
        ],
    )
}

fn truth(sandbox: &Sandbox) -> Vec<(&'static str, Vec<Json>)> {
    let computers = sandbox.all("computers");
    let group = |json: &Json| {
        row(
            json,
            &[
                ("name", "/name"),
                ("id", "/id"),
                ("description", "/description"),
                ("members", "/count"),
            ],
        )
    };
    vec![
        ("computers", computers.iter().map(computer).collect()),
        ("packages", sandbox.all("packages").iter().map(package).collect()),
        ("static_groups", sandbox.all("static-groups").iter().map(group).collect()),
        ("group_members", computers.iter().flat_map(members).collect()),
        ("computer_prestages", sandbox.all("prestages").iter().map(prestage).collect()),
    ]
}

/// A subject whose records of this resource may be changed.
async fn subject(resource: &'static str, fresh: fn(&Sandbox, usize) -> Json) -> Subject {
    let rig = rig(12).await;
    let Rig { server, sandbox, jamf } = rig;
    let described = jamf.describe(Context::new()).await.unwrap();
    let schema = |name: &str| -> Schema {
        described.iter().find(|resource| resource.name == name).unwrap().schema.clone()
    };
    let rows = (0..FRESH).map(|number| fresh(&sandbox, number)).collect();
    let subject = truth(&sandbox).into_iter().fold(Subject::new(jamf), |subject, (name, rows)| {
        subject.with_truth(name, snapshot(&schema(name), rows))
    });
    subject
        .with_writes(resource, snapshot(&schema(resource), rows))
        .with_witness(move || {
            let sandbox = sandbox.clone();
            async move { sandbox.dump().into_bytes() }
        })
        .with_break(move || async move { server.stop() })
}

async fn packages() -> Subject {
    subject("packages", |_, number| {
        json!({"name": format!("New \"{number}\" & more *"), "file_name": format!("new-{number}.pkg"),
            "priority": number + 1, "info": format!("Größe {number}"),
            "notes": if number == 1 { Json::Null } else { json!("n") },
            "reboot_required": number.is_multiple_of(2), "fill_user_template": false})
    })
    .await
}

async fn smart_groups() -> Subject {
    subject("smart_groups", |_, number| {
        let criterion = |priority: usize| {
            json!({"name": "Model", "priority": priority, "andOr": "and", "searchType": "is",
                "value": format!("Größe {number}"), "openingParen": false, "closingParen": false})
        };
        let criteria: Vec<Json> = (0..number).map(criterion).collect();
        json!({"name": format!("Smart {number}"), "description": format!("d{number}"),
            "criteria": criteria})
    })
    .await
}

async fn static_groups() -> Subject {
    subject("static_groups", |_, number| json!({"name": format!("Static <{number}> & co")})).await
}

async fn group_members() -> Subject {
    subject("group_members", |sandbox, number| {
        let group = sandbox.all("static-groups")[0]["id"].as_str().unwrap().to_owned();
        let there = sandbox.members(&group);
        let computers = sandbox.all("computers").into_iter();
        let ids = computers.map(|computer| computer["id"].as_str().unwrap().to_owned());
        let mut outside = ids.filter(|id| !there.contains(&id.parse().unwrap()));
        json!({"group_id": group, "computer_id": outside.nth(number).unwrap()})
    })
    .await
}

async fn policies() -> Subject {
    subject("policies", |_, number| {
        json!({"name": format!("Policy <{number}> & co"), "enabled": number.is_multiple_of(2),
            "frequency": if number == 0 { "Ongoing" } else { "Once per computer" },
            "at_check_in": number == 2, "at_enrollment": false, "at_login": true,
            "at_startup": false, "custom_trigger": format!("trigger <{number}>"),
            "all_computers": number == 3, "self_service": number == 1,
            "self_service_name": format!("Größe {number}")})
    })
    .await
}

async fn policy_scopes() -> Subject {
    subject("policy_scopes", |sandbox, number| {
        let policy = sandbox.all("policies")[0]["id"].clone();
        let id = sandbox.all("computers")[number]["id"].clone();
        let part = if number.is_multiple_of(2) { "target" } else { "exclusion" };
        json!({"policy_id": policy, "part": part, "kind": "computer", "target_id": id})
    })
    .await
}

async fn policy_packages() -> Subject {
    subject("policy_packages", |sandbox, number| {
        let policy = sandbox.all("policies")[0]["id"].clone();
        let package = sandbox.all("packages")[number + 5]["id"].clone();
        let action = ["Install", "Cache", "Uninstall"][number % 3];
        json!({"policy_id": policy, "package_id": package, "action": action})
    })
    .await
}

async fn prestages() -> Subject {
    subject("computer_prestages", |_, number| {
        json!({"name": format!("PreStage {number}"), "instance_id": "1",
            "department": format!("D{number}"), "mandatory": number == 1, "mdm_removable": true,
            "require_authentication": false, "auto_advance": number == 2,
            "prevent_activation_lock": number == 3, "support_phone": format!("+49 {number}")})
    })
    .await
}

async fn prestage_scopes() -> Subject {
    subject("prestage_scopes", |sandbox, number| {
        let prestage = sandbox.all("prestages")[0]["id"].clone();
        json!({"prestage_id": prestage, "serial_number": format!("NEW{number}")})
    })
    .await
}

trueup_testkit::conformance!(with_packages, packages);
trueup_testkit::conformance!(with_smart_groups, smart_groups);
trueup_testkit::conformance!(with_static_groups, static_groups);
trueup_testkit::conformance!(with_group_members, group_members);
trueup_testkit::conformance!(with_policies, policies);
trueup_testkit::conformance!(with_policy_scopes, policy_scopes);
trueup_testkit::conformance!(with_policy_packages, policy_packages);
trueup_testkit::conformance!(with_prestages, prestages);
trueup_testkit::conformance!(with_prestage_scopes, prestage_scopes);
