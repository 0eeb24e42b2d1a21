//! The resources: which fields they have, and where those stand in Jamf's answers.

use serde_json::{Value as Json, json};
use trueup_connector::{
    Change, Error, Kind as ErrorKind, LogicalType as T, Result, Role, Schema, Value,
};
use trueup_kit::{Item, Shape};

/// The kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Computers,
    Applications,
    Attributes,
    MobileDevices,
    Packages,
    SmartGroups,
    StaticGroups,
    GroupMembers,
    Policies,
    PolicyScopes,
    PolicyPackages,
    Prestages,
    PrestageScopes,
}

impl Kind {
    pub(crate) const ALL: [Self; 13] = [
        Self::Computers,
        Self::Applications,
        Self::Attributes,
        Self::MobileDevices,
        Self::Packages,
        Self::SmartGroups,
        Self::StaticGroups,
        Self::GroupMembers,
        Self::Policies,
        Self::PolicyScopes,
        Self::PolicyPackages,
        Self::Prestages,
        Self::PrestageScopes,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Computers => "computers",
            Self::Applications => "computer_applications",
            Self::Attributes => "computer_attributes",
            Self::MobileDevices => "mobile_devices",
            Self::Packages => "packages",
            Self::SmartGroups => "smart_groups",
            Self::StaticGroups => "static_groups",
            Self::GroupMembers => "group_members",
            Self::Policies => "policies",
            Self::PolicyScopes => "policy_scopes",
            Self::PolicyPackages => "policy_packages",
            Self::Prestages => "computer_prestages",
            Self::PrestageScopes => "prestage_scopes",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The privilege that reading needs.
    pub(crate) fn right(self) -> &'static str {
        match self {
            Self::Computers | Self::Applications | Self::Attributes | Self::GroupMembers => {
                "Read Computers"
            }
            Self::MobileDevices => "Read Mobile Devices",
            Self::Packages => "Read Packages",
            Self::SmartGroups => "Read Smart Computer Groups",
            Self::StaticGroups => "Read Static Computer Groups",
            Self::Policies | Self::PolicyScopes | Self::PolicyPackages => "Read Policies",
            Self::Prestages | Self::PrestageScopes => "Read Computer PreStage Enrollments",
        }
    }

    /// The kind comes from the Classic API, one policy a call.
    pub(crate) fn is_classic(self) -> bool {
        matches!(self, Self::Policies | Self::PolicyScopes | Self::PolicyPackages)
    }

    /// An entry may have any number of records.
    pub(crate) fn is_flattened(self) -> bool {
        matches!(
            self,
            Self::Applications
                | Self::Attributes
                | Self::GroupMembers
                | Self::PolicyScopes
                | Self::PolicyPackages
                | Self::PrestageScopes
        )
    }

    pub(crate) fn shape(self) -> Result<Shape> {
        match self {
            Self::Computers => computers(),
            Self::Applications => applications(),
            Self::Attributes => attributes(),
            Self::MobileDevices => mobile_devices(),
            Self::Packages => packages(),
            Self::SmartGroups => smart_groups(),
            Self::StaticGroups => static_groups(),
            Self::GroupMembers => group_members(),
            Self::Policies => policies(),
            Self::PolicyScopes => policy_scopes(),
            Self::PolicyPackages => policy_packages(),
            Self::Prestages => prestages(),
            Self::PrestageScopes => prestage_scopes(),
        }
    }
}

/// Refuses values that Jamf would keep as another one: it has no empty text beside null, `-1` stands
/// for none, and a truth value is one of two.
pub(crate) fn check_values(schema: &Schema, change: &Change) -> Result<()> {
    for (name, value) in &change.after {
        let ty = schema.field(name).map(|field| &field.ty);
        let why = match (ty, value) {
            (Ok(T::Text), Value::Text(text)) if text.is_empty() => "has no empty text; write null",
            (Ok(T::Text), Value::Text(text)) if text == "-1" && name.ends_with("_id") => {
                "says `-1` for none; write null"
            }
            (Ok(T::Bool | T::Int | T::List(_)), Value::Null) => "knows no null here",
            (Ok(T::Text), Value::Null) if name == "frequency" => "knows no null here",
            _ => continue,
        };
        return Err(Error::new(ErrorKind::Invalid, format!("`{name}`: Jamf {why}")));
    }
    Ok(())
}

