//! What was deleted and may come back.

use serde_json::Value as Json;

use super::super::odata::{Sizes, sized};
use super::super::refused::{Outcome, Refused};
use super::audits::Deed;
use super::directory::{Directory, typed};
use super::table::{Kind, Life, Members};
use super::{list, users};
use crate::http::{Call, Reply};

/// Those of one kind; without a kind there is no list.
pub(super) fn all(directory: &Directory, call: &Call, cast: &str) -> Outcome<Json> {
    let kind = Kind::named(cast).ok_or_else(|| Refused::request("A cast to a type is needed."))?;
    let table = directory.table(kind);
    let there = (0..table.len()).filter(|at| table.life(*at) == Life::Deleted);
    let found: Vec<usize> = there.collect();
    let record = |at: usize| {
        found.get(at).map(|at| Json::Object(shown(directory, kind, *at))).unwrap_or_default()
    };
    sized(call, "directory/deletedItems", found.len(), Sizes { usual: 100, most: 999 }, record)
}

fn shown(directory: &Directory, kind: Kind, at: usize) -> Members {
    let mut json = directory.table(kind).json(at);
    if kind == Kind::User {
        users::renamed(&mut json);
    }
    json
}

fn find(directory: &Directory, id: &str) -> Outcome<(Kind, usize)> {
    let kinds = [Kind::User, Kind::Group, Kind::Device].into_iter();
    let mut found = kinds.filter_map(|kind| Some((kind, directory.table(kind).at(id)?)));
    found
        .find(|(kind, at)| directory.table(*kind).life(*at) == Life::Deleted)
        .ok_or_else(|| Refused::missing(id))
}

pub(super) fn get(directory: &Directory, id: &str) -> Outcome<Reply> {
    let (kind, at) = find(directory, id)?;
    Ok(Reply::json(200, &typed(kind, shown(directory, kind, at))))
}

pub(super) fn restore(directory: &mut Directory, call: &Call, id: &str) -> Outcome<Reply> {
    let (kind, at) = find(directory, id)?;
    if kind == Kind::User {
        return users::restore(directory, call, at);
    }
    let moment = directory.next();
    directory.table_mut(kind).move_to(at, Life::There, moment, 0);
    directory.log(&Deed { name: "Restore group", kind, id, set: Vec::new() });
    Ok(list::one(directory, call, kind, at))
}

/// It never comes back; now its groups are rid of it too.
pub(super) fn purge(directory: &mut Directory, id: &str) -> Outcome<Reply> {
    let (kind, at) = find(directory, id)?;
    let moment = directory.next();
    directory.table_mut(kind).move_to(at, Life::Gone, moment, 0);
    let number = super::table::number_of(id).unwrap_or(0);
    let mut left = Vec::new();
    for (group, crowd) in &mut directory.members {
        if crowd.remove(number, moment) {
            left.push(*group);
        }
    }
    left.into_iter().for_each(|group| directory.groups.touch(group, "members", moment));
    directory.log(&Deed { name: "Hard Delete user", kind, id, set: Vec::new() });
    Ok(Reply::new(204))
}
