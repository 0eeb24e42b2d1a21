//! A SCIM 2.0 server (RFC 7643, 7644, cursor paging of RFC 9865).
//!
//! order: schema → filter → store → patch → discovery → list → routes

mod discovery;
mod filter;
mod list;
mod patch;
mod routes;
mod schema;
mod store;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value as Json, json};

use crate::estate::Estate;
use crate::http::{Call, Reply, System};
use store::Store;

/// A SCIM 2.0 server with the people of an estate, and a group a department.
///
/// Paths are below `/v2`. Every call needs the bearer token [`Scim::TOKEN`].
#[derive(Debug)]
pub struct Scim {
    pub(crate) store: Mutex<Store>,
    pub(crate) features: Features,
}

/// What the server says that it can do, and does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Features {
    pub(crate) etags: bool,
    pub(crate) cursors: bool,
    pub(crate) patch: bool,
    pub(crate) filters: bool,
    /// It answers filters as if there were none, without a word.
    pub(crate) deaf: bool,
    pub(crate) most: usize,
}

impl Scim {
    /// The token that every call needs.
    pub const TOKEN: &'static str = "sandbox-token";

    /// The people of this estate, with everything supported.
    pub fn new(estate: &Estate) -> Self {
        let features = Features {
            etags: true,
            cursors: true,
            patch: true,
            filters: true,
            deaf: false,
            most: 500,
        };
        Self { store: Mutex::new(Store::of(estate)), features }
    }

    /// Without versions: the last write wins.
    #[must_use]
    pub fn without_etags(mut self) -> Self {
        self.features.etags = false;
        self
    }

    /// With pages by index only.
    #[must_use]
    pub fn without_cursors(mut self) -> Self {
        self.features.cursors = false;
        self
    }

    /// With whole resources put in place only.
    #[must_use]
    pub fn without_patch(mut self) -> Self {
        self.features.patch = false;
        self
    }

    /// Without filters.
    #[must_use]
    pub fn without_filters(mut self) -> Self {
        self.features.filters = false;
        self
    }

    /// With filters that it takes and does not heed, as some servers do.
    #[must_use]
    pub fn deaf_to_filters(mut self) -> Self {
        self.features.deaf = true;
        self
    }

    /// With pages of at most so many resources, whatever is asked for.
    #[must_use]
    pub fn with_most(mut self, most: usize) -> Self {
        self.features.most = most.max(1);
        self
    }

    /// Everything that is kept, as text: the same before and after reading.
    pub fn dump(&self) -> String {
        self.held().dump()
    }

    /// All resources of a type (`User`, `Group`) as they would be given.
    pub fn all(&self, kind: &str) -> Vec<Json> {
        let store = self.held();
        let Some(kind) = schema::Kind::named(kind) else { return Vec::new() };
        let one = |id: String| Some((store.get(kind, &id)?, id));
        let all = store.ids(kind).into_iter().filter_map(one);
        all.map(|(json, id)| list::located(json, kind, &id, "", &self.features)).collect()
    }

    /// Makes a resource of a type, past all calls; gives its identifier, or nothing where it is none.
    pub fn make(&self, kind: &str, resource: &Json) -> Option<String> {
        let kind = schema::Kind::named(kind)?;
        let resource = kind.take(resource).ok()?;
        self.held().make(kind, resource).ok()
    }

    /// Takes a resource of a type away, past all calls; gives whether it was there.
    pub fn remove(&self, kind: &str, id: &str) -> bool {
        schema::Kind::named(kind).is_some_and(|kind| self.held().remove(kind, id).is_ok())
    }

    pub(crate) fn held(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl System for Scim {
    fn answer(&self, call: &Call) -> Reply {
        if call.header("authorization") != Some(&format!("Bearer {}", Self::TOKEN)) {
            return self.error(401);
        }
        let reply = routes::answer(self, call);
        reply.unwrap_or_else(|refused| refused.reply())
    }

    fn error(&self, status: u16) -> Reply {
        let reply = Refused::new(status, "", said(status)).reply();
        match status {
            401 => reply.header("www-authenticate", "Bearer realm=\"SCIM\""),
            _ => reply,
        }
    }
}

impl System for std::sync::Arc<Scim> {
    fn answer(&self, call: &Call) -> Reply {
        (**self).answer(call)
    }

    fn error(&self, status: u16) -> Reply {
        (**self).error(status)
    }
}

/// Why a call was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    status: u16,
    scim_type: &'static str,
    detail: String,
}

pub(crate) type Outcome<T> = Result<T, Refused>;

impl Refused {
    pub(crate) fn new(status: u16, scim_type: &'static str, detail: impl Into<String>) -> Self {
        Self { status, scim_type, detail: detail.into() }
    }

    pub(crate) fn bad(scim_type: &'static str, detail: impl Into<String>) -> Self {
        Self::new(400, scim_type, detail)
    }

    pub(crate) fn absent(id: &str) -> Self {
        Self::new(404, "", format!("Resource {id} not found"))
    }

    fn reply(&self) -> Reply {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let (Json::Object(members), false) = (&mut body, self.scim_type.is_empty()) {
            members.insert("scimType".into(), json!(self.scim_type));
        }
        Reply::json(self.status, &body).header("content-type", "application/scim+json")
    }
}

/// A member whatever its case.
pub(crate) fn member<'a>(json: &'a Json, name: &str) -> Option<&'a Json> {
    let mut members = json.as_object()?.iter();
    members.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn said(status: u16) -> &'static str {
    match status {
        401 => "Authorization failure. The authorization header is invalid or missing.",
        429 => "Too many requests",
        _ => "The server cannot answer now",
    }
}
