//! Groups: made, made if missing, changed, deleted.

use serde_json::{Value as Json, json};

use super::super::refused::{Outcome, Refused, body};
use super::audits::Deed;
use super::check::{check, invalid, needs};
use super::directory::{Directory, lists, now, said, text_of};
use super::members::bind;
use super::seed::group;
use super::table::{Kind, Life, Members};
use crate::http::{Call, Reply};

const NEEDED: &[&str] = &["displayName", "mailEnabled", "mailNickname", "securityEnabled"];

pub(super) fn make(directory: &mut Directory, call: &Call) -> Outcome<Reply> {
    let said = said(&body(call)?)?;
    add(directory, call, said)
}

fn add(directory: &mut Directory, call: &Call, said: Members) -> Outcome<Reply> {
    needs(Kind::Group, &said, NEEDED)?;
    check(Kind::Group, &said)?;
    check_kind(&said)?;
    if by_unique_name(directory, &text_of(&said, "uniqueName")).is_some() {
        let message = "Another object with the same value for property uniqueName already exists.";
        return Err(Refused::request(message).about("ObjectConflict", "uniqueName"));
    }
    let links = Json::Object(said.clone());
    let mut said = without_links(said);
    let moment = directory.next();
    let id = directory.fresh_id();
    said.insert("createdDateTime".into(), json!(now()));
    let group = group(&id, said);
    let set: Vec<(String, Json)> = group.clone().into_iter().collect();
    let (at, lag) = (directory.groups.len(), directory.lag);
    directory.members.insert(at, super::crowd::Crowd::default());
    directory.owners.insert(at, super::crowd::Crowd::default());
    directory.groups.make(group.clone(), moment, lag);
    bind(directory, at, &links)?;
    directory.log(&Deed { name: "Add group", kind: Kind::Group, id: &id, set });
    let mut made = group;
    made.insert(
        "@odata.context".into(),
        json!(format!("{}/v1.0/$metadata#groups/$entity", call.origin)),
    );
    let location = format!("{}/v1.0/groups/{id}", call.origin);
    Ok(Reply::json(201, &Json::Object(made)).header("location", location))
}

fn without_links(said: Members) -> Members {
    said.into_iter().filter(|(name, _)| !name.contains('@')).collect()
}

/// Only some kinds can be made here.
fn check_kind(said: &Members) -> Outcome<()> {
    let flag = |name: &str| said.get(name) == Some(&Json::Bool(true));
    let (unified, dynamic) =
        (lists(said, "groupTypes", "Unified"), lists(said, "groupTypes", "DynamicMembership"));
    match () {
        () if flag("mailEnabled") && !unified => Err(Refused::request(
            "The service does not support creation of mail-enabled groups that are not Unified.",
        )),
        () if !flag("mailEnabled") && !flag("securityEnabled") => {
            Err(invalid(Kind::Group, "securityEnabled"))
        }
        () if dynamic && said.get("membershipRule").is_none_or(Json::is_null) => {
            Err(invalid(Kind::Group, "membershipRule"))
        }
        () => Ok(()),
    }
}

pub(super) fn by_unique_name(directory: &Directory, name: &str) -> Option<usize> {
    let groups = &directory.groups;
    let mut there = (0..groups.len()).filter(|at| groups.life(*at) == Life::There);
    there.find(|at| !name.is_empty() && text_of(&groups.json(*at), "uniqueName") == name)
}

/// `PATCH /groups(uniqueName='x')`: with the right `Prefer` it is made if it is missing.
pub(super) fn upsert(directory: &mut Directory, call: &Call, name: &str) -> Outcome<Reply> {
    let found = by_unique_name(directory, name);
    let prefers = call.header("prefer").is_some_and(|prefer| prefer.contains("create-if-missing"));
    match (found, prefers) {
        (Some(at), _) => change(directory, call, at),
        (None, false) => Err(Refused::missing(name)),
        (None, true) => {
            let mut said = said(&body(call)?)?;
            said.insert("uniqueName".into(), json!(name));
            add(directory, call, said)
        }
    }
}

pub(super) fn change(directory: &mut Directory, call: &Call, at: usize) -> Outcome<Reply> {
    let body = body(call)?;
    let said = said(&body)?;
    check(Kind::Group, &said)?;
    let before = directory.groups.json(at);
    let fixed = ["uniqueName", "isAssignableToRole"].into_iter().find(|name| {
        let (old, new) = (before.get(*name), said.get(*name));
        new.is_some() && old != new && !(*name == "uniqueName" && old == Some(&Json::Null))
    });
    if let Some(name) = fixed {
        return Err(invalid(Kind::Group, name));
    }
    bind(directory, at, &body)?;
    let said = without_links(said);
    if said.is_empty() {
        return Ok(Reply::new(204));
    }
    let set: Vec<(String, Json)> = said.clone().into_iter().collect();
    let (moment, lag) = (directory.next(), directory.lag);
    directory.groups.set(at, said, moment, lag);
    let id = text_of(&before, "id");
    directory.log(&Deed { name: "Update group", kind: Kind::Group, id: &id, set });
    Ok(Reply::new(204))
}

/// Groups of Microsoft 365 can be brought back, others are gone.
pub(super) fn delete(directory: &mut Directory, at: usize) -> Outcome<Reply> {
    let group = directory.groups.json(at);
    let licensed = group.get("assignedLicenses").and_then(Json::as_array);
    if licensed.is_some_and(|licences| !licences.is_empty()) {
        let message = "The group has active licenses assigned; remove them before it is deleted.";
        return Err(Refused::request(message));
    }
    let soft = lists(&group, "groupTypes", "Unified");
    let life = if soft { Life::Deleted } else { Life::Gone };
    let (moment, lag) = (directory.next(), directory.lag);
    directory.groups.move_to(at, life, moment, lag);
    let id = text_of(&group, "id");
    directory.log(&Deed { name: "Delete group", kind: Kind::Group, id: &id, set: Vec::new() });
    Ok(Reply::new(204))
}
