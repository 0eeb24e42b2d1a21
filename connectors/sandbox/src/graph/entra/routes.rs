//! Which call means what.

use serde_json::{Value as Json, json};

use super::super::refused::{Outcome, Refused, body};
use super::directory::{Directory, text_of, typed};
use super::members::{self, Role};
use super::table::Kind;
use super::{audits, deleted, delta, groups, licences, list, users};
use crate::http::{Call, Reply};

/// Answers a call about the directory; `rest` is the path below the version.
pub(in crate::graph) fn answer(
    directory: &mut Directory,
    call: &Call,
    rest: &[&str],
) -> Outcome<Reply> {
    if call.method == "GET" {
        directory.tick();
    } else if directory.meetings > 0 {
        directory.meetings -= 1;
        let message = "The request could not be carried out: a concurrent change was in progress.";
        return Err(Refused::new(409, "Directory_ConcurrencyViolation", message));
    }
    match (call.method.as_str(), rest) {
        ("GET", [kind, word]) if is_delta(word) && Kind::named(kind).is_some() => {
            ok(delta::page(directory, call, Kind::named(kind).unwrap_or(Kind::User)))
        }
        ("GET", [list @ ("users" | "groups" | "devices"), rest @ ..]) => {
            read(directory, call, Kind::named(list).unwrap_or(Kind::User), rest)
        }
        (_, ["users", rest @ ..]) => user(directory, call, rest),
        (_, ["groups", rest @ ..]) => group(directory, call, rest),
        (_, [upsert]) if upsert.starts_with("groups(uniqueName='") => {
            named(directory, call, upsert)
        }
        (_, ["directory", "deletedItems", rest @ ..]) => bin(directory, call, rest),
        ("GET", ["subscribedSkus"]) => Ok(Reply::json(200, &licences::subscribed(directory, call))),
        ("GET", ["organization"]) => Ok(Reply::json(200, &organisation(call))),
        ("GET", ["auditLogs", "directoryAudits"]) => ok(audits::list(directory, call)),
        ("GET", ["directoryObjects", id]) => {
            let (kind, at) = directory.find(id).ok_or_else(|| Refused::missing(id))?;
            Ok(Reply::json(200, &typed(kind, list::shown(directory, call, kind, at))))
        }
        ("POST", ["directoryObjects", "getByIds"]) => by_ids(directory, call),
        _ => Err(unrouted(rest)),
    }
}

/// Calls name the function in three ways.
fn is_delta(word: &str) -> bool {
    matches!(word.trim_end_matches("()"), "delta" | "microsoft.graph.delta")
}

fn read(directory: &Directory, call: &Call, kind: Kind, rest: &[&str]) -> Outcome<Reply> {
    match rest {
        [] => ok(list::all(directory, call, kind)),
        ["$count"] => {
            let table = directory.table(kind);
            list::count(call, (0..table.len()).filter(|at| table.is_seen(*at)).count())
        }
        [name, rest @ ..] => {
            let at = directory.place(kind, name)?;
            match (kind, rest) {
                (_, []) => Ok(list::one(directory, call, kind, at)),
                (Kind::Group, rest) => read_group(directory, call, at, rest)
                    .unwrap_or_else(|| read_any(directory, call, (kind, at), rest)),
                _ => read_any(directory, call, (kind, at), rest),
            }
        }
    }
}

/// `None` where it is nothing that only groups have.
fn read_group(
    directory: &Directory,
    call: &Call,
    at: usize,
    rest: &[&str],
) -> Option<Outcome<Reply>> {
    let nested = || members::nested(directory, at);
    let mixed = "directoryObjects";
    Some(match rest {
        [role @ ("members" | "owners")] => {
            ok(members::list(directory, call, (Role::named(role)?, at), None))
        }
        [role @ ("members" | "owners"), "$count"] => {
            let crowd = match Role::named(role)? {
                Role::Member => directory.members.get(&at),
                Role::Owner => directory.owners.get(&at),
            };
            list::count(call, crowd.map_or(0, |crowd| directory.present(crowd).len()))
        }
        [role @ ("members" | "owners"), cast] => {
            ok(members::list(directory, call, (Role::named(role)?, at), Some(cast)))
        }
        ["transitiveMembers"] => ok(list::some(directory, call, mixed, nested(), None)),
        ["transitiveMembers", "$count"] => list::count(call, nested().len()),
        ["transitiveMembers", cast] => ok(members::kind(Some(cast))
            .and_then(|kind| list::some(directory, call, mixed, nested(), kind))),
        ["membersWithLicenseErrors"] => Ok(Reply::json(200, &json!({"value": []}))),
        _ => return None,
    })
}

fn read_any(
    directory: &Directory,
    call: &Call,
    (kind, at): (Kind, usize),
    rest: &[&str],
) -> Outcome<Reply> {
    let id = text_of(&directory.table(kind).json(at), "id");
    let up = |nested: bool| {
        let groups = members::groups_of(directory, &id, nested).into_iter();
        let groups = groups.map(|at| (Kind::Group, at)).collect();
        list::some(directory, call, "directoryObjects", groups, None)
    };
    match rest {
        ["memberOf"] => ok(up(false)),
        ["transitiveMemberOf"] => ok(up(true)),
        ["licenseDetails"] if kind == Kind::User => {
            Ok(Reply::json(200, &licences::details(directory, call, at)))
        }
        _ => Err(unrouted(rest)),
    }
}

