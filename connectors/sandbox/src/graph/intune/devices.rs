//! Managed devices, what is asked of them, and how they comply.

use serde_json::{Value as Json, json};

use super::super::odata::{conditions, page, select};
use super::super::refused::{Outcome, Refused, text};
use super::state::{Action, Managed, State};
use crate::chance::Chance;
use crate::http::{Call, Reply};

/// What the service can filter devices by.
const FILTERED: &[&str] = &[
    "operatingSystem",
    "deviceName",
    "serialNumber",
    "azureADDeviceId",
    "userPrincipalName",
    "complianceState",
    "managementAgent",
    "managementState",
];
/// An action becomes visible, and then takes effect, after so many looks.
const LOOKS: u32 = 2;

const ACTIONS: &[&str] = &[
    "syncDevice",
    "rebootNow",
    "shutDown",
    "retire",
    "remoteLock",
    "resetPasscode",
    "locateDevice",
    "wipe",
    "cleanWindowsDevice",
    "windowsDefenderScan",
];

pub(super) fn list(state: &State, call: &Call) -> Outcome<Json> {
    let conditions = conditions(call, FILTERED)?;
    let there = state.devices.iter().filter(|managed| !managed.gone);
    let meets = |json: &Json| conditions.iter().all(|(name, value)| text(json, name) == value);
    let found: Vec<&Managed> = match conditions.is_empty() {
        true => there.collect(),
        false => there.filter(|managed| meets(&json(state, managed, false))).collect(),
    };
    let record = |at: usize| found.get(at).map(|m| json(state, m, false)).unwrap_or_default();
    page(call, "deviceManagement/managedDevices", found.len(), record)
}

/// The devices of one user.
pub(in crate::graph) fn of_user(state: &State, call: &Call, user: &str) -> Outcome<Reply> {
    let there = state.devices.iter().filter(|managed| !managed.gone);
    let found: Vec<&Managed> =
        there.filter(|managed| state.estate.person(managed.device.owner).id == user).collect();
    let record = |at: usize| found.get(at).map(|m| json(state, m, false)).unwrap_or_default();
    let body = page(call, "users/managedDevices", found.len(), record)?;
    Ok(Reply::json(200, &body))
}

pub(super) fn count(state: &State) -> Reply {
    let count = state.devices.iter().filter(|managed| !managed.gone).count();
    Reply::new(200).header("content-type", "text/plain").with_body(count.to_string())
}

/// Looking at a device is when it is heard of again: what was asked of it goes on.
pub(super) fn get(state: &mut State, call: &Call, id: &str) -> Outcome<Json> {
    let managed = state.device_mut(id).ok_or_else(|| Refused::absent(id))?;
    managed.goes_on();
    let managed = state.device(id).ok_or_else(|| Refused::absent(id))?;
    Ok(select(call, json(state, managed, true)))
}

pub(super) fn change(state: &mut State, call: &Call, id: &str) -> Outcome<Json> {
    let body = call.json().ok_or_else(|| Refused::bad("The body is not JSON."))?;
    let managed = state.device_mut(id).ok_or_else(|| Refused::absent(id))?;
    for (name, value) in body.as_object().into_iter().flatten() {
        let value = value.as_str().map(str::to_owned);
        match name.as_str() {
            "notes" => managed.notes = value,
            "managedDeviceOwnerType" => managed.owner = value,
            "managedDeviceName" | "@odata.type" => {}
            _ => {
                let message = format!("Property {name} cannot be set.");
                return Err(Refused::new(400, "ModelValidationFailure", message));
            }
        }
    }
    let managed = state.device(id).ok_or_else(|| Refused::absent(id))?;
    Ok(json(state, managed, true))
}

pub(super) fn remove(state: &mut State, id: &str) -> Outcome<Reply> {
    let managed = state.device_mut(id).ok_or_else(|| Refused::absent(id))?;
    managed.gone = true;
    Ok(Reply::new(204))
}

/// An action is queued; asked again, it is queued again.
pub(super) fn act(state: &mut State, id: &str, action: &str) -> Outcome<Reply> {
    if !ACTIONS.contains(&action) {
        return Err(Refused::bad(format!("No method match route template for {action}")));
    }
    let managed = state.device_mut(id).ok_or_else(|| Refused::absent(id))?;
    match action {
        "retire" => managed.state = "retirePending",
        "wipe" => managed.state = "wipePending",
        _ => {}
    }
    managed.actions.push(Action { name: action.to_owned(), state: "pending", looks: 0 });
    Ok(Reply::new(204))
}

pub(super) fn policies(call: &Call) -> Outcome<Json> {
    page(call, "deviceManagement/deviceCompliancePolicies", POLICIES.len(), policy)
}

