//! Mobile devices: thin rows, full rows with flat filters, and an item with names of its own.

use serde_json::{Value as Json, json};

use super::computers::{seen, udid};
use super::list::{self, Rules};
use super::records::Records;
use super::rsql;
use super::{Outcome, Refused, body, lay, number};
use crate::http::{Call, Reply};

/// Flat, whatever section they are in.
const FILTERS: &[&str] = &[
    "displayName",
    "serialNumber",
    "managementId",
    "lastInventoryUpdateDate",
    "mobileDeviceId",
    "udid",
    "username",
    "assetTag",
    "managed",
    "osVersion",
];
const SECTIONS: &[(&str, &str)] = &[
    ("GENERAL", "general"),
    ("HARDWARE", "hardware"),
    ("USER_AND_LOCATION", "userAndLocation"),
    ("PURCHASING", "purchasing"),
    ("SECURITY", "security"),
    ("APPLICATIONS", "applications"),
    ("EBOOKS", "ebooks"),
    ("NETWORK", "network"),
    ("SERVICE_SUBSCRIPTIONS", "serviceSubscriptions"),
    ("CERTIFICATES", "certificates"),
    ("PROFILES", "profiles"),
    ("USER_PROFILES", "userProfiles"),
    ("PROVISIONING_PROFILES", "provisioningProfiles"),
    ("SHARED_USERS", "sharedUsers"),
    ("GROUPS", "groups"),
    ("EXTENSION_ATTRIBUTES", "extensionAttributes"),
];

/// Thin rows; a filter is not heeded.
pub(super) fn list(records: &Records, call: &Call) -> Outcome<Json> {
    let rules = Rules {
        filters: &[],
        sorts: &["id", "name", "serialNumber"],
        sort: "id:asc",
        most: records.most,
    };
    let at = |at: usize| thin(records, records.mobiles.get(at).copied().unwrap_or(0));
    match list::quick(call, &rules, records.mobiles.len(), at)? {
        Some(page) => Ok(page),
        None => list::page(call, &rules, (0..records.mobiles.len()).map(at).collect()),
    }
}

pub(super) fn details(records: &Records, call: &Call) -> Outcome<Json> {
    let lenient = call.parameter("exception-handling") == Some("LENIENT");
    if !lenient && records.mobiles.iter().any(|id| records.broken.contains(id)) {
        return Err(Refused::pro(500, "INTERNAL_SERVER_ERROR", "A device cannot be processed"));
    }
    let told = call.query.iter().filter(|(name, _)| name == "section");
    let told: Vec<&str> = told.flat_map(|(_, sections)| sections.split(',')).collect();
    if let Some(odd) = told.iter().find(|told| !SECTIONS.iter().any(|(name, _)| name == *told)) {
        return Err(Refused::bad(format!("there is no section {odd}")));
    }
    let sections = if told.is_empty() { vec!["GENERAL"] } else { told };
    let found = matching(records, call)?;
    let rules = Rules {
        filters: &[],
        sorts: &["displayName", "mobileDeviceId", "serialNumber"],
        sort: "displayName:asc",
        most: records.most,
    };
    let at = |at: usize| row(records, found.get(at).copied().unwrap_or(0), &sections);
    let mut unfiltered = call.clone();
    unfiltered.query.retain(|(name, _)| name != "filter");
    match list::quick(&unfiltered, &rules, found.len(), at)? {
        Some(page) => Ok(page),
        None => list::page(&unfiltered, &rules, (0..found.len()).map(at).collect()),
    }
}

fn matching(records: &Records, call: &Call) -> Outcome<Vec<u64>> {
    let filter = call.parameter("filter").unwrap_or_default();
    if filter.is_empty() {
        return Ok(records.mobiles.clone());
    }
    let condition = rsql::parse(filter, FILTERS)?;
    let all = records.mobiles.iter().copied();
    Ok(all.filter(|id| condition.holds(&flat(records, *id))).collect())
}

/// All fields beside each other, as filters name them.
fn flat(records: &Records, id: u64) -> Json {
    let row = row(records, id, &["GENERAL", "HARDWARE", "USER_AND_LOCATION"]);
    let mut flat = json!({"mobileDeviceId": id.to_string()});
    for section in ["general", "hardware", "userAndLocation"] {
        lay(&mut flat, row.get(section).unwrap_or(&Json::Null));
    }
    flat
}

pub(super) fn get(records: &Records, id: &str, detail: bool) -> Outcome<Json> {
    let id = known(records, id)?;
    Ok(if detail { item(records, id) } else { thin(records, id) })
}

