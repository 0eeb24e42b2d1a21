//! What changed since a moment, told in rounds.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::super::refused::{Outcome, Refused};
use super::directory::{Directory, typed};
use super::list;
use super::table::{Changed, Kind, Life, Members, guid_of};
use crate::http::Call;

/// How many objects a page of a round has, where nothing else is asked for.
const USUAL: usize = 100;
/// How many members of a group come at once.
const PART: usize = 50;

/// Where a round stands; it is all in the token.
#[derive(Clone, Debug, PartialEq)]
struct Round {
    kind: Kind,
    /// What changed after this; everything without.
    since: Option<u64>,
    /// When the round began.
    began: u64,
    /// The last that was told: a place in a first round, else a moment.
    after: Option<u64>,
    select: String,
    minimal: bool,
}

impl Round {
    fn token(&self) -> String {
        let since = self.since.map_or_else(String::new, |since| since.to_string());
        let after = self.after.map_or_else(String::new, |after| after.to_string());
        let text = format!(
            "{}|{since}|{}|{after}|{}|{}",
            self.kind.list(),
            self.began,
            u8::from(self.minimal),
            self.select
        );
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    fn read(token: &str) -> Option<Self> {
        let pairs = (0..token.len()).step_by(2);
        let bytes = pairs.map(|at| u8::from_str_radix(token.get(at..at + 2)?, 16).ok());
        let text = String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()?;
        let parts: Vec<&str> = text.splitn(6, '|').collect();
        let [kind, since, began, after, minimal, select] = parts.as_slice() else { return None };
        Some(Self {
            kind: Kind::named(kind)?,
            since: (!since.is_empty()).then(|| since.parse().ok()).flatten(),
            began: began.parse().ok()?,
            after: (!after.is_empty()).then(|| after.parse().ok()).flatten(),
            select: (*select).to_owned(),
            minimal: *minimal == "1",
        })
    }
}

/// One page of a round.
pub(super) fn page(directory: &Directory, call: &Call, kind: Kind) -> Outcome<Json> {
    for refused in ["$top", "$orderby", "$search", "$expand"] {
        if call.parameter(refused).is_some() {
            let message = format!("'{refused}' is not supported by the service on this resource.");
            return Err(Refused::request(message));
        }
    }
    let latest = parameter(call, "$deltatoken") == Some("latest");
    let mut round = round(directory, call, kind)?;
    let most = if call.empty_page && round.after.is_none() { 0 } else { size(call) };
    let (told, more) = match (latest, round.since) {
        (true, _) => (Vec::new(), false),
        (false, None) => directory.first(&round, most),
        (false, Some(since)) => directory.later(&round, since, most),
    };
    round.after = told.last().map(|(after, _)| *after).or(round.after.or(Some(0)));
    let value: Vec<Json> = told.into_iter().map(|(_, item)| item).collect();
    let mut page = json!({"value": value,
        "@odata.context": format!("{}/v1.0/$metadata#{}/$delta", call.origin, kind.list())});
    let link = match more {
        true => ("@odata.nextLink", link(call, "$skiptoken", &round.token())),
        false => {
            let (since, after) = (Some(round.began), None);
            let next = Round { since, after, ..round };
            ("@odata.deltaLink", link(call, "$deltatoken", &next.token()))
        }
    };
    if let Json::Object(members) = &mut page {
        members.insert(link.0.into(), json!(link.1));
    }
    Ok(page)
}

/// Names of parameters may differ in case here.
fn parameter<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    let found = call.query.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

fn round(directory: &Directory, call: &Call, kind: Kind) -> Outcome<Round> {
    let token = parameter(call, "$skiptoken").or_else(|| parameter(call, "$deltatoken"));
    let prefers = call.header("prefer").unwrap_or_default();
    let fresh = Round {
        kind,
        since: None,
        began: directory.moment,
        after: None,
        select: call.parameter("$select").unwrap_or_default().to_owned(),
        minimal: prefers.contains("return=minimal"),
    };
    let Some(token) = token.filter(|token| !token.is_empty() && *token != "latest") else {
        return Ok(fresh);
    };
    let round = Round::read(token).filter(|round| round.kind == kind);
    let round = round.ok_or_else(|| Refused::request("Badly formed token."))?;
    let oldest = round.since.unwrap_or(round.began);
    if oldest < directory.oldest {
        let mut gone = Refused::new(410, "syncStateNotFound", "The sync state is not found.");
        gone.location = Some(format!("{}{}?$deltatoken=", call.origin, call.path));
        return Err(gone);
    }
    // A new round begins with its first page.
    let began = if round.after.is_none() { directory.moment } else { round.began };
    Ok(Round { began, ..round })
}

fn size(call: &Call) -> usize {
    let prefers = call.header("prefer").unwrap_or_default();
    let asked = prefers.split(',').find_map(|one| one.trim().strip_prefix("odata.maxpagesize="));
    asked.and_then(|size| size.parse().ok()).filter(|size| *size > 0).unwrap_or(USUAL).min(999)
}

fn link(call: &Call, name: &str, token: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair(name, token);
    format!("{}{}?{}", call.origin, call.path, query.finish())
}

type Told = (Vec<(u64, Json)>, bool);

impl Directory {
    /// Everything, in the order of the places; a group's members in parts.
    fn first(&self, round: &Round, most: usize) -> Told {
        let table = self.table(round.kind);
        let from = round.after.map_or(0, |after| after >> 20);
        let mut told = Vec::new();
        let places = usize::try_from(from).unwrap_or(usize::MAX)..table.len();
        for at in places.filter(|at| table.is_seen(*at)) {
            for (part, item) in self.parts(round, at).into_iter().enumerate() {
                let mark =
                    (u64::try_from(at).unwrap_or(0) << 20) + u64::try_from(part).unwrap_or(0) + 1;
                if round.after.is_some_and(|after| mark <= after) {
                    continue;
                }
                if told.len() >= most {
                    return (told, true);
                }
                told.push((mark, item));
            }
        }
        (told, false)
    }

