//! Groups of computers: by criteria, and by hand.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::computers::shown;
use super::list::{self, Rules};
use super::packages::href;
use super::records::{Fixed, Records};
use super::rsql::value_at;
use super::{Outcome, Refused, body, number, text};
use crate::http::{Call, Reply};

const RULES: Rules = Rules {
    filters: &["id", "name", "siteId"],
    sorts: &["id", "name"],
    sort: "id:asc",
    most: super::Jamf::PAGE,
};
/// Criteria, and where their values stand.
const CRITERIA: &[(&str, &str)] = &[
    ("Computer Name", "general.name"),
    ("Operating System Version", "operatingSystem.version"),
    ("Model", "hardware.model"),
    ("Serial Number", "hardware.serialNumber"),
];

pub(super) fn list(records: &Records, call: &Call, smart: bool) -> Outcome<Json> {
    let rules = Rules { most: records.most, ..RULES };
    list::page(call, &rules, if smart { all_smart(records) } else { all_fixed(records) })
}

pub(super) fn all_smart(records: &Records) -> Vec<Json> {
    let all = records.smart.iter();
    all.map(|(id, group)| {
        json!({"id": id.to_string(), "name": text(group, "name"),
            "description": text(group, "description"), "siteId": "-1",
            "membershipCount": members(records, *id).len()})
    })
    .collect()
}

pub(super) fn all_fixed(records: &Records) -> Vec<Json> {
    let all = records.fixed.iter();
    all.map(|(id, group)| {
        json!({"id": id.to_string(), "name": group.name, "description": group.description,
            "siteId": "-1", "count": group.members.len()})
    })
    .collect()
}

/// Both kinds in one list, without pages.
pub(super) fn both(records: &Records) -> Json {
    let named = |smart: bool| {
        move |group: &Json| {
            json!({"id": text(group, "id"), "name": text(group, "name"),
                "description": text(group, "description"), "smartGroup": smart})
        }
    };
    let smart: Vec<Json> = all_smart(records).iter().map(named(true)).collect();
    smart.into_iter().chain(all_fixed(records).iter().map(named(false))).collect()
}

pub(super) fn get(records: &Records, id: &str, smart: bool) -> Outcome<Json> {
    let id = number(id)?;
    match smart {
        true => records.smart.get(&id).cloned().ok_or_else(Refused::absent),
        false => {
            let group = records.fixed.get(&id).ok_or_else(Refused::absent)?;
            // Without its members.
            Ok(json!({"id": id.to_string(), "name": group.name, "siteId": "-1",
                "description": group.description}))
        }
    }
}

pub(super) fn create(records: &mut Records, call: &Call, smart: bool) -> Outcome<Reply> {
    let told = body(call)?;
    unlike(records, text(&told, "name"), None)?;
    match smart {
        true => check(&told)?,
        // As it was reported of the third version.
        false if told.get("assignments").and_then(Json::as_array).is_none_or(Vec::is_empty) => {
            return Err(Refused::pro(500, "INTERNAL_SERVER_ERROR", "The group cannot be made"));
        }
        false => {}
    }
    let id = records.next();
    put(records, id, &told, smart)?;
    Ok(href(call, id))
}

/// 202, with everything replaced, the members too.
pub(super) fn replace(records: &mut Records, call: &Call, id: &str, smart: bool) -> Outcome<Reply> {
    let id = number(id)?;
    let there =
        if smart { records.smart.contains_key(&id) } else { records.fixed.contains_key(&id) };
    if !there {
        return Err(Refused::absent());
    }
    let told = body(call)?;
    unlike(records, text(&told, "name"), Some(id))?;
    if smart {
        check(&told)?;
    }
    put(records, id, &told, smart)?;
    let shown = get(records, &id.to_string(), smart)?;
    Ok(Reply::json(202, &shown))
}

pub(super) fn remove(records: &mut Records, id: &str, smart: bool) -> Outcome<Reply> {
    let id = number(id)?;
    let removed = match smart {
        true => records.smart.remove(&id).is_some(),
        false => records.fixed.remove(&id).is_some(),
    };
    if removed { Ok(Reply::new(204)) } else { Err(Refused::absent()) }
}

