//! The resources: which fields they have, and where those stand in Graph's JSON.

use serde_json::{Value as Json, json};
use trueup_connector::{LogicalType as T, Result, Role};
use trueup_kit::graph::{empty, kind_of, unset_time};
use trueup_kit::{Item, Request, Shape};

/// The kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Devices,
    Apps,
    Assignments,
    Policies,
    States,
    Installs,
    Detected,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Devices,
        Self::Apps,
        Self::Assignments,
        Self::Policies,
        Self::States,
        Self::Installs,
        Self::Detected,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Devices => "managed_devices",
            Self::Apps => "mobile_apps",
            Self::Assignments => "app_assignments",
            Self::Policies => "compliance_policies",
            Self::States => "compliance_states",
            Self::Installs => "install_status",
            Self::Detected => "detected_apps",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The application right that reading needs.
    pub(crate) fn right(self) -> &'static str {
        match self {
            Self::Devices | Self::States | Self::Detected => {
                "DeviceManagementManagedDevices.Read.All"
            }
            Self::Apps | Self::Assignments | Self::Installs => "DeviceManagementApps.Read.All",
            Self::Policies => "DeviceManagementConfiguration.Read.All",
        }
    }

    /// The list that a reading goes along.
    pub(crate) fn list(self, top: usize) -> Request {
        match self {
            Self::Devices => {
                let fields = DEVICE_FIELDS.join(",");
                Request::get(DEVICES).query("$select", fields).query("$top", top)
            }
            Self::States => Request::get(DEVICES).query("$select", "id").query("$top", top),
            Self::Apps => Request::get(APPS).query("$top", top),
            Self::Assignments => {
                Request::get(APPS).query("$expand", "assignments").query("$top", top)
            }
            Self::Installs => Request::get(APPS).query("$select", "id").query("$top", top),
            Self::Policies => {
                Request::get("deviceManagement/deviceCompliancePolicies").query("$top", top)
            }
            Self::Detected => Request::get("deviceManagement/detectedApps").query("$top", top),
        }
    }

    pub(crate) fn shape(self) -> Result<Shape> {
        match self {
            Self::Devices => devices(),
            Self::Apps => apps(),
            Self::Assignments => assignments(),
            Self::Policies => policies(),
            Self::States => states(),
            Self::Installs => installs(),
            Self::Detected => detected(),
        }
    }
}

pub(crate) const DEVICES: &str = "deviceManagement/managedDevices";
pub(crate) const APPS: &str = "deviceAppManagement/mobileApps";

const DEVICE_FIELDS: &[&str] = &[
    "id",
    "azureADDeviceId",
    "deviceName",
    "serialNumber",
    "udid",
    "imei",
    "manufacturer",
    "model",
    "operatingSystem",
    "osVersion",
    "managedDeviceOwnerType",
    "managementAgent",
    "managementState",
    "complianceState",
    "deviceEnrollmentType",
    "enrolledDateTime",
    "lastSyncDateTime",
    "complianceGracePeriodExpirationDateTime",
    "userId",
    "userPrincipalName",
    "isEncrypted",
    "isSupervised",
    "jailBroken",
    "totalStorageSpaceInBytes",
    "freeStorageSpaceInBytes",
];

fn devices() -> Result<Shape> {
    let text = Item::text;
    let whole = |name, path| Item::new(name, T::Int, path);
    let instant = |name, path| Item::new(name, T::Instant, path).through(unset_time);
    Shape::new([
        text("id", "/id").key().immutable(),
        text("entra_device_id", "/azureADDeviceId").through(unset_id),
        text("name", "/deviceName"),
        text("serial_number", "/serialNumber").through(filler),
        text("udid", "/udid").through(empty),
        text("imei", "/imei").through(empty),
        text("manufacturer", "/manufacturer"),
        text("model", "/model"),
        text("operating_system", "/operatingSystem"),
        text("os_version", "/osVersion"),
        text("owner_type", "/managedDeviceOwnerType").writable(),
        text("management_agent", "/managementAgent"),
        text("management_state", "/managementState"),
        text("compliance_state", "/complianceState"),
        text("enrollment_type", "/deviceEnrollmentType"),
        instant("enrolled", "/enrolledDateTime"),
        instant("last_sync", "/lastSyncDateTime"),
        instant("grace_until", "/complianceGracePeriodExpirationDateTime"),
        text("user_id", "/userId").through(empty),
        text("user_principal_name", "/userPrincipalName").through(empty),
        Item::new("encrypted", T::Bool, "/isEncrypted"),
        Item::new("supervised", T::Bool, "/isSupervised"),
        text("jail_broken", "/jailBroken"),
        whole("storage_bytes", "/totalStorageSpaceInBytes").through(zero),
        whole("free_bytes", "/freeStorageSpaceInBytes"),
    ])
}

