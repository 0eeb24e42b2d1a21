//! How lists come in pages.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use trueup_connector::{Error, Kind, Result, Retry};

use crate::request::Request;

/// How a list comes in pages; members are named by JSON pointers (RFC 6901).
///
/// ```
/// use serde_json::json;
/// use trueup_kit::{Paging, Place, Request};
///
/// let paging = Paging::offset("startIndex", 1).with_total("/totalResults");
/// let next = paging.next(&json!({"totalResults": 5}), None, 2)?;
/// assert_eq!(next, Some(Place::Number(3)));
/// let request = paging.request(Request::get("Users"), next.as_ref());
/// assert_eq!(request.query, [("startIndex".to_owned(), "3".to_owned())]);
/// # Ok::<(), trueup_connector::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Paging {
    /// A page names the address of the next, which is followed as it is.
    NextLink {
        /// The member with the address; a page without it is the last.
        link: String,
    },
    /// A page names what to ask for to get the next.
    Cursor {
        /// The parameter of the query.
        parameter: String,
        /// Its value for the first page; not sent without.
        #[serde(default)]
        first: Option<String>,
        /// The member with the next value; a page without it is the last.
        next: String,
    },
    /// Pages start at a record's number. It goes on by the records got, which may be fewer than
    /// asked for.
    Offset {
        /// The parameter of the query.
        parameter: String,
        /// The number of the first record.
        first: u64,
        /// The member with the number of all records; without it an empty page is the last.
        #[serde(default)]
        total: Option<String>,
    },
    /// Pages are numbered.
    Number {
        /// The parameter of the query.
        parameter: String,
        /// The number of the first page.
        first: u64,
        /// The member with the number of pages; without it an empty page is the last.
        #[serde(default)]
        pages: Option<String>,
    },
}

/// Where a page starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Place {
    /// At this address.
    Link(String),
    /// At what this stands for.
    Text(String),
    /// At this number.
    Number(u64),
}

impl Paging {
    /// A page names the address of the next in this member.
    pub fn next_link(link: impl Into<String>) -> Self {
        Self::NextLink { link: link.into() }
    }

    /// A page names in the member `next` what to ask for in this parameter.
    pub fn cursor(parameter: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Cursor { parameter: parameter.into(), first: None, next: next.into() }
    }

    /// Pages start at a record's number.
    pub fn offset(parameter: impl Into<String>, first: u64) -> Self {
        Self::Offset { parameter: parameter.into(), first, total: None }
    }

    /// Pages are numbered.
    pub fn number(parameter: impl Into<String>, first: u64) -> Self {
        Self::Number { parameter: parameter.into(), first, pages: None }
    }

    /// Sets the member that says how many records, or pages, there are.
    #[must_use]
    pub fn with_total(mut self, member: impl Into<String>) -> Self {
        match &mut self {
            Self::Offset { total: it, .. } | Self::Number { pages: it, .. } => {
                *it = Some(member.into());
            }
            Self::NextLink { .. } | Self::Cursor { .. } => {}
        }
        self
    }

    /// Sets the value of the parameter for the first page.
    #[must_use]
    pub fn with_first(mut self, value: impl Into<String>) -> Self {
        if let Self::Cursor { first, .. } = &mut self {
            *first = Some(value.into());
        }
        self
    }

    /// The call for the page that starts there; the first without a place.
    #[must_use]
    pub fn request(&self, mut request: Request, place: Option<&Place>) -> Request {
        match (self, place) {
            (_, Some(Place::Link(link))) => {
                // The link has everything already.
                request.path.clone_from(link);
                request.query.clear();
                request
            }
            (Self::Cursor { parameter, first, .. }, place) => {
                let text = match place {
                    Some(Place::Text(text)) => Some(text),
                    _ => first.as_ref(),
                };
                text.into_iter().fold(request, |request, text| request.query(parameter, text))
            }
            (
                Self::Offset { parameter, first, .. } | Self::Number { parameter, first, .. },
                place,
            ) => request.query(parameter, number(place, *first)),
            (Self::NextLink { .. }, _) => request,
        }
    }

    /// Where the page after this one starts; `None` after the last. `got`: how many records this
    /// page has.
    ///
    /// # Errors
    /// `protocol`, worth another try, where the list says that there are more records and the page
    /// has none: taken for the end, it would be a gap.
    pub fn next(&self, body: &Json, place: Option<&Place>, got: usize) -> Result<Option<Place>> {
        let got = u64::try_from(got).unwrap_or(u64::MAX);
        Ok(match self {
            Self::NextLink { link } => text(body, link).map(Place::Link),
            Self::Cursor { next, .. } => text(body, next).map(Place::Text),
            Self::Offset { first, total, .. } => {
                let next = number(place, *first).saturating_add(got);
                let more = match count(body, total) {
                    Some(total) => next.saturating_sub(*first) < total,
                    None => got > 0,
                };
                if more && got == 0 {
                    return Err(gap());
                }
                more.then_some(Place::Number(next))
            }
            Self::Number { first, pages, .. } => {
                let next = number(place, *first).saturating_add(1);
                let more = match count(body, pages) {
                    Some(pages) => next.saturating_sub(*first) < pages,
                    None => got > 0,
                };
                more.then_some(Place::Number(next))
            }
        })
    }

