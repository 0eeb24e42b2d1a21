//! What is read for each kind: lists, and what has to be asked for besides them.

use serde_json::{Value as Json, json};
use trueup_connector::{Context, Error, Kind as ErrorKind, Result};
use trueup_kit::{Client, Request, encode};

use crate::classic;
use crate::error::or_absent;
use crate::model::Kind;
use crate::page::{self, At, Entries, List, text};

pub(crate) const PACKAGES: &str = "api/v1/packages";
pub(crate) const SMART: &str = "api/v3/computer-groups/smart-groups";
pub(crate) const STATIC: &str = "api/v3/computer-groups/static-groups";
pub(crate) const PRESTAGES: &str = "api/v3/computer-prestages";
pub(crate) const MOBILE: &str = "api/v2/mobile-devices";

/// The sections where extension attributes may stand, and their members.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("GENERAL", "/general/extensionAttributes"),
    ("HARDWARE", "/hardware/extensionAttributes"),
    ("OPERATING_SYSTEM", "/operatingSystem/extensionAttributes"),
    ("PURCHASING", "/purchasing/extensionAttributes"),
    ("USER_AND_LOCATION", "/userAndLocation/extensionAttributes"),
    ("EXTENSION_ATTRIBUTES", "/extensionAttributes"),
];

/// The list that a reading goes along; `version` is the inventory's.
pub(crate) fn list(kind: Kind, version: u8) -> List {
    let inventory = |sections: &[&str]| {
        let request = Request::get(format!("api/v{version}/computers-inventory"));
        List { request: with_sections(request, sections), id: "id" }
    };
    let plain = |path: &str| List { request: Request::get(path), id: "id" };
    match kind {
        Kind::Computers => inventory(&COMPUTER),
        Kind::Applications => inventory(&["APPLICATIONS"]),
        Kind::Attributes => inventory(&attribute_sections()),
        Kind::GroupMembers => inventory(&["GROUP_MEMBERSHIPS"]),
        Kind::MobileDevices => {
            let request = Request::get(format!("{MOBILE}/detail"));
            let request = with_sections(request, &MOBILE_SECTIONS);
            // Else one device that the server cannot read hides all others of its page.
            let request = request.query("exception-handling", "LENIENT");
            List { request, id: "mobileDeviceId" }
        }
        Kind::Packages => plain(PACKAGES),
        Kind::SmartGroups => plain(SMART),
        Kind::StaticGroups => plain(STATIC),
        _ => plain(PRESTAGES),
    }
}

pub(crate) const COMPUTER: [&str; 6] =
    ["GENERAL", "HARDWARE", "OPERATING_SYSTEM", "USER_AND_LOCATION", "SECURITY", "DISK_ENCRYPTION"];
pub(crate) const MOBILE_SECTIONS: [&str; 4] =
    ["GENERAL", "HARDWARE", "USER_AND_LOCATION", "SECURITY"];

pub(crate) fn attribute_sections() -> Vec<&'static str> {
    ATTRIBUTES.iter().map(|(section, _)| *section).collect()
}

pub(crate) fn with_sections(request: Request, sections: &[&str]) -> Request {
    sections.iter().fold(request, |request, section| request.query("section", section))
}

/// The records of the page that starts there.
pub(crate) async fn read(
    client: &Client,
    context: &Context,
    kind: Kind,
    version: u8,
    at: At,
) -> Result<Entries> {
    if kind.is_classic() {
        return classic::read(client, context, kind, at).await;
    }
    let (entries, next) = page::read(client, context, &list(kind, version), at).await?;
    let mut rows = Vec::with_capacity(entries.len());
    for entry in &entries {
        rows.extend(records(client, context, kind, entry).await?);
    }
    Ok((rows, next))
}

