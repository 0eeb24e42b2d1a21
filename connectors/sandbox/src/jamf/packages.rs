//! Packages and their files.

use serde_json::{Value as Json, json};
use sha3::{Digest, Sha3_512};

use super::list::{self, Rules};
use super::records::Records;
use super::{Outcome, Refused, body, lay, number, text};
use crate::http::{Call, Reply};

const FILTERS: &[&str] = &[
    "id",
    "fileName",
    "packageName",
    "categoryId",
    "info",
    "notes",
    "manifestFileName",
    "cloudTransferStatus",
];
const REQUIRED: &[&str] = &[
    "packageName",
    "fileName",
    "categoryId",
    "priority",
    "fillUserTemplate",
    "rebootRequired",
    "osInstall",
    "suppressUpdates",
    "suppressFromDock",
    "suppressEula",
    "suppressRegistration",
];

pub(super) fn all(records: &Records) -> Vec<Json> {
    records.packages.iter().map(|(id, package)| shown(*id, package)).collect()
}

pub(super) fn list(records: &Records, call: &Call) -> Outcome<Json> {
    let rules = Rules {
        filters: FILTERS,
        sorts: &["id", "packageName", "fileName"],
        sort: "id:asc",
        most: records.most,
    };
    list::page(call, &rules, all(records))
}

pub(super) fn get(records: &Records, id: &str) -> Outcome<Json> {
    let id = number(id)?;
    let package = records.packages.get(&id).ok_or_else(Refused::absent)?;
    Ok(shown(id, package))
}

pub(super) fn create(records: &mut Records, call: &Call) -> Outcome<Reply> {
    let package = told(records, call, None)?;
    let id = records.next();
    records.packages.insert(id, package);
    Ok(href(call, id))
}

/// What is not told is not kept, but for what the server knows of the file.
pub(super) fn replace(records: &mut Records, call: &Call, id: &str) -> Outcome<Reply> {
    let id = number(id)?;
    let before = records.packages.get(&id).cloned().ok_or_else(Refused::absent)?;
    let mut package = told(records, call, Some(id))?;
    for name in KNOWN {
        lay(&mut package, &json!({*name: before.get(*name)}));
    }
    let reply = Reply::json(200, &shown(id, &package));
    records.packages.insert(id, package);
    Ok(reply)
}

/// What the server knows of the file, whatever it is told.
const KNOWN: &[&str] = &["hashType", "hashValue", "sha3512", "size", "cloudTransferStatus"];

fn told(records: &Records, call: &Call, id: Option<u64>) -> Outcome<Json> {
    let mut package = body(call)?;
    if let Some(missing) =
        REQUIRED.iter().find(|name| package.get(**name).is_none_or(Json::is_null))
    {
        return Err(Refused::bad(format!("{missing} is required")));
    }
    if !package.get("priority").and_then(Json::as_u64).is_some_and(|p| (1..=20).contains(&p)) {
        return Err(Refused::bad("priority is 1 to 20"));
    }
    let name = text(&package, "packageName").to_lowercase();
    let others = records.packages.iter().filter(|(other, _)| Some(**other) != id);
    if others.into_iter().any(|(_, other)| text(other, "packageName").to_lowercase() == name) {
        return Err(Refused::duplicate("packageName"));
    }
    if let Json::Object(members) = &mut package {
        members.retain(|name, _| name != "id" && !KNOWN.contains(&name.as_str()));
    }
    lay(&mut package, &json!({"cloudTransferStatus": "CHECKING"}));
    Ok(package)
}

/// One part, named `file`.
pub(super) fn upload(records: &mut Records, call: &Call, id: &str) -> Outcome<Reply> {
    let number = number(id)?;
    let package = records.packages.get_mut(&number).ok_or_else(Refused::absent)?;
    let file = part(call).ok_or_else(|| Refused::bad("there is no part named file"))?;
    let hash: String = Sha3_512::digest(file).iter().map(|byte| format!("{byte:02x}")).collect();
    // The hash shows when it was looked at once more.
    lay(package, &json!({"size": file.len().to_string(), "pending": hash}));
    Ok(href(call, number))
}

/// Looking at a package is when the server is done with its file.
pub(super) fn settle(records: &mut Records, id: &str) {
    let package = id.parse().ok().and_then(|id: u64| records.packages.get_mut(&id));
    let Some(Json::Object(package)) = package else { return };
    let Some(hash) = package.remove("pending") else { return };
    if package.contains_key("seen") {
        package.remove("seen");
        for (name, value) in [
            ("hashType", json!("SHA3_512")),
            ("hashValue", hash.clone()),
            ("sha3512", hash),
            ("cloudTransferStatus", json!("READY")),
        ] {
            package.insert(name.into(), value);
        }
    } else {
        package.insert("pending".into(), hash);
        package.insert("seen".into(), json!(true));
    }
}

/// The bytes of the part named `file` (RFC 7578).
fn part(call: &Call) -> Option<&[u8]> {
    let kind = call.header("content-type")?;
    let boundary = kind.split_once("boundary=")?.1.trim_matches('"');
    let body = call.body.as_slice();
    let head_end = find(body, b"\r\n\r\n")?;
    let head = std::str::from_utf8(body.get(..head_end)?).ok()?;
    let named = head.contains("name=\"file\"") && head.contains("filename=\"");
    let rest = body.get(head_end + 4..).filter(|_| named)?;
    rest.get(..find(rest, format!("\r\n--{boundary}").as_bytes())?)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

pub(super) fn remove(records: &mut Records, id: &str) -> Outcome<Reply> {
    let removed = records.packages.remove(&number(id)?);
    removed.map(|_| Reply::new(204)).ok_or_else(Refused::absent)
}

pub(super) fn href(call: &Call, id: u64) -> Reply {
    let path = call.path.trim_end_matches("/upload").trim_end_matches(&format!("/{id}"));
    let href = format!("{}{path}/{id}", call.origin);
    Reply::json(201, &json!({"id": id.to_string(), "href": href}))
}

fn shown(id: u64, package: &Json) -> Json {
    let mut shown = json!({"id": id.to_string(), "packageName": "", "fileName": "",
        "categoryId": "-1", "info": null, "notes": null, "priority": 10, "osRequirements": null,
        "fillUserTemplate": false, "indexed": false, "fillExistingUsers": false, "swu": false,
        "rebootRequired": false, "selfHealNotify": false, "selfHealingAction": null,
        "osInstall": false, "serialNumber": null, "parentPackageId": "-1", "basePath": null,
        "suppressUpdates": false, "cloudTransferStatus": "CHECKING", "ignoreConflicts": false,
        "suppressFromDock": false, "suppressEula": false, "suppressRegistration": false,
        "installLanguage": null, "md5": null, "sha256": null, "sha3512": null, "hashType": null,
        "hashValue": null, "size": null, "osInstallerVersion": null, "manifest": null,
        "manifestFileName": null, "format": null});
    lay(&mut shown, package);
    if let Json::Object(members) = &mut shown {
        members.retain(|name, _| !["pending", "seen"].contains(&name.as_str()));
    }
    shown
}