    /// How many records the list says it has, where it says so.
    pub fn total(&self, body: &Json) -> Option<u64> {
        match self {
            Self::Offset { total, .. } => count(body, total),
            _ => None,
        }
    }
}

fn gap() -> Error {
    let message = "a page has no records, and the list says that there are more";
    Error::new(Kind::Protocol, message).with_retry(Retry::Backoff)
}

fn number(place: Option<&Place>, first: u64) -> u64 {
    match place {
        Some(Place::Number(number)) => *number,
        _ => first,
    }
}

/// An empty text is no next page.
fn text(body: &Json, member: &str) -> Option<String> {
    body.pointer(member)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn count(body: &Json, member: &Option<String>) -> Option<u64> {
    body.pointer(member.as_ref()?)?.as_u64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_way_comes_to_its_end() {
        let link = Paging::next_link("/@odata.nextLink");
        let cursor = Paging::cursor("after", "/meta/next");
        let offset = Paging::offset("start", 0);
        let total = Paging::offset("startIndex", 1).with_total("/total");
        let number = Paging::number("page", 1);
        let pages = Paging::number("page", 0).with_total("/pages");
        let at = |number| Some(Place::Number(number));
        for (paging, body, place, got, next) in [
            (
                &link,
                json!({"@odata.nextLink": "https://a/x"}),
                None,
                0,
                Some(Place::Link("https://a/x".into())),
            ),
            (&link, json!({"@odata.nextLink": ""}), None, 2, None),
            (&link, json!({}), None, 2, None),
            (&cursor, json!({"meta": {"next": "abc"}}), None, 0, Some(Place::Text("abc".into()))),
            (&cursor, json!({"meta": {}}), None, 2, None),
            (&offset, json!({}), None, 2, at(2)),
            (&offset, json!({}), at(2), 0, None),
            (&total, json!({"total": 3}), None, 2, at(3)),
            (&total, json!({"total": 3}), at(3), 1, None),
            (&number, json!({}), None, 1, at(2)),
            (&number, json!({}), at(2), 0, None),
            (&pages, json!({"pages": 2}), None, 0, at(1)),
            (&pages, json!({"pages": 2}), at(1), 5, None),
        ] {
            let found = paging.next(&body, place.as_ref(), got).unwrap();
            assert_eq!(found, next, "{paging:?} {body} {place:?}");
        }
    }

    #[test]
    fn an_empty_page_in_the_middle_is_not_the_end() {
        let paging = Paging::offset("startIndex", 1).with_total("/total");
        let error = paging.next(&json!({"total": 3}), None, 0).unwrap_err();
        assert_eq!((error.kind(), error.retry()), (Kind::Protocol, Retry::Backoff));
        assert_eq!(paging.next(&json!({"total": 0}), None, 0).unwrap(), None);
    }

    #[test]
    fn requests_say_where_to_start() {
        let query = |paging: &Paging, place: Option<Place>| {
            let request = paging.request(Request::get("x").query("a", 1), place.as_ref());
            let pairs = request.query.iter().map(|(name, value)| format!("{name}={value}"));
            format!("{}?{}", request.path, pairs.collect::<Vec<_>>().join("&"))
        };
        let link = Paging::next_link("/next");
        assert_eq!(query(&link, None), "x?a=1");
        assert_eq!(query(&link, Some(Place::Link("https://a/y?z=1".into()))), "https://a/y?z=1?");
        let cursor = Paging::cursor("cursor", "/next");
        assert_eq!(query(&cursor, None), "x?a=1");
        assert_eq!(query(&cursor.clone().with_first(""), None), "x?a=1&cursor=");
        assert_eq!(query(&cursor.with_first(""), Some(Place::Text("q".into()))), "x?a=1&cursor=q");
        assert_eq!(query(&Paging::number("page", 1), None), "x?a=1&page=1");
    }

    #[test]
    fn ways_are_data() {
        let text = r#"{"kind": "offset", "parameter": "start", "first": 0}"#;
        assert_eq!(serde_json::from_str::<Paging>(text).unwrap(), Paging::offset("start", 0));
        let text = r#"{"kind": "next_link", "link": "/next", "lnk": 1}"#;
        assert!(serde_json::from_str::<Paging>(text).is_err());
    }
}