/// What an entry of a list has for records of this kind.
async fn records(
    client: &Client,
    context: &Context,
    kind: Kind,
    entry: &Json,
) -> Result<Vec<Json>> {
    match kind {
        Kind::Computers => {
            whole(entry, &["general", "hardware"], kind).map(|()| vec![entry.clone()])
        }
        Kind::MobileDevices => {
            whole(entry, &["general", "hardware", "userAndLocation", "security"], kind)?;
            Ok(vec![entry.clone()])
        }
        Kind::Applications => {
            Ok(each(part(entry, "applications")?, "computer_id", id(entry, kind)?))
        }
        Kind::GroupMembers => {
            Ok(each(part(entry, "groupMemberships")?, "computer_id", id(entry, kind)?))
        }
        Kind::Attributes => Ok(attributes(entry, id(entry, kind)?)),
        Kind::SmartGroups => {
            let group =
                get(client, context, &format!("{SMART}/{}", encode(id(entry, kind)?))).await?;
            Ok(group
                .map(|group| with(&group, "id", id(entry, kind).unwrap_or_default()))
                .into_iter()
                .collect())
        }
        Kind::PrestageScopes => {
            let id = id(entry, kind)?;
            let scope = scope(client, context, id).await?;
            Ok(scope.map(|(assigned, _)| assigned).unwrap_or_default())
        }
        _ => Ok(vec![entry.clone()]),
    }
}

/// The serial numbers of a PreStage, and the lock of its scope; `None` where there is no such PreStage.
pub(crate) async fn scope(
    client: &Client,
    context: &Context,
    prestage: &str,
) -> Result<Option<(Vec<Json>, u64)>> {
    let path = format!("api/v2/computer-prestages/{}/scope", encode(prestage));
    let Some(scope) = get(client, context, &path).await? else { return Ok(None) };
    let lock = scope.get("versionLock").and_then(Json::as_u64);
    let lock = lock.ok_or_else(|| missing("the scope of a PreStage", "versionLock"))?;
    let assigned = scope.get("assignments").and_then(Json::as_array);
    let assigned = assigned.ok_or_else(|| missing("the scope of a PreStage", "assignments"))?;
    Ok(Some((each(assigned, "prestage_id", prestage), lock)))
}

/// One object; `None` where there is none.
pub(crate) async fn get(client: &Client, context: &Context, path: &str) -> Result<Option<Json>> {
    ask(client, context, Request::get(path)).await
}

pub(crate) async fn ask(
    client: &Client,
    context: &Context,
    request: Request,
) -> Result<Option<Json>> {
    or_absent(client.json(context, request).await)
}

/// Extension attributes stand in several sections, by how they are shown.
pub(crate) fn attributes(computer: &Json, id: &str) -> Vec<Json> {
    let arrays = ATTRIBUTES.iter().filter_map(|(_, at)| computer.pointer(at)?.as_array());
    arrays.flat_map(|attributes| each(attributes, "computer_id", id)).collect()
}

/// A section that was asked for and is null was not read: its fields are not known to be unset.
fn whole(entry: &Json, sections: &[&str], kind: Kind) -> Result<()> {
    let Some(section) = sections.iter().find(|name| entry.get(**name).is_none_or(Json::is_null))
    else {
        return Ok(());
    };
    let message = format!(
        "the server cannot read `{section}` of a device of `{}`; look for it in the server's log, or \
         remove the device",
        kind.name()
    );
    let id = text(entry, "id").or_else(|| text(entry, "mobileDeviceId")).unwrap_or_default();
    Err(Error::new(ErrorKind::Protocol, message).with("id", id))
}

fn part<'a>(entry: &'a Json, name: &str) -> Result<&'a [Json]> {
    let found = entry.get(name).and_then(Json::as_array);
    found.map(Vec::as_slice).ok_or_else(|| missing("a computer", name))
}

fn each(entries: &[Json], name: &str, id: &str) -> Vec<Json> {
    entries.iter().map(|entry| with(entry, name, id)).collect()
}

/// The same with the identifier of what it belongs to.
pub(crate) fn with(entry: &Json, name: &str, value: &str) -> Json {
    let mut entry = entry.clone();
    if let Json::Object(members) = &mut entry {
        members.insert(name.to_owned(), json!(value));
    }
    entry
}

fn id(entry: &Json, kind: Kind) -> Result<&str> {
    text(entry, "id").ok_or_else(|| missing(kind.name(), "id"))
}

fn missing(what: &str, name: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("{what} came without `{name}`"))
}
