//! One page: of a list, of the members of groups, of what changed.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use trueup_connector::{Context, Error, Kind as ErrorKind, Removed, Result};
use trueup_kit::{Client, Place, Request, batch, delta, encode, graph};

use crate::licence;
use crate::model::Kind;

/// Where a reading stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct At {
    pub(crate) list: graph::At,
    /// Groups whose members were not all given, and where they go on; at the start without.
    #[serde(default)]
    pub(crate) pending: Vec<(String, Option<Place>)>,
    /// It reads what changed since this.
    #[serde(default)]
    pub(crate) since: Option<Since>,
    /// What the next delta goes on from.
    #[serde(default)]
    pub(crate) resume: Option<String>,
}

/// What a delta goes on from: Graph's link, and the server's clock at the end of the reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Since {
    pub(crate) link: String,
    pub(crate) date: Option<String>,
}

/// What a page has.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) rows: Vec<Json>,
    pub(crate) removed: Vec<Removed>,
    pub(crate) next: Option<At>,
    pub(crate) resume: Option<Since>,
}

/// The most calls in one.
const BATCH: usize = 20;
/// The most members a page has.
const MEMBERS: usize = 999;

/// Reads the page that starts there, of at most `size` records.
pub(crate) async fn read(
    client: &Client,
    context: &Context,
    kind: Kind,
    at: At,
    size: Option<usize>,
) -> Result<Read> {
    match (kind, at.since.is_some()) {
        (_, true) => changes(client, context, kind, at, size).await,
        (Kind::Members | Kind::Nested, _) => members(client, context, kind, at, size).await,
        _ => listed(client, context, kind, at, size).await,
    }
}

async fn listed(
    client: &Client,
    context: &Context,
    kind: Kind,
    mut at: At,
    size: Option<usize>,
) -> Result<Read> {
    let first = at.list.place.is_none() && at.resume.is_none();
    if let Some(request) = kind.latest().filter(|_| first) {
        // Asked before the list is read, so that nothing is missed that changes meanwhile.
        let latest = graph::list(client, context, request, None, kind.name()).await?;
        at.resume = Some(latest.delta.ok_or_else(|| no_token(kind))?);
    }
    let (request, place) = (kind.list(at.list.top), at.list.place.clone());
    let page = graph::list(client, context, request, place.as_ref(), kind.name()).await?;
    let rows = match kind {
        Kind::Assigned => {
            page.entries.iter().map(licence::rows).collect::<Result<Vec<_>>>()?.concat()
        }
        _ => page.entries,
    };
    let (rows, next) = graph::cut(&rows, at.list, page.next, size);
    let rows = rows.to_vec();
    Ok(match next {
        Some(list) => {
            let next = At { list, resume: at.resume, ..At::default() };
            Read { rows, next: Some(next), ..Read::default() }
        }
        None => {
            let resume = at.resume.map(|link| Since { link, date: page.date });
            Read { rows, resume, ..Read::default() }
        }
    })
}

/// The members of some groups, until there are some: many groups may have none.
async fn members(
    client: &Client,
    context: &Context,
    kind: Kind,
    mut at: At,
    size: Option<usize>,
) -> Result<Read> {
    loop {
        context.check()?;
        let mut read = Read::default();
        match at.pending.pop() {
            Some(group) => {
                more_members(client, context, kind, (&mut at, group, size), &mut read).await?
            }
            None => first_members(client, context, kind, &mut at, size, &mut read).await?,
        }
        let over = at.pending.is_empty() && at.list.place.is_none();
        if over || !read.rows.is_empty() {
            read.next = (!over).then_some(at);
            return Ok(read);
        }
    }
}

/// Members of a group that were not given yet.
async fn more_members(
    client: &Client,
    context: &Context,
    kind: Kind,
    (at, (group, place), size): (&mut At, (String, Option<Place>), Option<usize>),
    read: &mut Read,
) -> Result<()> {
    let request = in_group(kind, &group, size.unwrap_or(MEMBERS).min(MEMBERS));
    let page = graph::list(client, context, request, place.as_ref(), kind.name()).await;
    let page = match page {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        page => page?,
    };
    let (given, left) = graph::cut(&page.entries, started(at.list.skip), None, size);
    read.rows = given.iter().map(|row| of(row, &group)).collect();
    at.list.skip = left.as_ref().map_or(0, |left| left.skip);
    match (left, page.next) {
        (Some(_), _) => at.pending.push((group, place)),
        (None, next) => at.pending.extend(next.map(|place| (group, Some(place)))),
    }
    Ok(())
}

fn started(skip: usize) -> graph::At {
    let mut at = graph::At::default();
    at.skip = skip;
    at
}

