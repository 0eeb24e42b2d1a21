//! Lists, page by page, and single objects.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use trueup_connector::{Context, Error, Kind, Result};

use crate::answer::Answer;
use crate::client::Client;
use crate::paging::{Paging, Place};
use crate::request::Request;

/// Where a reading stands: a page of Graph's, and how many of its entries were given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct At {
    /// The page; the first without.
    pub place: Option<Place>,
    /// How many of its entries were given.
    pub skip: usize,
    /// How many entries are asked for: the link to the next page says the same.
    pub top: usize,
}

impl At {
    /// The start of a list of which so many entries are asked for at once.
    pub fn start(top: usize) -> Self {
        Self { top, ..Self::default() }
    }
}

/// A page of a list.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Listed {
    /// What stands on it.
    pub entries: Vec<Json>,
    /// Where the next page is; `None` after the last.
    pub next: Option<Place>,
    /// On the last page of a delta: what tells what changes from then on.
    pub delta: Option<String>,
    /// The server's clock, to the second: `2026-01-31T10:00:00`.
    pub date: Option<String>,
}

/// Reads a page of a list. `request` is the call for the first page, with the headers that every page
/// needs: links to next pages do not carry them.
///
/// # Errors
/// Those of [`Client::read`]; `protocol` where there is no list, naming `what` it should be of.
pub async fn list(
    client: &Client,
    context: &Context,
    request: Request,
    place: Option<&Place>,
    what: &str,
) -> Result<Listed> {
    let paging = paging();
    let request = paging.request(request, place);
    client.read(context, request, |answer| page(answer, &paging, what)).await
}

fn page(answer: &Answer, paging: &Paging, what: &str) -> Result<Listed> {
    let mut body: Json = answer.json()?;
    let Some(Json::Array(entries)) = body.get_mut("value").map(Json::take) else {
        let message = format!("Graph's answer for {what} has no list `value`");
        return Err(Error::new(Kind::Protocol, message));
    };
    let next = paging.next(&body, None, entries.len())?;
    let delta = body.get("@odata.deltaLink").and_then(Json::as_str).map(str::to_owned);
    Ok(Listed { entries, next, delta, date: clock(answer) })
}

fn clock(answer: &Answer) -> Option<String> {
    let date = jiff::fmt::rfc2822::parse(answer.header("date")?).ok()?;
    Some(date.timestamp().strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

fn paging() -> Paging {
    Paging::next_link("/@odata.nextLink")
}

/// All entries of a list that is not long; `None` where what it belongs to is not there.
///
/// # Errors
/// As [`list`].
pub async fn every(
    client: &Client,
    context: &Context,
    request: &Request,
    what: &str,
) -> Result<Option<Vec<Json>>> {
    let (mut place, mut all) = (None, Vec::new());
    loop {
        match list(client, context, request.clone(), place.as_ref(), what).await {
            Ok(mut listed) => {
                all.append(&mut listed.entries);
                place = listed.next;
            }
            Err(error) if error.kind() == Kind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        if place.is_none() {
            return Ok(Some(all));
        }
    }
}

/// One object; `None` where it is not there.
///
/// # Errors
/// Those of [`Client::ask`], and what a refusal means.
pub async fn object(client: &Client, context: &Context, request: &Request) -> Result<Option<Json>> {
    let answer = client.ask(context, request).await?;
    match answer.status {
        404 => Ok(None),
        _ if answer.is_success() => answer.json().map(Some),
        _ => Err(client.refusal(&answer)),
    }
}

/// The next rows to give of a page, at most `most` of them, and where to go on.
pub fn cut<T>(rows: &[T], at: At, next: Option<Place>, most: Option<usize>) -> (&[T], Option<At>) {
    let from = at.skip.min(rows.len());
    let until = rows.len().min(from.saturating_add(most.unwrap_or(usize::MAX)));
    let after = match until < rows.len() {
        true => Some(At { skip: until, ..at }),
        false => next.map(|place| At { place: Some(place), skip: 0, top: at.top }),
    };
    (rows.get(from..until).unwrap_or_default(), after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_be_given_in_parts() {
        let rows = [1, 2, 3];
        let next = || Some(Place::Link("n".into()));
        let (given, after) = cut(&rows, At::start(3), next(), Some(2));
        assert_eq!((given, after.clone().unwrap().skip), (&rows[..2], 2));
        let (given, after) = cut(&rows, after.unwrap(), next(), Some(2));
        assert_eq!((given, after.unwrap().place), (&rows[2..], next()));
        assert_eq!(cut(&rows, At::start(3), None, None).1, None);
    }
}
