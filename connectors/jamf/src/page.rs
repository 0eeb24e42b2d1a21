//! One page of a list of the Pro API.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use trueup_connector::{Context, Error, Kind as ErrorKind, Result, Retry};
use trueup_kit::{Answer, Client, Request};

/// Where a reading stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct At {
    /// The page's number, from 0.
    pub(crate) page: u64,
    /// How many entries a page has.
    pub(crate) size: u64,
    /// How many entries there were when the last page was read.
    pub(crate) total: Option<u64>,
    /// The identifier of the last entry that was given.
    pub(crate) last: Option<String>,
    /// How many records of the page were given.
    pub(crate) skip: usize,
}

/// A list, and the member with the identifier that it is sorted by.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) request: Request,
    pub(crate) id: &'static str,
}

/// The server gives no more, without a word.
pub(crate) const MOST: u64 = 2_000;

/// Entries, and where to go on.
pub(crate) type Entries = (Vec<Json>, Option<At>);

/// Reads the entries of a page that were not given yet.
///
/// Pages are numbered, so an entry that is removed meanwhile moves all after it one place forward:
/// where there are fewer entries than before, the reading goes back. An empty, short or repeated page
/// is an error and not the end.
pub(crate) async fn read(
    client: &Client,
    context: &Context,
    list: &List,
    mut at: At,
) -> Result<Entries> {
    loop {
        let request = list
            .request
            .clone()
            .query("page", at.page)
            .query("page-size", at.size)
            .query("sort", format!("{}:asc", list.id));
        let (place, id) = (&at, list.id);
        let (entries, total) =
            client.read(context, request, |answer| checked(answer, place, id)).await?;
        let gone = at.total.map_or(0, |before| before.saturating_sub(total));
        if gone > 0 && at.page > 0 {
            at.page = at.page.saturating_sub(1 + gone / at.size.max(1));
            // What comes now was given in part, and that is no fault of the server's.
            at.total = None;
            continue;
        }
        return Ok(given(entries, total, at, list.id));
    }
}

fn given(entries: Vec<Json>, total: u64, mut at: At, id: &str) -> Entries {
    // A server with smaller pages counts by those.
    let found = u64::try_from(entries.len()).unwrap_or(u64::MAX);
    if at.page == 0 && found < at.size && found < total {
        at.size = found.max(1);
    }
    let more = (at.page + 1).saturating_mul(at.size) < total;
    let last = entries.iter().rev().find_map(|entry| text(entry, id)).map(str::to_owned);
    let fresh = entries.into_iter().filter(|entry| is_after(entry, id, at.last.as_deref()));
    let fresh = fresh.collect();
    let next = At { page: at.page + 1, size: at.size, total: Some(total), last, skip: 0 };
    (fresh, more.then_some(next))
}

/// The entries of an answer that is a whole page, and how many there are in all.
fn checked(answer: &Answer, at: &At, id: &str) -> Result<(Vec<Json>, u64)> {
    let mut body: Json = answer.json()?;
    let total = body.get("totalCount").and_then(Json::as_u64);
    let entries = match body.get_mut("results").map(Json::take) {
        Some(Json::Array(entries)) => entries,
        _ => return Err(wrong("a list has no `results`")),
    };
    let total = total.ok_or_else(|| wrong("a list has no `totalCount`"))?;
    let due = total.saturating_sub(at.page.saturating_mul(at.size)).min(at.size);
    let found = u64::try_from(entries.len()).unwrap_or(u64::MAX);
    let smaller = at.page == 0 && found > 0;
    if found < due && !smaller {
        return Err(wrong("a page has fewer entries than the list says that there are"));
    }
    let known = at.last.as_deref();
    if let Some(entry) = entries.last()
        && at.total == Some(total)
        && !is_after(entry, id, known)
    {
        return Err(wrong("a page has nothing but what was on the page before"));
    }
    match entries.iter().all(|entry| text(entry, id).is_some()) {
        true => Ok((entries, total)),
        false => Err(wrong("an entry of a list has no identifier")),
    }
}

/// By number; what is no number cannot be told from what was not given yet.
pub(crate) fn is_after(entry: &Json, id: &str, last: Option<&str>) -> bool {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u64>().ok());
    match (number(text(entry, id)), number(last)) {
        (Some(id), Some(last)) => id > last,
        _ => true,
    }
}

pub(crate) fn text<'a>(json: &'a Json, name: &str) -> Option<&'a str> {
    json.get(name).and_then(Json::as_str)
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::Protocol, what).with_retry(Retry::Backoff)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entries(ids: &[u64]) -> Vec<Json> {
        ids.iter().map(|id| json!({"id": id.to_string()})).collect()
    }

    #[test]
    fn a_server_with_smaller_pages_is_counted_by_those() {
        let at = At { size: 10, ..At::default() };
        let (fresh, next) = given(entries(&[1, 2, 3]), 7, at, "id");
        let next = next.unwrap();
        assert_eq!((fresh.len(), next.page, next.size), (3, 1, 3));
        let (fresh, next) = given(entries(&[3, 4, 5, 6]), 7, next, "id");
        assert_eq!((fresh.len(), next.clone().unwrap().page), (3, 2), "what repeats is left out");
        assert!(given(entries(&[7]), 7, next.unwrap(), "id").1.is_none());
    }
}