/// The first members of the next groups, many groups a call; where pages are to be small, the groups
/// only.
async fn first_members(
    client: &Client,
    context: &Context,
    kind: Kind,
    at: &mut At,
    size: Option<usize>,
    read: &mut Read,
) -> Result<()> {
    let (request, place) = (kind.list(at.list.top), at.list.place.clone());
    let page = graph::list(client, context, request, place.as_ref(), kind.name()).await?;
    let ids: Vec<&str> =
        page.entries.iter().map(|group| id_of(group, kind)).collect::<Result<_>>()?;
    at.list.place = page.next;
    if size.is_some() {
        at.pending = ids.into_iter().rev().map(|id| (id.to_owned(), None)).collect();
        return Ok(());
    }
    let requests: Vec<Request> = ids.iter().map(|id| in_group(kind, id, MEMBERS)).collect();
    let answers = batch::send(client, context, "$batch", BATCH, &requests).await?;
    for (id, answer) in ids.iter().zip(&answers) {
        // A group that has gone since the list was read has no members.
        if answer.status == 404 {
            continue;
        }
        if !answer.is_success() {
            return Err(client.refusal(answer));
        }
        let body: Json = answer.json()?;
        let entries = body.get("value").and_then(Json::as_array).ok_or_else(|| no_list(kind))?;
        read.rows.extend(entries.iter().map(|entry| of(entry, id)));
        let next = body.get("@odata.nextLink").and_then(Json::as_str);
        let place = next.map(|link| Some(Place::Link(link.to_owned())));
        at.pending.extend(place.map(|place| ((*id).to_owned(), place)));
    }
    Ok(())
}

fn in_group(kind: Kind, group: &str, top: usize) -> Request {
    let list = if kind == Kind::Nested { "transitiveMembers" } else { "members" };
    let request = Request::get(format!("groups/{}/{list}", encode(group)));
    request.query("$select", "id").query("$top", top)
}

fn of(entry: &Json, group: &str) -> Json {
    let mut entry = entry.clone();
    if let Json::Object(members) = &mut entry {
        members.insert("group_id".into(), json!(group));
    }
    entry
}

/// A page of what changed. A change is told as the record as it is now; where its key may be another
/// than before, the record of before is removed by its identifier.
async fn changes(
    client: &Client,
    context: &Context,
    kind: Kind,
    at: At,
    size: Option<usize>,
) -> Result<Read> {
    let Some(since) = at.since else { return Ok(Read::default()) };
    let place = at.list.place.clone().unwrap_or_else(|| Place::Link(since.link.clone()));
    let request = Request::get(kind.name());
    let page = graph::list(client, context, request, Some(&place), kind.name()).await;
    let page = page.map_err(|error| delta::expired(&error).unwrap_or(error))?;
    let mut list = at.list;
    list.place = Some(place);
    let (entries, next) = graph::cut(&page.entries, list, page.next, size);
    let mut read = Read::default();
    tell(kind, &since, entries, &mut read)?;
    match (next, page.delta) {
        (Some(list), _) => read.next = Some(At { list, since: Some(since), ..At::default() }),
        (None, Some(link)) => read.resume = Some(Since { link, date: page.date }),
        // Taken for the last, it would be the start of a gap.
        (None, None) => return Err(no_token(kind)),
    }
    Ok(read)
}

/// Only the last word on each counts, since a page's removals come before its records.
fn tell(kind: Kind, since: &Since, entries: &[Json], read: &mut Read) -> Result<()> {
    let mut last = HashMap::new();
    for (place, entry) in entries.iter().enumerate() {
        last.insert(id_of(entry, kind)?, place);
    }
    for (place, entry) in entries.iter().enumerate() {
        let id = id_of(entry, kind)?;
        if last.get(id) != Some(&place) {
            continue;
        }
        let gone = entry.get("@removed").is_some();
        if gone || (kind.may_be_renamed() && was_there(entry, since)) {
            read.removed.push(Removed::Id(id.to_owned()));
        }
        if !gone {
            read.rows.push(entry.clone());
        }
    }
    Ok(())
}

/// Whether a record may have been read before: it was made before the last reading ended.
fn was_there(entry: &Json, since: &Since) -> bool {
    let made = entry.get("createdDateTime").and_then(Json::as_str).and_then(|made| made.get(..19));
    match (made, since.date.as_deref()) {
        (Some(made), Some(read)) => made <= read,
        _ => true,
    }
}

fn id_of(json: &Json, kind: Kind) -> Result<&str> {
    json.get("id").and_then(Json::as_str).ok_or_else(|| {
        let message = format!("Graph gave an entry without `id` for {}", kind.name());
        Error::new(ErrorKind::Protocol, message)
    })
}

fn no_list(kind: Kind) -> Error {
    let message = format!("Graph's answer for {} has no list `value`", kind.name());
    Error::new(ErrorKind::Protocol, message)
}

fn no_token(kind: Kind) -> Error {
    let message = format!("Graph gave nothing to go on from for what changes in {}", kind.name());
    Error::new(ErrorKind::Protocol, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_a_record_counts() {
        let since = Since { link: String::new(), date: Some("2026-01-02T00:00:00".into()) };
        let old = "2026-01-01T00:00:00Z";
        let entries = [
            json!({"id": "a", "createdDateTime": old, "n": 1}),
            json!({"id": "b", "createdDateTime": "2026-01-03T00:00:00Z"}),
            json!({"id": "a", "@removed": {"reason": "changed"}}),
            json!({"id": "c", "createdDateTime": old}),
        ];
        let mut read = Read::default();
        tell(Kind::Users, &since, &entries, &mut read).unwrap();
        assert_eq!(read.removed, [Removed::Id("a".into()), Removed::Id("c".into())]);
        assert_eq!(read.rows, [entries[1].clone(), entries[3].clone()]);
    }
}
