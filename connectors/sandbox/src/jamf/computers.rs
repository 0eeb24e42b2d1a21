//! Computers: inventory in sections, of four versions.

use serde_json::{Value as Json, json};

use super::list::{self, Rules};
use super::records::Records;
use super::{Outcome, Refused, body, groups, lay, number};
use crate::http::{Call, Reply};

const FILTERS: &[&str] = &[
    "id",
    "udid",
    "general.name",
    "general.assetTag",
    "general.managementId",
    "general.reportDate",
    "general.lastCheckIn",
    "general.lastContact",
    "general.lastContactTime",
    "general.remoteManagement.managed",
    "general.platform",
    "hardware.serialNumber",
    "operatingSystem.version",
    "operatingSystem.fileVault2Status",
    "userAndLocation.username",
    "userAndLocation.email",
];
const SORTS: &[&str] = &["general.name", "id", "udid", "general.assetTag", "general.reportDate"];
/// Name in the query, member of the record.
const SECTIONS: &[(&str, &str)] = &[
    ("GENERAL", "general"),
    ("DISK_ENCRYPTION", "diskEncryption"),
    ("PURCHASING", "purchasing"),
    ("APPLICATIONS", "applications"),
    ("STORAGE", "storage"),
    ("USER_AND_LOCATION", "userAndLocation"),
    ("CONFIGURATION_PROFILES", "configurationProfiles"),
    ("PRINTERS", "printers"),
    ("SERVICES", "services"),
    ("HARDWARE", "hardware"),
    ("LOCAL_USER_ACCOUNTS", "localUserAccounts"),
    ("CERTIFICATES", "certificates"),
    ("ATTACHMENTS", "attachments"),
    ("PACKAGE_RECEIPTS", "packageReceipts"),
    ("SECURITY", "security"),
    ("OPERATING_SYSTEM", "operatingSystem"),
    ("LICENSED_SOFTWARE", "licensedSoftware"),
    ("IBEACONS", "ibeacons"),
    ("SOFTWARE_UPDATES", "softwareUpdates"),
    ("EXTENSION_ATTRIBUTES", "extensionAttributes"),
    ("CONTENT_CACHING", "contentCaching"),
    ("GROUP_MEMBERSHIPS", "groupMemberships"),
];

pub(super) fn list(records: &Records, call: &Call, version: u8) -> Outcome<Json> {
    let rules =
        Rules { filters: FILTERS, sorts: SORTS, sort: "general.name:asc", most: records.most };
    let sections = sections(call)?;
    let at = |at: usize| {
        let id = records.computers.get(at).copied().unwrap_or(0);
        shown(records, id, version, &sections)
    };
    if let Some(page) = list::quick(call, &rules, records.computers.len(), at)? {
        return Ok(page);
    }
    // What is filtered and sorted by need not be what is shown.
    let all = ["GENERAL", "HARDWARE", "OPERATING_SYSTEM", "USER_AND_LOCATION"];
    let whole = records.computers.iter().map(|id| shown(records, *id, version, &all)).collect();
    let mut page = list::page(call, &rules, whole)?;
    if let Some(Json::Array(results)) = page.get_mut("results") {
        for result in results {
            let id = result.get("id").and_then(Json::as_str).and_then(|id| id.parse().ok());
            *result = shown(records, id.unwrap_or(0), version, &sections);
        }
    }
    Ok(page)
}

pub(super) fn get(records: &Records, call: &Call, version: u8, id: &str) -> Outcome<Json> {
    let id = known(records, id)?;
    Ok(shown(records, id, version, &sections(call)?))
}

pub(super) fn detail(records: &Records, version: u8, id: &str) -> Outcome<Json> {
    let id = known(records, id)?;
    let all: Vec<&str> = SECTIONS.iter().map(|(name, _)| *name).collect();
    Ok(shown(records, id, version, &all))
}

pub(super) fn change(records: &mut Records, call: &Call, id: &str) -> Outcome<Reply> {
    let id = known(records, id)?;
    let told = body(call)?;
    let writable = [
        "general",
        "userAndLocation",
        "purchasing",
        "hardware",
        "operatingSystem",
        "extensionAttributes",
        "udid",
    ];
    if let Some(odd) =
        told.as_object().into_iter().flatten().find(|(n, _)| !writable.contains(&n.as_str()))
    {
        return Err(Refused::bad(format!("{} cannot be set", odd.0)));
    }
    if let Some(managed) = told.pointer("/general/managed").and_then(Json::as_bool) {
        match managed {
            true => records.unmanaged.remove(&id),
            false => records.unmanaged.insert(id),
        };
    }
    let mut changed = records.told(id);
    keep_attributes(&mut changed, &told);
    records.changed.insert(id, changed);
    Ok(Reply::new(204))
}