fn user(directory: &mut Directory, call: &Call, rest: &[&str]) -> Outcome<Reply> {
    let Some((name, rest)) = rest.split_first() else { return users::make(directory, call) };
    let at = directory.place(Kind::User, name)?;
    let id = text_of(&directory.users.json(at), "id");
    match (call.method.as_str(), rest) {
        ("PATCH", []) => users::change(directory, call, at),
        ("DELETE", []) => users::delete(directory, at),
        ("POST", ["assignLicense"]) => licences::assign(directory, call, at),
        ("POST", ["getMemberGroups"]) => ok(members::member_groups(directory, call, &id, false)),
        ("POST", ["checkMemberGroups"]) => ok(members::member_groups(directory, call, &id, true)),
        ("POST", ["revokeSignInSessions"]) => Ok(Reply::json(200, &json!({"value": true}))),
        _ => Err(unrouted(rest)),
    }
}

fn group(directory: &mut Directory, call: &Call, rest: &[&str]) -> Outcome<Reply> {
    let Some((name, rest)) = rest.split_first() else { return groups::make(directory, call) };
    let at = directory.place(Kind::Group, name)?;
    match (call.method.as_str(), rest) {
        ("PATCH", []) => groups::change(directory, call, at),
        ("DELETE", []) => groups::delete(directory, at),
        ("POST", ["assignLicense"]) => licences::assign_to_group(directory, call, at),
        ("POST", [list, "$ref"]) => members::add(directory, call, role(list)?, at),
        ("DELETE", [list, id, "$ref"]) => members::remove(directory, role(list)?, at, id),
        ("DELETE", [list, "$ref"]) => {
            let id = call.parameter("@id").map(super::directory::last_of).unwrap_or_default();
            members::remove(directory, role(list)?, at, &id)
        }
        // Without `$ref` this is the object itself, wherever it was found.
        ("DELETE", ["members" | "owners", id]) => remove_object(directory, id),
        _ => Err(unrouted(rest)),
    }
}

fn remove_object(directory: &mut Directory, id: &str) -> Outcome<Reply> {
    match directory.find(id) {
        Some((Kind::User, at)) => users::delete(directory, at),
        Some((Kind::Group, at)) => groups::delete(directory, at),
        _ => Err(Refused::missing(id)),
    }
}

fn role(list: &str) -> Outcome<Role> {
    Role::named(list).ok_or_else(|| unrouted(&[list]))
}

/// `groups(uniqueName='x')`.
fn named(directory: &mut Directory, call: &Call, path: &str) -> Outcome<Reply> {
    let name = path.trim_start_matches("groups(uniqueName='").trim_end_matches("')");
    let name = name.replace("''", "'");
    if call.method == "PATCH" {
        return groups::upsert(directory, call, &name);
    }
    let at = groups::by_unique_name(directory, &name);
    let at =
        at.filter(|at| directory.groups.is_seen(*at)).ok_or_else(|| Refused::missing(&name))?;
    match call.method.as_str() {
        "GET" => Ok(list::one(directory, call, Kind::Group, at)),
        "DELETE" => groups::delete(directory, at),
        _ => Err(unrouted(&[path])),
    }
}

fn bin(directory: &mut Directory, call: &Call, rest: &[&str]) -> Outcome<Reply> {
    match (call.method.as_str(), rest) {
        ("GET", [cast]) if Kind::named(cast).is_some() => ok(deleted::all(directory, call, cast)),
        ("GET", [id]) => deleted::get(directory, id),
        ("POST", [id, "restore"]) => deleted::restore(directory, call, id),
        ("DELETE", [id]) => deleted::purge(directory, id),
        _ => Err(unrouted(rest)),
    }
}

fn by_ids(directory: &Directory, call: &Call) -> Outcome<Reply> {
    let body = body(call)?;
    let ids = body.get("ids").and_then(Json::as_array).cloned().unwrap_or_default();
    if ids.len() > 1000 {
        return Err(Refused::request("ids takes at most 1000 identifiers."));
    }
    let found = ids.iter().filter_map(|id| directory.find(id.as_str()?));
    let found = found.map(|(kind, at)| typed(kind, list::shown(directory, call, kind, at)));
    Ok(Reply::json(200, &json!({"value": found.collect::<Vec<_>>()})))
}

fn organisation(call: &Call) -> Json {
    let domain = json!({"name": super::seed::DOMAIN, "isDefault": true, "isInitial": true,
        "type": "Managed", "capabilities": "Email"});
    json!({"@odata.context": format!("{}/v1.0/$metadata#organization", call.origin),
        "value": [{"id": super::super::Graph::TENANT, "displayName": "Example",
            "tenantType": "AAD", "verifiedDomains": [domain]}]})
}

fn ok(body: Outcome<Json>) -> Outcome<Reply> {
    Ok(Reply::json(200, &body?))
}

fn unrouted(rest: &[&str]) -> Refused {
    let message = format!("Resource not found for the segment '{}'.", rest.join("/"));
    Refused::request(message)
}