const POLICIES: &[(&str, &str)] = &[
    ("windows10CompliancePolicy", "Windows: encrypted, current"),
    ("macOSCompliancePolicy", "macOS: encrypted"),
    ("iosCompliancePolicy", "iOS: passcode"),
    ("androidWorkProfileCompliancePolicy", "Android: passcode"),
];

fn policy(number: usize) -> Json {
    let (kind, name) = POLICIES.get(number).copied().unwrap_or_default();
    json!({"@odata.type": format!("#microsoft.graph.{kind}"), "id": policy_id(number),
        "displayName": name, "description": null, "version": 1,
        "createdDateTime": "2025-03-01T08:00:00Z", "lastModifiedDateTime": "2025-09-01T08:00:00Z"})
}

fn policy_id(number: usize) -> String {
    Chance::of(7, 6, u64::try_from(number).unwrap_or(0)).guid()
}

/// How a device stands to the policies of its platform.
pub(super) fn policy_states(state: &State, id: &str) -> Outcome<Json> {
    let managed = state.device(id).ok_or_else(|| Refused::absent(id))?;
    let number = match managed.device.system.as_str() {
        "Windows" => 0,
        "macOS" => 1,
        "iOS" => 2,
        _ => 3,
    };
    // Other casing than the device's own state.
    let stands = match managed.device.compliance.as_str() {
        "noncompliant" => "nonCompliant",
        "inGracePeriod" | "unknown" => "unknown",
        _ => "compliant",
    };
    let policy = policy(number);
    Ok(json!({"value": [{"id": policy_id(number), "displayName": text(&policy, "displayName"),
        "platformType": "all", "settingCount": 3, "settingStates": [], "state": stands, "version": 1}]}))
}

/// A device as Graph shows it; hardware and actions only when it is asked for alone.
pub(super) fn json(state: &State, managed: &Managed, alone: bool) -> Json {
    let device = &managed.device;
    let owner = state.estate.person(device.owner);
    let seen = format!(
        "2026-{:02}-{:02}T06:30:00Z",
        1 + device.seen_days_ago / 28,
        1 + device.seen_days_ago % 28
    );
    let ownership = if device.company { "company" } else { "personal" };
    let actions = managed.actions.iter().filter(|_| alone).map(|action| {
        json!({"actionName": action.name, "actionState": action.state,
            "startDateTime": "2026-03-01T00:00:00Z", "lastUpdatedDateTime": "2026-03-01T00:00:00Z"})
    });
    let actions: Vec<Json> = actions.collect();
    json!({
        "id": device.id, "userId": owner.id, "userPrincipalName": owner.login,
        "deviceName": device.name, "managedDeviceName": format!("{}_{}", owner.login, device.system),
        "managedDeviceOwnerType": managed.owner.as_deref().unwrap_or(ownership),
        "enrolledDateTime": "2025-05-04T07:08:09Z", "lastSyncDateTime": seen,
        "operatingSystem": device.system, "osVersion": device.version,
        "complianceState": device.compliance, "jailBroken": "Unknown",
        "managementAgent": "mdm", "managementState": managed.state,
        "azureADDeviceId": state.estate.registration(managed.number), "azureADRegistered": true,
        "deviceEnrollmentType": "userEnrollment", "deviceRegistrationState": "registered",
        "serialNumber": device.serial, "manufacturer": device.manufacturer, "model": device.model,
        "isEncrypted": device.compliance == "compliant", "isSupervised": device.company,
        "totalStorageSpaceInBytes": 512_u64 << 30, "freeStorageSpaceInBytes": (device.seen_days_ago + 1) << 30,
        "complianceGracePeriodExpirationDateTime": "9999-12-31T23:59:59Z",
        "easActivationDateTime": "0001-01-01T00:00:00Z",
        "imei": "", "meid": null, "wiFiMacAddress": null, "ethernetMacAddress": null, "udid": null,
        "physicalMemoryInBytes": if alone { 16_u64 << 30 } else { 0 },
        "notes": if alone { json!(managed.notes) } else { Json::Null },
        "deviceActionResults": actions,
    })
}

impl Managed {
    fn goes_on(&mut self) {
        for action in &mut self.actions {
            action.looks += 1;
            let (issued, over) = (action.looks >= LOOKS, action.looks >= 2 * LOOKS);
            match (action.name.as_str(), issued, over) {
                ("retire" | "wipe", _, true) => self.gone = true,
                ("retire", true, _) => self.state = "retireIssued",
                ("wipe", true, _) => self.state = "wipeIssued",
                (_, true, _) => action.state = "done",
                _ => {}
            }
        }
    }
}
