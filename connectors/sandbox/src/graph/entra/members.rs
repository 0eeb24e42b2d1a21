//! Who belongs to a group: read, added and removed one by one.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::super::refused::{Outcome, Refused, body};
use super::audits::Deed;
use super::directory::{Directory, last_of, lists, target_of, text_of};
use super::list;
use super::table::{Kind, guid_of, number_of};
use crate::http::{Call, Reply};

/// The two lists of people that a group has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Member,
    Owner,
}

impl Role {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "members" => Some(Self::Member),
            "owners" => Some(Self::Owner),
            _ => None,
        }
    }

    fn list(self) -> &'static str {
        match self {
            Self::Member => "members",
            Self::Owner => "owners",
        }
    }
}

/// Those of a group, of one kind where a cast says so.
pub(super) fn list(
    directory: &Directory,
    call: &Call,
    (role, group): (Role, usize),
    cast: Option<&str>,
) -> Outcome<Json> {
    let crowd = crowd(directory, role, group);
    let present = crowd.map(|crowd| directory.present(crowd)).unwrap_or_default();
    let found = present.into_iter().map(|(_, kind, at)| (kind, at)).collect();
    list::some(directory, call, "directoryObjects", found, kind(cast)?)
}

/// A cast names a kind that there is.
pub(super) fn kind(cast: Option<&str>) -> Outcome<Option<Kind>> {
    let known = cast.map(|cast| {
        Kind::named(cast)
            .ok_or_else(|| Refused::request(format!("The cast '{cast}' is not known.")))
    });
    known.transpose()
}

/// Everybody in a group and in the groups in it, and those groups.
pub(super) fn nested(directory: &Directory, group: usize) -> Vec<(Kind, usize)> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec![group]);
    while let Some(group) = waiting.pop() {
        let crowd = directory.members.get(&group);
        for (_, kind, at) in crowd.map(|crowd| directory.present(crowd)).unwrap_or_default() {
            if found.insert((kind, at)) && kind == Kind::Group {
                waiting.push(at);
            }
        }
    }
    found.into_iter().collect()
}

/// The groups somebody is in; all the way up where asked.
pub(super) fn groups_of(directory: &Directory, id: &str, nested: bool) -> Vec<usize> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec![number_of(id).unwrap_or(0)]);
    while let Some(id) = waiting.pop() {
        for at in directory.groups_of(id) {
            if found.insert(at) && nested {
                waiting.extend(number_of(&text_of(&directory.groups.json(at), "id")));
            }
        }
    }
    found.into_iter().collect()
}

pub(super) fn member_groups(
    directory: &Directory,
    call: &Call,
    id: &str,
    asked: bool,
) -> Outcome<Json> {
    let body = body(call)?;
    let ids = groups_of(directory, id, true).into_iter();
    let mut ids: Vec<String> = ids.map(|at| text_of(&directory.groups.json(at), "id")).collect();
    if asked {
        let wanted = body.get("groupIds").and_then(Json::as_array).cloned().unwrap_or_default();
        if wanted.len() > 20 {
            return Err(Refused::request("groupIds takes at most 20 identifiers."));
        }
        ids.retain(|id| wanted.iter().any(|wanted| wanted == id));
    }
    Ok(json!({"value": ids}))
}

/// Refuses to change by hand what a rule or another system rules.
pub(super) fn check_open(directory: &Directory, group: usize) -> Outcome<()> {
    let json = directory.groups.json(group);
    if lists(&json, "groupTypes", "DynamicMembership") {
        let message = "Insufficient privileges: the group is of dynamic membership.";
        return Err(Refused::new(403, "Authorization_RequestDenied", message));
    }
    let mail = json.get("mailEnabled") == Some(&Json::Bool(true));
    match mail && !lists(&json, "groupTypes", "Unified") {
        true => Err(Refused::request(
            "Cannot Update a mail-enabled security groups and or distribution list.",
        )),
        false => Ok(()),
    }
}

