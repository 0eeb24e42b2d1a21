//! PreStages: locked by a version at every part.

use serde_json::{Value as Json, json};

use super::list::{self, Rules};
use super::packages::href;
use super::records::{Records, Scope};
use super::{Outcome, Refused, body, lay, number, text};
use crate::http::{Call, Reply};

/// The parts with a lock of their own.
const PARTS: &[&str] = &["locationInformation", "purchasingInformation", "accountSettings"];
const REQUIRED: &[&str] = &[
    "displayName",
    "supportPhoneNumber",
    "supportEmailAddress",
    "department",
    "mandatory",
    "mdmRemovable",
    "defaultPrestage",
    "enrollmentSiteId",
    "keepExistingSiteMembership",
    "keepExistingLocationInformation",
    "requireAuthentication",
    "authenticationPrompt",
    "preventActivationLock",
    "enableDeviceBasedActivationLock",
    "deviceEnrollmentProgramInstanceId",
    "autoAdvanceSetup",
    "installProfilesDuringSetup",
    "prestageInstalledProfileIds",
    "customPackageIds",
    "customPackageDistributionPointId",
    "locationInformation",
    "purchasingInformation",
];

/// Two of them, with some computers in the scope of the first.
pub(super) fn fill(records: &mut Records) {
    for name in ["Default PreStage", "Lab"] {
        let part = |more: Json| {
            let mut part = json!({"buildingId": "-1", "departmentId": "-1", "email": "", "phone": "",
                "position": "", "realname": "", "room": "", "username": ""});
            lay(&mut part, &more);
            part
        };
        let purchasing = json!({"leased": false, "purchased": true, "appleCareId": "",
            "poNumber": "", "vendor": "", "purchasePrice": "", "lifeExpectancy": 0,
            "purchasingAccount": "", "purchasingContact": "", "leaseDate": "1970-01-01",
            "poDate": "1970-01-01", "warrantyDate": "1970-01-01"});
        let told = json!({"displayName": name, "supportPhoneNumber": "", "supportEmailAddress": "",
            "department": "IT", "mandatory": true, "mdmRemovable": false, "defaultPrestage": false,
            "enrollmentSiteId": "-1", "keepExistingSiteMembership": false,
            "keepExistingLocationInformation": false, "requireAuthentication": false,
            "authenticationPrompt": "", "preventActivationLock": true,
            "enableDeviceBasedActivationLock": false, "deviceEnrollmentProgramInstanceId": "1",
            "autoAdvanceSetup": false, "installProfilesDuringSetup": true,
            "prestageInstalledProfileIds": [], "customPackageIds": [],
            "customPackageDistributionPointId": "-1", "locationInformation": part(json!({})),
            "purchasingInformation": purchasing});
        add(records, told);
    }
    let first = records.scopes.keys().next().copied().unwrap_or_default();
    let some = records.computers.iter().take(4).map(|id| records.device(*id).serial);
    let serials = some.collect();
    records.scopes.insert(first, Scope { serials, lock: 3 });
}

pub(super) fn all(records: &Records) -> Vec<Json> {
    records.prestages.values().cloned().collect()
}

/// Filters are ignored without a word.
pub(super) fn list(records: &Records, call: &Call) -> Outcome<Json> {
    let rules =
        Rules { filters: &[], sorts: &["id", "displayName"], sort: "id:desc", most: records.most };
    list::page(call, &rules, all(records))
}

pub(super) fn get(records: &Records, id: &str) -> Outcome<Json> {
    records.prestages.get(&number(id)?).cloned().ok_or_else(Refused::absent)
}

pub(super) fn create(records: &mut Records, call: &Call) -> Outcome<Reply> {
    let told = complete(body(call)?)?;
    if taken(records, text(&told, "displayName"), None) {
        return Err(Refused::duplicate("displayName"));
    }
    let id = add(records, told);
    Ok(href(call, id))
}

fn add(records: &mut Records, mut told: Json) -> u64 {
    let id = records.next();
    let account = json!({"accountSettings": {"id": "1", "payloadConfigured": false,
        "localAdminAccountEnabled": false, "adminUsername": "", "versionLock": 0}});
    lay(&mut told, &account);
    lay(
        &mut told,
        &json!({"id": id.to_string(), "versionLock": 0, "siteId": "-1",
        "profileUuid": crate::chance::Chance::of(id, 15, 0).guid()}),
    );
    for part in PARTS {
        lay(&mut told, &json!({*part: {"id": id.to_string(), "versionLock": 0}}));
    }
    records.prestages.insert(id, told);
    records.scopes.insert(id, Scope::default());
    id
}

