//! Which call means what.

use serde_json::{Value as Json, json};

use super::prestages::How;
use super::records::Records;
use super::{
    Outcome, Refused, classic, commands, computers, groups, mobile, packages, policies, prestages,
};
use crate::http::{Call, Reply};

pub(super) fn answer(records: &mut Records, call: &Call) -> Outcome<Reply> {
    let parts = call.parts();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["JSSResource", rest @ ..] => classic::answer(records, call, rest),
        ["api", version, rest @ ..] => {
            let version = version.strip_prefix('v').and_then(|version| version.parse().ok());
            pro(records, call, version.ok_or_else(Refused::absent)?, rest)
        }
        _ => Err(Refused::absent()),
    }
}

fn pro(records: &mut Records, call: &Call, version: u8, rest: &[&str]) -> Outcome<Reply> {
    match rest {
        ["computers-inventory" | "computers-inventory-detail", ..] => {
            inventory(records, call, version, rest)
        }
        ["mobile-devices", rest @ ..] if version == 2 => mobiles(records, call, rest),
        ["packages", rest @ ..] if version == 1 => package(records, call, rest),
        ["computer-groups", rest @ ..] => group(records, call, version, rest),
        ["computer-prestages", rest @ ..] => prestage(records, call, version, rest),
        ["mdm", "commands"] if version == 2 => match call.method.as_str() {
            "GET" => ok(commands::list(records, call)),
            _ => commands::send(records, call),
        },
        ["jamf-pro-version"] => ok(Ok(json!({"version": "11.30.1-t1784555528405"}))),
        ["auth"] => ok(Ok(
            json!({"account": {"id": "1", "username": "sandbox", "accessLevel": "FullAccess",
            "privilegeSet": "CUSTOM", "privilegesBySite": {}, "groupIds": [], "currentSiteId": "-1"},
            "accountGroups": [], "sites": [], "authenticationType": "NATIVE_APP_API_INTEGRATION"}),
        )),
        _ => Err(Refused::absent()),
    }
}

fn inventory(records: &mut Records, call: &Call, version: u8, rest: &[&str]) -> Outcome<Reply> {
    if version > records.version {
        return Err(Refused::absent());
    }
    match (call.method.as_str(), rest) {
        ("GET", ["computers-inventory"]) => ok(computers::list(records, call, version)),
        ("GET", ["computers-inventory", id]) => ok(computers::get(records, call, version, id)),
        ("DELETE", ["computers-inventory", id]) => computers::remove(records, id),
        ("POST", ["computers-inventory", id, what @ ("erase" | "remove-mdm-profile")]) => {
            commands::on_computer(records, call, id, what)
        }
        ("GET", ["computers-inventory-detail", id]) => ok(computers::detail(records, version, id)),
        ("PATCH", ["computers-inventory-detail", id]) => {
            let reply = computers::change(records, call, id)?;
            // The first version answered with the computer.
            match version {
                1 => ok(computers::detail(records, version, id)),
                _ => Ok(reply),
            }
        }
        _ => Err(Refused::absent()),
    }
}

fn mobiles(records: &mut Records, call: &Call, rest: &[&str]) -> Outcome<Reply> {
    match (call.method.as_str(), rest) {
        ("GET", []) => ok(mobile::list(records, call)),
        ("GET", ["detail"]) => ok(mobile::details(records, call)),
        ("GET", [id]) => ok(mobile::get(records, id, false)),
        ("GET", [id, "detail"]) => ok(mobile::get(records, id, true)),
        ("PATCH", [id]) => mobile::change(records, call, id),
        ("POST", [id, what @ ("erase" | "unmanage")]) => commands::on_mobile(records, id, what),
        _ => Err(Refused::absent()),
    }
}