fn apps() -> Result<Shape> {
    Shape::new([
        Item::text("id", "/id").key().immutable(),
        Item::text("name", "/displayName"),
        Item::text("publisher", "/publisher"),
        Item::made("type", T::Text, |app| json!(kind_of(app))),
        Item::text("description", "/description"),
        Item::text("notes", "/notes").through(empty),
        Item::text("owner", "/owner").through(empty),
        Item::text("publishing_state", "/publishingState"),
        Item::text("content_version", "/committedContentVersion"),
        Item::text("file_name", "/fileName"),
        Item::new("created", T::Instant, "/createdDateTime").through(unset_time),
        Item::new("last_modified", T::Instant, "/lastModifiedDateTime").through(unset_time),
    ])
}

fn assignments() -> Result<Shape> {
    Shape::new([
        Item::text("app_id", "/app_id").key().immutable(),
        Item::made("target", T::Text, |row| json!(row.get("target").and_then(kind_of)))
            .key()
            .immutable(),
        // Not null, so that it can be part of a key.
        Item::made("group_id", T::Text, |row| json!(group_of(row))).key().immutable(),
        Item::text("id", "/id").with_role(Role::Id),
        Item::text("intent", "/intent").writable(),
    ])
}

fn policies() -> Result<Shape> {
    Shape::new([
        Item::text("id", "/id").key().immutable(),
        Item::text("name", "/displayName"),
        Item::made("type", T::Text, |policy| json!(kind_of(policy))),
        Item::text("description", "/description").through(empty),
        Item::new("version", T::Int, "/version"),
        Item::new("created", T::Instant, "/createdDateTime").through(unset_time),
        Item::new("last_modified", T::Instant, "/lastModifiedDateTime").through(unset_time),
    ])
}

fn states() -> Result<Shape> {
    Shape::new([
        Item::text("device_id", "/device_id").key().immutable(),
        Item::text("policy_id", "/id").key().immutable(),
        Item::text("policy", "/displayName"),
        Item::text("platform", "/platformType"),
        // Two enumerations of Graph differ in the case of one word.
        Item::text("state", "/state").through(|json| match json.as_str() {
            Some("nonCompliant") => json!("noncompliant"),
            _ => json.clone(),
        }),
        Item::new("settings", T::Int, "/settingCount"),
    ])
}

fn installs() -> Result<Shape> {
    Shape::new([
        Item::text("app_id", "/app_id").key().immutable(),
        Item::text("device_id", "/DeviceId").key().immutable(),
        Item::text("user", "/UserPrincipalName").key().through(never_null),
        Item::text("device", "/DeviceName"),
        Item::text("platform", "/Platform"),
        Item::text("app_version", "/AppVersion").through(empty),
        Item::text("state", "/AppInstallState"),
        Item::text("error", "/HexErrorCode").through(empty),
        Item::new("last_modified", T::Instant, "/LastModifiedDateTime").through(unset_time),
    ])
}

fn detected() -> Result<Shape> {
    Shape::new([
        Item::text("id", "/id").key().immutable(),
        Item::text("name", "/displayName"),
        Item::text("version", "/version"),
        Item::text("publisher", "/publisher").through(empty),
        Item::text("platform", "/platform"),
        Item::new("size_bytes", T::Int, "/sizeInByte").through(zero),
        Item::new("devices", T::Int, "/deviceCount"),
    ])
}

fn group_of(row: &Json) -> &str {
    let target = row.get("target");
    let part = |name: &str| target.and_then(|target| target.get(name)).and_then(Json::as_str);
    part("groupId").or_else(|| part("collectionId")).unwrap_or_default()
}

fn never_null(json: &Json) -> Json {
    if json.is_null() { json!("") } else { json.clone() }
}

fn zero(json: &Json) -> Json {
    if json == 0 { Json::Null } else { json.clone() }
}

fn unset_id(json: &Json) -> Json {
    if json == "00000000-0000-0000-0000-000000000000" { Json::Null } else { empty(json) }
}

/// What makers write where a serial number should be.
fn filler(json: &Json) -> Json {
    let fillers = ["0", "system serial number", "to be filled by o.e.m.", "default string", "none"];
    let is_one = |text: &str| fillers.contains(&text.trim().to_lowercase().as_str());
    if json.as_str().is_some_and(is_one) { Json::Null } else { empty(json) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unset_is_null() {
        assert_eq!(unset_time(&json!("0001-01-01T00:00:00Z")), Json::Null);
        assert_eq!(unset_time(&json!("9999-12-31T23:59:59Z")), Json::Null);
        assert_eq!(unset_time(&json!("2026-01-01T00:00:00Z")), json!("2026-01-01T00:00:00Z"));
        assert_eq!(filler(&json!("System Serial Number")), Json::Null);
        assert_eq!(filler(&json!("C02X")), json!("C02X"));
        assert_eq!(unset_id(&json!("00000000-0000-0000-0000-000000000000")), Json::Null);
    }

    #[test]
    fn every_shape_is_sound_and_has_a_key() {
        for kind in Kind::ALL {
            assert!(!kind.shape().unwrap().schema().key().is_empty(), "{kind:?}");
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
    }
}