/// Attributes are told one by one; all else is laid over what was told before.
fn keep_attributes(changed: &mut Json, told: &Json) {
    let mut told = told.clone();
    let mut attributes = json!({});
    for attribute in told.get("extensionAttributes").and_then(Json::as_array).into_iter().flatten()
    {
        let id = attribute.get("definitionId").and_then(Json::as_str).unwrap_or_default();
        lay(&mut attributes, &json!({id: attribute.get("values")}));
    }
    if let Json::Object(members) = &mut told {
        members.remove("extensionAttributes");
    }
    lay(changed, &told);
    lay(changed, &json!({"attributes": attributes}));
}

pub(super) fn remove(records: &mut Records, id: &str) -> Outcome<Reply> {
    let id = known(records, id)?;
    records.computers.retain(|known| *known != id);
    records.changed.remove(&id);
    for group in records.fixed.values_mut() {
        group.members.remove(&id);
    }
    Ok(Reply::new(204))
}

pub(super) fn known(records: &Records, id: &str) -> Outcome<u64> {
    let id = number(id)?;
    let there = records.computers.binary_search(&id).is_ok();
    there.then_some(id).ok_or_else(Refused::absent)
}

fn sections(call: &Call) -> Outcome<Vec<&str>> {
    let told = call.query.iter().filter(|(name, _)| name == "section");
    // Clients write them one by one or with commas.
    let told: Vec<&str> = told.flat_map(|(_, sections)| sections.split(',')).collect();
    let odd = told.iter().find(|told| !SECTIONS.iter().any(|(name, _)| name == *told));
    match odd {
        Some(odd) => Err(Refused::bad(format!("there is no section {odd}"))),
        None if told.is_empty() => Ok(vec!["GENERAL"]),
        None => Ok(told),
    }
}

/// A computer with these sections; the others are null.
pub(super) fn shown(records: &Records, id: u64, version: u8, sections: &[&str]) -> Json {
    let mut computer = json!({"id": id.to_string(), "udid": udid(id)});
    for (name, member) in SECTIONS {
        let section = match sections.contains(name) {
            true => section(records, id, version, name),
            false => Json::Null,
        };
        lay(&mut computer, &json!({*member: section}));
    }
    computer
}

fn section(records: &Records, id: u64, version: u8, name: &str) -> Json {
    let told = records.told(id);
    let of = |member: &str| told.get(member).cloned().unwrap_or_else(|| json!({}));
    match name {
        "GENERAL" => general(records, id, version, &of("general")),
        "HARDWARE" => hardware(records, id),
        "OPERATING_SYSTEM" => operating_system(records, id),
        "USER_AND_LOCATION" => {
            let mut found = user(records, id);
            lay(&mut found, &of("userAndLocation"));
            found
        }
        "PURCHASING" => {
            let mut found = json!({"purchased": true, "leased": false, "vendor": "Apple",
                "extensionAttributes": []});
            lay(&mut found, &of("purchasing"));
            found
        }
        "SECURITY" => security(records, id),
        "DISK_ENCRYPTION" => json!({"fileVault2Enabled": is_compliant(records, id),
            "individualRecoveryKeyValidityStatus": "VALID",
            "institutionalRecoveryKeyPresent": false, "fileVault2EnabledUserNames": []}),
        "APPLICATIONS" => applications(records, id),
        "GROUP_MEMBERSHIPS" => groups::of(records, id),
        "EXTENSION_ATTRIBUTES" => {
            json!([attribute("2", "Support Tier", "POPUP", &of("attributes"), json!(["Gold"]))])
        }
        "STORAGE" | "CONTENT_CACHING" => Json::Null,
        "PACKAGE_RECEIPTS" => {
            json!({"installedByJamfPro": [], "installedByInstallerSwu": [], "cached": []})
        }
        _ => json!([]),
    }
}