fn put(records: &mut Records, id: u64, told: &Json, smart: bool) -> Outcome<()> {
    if smart {
        let group = json!({"name": text(told, "name"), "description": text(told, "description"),
            "criteria": told.get("criteria").cloned().unwrap_or(json!([])), "siteId": "-1"});
        records.smart.insert(id, group);
        return Ok(());
    }
    let ids = told.get("assignments").and_then(Json::as_array).into_iter().flatten();
    let members = ids.map(|id| id.as_str().and_then(|id| id.parse().ok()));
    let members: Option<BTreeSet<u64>> = members.collect();
    let members = members.ok_or_else(|| Refused::bad("assignments are ids, as text"))?;
    if let Some(odd) = members.iter().find(|id| records.computers.binary_search(id).is_err()) {
        return Err(Refused::bad(format!("there is no computer {odd}")));
    }
    let (name, description) = (text(told, "name").into(), text(told, "description").into());
    records.fixed.insert(id, Fixed { name, description, members });
    Ok(())
}

/// A name is unlike all others of both kinds.
pub(super) fn unlike(records: &Records, name: &str, id: Option<u64>) -> Outcome<()> {
    let smart = records.smart.iter().map(|(id, group)| (*id, text(group, "name")));
    let fixed = records.fixed.iter().map(|(id, group)| (*id, group.name.as_str()));
    let taken = |(other, known): (u64, &str)| {
        Some(other) != id && known.to_lowercase() == name.to_lowercase()
    };
    match (name.is_empty(), smart.chain(fixed).any(taken)) {
        (true, _) => Err(Refused::bad("name is required")),
        (_, true) => Err(Refused::duplicate("name")),
        _ => Ok(()),
    }
}

fn check(group: &Json) -> Outcome<()> {
    let criteria = group.get("criteria").and_then(Json::as_array).into_iter().flatten();
    for criterion in criteria {
        let known = CRITERIA.iter().any(|(name, _)| *name == text(criterion, "name"));
        let how = ["is", "is not", "like", "not like"].contains(&text(criterion, "searchType"));
        if !known || !how || !["and", "or"].contains(&text(criterion, "andOr")) {
            return Err(Refused::pro(422, "INVALID_CRITERIA", "The criteria do not validate"));
        }
    }
    Ok(())
}

/// Who is in a group, by identifier.
pub(super) fn members(records: &Records, id: u64) -> Vec<u64> {
    match (records.fixed.get(&id), records.smart.get(&id)) {
        (Some(group), _) => group.members.iter().copied().collect(),
        (_, Some(group)) => {
            let all = records.computers.iter().copied();
            all.filter(|computer| is_in(records, group, *computer)).collect()
        }
        _ => Vec::new(),
    }
}

/// Brackets are kept and not heeded.
fn is_in(records: &Records, group: &Json, computer: u64) -> bool {
    let sections = ["GENERAL", "HARDWARE", "OPERATING_SYSTEM"];
    let computer = shown(records, computer, 4, &sections);
    let criteria = group.get("criteria").and_then(Json::as_array).into_iter().flatten();
    criteria.fold(true, |so_far, criterion| {
        let path = CRITERIA.iter().find(|(name, _)| *name == text(criterion, "name"));
        let found = path.and_then(|(_, path)| value_at(&computer, path)).unwrap_or_default();
        let value = text(criterion, "value");
        let holds = match text(criterion, "searchType") {
            "is" => found == value,
            "is not" => found != value,
            "like" => found.contains(value),
            _ => !found.contains(value),
        };
        match text(criterion, "andOr") {
            "or" => so_far || holds,
            _ => so_far && holds,
        }
    })
}

/// The memberships of a computer, as its inventory has them.
pub(super) fn of(records: &Records, computer: u64) -> Json {
    let one = |id: &u64, name: &str, smart: bool| {
        json!({"groupId": id.to_string(), "groupName": name, "groupDescription": "",
            "smartGroup": smart})
    };
    let smart = records.smart.iter().filter(|(_, group)| is_in(records, group, computer));
    let smart = smart.map(|(id, group)| one(id, text(group, "name"), true));
    let fixed = records.fixed.iter().filter(|(_, group)| group.members.contains(&computer));
    smart.chain(fixed.map(|(id, group)| one(id, &group.name, false))).collect()
}