fn text(name: &str, path: &str) -> Item {
    Item::text(name, path).through(empty)
}

fn instant(name: &str, path: &str) -> Item {
    Item::new(name, T::Instant, path).through(empty)
}

fn flag(name: &str, path: &str) -> Item {
    Item::new(name, T::Bool, path)
}

fn key(name: &str, path: &str) -> Item {
    Item::text(name, path).key().immutable()
}

/// A part of a key that is all there is to tell of a new record.
fn told(name: &str, path: &str) -> Item {
    key(name, path).writable()
}

fn computers() -> Result<Shape> {
    Shape::new([
        key("id", "/id"),
        text("serial_number", "/hardware/serialNumber"),
        text("udid", "/udid"),
        text("management_id", "/general/managementId"),
        text("name", "/general/name").writable(),
        text("asset_tag", "/general/assetTag").writable(),
        text("platform", "/general/platform"),
        flag("managed", "/general/remoteManagement/managed"),
        flag("supervised", "/general/supervised"),
        flag("mdm_approved", "/general/userApprovedMdm"),
        Item::text("site_id", "/general/site/id").through(none),
        instant("reported", "/general/reportDate"),
        Item::made("last_contact", T::Instant, last_contact),
        instant("enrolled", "/general/lastEnrolledDate"),
        instant("mdm_profile_until", "/general/mdmProfileExpiration"),
        text("ip_address", "/general/lastIpAddress"),
        text("model", "/hardware/model"),
        text("model_identifier", "/hardware/modelIdentifier"),
        text("mac_address", "/hardware/macAddress"),
        Item::new("ram_mib", T::Int, "/hardware/totalRamMegabytes"),
        flag("apple_silicon", "/hardware/appleSilicon"),
        text("os_version", "/operatingSystem/version"),
        text("os_build", "/operatingSystem/build"),
        text("filevault", "/operatingSystem/fileVault2Status"),
        text("recovery_key", "/diskEncryption/individualRecoveryKeyValidityStatus"),
        text("sip", "/security/sipStatus"),
        text("gatekeeper", "/security/gatekeeperStatus"),
        flag("firewall", "/security/firewallEnabled"),
        flag("activation_lock", "/security/activationLockEnabled"),
        text("username", "/userAndLocation/username").writable(),
        text("real_name", "/userAndLocation/realname").writable(),
        text("email", "/userAndLocation/email").writable(),
        text("position", "/userAndLocation/position").writable(),
        text("phone", "/userAndLocation/phone").writable(),
        Item::text("department_id", "/userAndLocation/departmentId").through(none).writable(),
        Item::text("building_id", "/userAndLocation/buildingId").through(none).writable(),
        text("room", "/userAndLocation/room").writable(),
    ])
}

fn applications() -> Result<Shape> {
    Shape::new([
        key("computer_id", "/computer_id"),
        // Not null, so that they can be part of a key.
        key("path", "/path").through(never_null),
        key("name", "/name").through(never_null),
        text("version", "/version"),
        text("bundle_id", "/bundleId"),
        flag("app_store", "/macAppStore"),
        flag("update_available", "/updateAvailable"),
    ])
}

fn attributes() -> Result<Shape> {
    Shape::new([
        key("computer_id", "/computer_id"),
        key("definition_id", "/definitionId"),
        text("name", "/name"),
        text("type", "/dataType"),
        Item::new("values", T::List(Box::new(T::Text)), "/values").writable(),
    ])
}