    fn parts(&self, round: &Round, at: usize) -> Vec<Json> {
        let whole = self.told(round, at, None);
        let crowd = self.members.get(&at).filter(|_| round.with_members());
        let present = crowd.map(|crowd| self.present(crowd)).unwrap_or_default();
        if present.is_empty() {
            return vec![Json::Object(whole)];
        }
        let id = whole.get("id").cloned().unwrap_or_default();
        let parts = present.chunks(PART).enumerate().map(|(number, some)| {
            let mut item = if number == 0 { whole.clone() } else { Members::new() };
            item.insert("id".into(), id.clone());
            let came = some.iter().map(|(id, kind, _)| member(*id, *kind));
            item.insert("members@delta".into(), came.collect());
            Json::Object(item)
        });
        parts.collect()
    }

    /// What changed, in the order it did.
    fn later(&self, round: &Round, since: u64, most: usize) -> Told {
        let after = round.after.unwrap_or(since).max(since);
        let changed = self.table(round.kind).all_changed();
        let changed = changed.filter(|(_, changed)| changed.last > after);
        let by_moment: BTreeMap<u64, usize> =
            changed.map(|(at, changed)| (changed.last, at)).collect();
        let mut told = Vec::new();
        for (moment, at) in by_moment {
            let Some(changed) = self.table(round.kind).changed(at) else { continue };
            let Some(item) = self.item(round, since, at, changed) else { continue };
            if told.len() >= most {
                return (told, true);
            }
            told.push((moment, item));
        }
        (told, false)
    }

    fn item(&self, round: &Round, since: u64, at: usize, changed: &Changed) -> Option<Json> {
        let id = changed.json.get("id").cloned().unwrap_or_default();
        let reason = match changed.life {
            Life::There => None,
            Life::Deleted => Some("changed"),
            Life::Gone => Some("deleted"),
        };
        if let Some(reason) = reason {
            return Some(json!({"id": id, "@removed": {"reason": reason}}));
        }
        let moved = changed.moved > since;
        let touched: Vec<&str> = changed
            .touched
            .iter()
            .filter(|(name, when)| **when > since && round.selects(name))
            .map(|(name, _)| name.as_str())
            .collect();
        if !moved && touched.is_empty() {
            return None;
        }
        let only = (round.minimal && !moved).then_some(touched.as_slice());
        let mut item = self.told(round, at, only);
        item.insert("id".into(), id);
        if round.with_members() {
            let crowd = self.members.get(&at);
            let last = crowd.map(|crowd| crowd.since(since)).unwrap_or_default();
            if !last.is_empty() {
                let items = last.into_iter().map(|(id, came)| self.came_or_went(id, came));
                item.insert("members@delta".into(), items.collect());
            }
        }
        Some(Json::Object(item))
    }

    fn came_or_went(&self, id: u128, came: bool) -> Json {
        let kind = self.find(&guid_of(id)).map_or(Kind::User, |(kind, _)| kind);
        let mut item = member(id, kind);
        if let (Json::Object(members), false) = (&mut item, came) {
            members.insert("@removed".into(), json!({"reason": "deleted"}));
        }
        item
    }

    /// The properties of an object that a round is about.
    fn told(&self, round: &Round, at: usize, only: Option<&[&str]>) -> Members {
        let select = [("$select".to_owned(), round.select.clone())];
        let query = if round.select.is_empty() { Vec::new() } else { select.into() };
        let call = Call { query, ..Call::default() };
        let mut object = list::shown(self, &call, round.kind, at);
        object.retain(|name, _| {
            name == "id"
                || (round.selects(name) && only.is_none_or(|only| only.contains(&name.as_str())))
        });
        object
    }
}

impl Round {
    fn selects(&self, name: &str) -> bool {
        self.select.is_empty() || self.select.split(',').any(|known| known.trim() == name)
    }

    fn with_members(&self) -> bool {
        self.kind == Kind::Group && self.selects("members")
    }
}

fn member(id: u128, kind: Kind) -> Json {
    typed(kind, super::seed::members(json!({"id": guid_of(id)})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_hold_where_a_round_stands() {
        let round = Round {
            kind: Kind::Group,
            since: None,
            began: 7,
            after: Some(3),
            select: "id,members".into(),
            minimal: true,
        };
        assert_eq!(Round::read(&round.token()), Some(round));
        assert_eq!(Round::read("zz"), None);
        assert_eq!(Round::read("00"), None);
    }
}
