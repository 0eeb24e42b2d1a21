//! The Classic API: lists of names, items one by one, XML in, XML or JSON out.

use serde_json::json;

use super::packages::all as packages;
use super::records::{Fixed, Records};
use super::xml::Element;
use super::{Outcome, Refused, computers, groups, policies, text};
use crate::http::{Call, Reply};

pub(super) fn answer(records: &mut Records, call: &Call, rest: &[&str]) -> Outcome<Reply> {
    match (call.method.as_str(), rest) {
        ("GET", [kind]) => Ok(said(call, 200, &list(records, kind)?)),
        ("GET", ["computers", "subset", "basic"]) => {
            Ok(said(call, 200, &list(records, "computers")?))
        }
        ("GET", [kind, by, what]) => {
            let id = find(records, kind, by, what)?;
            Ok(said(call, 200, &item(records, kind, id)?))
        }
        ("POST", [kind, "id", _]) => {
            let told = body(call, kind)?;
            let id = create(records, kind, &told)?;
            Ok(xml(201, &Element::node(one(kind), [Element::leaf("id", id)])))
        }
        ("PUT", [kind, by, what]) => {
            let id = find(records, kind, by, what)?;
            let told = body(call, kind)?;
            change(records, kind, id, &told)?;
            Ok(xml(201, &Element::node(one(kind), [Element::leaf("id", id)])))
        }
        ("DELETE", [kind, by, what]) => {
            let id = find(records, kind, by, what)?;
            remove(records, kind, id)?;
            Ok(xml(200, &Element::node(one(kind), [Element::leaf("id", id)])))
        }
        _ => Err(absent()),
    }
}

/// XML, or JSON where that is asked for.
fn said(call: &Call, status: u16, element: &Element) -> Reply {
    let wants = call.header("accept").unwrap_or_default();
    match wants.contains("json") {
        true => Reply::json(status, &json!({&element.name: listed(element)})),
        false => xml(status, element),
    }
}

/// A list of the top has no name for its entries in JSON.
fn listed(element: &Element) -> serde_json::Value {
    match element.child("size") {
        Some(_) => {
            let items = element.children.iter().filter(|child| child.name != "size");
            items.map(Element::json).collect()
        }
        None => element.json(),
    }
}

fn xml(status: u16, element: &Element) -> Reply {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{element}");
    Reply::new(status).header("content-type", "text/xml;charset=UTF-8").with_body(body)
}

/// Writes are XML only.
fn body(call: &Call, kind: &str) -> Outcome<Element> {
    let told = Element::parse(&call.body).filter(|told| told.name == one(kind));
    told.ok_or_else(|| Refused::classic(400, "Problem with the XML of the request"))
}

/// What one of a kind is called.
fn one(kind: &str) -> &'static str {
    match kind {
        "policies" => "policy",
        "computergroups" => "computer_group",
        "computers" => "computer",
        _ => "package",
    }
}

fn named(records: &Records, kind: &str) -> Outcome<Vec<(u64, String)>> {
    Ok(match kind {
        "policies" => {
            let all = records.policies.iter();
            all.map(|(id, policy)| (*id, policy.text_at(&["general", "name"]).to_owned())).collect()
        }
        "computergroups" => {
            let smart =
                records.smart.iter().map(|(id, group)| (*id, text(group, "name").to_owned()));
            smart.chain(records.fixed.iter().map(|(id, group)| (*id, group.name.clone()))).collect()
        }
        "computers" => {
            let all = records.computers.iter();
            let name = |id: u64| computers::shown(records, id, 4, &["GENERAL"]);
            let told =
                |id| name(id).pointer("/general/name").map(|name| name.as_str().map(str::to_owned));
            all.map(|id| (*id, told(*id).flatten().unwrap_or_default())).collect()
        }
        "packages" => {
            let all = packages(records).into_iter();
            let id = |package: &serde_json::Value| text(package, "id").parse().unwrap_or(0);
            all.map(|package| (id(&package), text(&package, "packageName").to_owned())).collect()
        }
        _ => return Err(absent()),
    })
}

fn list(records: &Records, kind: &str) -> Outcome<Element> {
    let entries = named(records, kind)?.into_iter().map(|(id, name)| {
        let smart = records.smart.contains_key(&id);
        let smart = (kind == "computergroups").then(|| Element::leaf("is_smart", smart));
        let parts = [Element::leaf("id", id), Element::leaf("name", name)].into_iter().chain(smart);
        Element::node(one(kind), parts)
    });
    let name = if kind == "computergroups" { "computer_groups" } else { kind };
    Ok(Element::list(name, entries))
}

fn find(records: &Records, kind: &str, by: &str, what: &str) -> Outcome<u64> {
    let all = named(records, kind)?;
    let found = match (kind, by) {
        (_, "id") => all.into_iter().find(|(id, _)| id.to_string() == what).map(|(id, _)| id),
        (_, "name") => all.into_iter().find(|(_, name)| name == what).map(|(id, _)| id),
        ("computers", "serialnumber") => records.computer_of_serial(what),
        ("computers", "udid") => {
            records.computers.iter().copied().find(|id| computers::udid(*id) == what)
        }
        _ => None,
    };
    found.ok_or_else(absent)
}

