//! One page of a list.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use trueup_connector::{Context, Error, Kind as ErrorKind, Result, Retry};
use trueup_kit::{Answer, Client, Paging, Place, Request};

use crate::config::{Pages, ScimConfig};
use crate::discovery::Discovery;
use crate::model::{Kind, member};

/// Where a reading stands: a page of the server, and how many of its records were given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct At {
    pub(crate) place: Option<Place>,
    pub(crate) skip: usize,
    /// How many objects are asked for: the same for all pages of a reading.
    pub(crate) count: usize,
}

/// What a page of the server has.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) objects: Vec<Json>,
    pub(crate) next: Option<Place>,
}

/// How this server's lists are read.
#[derive(Clone, Debug)]
pub(crate) struct Lists {
    paging: Paging,
    sort: bool,
    most: usize,
}

impl Lists {
    pub(crate) fn new(config: &ScimConfig, discovery: &Discovery) -> Self {
        let cursor = match config.pages {
            Pages::Auto => discovery.cursor,
            Pages::Index => false,
            Pages::Cursor => true,
        };
        let paging = match cursor {
            true => Paging::cursor("cursor", "/nextCursor").with_first(""),
            false => Paging::offset("startIndex", 1).with_total("/totalResults"),
        };
        let most = discovery.most.unwrap_or(usize::MAX).min(config.page_size).max(1);
        // Without an order, pages by index may lose records between them.
        Self { paging, sort: discovery.sort && !cursor, most }
    }

    /// How many objects to ask for.
    pub(crate) fn count(&self, page_size: Option<usize>) -> usize {
        page_size.map_or(self.most, |size| size.min(self.most))
    }

    /// Reads the page of the server's objects that starts there.
    pub(crate) async fn read(
        &self,
        client: &Client,
        context: &Context,
        kind: Kind,
        filter: Option<&str>,
        at: &At,
    ) -> Result<Listed> {
        let mut request = Request::get(kind.endpoint()).query("count", at.count);
        if let Some(filter) = filter {
            request = request.query("filter", filter);
        }
        if self.sort {
            request = request.query("sortBy", "id");
        }
        if kind == Kind::Groups {
            request = request.query("excludedAttributes", "members");
        }
        let request = self.paging.request(request, at.place.as_ref());
        client.read(context, request, |answer| self.take(answer, kind, at)).await
    }

    fn take(&self, answer: &Answer, kind: Kind, at: &At) -> Result<Listed> {
        let mut body: Json = answer.json()?;
        let total = member(&body, "totalResults").and_then(Json::as_u64);
        let objects = match take_member(&mut body, "Resources") {
            Some(Json::Array(objects)) => objects,
            // A body that is no list would else be a list without records.
            None | Some(Json::Null) if total.is_some() => Vec::new(),
            _ => return Err(no_list(kind)),
        };
        let next = self.paging.next(&body, at.place.as_ref(), objects.len())?;
        let first_and_last = at.place.is_none() && next.is_none();
        if first_and_last && objects.is_empty() && total.is_some_and(|total| total > 0) {
            return Err(no_list(kind));
        }
        Ok(Listed { objects, next })
    }
}

fn take_member(body: &mut Json, name: &str) -> Option<Json> {
    let mut members = body.as_object_mut()?.iter_mut();
    members.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.take())
}

/// Worth another try: a proxy on the way may have answered.
fn no_list(kind: Kind) -> Error {
    let message = format!("the answer for {} is not the list it should be", kind.endpoint());
    Error::new(ErrorKind::Protocol, message).with_retry(Retry::Backoff)
}