fn package(records: &mut Records, call: &Call, rest: &[&str]) -> Outcome<Reply> {
    match (call.method.as_str(), rest) {
        ("GET", []) => ok(packages::list(records, call)),
        ("POST", []) => packages::create(records, call),
        ("GET", [id]) => {
            packages::settle(records, id);
            ok(packages::get(records, id))
        }
        ("PUT", [id]) => packages::replace(records, call, id),
        ("DELETE", [id]) => packages::remove(records, id),
        ("POST", [id, "upload"]) => packages::upload(records, call, id),
        _ => Err(Refused::absent()),
    }
}

fn group(records: &mut Records, call: &Call, version: u8, rest: &[&str]) -> Outcome<Reply> {
    let smart = rest.first() == Some(&"smart-groups");
    match (version, call.method.as_str(), rest) {
        (1, "GET", []) => ok(Ok(groups::both(records))),
        (2 | 3, "GET", ["smart-group-membership", id]) => {
            let id = super::number(id)?;
            let known = records.smart.contains_key(&id);
            let members = || json!({"members": groups::members(records, id)});
            ok(known.then(members).ok_or_else(Refused::absent))
        }
        (3, method, ["smart-groups" | "static-groups", rest @ ..]) => match (method, rest) {
            ("GET", []) => ok(groups::list(records, call, smart)),
            ("POST", []) => groups::create(records, call, smart),
            ("GET", [id]) => ok(groups::get(records, id, smart)),
            ("PUT", [id]) => groups::replace(records, call, id, smart),
            ("DELETE", [id]) => groups::remove(records, id, smart),
            _ => Err(Refused::absent()),
        },
        _ => Err(Refused::absent()),
    }
}

fn prestage(records: &mut Records, call: &Call, version: u8, rest: &[&str]) -> Outcome<Reply> {
    match (version, call.method.as_str(), rest) {
        (3, "GET", []) => ok(prestages::list(records, call)),
        (3, "POST", []) => prestages::create(records, call),
        (3, "GET", [id]) => ok(prestages::get(records, id)),
        (3, "PUT", [id]) => prestages::replace(records, call, id),
        (3, "DELETE", [id]) => prestages::remove(records, id),
        (2, "GET", [id, "scope"]) => ok(prestages::scope_of(records, id)),
        (2, "POST", [id, "scope"]) => ok(prestages::change_scope(records, call, id, How::Add)),
        (2, "PUT", [id, "scope"]) => ok(prestages::change_scope(records, call, id, How::Replace)),
        (2, "POST", [id, "scope", "delete-multiple"]) => {
            ok(prestages::change_scope(records, call, id, How::Remove))
        }
        _ => Err(Refused::absent()),
    }
}

/// Every record of a kind, as it is listed.
pub(super) fn all(records: &Records, kind: &str) -> Vec<Json> {
    let whole = Call::default().at("/x?page-size=2000&sort=id:asc&section=GENERAL&section=HARDWARE\
        &section=OPERATING_SYSTEM&section=USER_AND_LOCATION&section=SECURITY&section=DISK_ENCRYPTION\
        &section=APPLICATIONS&section=GROUP_MEMBERSHIPS&section=EXTENSION_ATTRIBUTES");
    let details = Call::default().at("/x?page-size=2000&sort=mobileDeviceId:asc&section=GENERAL\
        &section=HARDWARE&section=USER_AND_LOCATION&section=SECURITY&exception-handling=LENIENT");
    let mut unbounded = records.clone();
    unbounded.most = usize::MAX;
    let rows = |page: Outcome<Json>| {
        let page = page.ok();
        page.and_then(|page| page.get("results")?.as_array().cloned()).unwrap_or_default()
    };
    match kind {
        "packages" => packages::all(records),
        "smart-groups" => groups::all_smart(records),
        "static-groups" => groups::all_fixed(records),
        "prestages" => prestages::all(records),
        "policies" => policies::rows(records),
        "computers" => rows(computers::list(&unbounded, &whole, records.version)),
        "mobile-devices" => rows(mobile::details(&unbounded, &details)),
        _ => Vec::new(),
    }
}

fn ok(body: Outcome<Json>) -> Outcome<Reply> {
    Ok(Reply::json(200, &body?))
}