fn item(records: &Records, kind: &str, id: u64) -> Outcome<Element> {
    match kind {
        "policies" => {
            let policy = records.policies.get(&id).ok_or_else(absent)?;
            Ok(policies::shown(id, policy))
        }
        "computergroups" => group(records, id),
        "computers" => {
            let device = records.device(id);
            let general = [
                Element::leaf("id", id),
                Element::leaf("name", format!("MACOS-{:05}", id / 2)),
                Element::leaf("serial_number", device.serial),
                Element::leaf("udid", computers::udid(id)),
            ];
            Ok(Element::node("computer", [Element::node("general", general)]))
        }
        _ => {
            let package =
                packages(records).into_iter().find(|one| text(one, "id") == id.to_string());
            let package = package.ok_or_else(absent)?;
            let parts = [
                Element::leaf("id", id),
                Element::leaf("name", text(&package, "packageName")),
                Element::leaf("filename", text(&package, "fileName")),
            ];
            Ok(Element::node("package", parts))
        }
    }
}

fn group(records: &Records, id: u64) -> Outcome<Element> {
    let all = named(records, "computergroups")?;
    let (_, name) = all.into_iter().find(|(known, _)| *known == id).ok_or_else(absent)?;
    let member = |id: u64| {
        Element::node(
            "computer",
            [
                Element::leaf("id", id),
                Element::leaf("name", format!("MACOS-{:05}", id / 2)),
                Element::leaf("serial_number", records.device(id).serial),
            ],
        )
    };
    let members = groups::members(records, id).into_iter().map(member);
    Ok(Element::node(
        "computer_group",
        [
            Element::leaf("id", id),
            Element::leaf("name", name),
            Element::leaf("is_smart", records.smart.contains_key(&id)),
            Element::node("site", [Element::leaf("id", "-1"), Element::leaf("name", "None")]),
            Element::list("computers", members),
        ],
    ))
}

fn create(records: &mut Records, kind: &str, told: &Element) -> Outcome<u64> {
    match kind {
        "policies" => {
            let name = told.text_at(&["general", "name"]);
            if name.is_empty() {
                return Err(Refused::classic(409, "Name is required"));
            }
            unlike(records, name, None)?;
            let mut policy = policies::blank();
            policy.lay(told);
            let policy = policies::completed(records, policy)?;
            let id = records.next();
            records.policies.insert(id, policy);
            Ok(id)
        }
        "computergroups" if told.text_at(&["is_smart"]) != "true" => {
            let name = told.text_at(&["name"]).to_owned();
            groups::unlike(records, &name, None)
                .map_err(|_| Refused::classic(409, "Duplicate name"))?;
            let id = records.next();
            let group = Fixed { name, description: String::new(), members: Default::default() };
            records.fixed.insert(id, group);
            change(records, kind, id, told)?;
            Ok(id)
        }
        _ => Err(absent()),
    }
}

fn change(records: &mut Records, kind: &str, id: u64, told: &Element) -> Outcome<()> {
    match kind {
        "policies" => {
            let mut policy = records.policies.get(&id).cloned().ok_or_else(absent)?;
            policy.lay(told);
            unlike(records, policy.text_at(&["general", "name"]), Some(id))?;
            let policy = policies::completed(records, policy)?;
            records.policies.insert(id, policy);
            Ok(())
        }
        "computergroups" => change_group(records, id, told),
        _ => Err(absent()),
    }
}

/// What is told replaces the members; additions and deletions change them one by one.
fn change_group(records: &mut Records, id: u64, told: &Element) -> Outcome<()> {
    let ids = |name: &str| -> Outcome<Option<Vec<u64>>> {
        let Some(list) = told.child(name) else { return Ok(None) };
        let computers = list.children.iter().filter(|child| child.name == "computer");
        let ids = computers.map(|computer| {
            let by_serial = records.computer_of_serial(computer.text_at(&["serial_number"]));
            let id = computer.text_at(&["id"]).parse().ok().or(by_serial);
            let known = id.filter(|id| records.computers.binary_search(id).is_ok());
            known.ok_or_else(|| Refused::classic(409, "Unable to match computer"))
        });
        ids.collect::<Outcome<Vec<u64>>>().map(Some)
    };
    let (all, added, taken) =
        (ids("computers")?, ids("computer_additions")?, ids("computer_deletions")?);
    let group = records.fixed.get_mut(&id);
    let group = group.ok_or_else(|| Refused::classic(409, "The group is a smart one"))?;
    if let Some(all) = all {
        group.members = all.into_iter().collect();
    }
    group.members.extend(added.into_iter().flatten());
    for id in taken.into_iter().flatten() {
        group.members.remove(&id);
    }
    Ok(())
}

fn remove(records: &mut Records, kind: &str, id: u64) -> Outcome<()> {
    let removed = match kind {
        "policies" => records.policies.remove(&id).is_some(),
        "computergroups" => {
            records.fixed.remove(&id).is_some() || records.smart.remove(&id).is_some()
        }
        _ => records.packages.remove(&id).is_some(),
    };
    if removed { Ok(()) } else { Err(absent()) }
}

fn unlike(records: &Records, name: &str, id: Option<u64>) -> Outcome<()> {
    let others = records.policies.iter().filter(|(other, _)| Some(**other) != id);
    let taken =
        |other: &Element| other.text_at(&["general", "name"]).to_lowercase() == name.to_lowercase();
    match others.into_iter().any(|(_, other)| taken(other)) {
        true => Err(Refused::classic(409, "Duplicate name")),
        false => Ok(()),
    }
}

fn absent() -> Refused {
    Refused::classic(404, "Not Found")
}