/// Adds one, by `{"@odata.id": "…/directoryObjects/{id}"}`.
pub(super) fn add(
    directory: &mut Directory,
    call: &Call,
    role: Role,
    group: usize,
) -> Outcome<Reply> {
    let target = target_of(&call.json().unwrap_or_default())?;
    add_all(directory, role, group, &[target])?;
    Ok(Reply::new(204))
}

/// Adds those that a body names by `members@odata.bind`: all of them or none.
pub(super) fn bind(directory: &mut Directory, group: usize, said: &Json) -> Outcome<()> {
    let named = |role: Role| {
        let links = said.get(format!("{}@odata.bind", role.list())).and_then(Json::as_array);
        let links = links.into_iter().flatten().filter_map(Json::as_str).map(last_of);
        (role, links.collect::<Vec<String>>())
    };
    let all = [named(Role::Member), named(Role::Owner)];
    if all.iter().map(|(_, links)| links.len()).sum::<usize>() > 20 {
        return Err(Refused::request("A resource cannot contain more than 20 link changes"));
    }
    for (role, targets) in all.into_iter().filter(|(_, targets)| !targets.is_empty()) {
        add_all(directory, role, group, &targets)?;
    }
    Ok(())
}

fn add_all(directory: &mut Directory, role: Role, group: usize, targets: &[String]) -> Outcome<()> {
    if role == Role::Member {
        check_open(directory, group)?;
    }
    let mut ids = Vec::new();
    for target in targets {
        directory.find(target).ok_or_else(|| Refused::missing(target))?;
        let id = number_of(target).ok_or_else(|| Refused::missing(target))?;
        if ids.contains(&id) {
            let message = "A reference can only be present once as an add/remove change";
            return Err(Refused::request(message));
        }
        ids.push(id);
    }
    if ids.iter().any(|id| has(directory, role, group, *id)) {
        return Err(Refused::request(format!(
            "One or more added object references already exist for the following modified properties: \
             '{}'.",
            role.list()
        )));
    }
    let moment = directory.next();
    for id in ids {
        crowd_mut(directory, role, group).add(id, moment);
        done(directory, role, group, id, "Add");
    }
    directory.groups.touch(group, role.list(), moment);
    Ok(())
}

/// Takes one away.
pub(super) fn remove(
    directory: &mut Directory,
    role: Role,
    group: usize,
    id: &str,
) -> Outcome<Reply> {
    if role == Role::Member {
        check_open(directory, group)?;
    }
    let number = number_of(id).filter(|id| has(directory, role, group, *id));
    let number = number.ok_or_else(|| Refused::missing(id))?;
    let unified = lists(&directory.groups.json(group), "groupTypes", "Unified");
    let last = crowd(directory, role, group).is_some_and(|crowd| crowd.list().len() == 1);
    if role == Role::Owner && unified && last {
        let message = "The group must have at least one owner, hence this owner cannot be removed.";
        return Err(Refused::request(message));
    }
    let moment = directory.next();
    crowd_mut(directory, role, group).remove(number, moment);
    directory.groups.touch(group, role.list(), moment);
    done(directory, role, group, number, "Remove");
    Ok(Reply::new(204))
}

fn done(directory: &mut Directory, role: Role, group: usize, id: u128, how: &str) {
    let word = if role == Role::Member { "member" } else { "owner" };
    let preposition = if how == "Add" { "to" } else { "from" };
    let name = format!("{how} {word} {preposition} group");
    let group = text_of(&directory.groups.json(group), "id");
    let set = vec![("Group.ObjectID".into(), json!(group))];
    directory.log(&Deed { name: &name, kind: Kind::User, id: &guid_of(id), set });
}

fn crowd(directory: &Directory, role: Role, group: usize) -> Option<&super::crowd::Crowd> {
    let all = if role == Role::Member { &directory.members } else { &directory.owners };
    all.get(&group)
}

fn has(directory: &Directory, role: Role, group: usize, id: u128) -> bool {
    crowd(directory, role, group).is_some_and(|crowd| crowd.has(id))
}

fn crowd_mut(directory: &mut Directory, role: Role, group: usize) -> &mut super::crowd::Crowd {
    match role {
        Role::Member => directory.members.entry(group).or_default(),
        Role::Owner => directory.owners.entry(group).or_default(),
    }
}
