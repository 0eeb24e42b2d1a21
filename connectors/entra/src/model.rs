//! The resources: what is asked for, and which right that needs.

use trueup_kit::Request;

/// The kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Users,
    Groups,
    Members,
    Nested,
    Devices,
    Licences,
    Assigned,
    Audits,
    DeletedUsers,
    DeletedGroups,
}

const USER: &str = "id,userPrincipalName,displayName,givenName,surname,mail,mailNickname,\
    accountEnabled,department,jobTitle,employeeId,companyName,officeLocation,usageLocation,userType,\
    onPremisesSyncEnabled,createdDateTime";
const GROUP: &str = "id,displayName,description,mail,mailNickname,mailEnabled,securityEnabled,\
    groupTypes,membershipRule,uniqueName,visibility,onPremisesSyncEnabled,createdDateTime";
const DEVICE: &str = "id,deviceId,displayName,operatingSystem,operatingSystemVersion,\
    accountEnabled,trustType,deviceOwnership,isManaged,isCompliant,manufacturer,model,\
    approximateLastSignInDateTime,registrationDateTime";

impl Kind {
    pub(crate) const ALL: [Self; 10] = [
        Self::Users,
        Self::Groups,
        Self::Members,
        Self::Nested,
        Self::Devices,
        Self::Licences,
        Self::Assigned,
        Self::Audits,
        Self::DeletedUsers,
        Self::DeletedGroups,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Members => "group_members",
            Self::Nested => "nested_members",
            Self::Devices => "devices",
            Self::Licences => "licences",
            Self::Assigned => "licence_assignments",
            Self::Audits => "directory_audits",
            Self::DeletedUsers => "deleted_users",
            Self::DeletedGroups => "deleted_groups",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The application right that reading needs.
    pub(crate) fn right(self) -> &'static str {
        match self {
            Self::Users | Self::Assigned | Self::DeletedUsers => "User.Read.All",
            Self::Groups | Self::DeletedGroups => "Group.Read.All",
            Self::Members | Self::Nested => "GroupMember.Read.All",
            Self::Devices => "Device.Read.All",
            Self::Licences => "Organization.Read.All",
            Self::Audits => "AuditLog.Read.All",
        }
    }

    /// The application right that writing needs.
    pub(crate) fn right_to_write(self) -> &'static str {
        match self {
            Self::Groups | Self::DeletedGroups => "Group.ReadWrite.All",
            Self::Members => "GroupMember.ReadWrite.All",
            Self::DeletedUsers => "User.DeleteRestore.All",
            _ => "User.ReadWrite.All",
        }
    }

    /// The list that a reading goes along.
    pub(crate) fn list(self, top: usize) -> Request {
        let of = |path: &str, fields: &str| {
            Request::get(path).query("$select", fields).query("$top", top)
        };
        match self {
            Self::Users => of("users", USER),
            Self::Groups => of("groups", GROUP),
            Self::Members | Self::Nested => of("groups", "id"),
            Self::Devices => of("devices", DEVICE),
            // It takes no options.
            Self::Licences => Request::get("subscribedSkus"),
            Self::Assigned => of("users", "id,licenseAssignmentStates"),
            Self::Audits => Request::get("auditLogs/directoryAudits").query("$top", top),
            // The cast is required.
            Self::DeletedUsers => deleted("user", top),
            Self::DeletedGroups => deleted("group", top),
        }
    }

    /// The call for a token that tells what changes from now on; `None` where there are no deltas.
    pub(crate) fn latest(self) -> Option<Request> {
        let (list, fields) = match self {
            Self::Users => ("users", USER),
            Self::Groups => ("groups", GROUP),
            Self::Devices => ("devices", DEVICE),
            _ => return None,
        };
        let request = Request::get(format!("{list}/delta")).query("$select", fields);
        Some(request.query("$deltatoken", "latest"))
    }

    /// The properties of one object.
    pub(crate) fn fields(self) -> &'static str {
        match self {
            Self::Groups => GROUP,
            Self::Devices => DEVICE,
            _ => USER,
        }
    }

    /// Whether a record's key may change while it lives, which Graph then does not tell.
    pub(crate) fn may_be_renamed(self) -> bool {
        matches!(self, Self::Users | Self::Groups)
    }
}

fn deleted(kind: &str, top: usize) -> Request {
    let path = format!("directory/deletedItems/microsoft.graph.{kind}");
    Request::get(path).query("$top", top)
}
