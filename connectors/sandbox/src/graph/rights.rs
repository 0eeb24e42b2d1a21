//! Which right a call needs: app roles, as an administrator grants them.

use super::refused::{Outcome, Refused};
use crate::http::Call;

/// Everything that may be granted; a token has what was granted when it was given.
pub(super) const ALL: &[&str] = &[
    "AuditLog.Read.All",
    "Device.Read.All",
    "DeviceManagementApps.Read.All",
    "DeviceManagementApps.ReadWrite.All",
    "DeviceManagementConfiguration.Read.All",
    "DeviceManagementConfiguration.ReadWrite.All",
    "DeviceManagementManagedDevices.PrivilegedOperations.All",
    "DeviceManagementManagedDevices.Read.All",
    "DeviceManagementManagedDevices.ReadWrite.All",
    "Directory.Read.All",
    "Group.Create",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Organization.Read.All",
    "User.DeleteRestore.All",
    "User.Read.All",
    "User.ReadWrite.All",
];

/// Refuses a call for which none of the rights is there that allow it.
pub(super) fn check(call: &Call, held: &[&str]) -> Outcome<()> {
    let parts = call.parts();
    let parts: Vec<&str> = parts.iter().skip(1).map(String::as_str).collect();
    let needed = needed(&call.method, &parts);
    match needed.is_empty() || needed.iter().any(|right| held.contains(right)) {
        true => Ok(()),
        false => Err(refused(&parts, needed)),
    }
}

fn refused(parts: &[&str], needed: &[&str]) -> Refused {
    match parts.first() {
        Some(&("deviceManagement" | "deviceAppManagement")) => {
            let message = format!(
                "Application is not authorized to perform this operation. Application must have one of \
                 the following scopes: {}",
                needed.join(", ")
            );
            Refused::new(403, "Forbidden", message)
        }
        _ => {
            let message = "Insufficient privileges to complete the operation.";
            Refused::new(403, "Authorization_RequestDenied", message)
        }
    }
}

/// Any one of them is enough; none are needed for what only combines other calls.
fn needed(method: &str, parts: &[&str]) -> &'static [&'static str] {
    let first = parts.first().map(|part| part.split('(').next().unwrap_or_default());
    match (first.unwrap_or_default(), parts.get(1..).unwrap_or_default(), method) {
        ("deviceAppManagement", _, "GET") | ("deviceManagement", ["reports", ..], _) => {
            &["DeviceManagementApps.Read.All", "DeviceManagementApps.ReadWrite.All"]
        }
        ("deviceAppManagement", ..) => &["DeviceManagementApps.ReadWrite.All"],
        ("deviceManagement", ["deviceCompliancePolicies", ..], "GET") => &[
            "DeviceManagementConfiguration.Read.All",
            "DeviceManagementConfiguration.ReadWrite.All",
        ],
        ("deviceManagement", ["deviceCompliancePolicies", ..], _) => {
            &["DeviceManagementConfiguration.ReadWrite.All"]
        }
        ("deviceManagement", _, "GET") | ("users", [_, "managedDevices"], _) => &[
            "DeviceManagementManagedDevices.Read.All",
            "DeviceManagementManagedDevices.ReadWrite.All",
        ],
        ("deviceManagement", _, "POST") => {
            &["DeviceManagementManagedDevices.PrivilegedOperations.All"]
        }
        ("deviceManagement", ..) => &["DeviceManagementManagedDevices.ReadWrite.All"],
        ("directory", [_, _, "restore"], _) | ("directory", _, "DELETE") => {
            &["User.DeleteRestore.All", "User.ReadWrite.All", "Group.ReadWrite.All"]
        }
        ("directory" | "directoryObjects", ..) => {
            &["Directory.Read.All", "User.Read.All", "User.ReadWrite.All"]
        }
        ("users", _, "GET") | ("users", [_, "getMemberGroups" | "checkMemberGroups"], _) => {
            &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All"]
        }
        ("users", ..) => &["User.ReadWrite.All"],
        ("groups", [_, "members" | "transitiveMembers", ..], "GET") => {
            &["GroupMember.Read.All", "GroupMember.ReadWrite.All", "Group.Read.All"]
        }
        ("groups", [_, "members", ..], _) => &["GroupMember.ReadWrite.All", "Group.ReadWrite.All"],
        ("groups", _, "GET") => &["Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"],
        ("groups", [], "POST") => &["Group.Create", "Group.ReadWrite.All"],
        ("groups", ..) => &["Group.ReadWrite.All"],
        ("devices", ..) => &["Device.Read.All", "Directory.Read.All"],
        ("subscribedSkus" | "organization", ..) => &["Organization.Read.All", "Directory.Read.All"],
        ("auditLogs", ..) => &["AuditLog.Read.All"],
        _ => &[],
    }
}