/// 200 with the device, where computers have 204 without.
pub(super) fn change(records: &mut Records, call: &Call, id: &str) -> Outcome<Reply> {
    let id = known(records, id)?;
    let told = body(call)?;
    let writable = [
        "name",
        "enforceName",
        "assetTag",
        "timeZone",
        "siteId",
        "location",
        "updatedExtensionAttributes",
    ];
    if let Some(odd) =
        told.as_object().into_iter().flatten().find(|(n, _)| !writable.contains(&n.as_str()))
    {
        return Err(Refused::bad(format!("{} cannot be set", odd.0)));
    }
    let mut changed = records.told(id);
    lay(&mut changed, &told);
    records.changed.insert(id, changed);
    Ok(Reply::json(200, &item(records, id)))
}

pub(super) fn known(records: &Records, id: &str) -> Outcome<u64> {
    let id = number(id)?;
    let there = records.mobiles.binary_search(&id).is_ok();
    there.then_some(id).ok_or_else(Refused::absent)
}

fn name(records: &Records, id: u64) -> Json {
    let told = records.told(id).get("name").cloned();
    told.unwrap_or_else(|| json!(format!("IPHONE-{id:05}")))
}

fn location(records: &Records, id: u64) -> Json {
    let owner = records.estate.person(records.device(id).owner);
    let mut location = json!({"username": owner.login,
        "realName": format!("{} {}", owner.given, owner.family), "emailAddress": owner.login,
        "position": "", "phoneNumber": "", "departmentId": "-1", "buildingId": "-1", "room": ""});
    lay(&mut location, records.told(id).get("location").unwrap_or(&json!({})));
    location
}

fn thin(records: &Records, id: u64) -> Json {
    let device = records.device(id);
    json!({"id": id.to_string(), "name": name(records, id), "serialNumber": device.serial,
        "udid": udid(id), "managementId": Records::management_id(id), "model": "iPhone 15",
        "modelIdentifier": "iPhone15,4", "phoneNumber": null, "softwareUpdateDeviceId": "iPhone15,4",
        "username": location(records, id).get("username"), "wifiMacAddress": mac(id), "type": "ios"})
}

/// With the names of the list of details.
fn row(records: &Records, id: u64, sections: &[&str]) -> Json {
    let mut row = json!({"mobileDeviceId": id.to_string(), "deviceType": "iOS"});
    for (name, member) in SECTIONS {
        let shown = sections.contains(name) && !records.broken.contains(&id);
        let section = if shown { section(records, id, name) } else { Json::Null };
        lay(&mut row, &json!({*member: section}));
    }
    row
}

fn section(records: &Records, id: u64, section: &str) -> Json {
    let device = records.device(id);
    let told = records.told(id);
    let when = seen(device.seen_days_ago);
    match section {
        "GENERAL" => json!({"udid": udid(id), "displayName": name(records, id),
            "assetTag": told.get("assetTag"), "siteId": "-1", "osVersion": device.version,
            "osBuild": "22B83", "managed": !records.unmanaged.contains(&id),
            "supervised": device.company, "managementId": Records::management_id(id),
            "deviceOwnershipType": if device.company { "Institutional" } else { "UserEnrollment" },
            "lastInventoryUpdateDate": when, "lastEnrolledDate": "2025-05-04T07:08:09Z",
            "lastContactDate": when, "timeZone": told.get("timeZone")}),
        "HARDWARE" => json!({"serialNumber": device.serial, "model": "iPhone 15",
            "modelIdentifier": "iPhone15,4", "capacityMb": 131_072, "wifiMacAddress": mac(id)}),
        "USER_AND_LOCATION" => location(records, id),
        "SECURITY" => json!({"passcodePresent": device.compliance == "compliant",
            "passcodeCompliant": device.compliance == "compliant", "dataProtected": true,
            "lostModeEnabled": false, "jailBreakDetected": false}),
        "PURCHASING" | "NETWORK" => json!({}),
        _ => json!([]),
    }
}

/// With the names of the item.
fn item(records: &Records, id: u64) -> Json {
    let device = records.device(id);
    let told = records.told(id);
    let when = seen(device.seen_days_ago);
    json!({"id": id.to_string(), "name": name(records, id),
        "enforceName": told.get("enforceName").and_then(Json::as_bool).unwrap_or(false),
        "assetTag": told.get("assetTag"), "lastContactTimestamp": when,
        "lastInventoryUpdateTimestamp": when, "osVersion": device.version, "osBuild": "22B83",
        "serialNumber": device.serial, "udid": udid(id), "wifiMacAddress": mac(id),
        "managed": !records.unmanaged.contains(&id), "type": "ios",
        "managementId": Records::management_id(id), "location": location(records, id),
        "site": {"id": "-1", "name": "None"}, "timeZone": told.get("timeZone"),
        "ios": {"model": "iPhone 15", "modelIdentifier": "iPhone15,4", "supervised": device.company}})
}

fn mac(id: u64) -> String {
    format!("02:00:00:01:{:02X}:{:02X}", id / 256 % 256, id % 256)
}