/// Every lock is to be as it was read; the server counts.
pub(super) fn replace(records: &mut Records, call: &Call, id: &str) -> Outcome<Reply> {
    let id = number(id)?;
    let before = records.prestages.get(&id).cloned().ok_or_else(Refused::absent)?;
    let mut told = complete(body(call)?)?;
    if taken(records, text(&told, "displayName"), Some(id)) {
        return Err(Refused::duplicate("displayName"));
    }
    let parts = std::iter::once(None).chain(PARTS.iter().map(Some));
    for part in parts {
        let path = part.map_or("/versionLock".to_owned(), |part| format!("/{part}/versionLock"));
        let lock = before.pointer(&path).and_then(Json::as_u64).unwrap_or(0);
        if told.pointer(&path).and_then(Json::as_u64) != Some(lock) {
            return Err(stale());
        }
        if let Some(held) = told.pointer_mut(&path) {
            *held = json!(lock + 1);
        }
    }
    for kept in ["id", "profileUuid", "siteId"] {
        lay(&mut told, &json!({kept: before.get(kept)}));
    }
    let reply = Reply::json(200, &told);
    records.prestages.insert(id, told);
    Ok(reply)
}

pub(super) fn remove(records: &mut Records, id: &str) -> Outcome<Reply> {
    let id = number(id)?;
    records.scopes.remove(&id);
    records.prestages.remove(&id).map(|_| Reply::new(204)).ok_or_else(Refused::absent)
}

fn complete(told: Json) -> Outcome<Json> {
    match REQUIRED.iter().find(|name| told.get(**name).is_none_or(Json::is_null)) {
        Some(missing) => Err(Refused::bad(format!("{missing} is required"))),
        None => Ok(told),
    }
}

fn taken(records: &Records, name: &str, id: Option<u64>) -> bool {
    let others = records.prestages.iter().filter(|(other, _)| Some(**other) != id);
    others.into_iter().any(|(_, other)| text(other, "displayName") == name)
}

fn stale() -> Refused {
    Refused::pro(409, "OPTIMISTIC_LOCK_FAILED", "The versionLock is not the present one")
}

/// Adds, replaces or removes serial numbers, and gives the scope with its new lock.
pub(super) fn change_scope(
    records: &mut Records,
    call: &Call,
    id: &str,
    how: How,
) -> Outcome<Json> {
    let id = number(id)?;
    let told = body(call)?;
    let serials = told.get("serialNumbers").and_then(Json::as_array).cloned().unwrap_or_default();
    let serials: Vec<String> = serials.iter().filter_map(Json::as_str).map(str::to_owned).collect();
    let scope = records.scopes.get(&id).ok_or_else(Refused::absent)?;
    if told.get("versionLock").and_then(Json::as_u64) != Some(scope.lock) {
        return Err(stale());
    }
    if how != How::Remove {
        check(records, id, &serials)?;
    }
    let scope = records.scopes.entry(id).or_default();
    match how {
        How::Add => {
            let new: Vec<String> =
                serials.into_iter().filter(|serial| !scope.serials.contains(serial)).collect();
            scope.serials.extend(new);
        }
        How::Replace => scope.serials = serials,
        How::Remove => scope.serials.retain(|serial| !serials.contains(serial)),
    }
    scope.lock += 1;
    scope_of(records, &id.to_string())
}

/// What becomes of the serial numbers that are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Add,
    Replace,
    Remove,
}

/// Apple's enrolment has them, and they are in no other PreStage.
fn check(records: &Records, id: u64, serials: &[String]) -> Outcome<()> {
    for serial in serials {
        let elsewhere = records
            .scopes
            .iter()
            .any(|(other, scope)| *other != id && scope.serials.contains(serial));
        if elsewhere {
            return Err(Refused::pro(
                400,
                "ALREADY_SCOPED",
                format!("{serial} is in another scope"),
            ));
        }
        if !records.is_enrolled(serial) {
            return Err(Refused::pro(
                400,
                "DEVICE_DOES_NOT_EXIST_ON_TOKEN",
                format!("{serial} is not known"),
            ));
        }
    }
    Ok(())
}

pub(super) fn scope_of(records: &Records, id: &str) -> Outcome<Json> {
    let scope = records.scopes.get(&number(id)?).ok_or_else(Refused::absent)?;
    let assignments = scope.serials.iter().map(|serial| {
        json!({"serialNumber": serial, "assignmentDate": "2026-01-01T00:00:00Z",
            "userAssigned": "sandbox"})
    });
    let assignments: Vec<Json> = assignments.collect();
    Ok(json!({"prestageId": id, "assignments": assignments, "versionLock": scope.lock}))
}