/// The names of the list of details; a write has names of its own.
fn mobile_devices() -> Result<Shape> {
    Shape::new([
        key("id", "/mobileDeviceId"),
        text("serial_number", "/hardware/serialNumber"),
        text("udid", "/general/udid"),
        text("management_id", "/general/managementId"),
        text("name", "/general/displayName").writable(),
        text("asset_tag", "/general/assetTag").writable(),
        text("type", "/deviceType"),
        flag("managed", "/general/managed"),
        flag("supervised", "/general/supervised"),
        text("ownership", "/general/deviceOwnershipType"),
        Item::text("site_id", "/general/siteId").through(none),
        instant("reported", "/general/lastInventoryUpdateDate"),
        instant("last_contact", "/general/lastContactDate"),
        instant("enrolled", "/general/lastEnrolledDate"),
        text("model", "/hardware/model"),
        text("model_identifier", "/hardware/modelIdentifier"),
        text("wifi_mac_address", "/hardware/wifiMacAddress"),
        Item::new("capacity_mb", T::Int, "/hardware/capacityMb"),
        text("os_version", "/general/osVersion"),
        text("os_build", "/general/osBuild"),
        flag("passcode_compliant", "/security/passcodeCompliant"),
        flag("data_protected", "/security/dataProtected"),
        flag("lost_mode", "/security/lostModeEnabled"),
        flag("jail_broken", "/security/jailBreakDetected"),
        text("username", "/userAndLocation/username").writable(),
        text("real_name", "/userAndLocation/realName").writable(),
        text("email", "/userAndLocation/emailAddress").writable(),
        text("position", "/userAndLocation/position").writable(),
        text("phone", "/userAndLocation/phoneNumber").writable(),
        text("room", "/userAndLocation/room").writable(),
    ])
}

fn packages() -> Result<Shape> {
    Shape::new([
        key("name", "/packageName"),
        Item::text("id", "/id").with_role(Role::Id),
        text("file_name", "/fileName").writable(),
        Item::text("category_id", "/categoryId").through(none).writable(),
        Item::new("priority", T::Int, "/priority").writable(),
        text("info", "/info").writable(),
        text("notes", "/notes").writable(),
        text("os_requirements", "/osRequirements").writable(),
        flag("reboot_required", "/rebootRequired").writable(),
        flag("fill_user_template", "/fillUserTemplate").writable(),
        Item::made("sha3_512", T::Text, hash).writable(),
        Item::made("size_bytes", T::Int, |package| whole(package.get("size"))),
        text("transfer", "/cloudTransferStatus"),
    ])
}

fn smart_groups() -> Result<Shape> {
    let part = |name: &str, ty| (name.to_owned(), ty);
    let criterion = T::Struct(vec![
        part("name", T::Text),
        part("priority", T::Int),
        part("andOr", T::Text),
        part("searchType", T::Text),
        part("value", T::Text),
        part("openingParen", T::Bool),
        part("closingParen", T::Bool),
    ]);
    Shape::new([
        key("name", "/name"),
        Item::text("id", "/id").with_role(Role::Id),
        text("description", "/description").writable(),
        Item::text("site_id", "/siteId").through(none),
        Item::new("criteria", T::List(Box::new(criterion)), "/criteria").writable(),
    ])
}

fn static_groups() -> Result<Shape> {
    Shape::new([
        told("name", "/name"),
        Item::text("id", "/id").with_role(Role::Id),
        text("description", "/description"),
        Item::text("site_id", "/siteId").through(none),
        Item::new("members", T::Int, "/count"),
    ])
}

fn group_members() -> Result<Shape> {
    Shape::new([
        told("group_id", "/groupId"),
        told("computer_id", "/computer_id"),
        text("group", "/groupName"),
        flag("smart", "/smartGroup"),
    ])
}

fn policies() -> Result<Shape> {
    Shape::new([
        key("name", "/name"),
        Item::text("id", "/id").with_role(Role::Id),
        flag("enabled", "/enabled").writable(),
        text("frequency", "/frequency").writable(),
        flag("at_check_in", "/trigger_checkin").writable(),
        flag("at_enrollment", "/trigger_enrollment_complete").writable(),
        flag("at_login", "/trigger_login").writable(),
        flag("at_startup", "/trigger_startup").writable(),
        text("custom_trigger", "/trigger_other").writable(),
        Item::text("category_id", "/category_id").through(none),
        Item::text("site_id", "/site_id").through(none),
        flag("all_computers", "/all_computers").writable(),
        flag("self_service", "/use_for_self_service").writable(),
        text("self_service_name", "/self_service_display_name").writable(),
    ])
}