fn general(records: &Records, id: u64, version: u8, told: &Json) -> Json {
    let device = records.device(id);
    let seen = seen(device.seen_days_ago);
    let attributes = records.told(id).get("attributes").cloned().unwrap_or_default();
    let mut general = json!({
        // Two of them have one name.
        "name": format!("MACOS-{:05}", id / 2), "managementId": Records::management_id(id),
        "platform": "Mac", "assetTag": null, "barcode1": null, "barcode2": null,
        "supervised": device.company, "userApprovedMdm": true,
        "mdmCapable": {"capable": true, "capableUsers": []},
        "declarativeDeviceManagementEnabled": true, "reportDate": seen,
        "lastEnrolledDate": "2025-05-04T07:08:09Z", "mdmProfileExpiration": "2027-05-04T07:08:09Z",
        "site": {"id": "-1", "name": "None"}, "lastIpAddress": format!("10.0.{}.{}", id / 250 % 250, id % 250),
        "enrollmentMethod": {"id": "1", "objectName": "Default PreStage", "objectType": "PreStage enrollment"},
        "extensionAttributes": [attribute("1", "Cost Centre", "TEXT", &attributes, json!(["4711"]))],
    });
    let times = match version {
        4 => json!({"lastCheckIn": seen, "lastContact": seen}),
        _ => json!({"lastContactTime": seen, "lastReportedIp": "10.0.0.1"}),
    };
    lay(&mut general, &times);
    let told: serde_json::Map<String, Json> = told
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !["managed", "siteId"].contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    lay(&mut general, &Json::Object(told));
    let managed = !records.unmanaged.contains(&id);
    lay(
        &mut general,
        &json!({"remoteManagement": {"managed": managed, "managementUsername": null}}),
    );
    general
}

fn hardware(records: &Records, id: u64) -> Json {
    let device = records.device(id);
    json!({"make": "Apple", "model": device.model, "modelIdentifier": "Mac16,1",
        "serialNumber": device.serial, "macAddress": format!("02:00:00:00:{:02X}:{:02X}", id / 256 % 256, id % 256),
        "totalRamMegabytes": 16_384, "processorArchitecture": "arm64", "appleSilicon": true,
        "extensionAttributes": []})
}

fn operating_system(records: &Records, id: u64) -> Json {
    let encrypted = if is_compliant(records, id) { "ALL_ENCRYPTED" } else { "NOT_ENCRYPTED" };
    json!({"name": "macOS", "version": records.device(id).version, "build": "24B83",
        "supplementalBuildVersion": null, "rapidSecurityResponse": null,
        "fileVault2Status": encrypted, "extensionAttributes": []})
}

fn security(records: &Records, id: u64) -> Json {
    let fine = is_compliant(records, id);
    json!({"sipStatus": "ENABLED", "gatekeeperStatus": "APP_STORE_AND_IDENTIFIED_DEVELOPERS",
        "firewallEnabled": fine, "activationLockEnabled": false, "recoveryLockEnabled": false,
        "secureBootLevel": "FULL_SECURITY", "bootstrapTokenEscrowedStatus": "ESCROWED"})
}

fn user(records: &Records, id: u64) -> Json {
    let owner = records.estate.person(records.device(id).owner);
    json!({"username": owner.login, "realname": format!("{} {}", owner.given, owner.family),
        "email": owner.login, "position": null, "phone": null, "departmentId": null,
        "buildingId": null, "room": null, "extensionAttributes": []})
}

fn applications(records: &Records, id: u64) -> Json {
    let there = (0..records.estate.apps().min(12)).filter(|app| (id + app).is_multiple_of(3));
    there
        .map(|number| {
            let app = records.estate.app(number);
            json!({"name": format!("{}.app", app.name), "path": format!("/Applications/{}.app", app.name),
                "version": app.version, "bundleId": format!("com.example.app{number}"),
                "macAppStore": false, "sizeMegabytes": 100 + number, "updateAvailable": false,
                "externalVersionId": "0"})
        })
        .collect()
}

fn attribute(id: &str, name: &str, input: &str, told: &Json, default: Json) -> Json {
    let values = told.get(id).cloned().unwrap_or(default);
    json!({"definitionId": id, "name": name, "description": "", "enabled": true,
        "multiValue": false, "values": values, "dataType": "STRING", "options": [],
        "inputType": input})
}

pub(super) fn is_compliant(records: &Records, id: u64) -> bool {
    records.device(id).compliance == "compliant"
}

pub(super) fn udid(id: u64) -> String {
    crate::chance::Chance::of(id, 14, 0).guid().to_uppercase()
}

pub(super) fn seen(days_ago: u64) -> String {
    format!("2026-{:02}-{:02}T06:30:00.000Z", 1 + days_ago / 28, 1 + days_ago % 28)
}