fn policy_scopes() -> Result<Shape> {
    Shape::new([
        told("policy_id", "/policy_id"),
        // `target` or `exclusion`.
        told("part", "/part"),
        told("kind", "/kind"),
        told("target_id", "/id"),
        text("target", "/name"),
    ])
}

fn policy_packages() -> Result<Shape> {
    Shape::new([
        key("policy_id", "/policy_id"),
        key("package_id", "/id"),
        text("package", "/name"),
        text("action", "/action").writable(),
    ])
}

fn prestages() -> Result<Shape> {
    Shape::new([
        key("name", "/displayName"),
        Item::text("id", "/id").with_role(Role::Id),
        Item::new("version", T::Int, "/versionLock").with_role(Role::Version),
        text("instance_id", "/deviceEnrollmentProgramInstanceId").writable(),
        text("department", "/department").writable(),
        flag("mandatory", "/mandatory").writable(),
        flag("mdm_removable", "/mdmRemovable").writable(),
        flag("require_authentication", "/requireAuthentication").writable(),
        text("authentication_prompt", "/authenticationPrompt").writable(),
        flag("auto_advance", "/autoAdvanceSetup").writable(),
        flag("prevent_activation_lock", "/preventActivationLock").writable(),
        text("support_phone", "/supportPhoneNumber").writable(),
        text("support_email", "/supportEmailAddress").writable(),
    ])
}

fn prestage_scopes() -> Result<Shape> {
    Shape::new([
        told("prestage_id", "/prestage_id"),
        told("serial_number", "/serialNumber"),
        instant("assigned", "/assignmentDate"),
        text("assigned_by", "/userAssigned"),
    ])
}

/// The newer versions name both channels, the older ones have one name.
fn last_contact(computer: &Json) -> Json {
    let at = |name: &str| computer.get("general").and_then(|general| general.get(name)).cloned();
    let found = at("lastContact").filter(|when| !when.is_null());
    empty(&found.or_else(|| at("lastContactTime")).unwrap_or_default())
}

/// Older servers tell one hash and its kind, newer ones several by name.
pub(crate) fn hash(package: &Json) -> Json {
    let text =
        |name: &str| package.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    let named = text("hashValue").filter(|_| text("hashType") == Some("SHA3_512"));
    json!(named.or_else(|| text("sha3512")).map(str::to_lowercase))
}

/// A number that stands as text.
fn whole(json: Option<&Json>) -> Json {
    match json {
        Some(Json::String(text)) => json!(text.parse::<u64>().ok()),
        Some(number) => number.clone(),
        None => Json::Null,
    }
}

fn empty(json: &Json) -> Json {
    if json == "" { Json::Null } else { json.clone() }
}

/// `-1` stands for none.
fn none(json: &Json) -> Json {
    if json == "-1" { Json::Null } else { empty(json) }
}

fn never_null(json: &Json) -> Json {
    if json.is_null() { json!("") } else { json.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_sound_and_has_a_key() {
        for kind in Kind::ALL {
            assert!(!kind.shape().unwrap().schema().key().is_empty(), "{kind:?}");
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
    }

    #[test]
    fn what_is_unset_is_null() {
        assert_eq!(none(&json!("-1")), Json::Null);
        assert_eq!(none(&json!("3")), json!("3"));
        assert_eq!(whole(Some(&json!("17"))), json!(17));
        assert_eq!(hash(&json!({"hashType": "MD5", "hashValue": "AB"})), Json::Null);
        assert_eq!(hash(&json!({"hashType": "MD5", "hashValue": "AB", "sha3512": "CD"})), "cd");
        let old = json!({"general": {"lastContactTime": "t"}});
        assert_eq!(last_contact(&old), "t");
    }
}
