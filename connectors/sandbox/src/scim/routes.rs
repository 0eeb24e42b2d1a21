//! Which call means what.

use serde_json::{Value as Json, json};

use super::schema::Kind;
use super::{Outcome, Refused, Scim, discovery, list, patch};
use crate::http::{Call, Reply};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

pub(super) fn answer(scim: &Scim, call: &Call) -> Outcome<Reply> {
    let parts = call.parts();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let base = format!("{}/v2", call.origin);
    let (method, rest) = match parts.as_slice() {
        ["v2", rest @ ..] => (call.method.as_str(), rest),
        _ => return Err(Refused::new(404, "", "No such endpoint")),
    };
    match (method, rest) {
        ("GET", ["ServiceProviderConfig"]) => Ok(ok(&discovery::config(&scim.features, &base))),
        ("GET", ["ResourceTypes" | "Schemas", ..]) if call.parameter("filter").is_some() => {
            Err(Refused::new(403, "", "Filters are not allowed here"))
        }
        ("GET", ["ResourceTypes", id @ ..]) => {
            Ok(ok(&discovery::types(id.first().copied(), &base)?))
        }
        ("GET", ["Schemas", id @ ..]) => Ok(ok(&discovery::schemas(id.first().copied(), &base)?)),
        (_, ["ServiceProviderConfig" | "ResourceTypes" | "Schemas", ..]) => {
            Err(Refused::new(405, "", "Method not allowed"))
        }
        (_, ["Me" | "Bulk"]) => Err(Refused::new(501, "", "Not implemented")),
        ("GET", []) => listed(scim, &[Kind::User, Kind::Group], call, &base),
        ("POST", [".search"]) => listed(scim, &[Kind::User, Kind::Group], &searched(call)?, &base),
        (_, [endpoint, rest @ ..]) => {
            let kind =
                Kind::at(endpoint).ok_or_else(|| Refused::new(404, "", "No such endpoint"))?;
            of_kind(scim, kind, method, rest, call, &base)
        }
        _ => Err(Refused::new(405, "", "Method not allowed")),
    }
}

fn of_kind(
    scim: &Scim,
    kind: Kind,
    method: &str,
    rest: &[&str],
    call: &Call,
    base: &str,
) -> Outcome<Reply> {
    match (method, rest) {
        ("GET", []) => listed(scim, &[kind], call, base),
        ("POST", [".search"]) => listed(scim, &[kind], &searched(call)?, base),
        ("POST", []) => {
            let resource = kind.take(&body(call)?)?;
            let id = scim.held().make(kind, resource)?;
            let reply = one(scim, kind, &id, call, base, 201)?;
            Ok(reply.header("location", format!("{base}/{}/{id}", kind.endpoint())))
        }
        ("GET", [id]) => get(scim, kind, id, call, base),
        ("PUT", [id]) => {
            let resource = kind.take(&body(call)?)?;
            let mut store = scim.held();
            scim.check_version(&store, kind, id, call)?;
            store.put(kind, id, resource)?;
            drop(store);
            one(scim, kind, id, call, base, 200)
        }
        ("PATCH", [id]) => change(scim, kind, id, call),
        ("DELETE", [id]) => {
            let mut store = scim.held();
            scim.check_version(&store, kind, id, call)?;
            store.remove(kind, id).map(|()| Reply::new(204))
        }
        _ => Err(Refused::new(405, "", "Method not allowed")),
    }
}

fn change(scim: &Scim, kind: Kind, id: &str, call: &Call) -> Outcome<Reply> {
    if !scim.features.patch {
        return Err(Refused::new(501, "", "PATCH is not supported"));
    }
    let request = body(call)?;
    let mut store = scim.held();
    let old = store.raw(kind, id).ok_or_else(|| Refused::absent(id))?;
    scim.check_version(&store, kind, id, call)?;
    let new = patch::apply(kind, old, &request)?;
    store.put(kind, id, new)?;
    let version = store.version(kind, id).filter(|_| scim.features.etags);
    Ok(version.into_iter().fold(Reply::new(204), |reply, version| reply.header("etag", version)))
}

fn get(scim: &Scim, kind: Kind, id: &str, call: &Call, base: &str) -> Outcome<Reply> {
    let version = scim.held().version(kind, id).filter(|_| scim.features.etags);
    match (version, call.header("if-none-match")) {
        (Some(version), Some(known)) if version == known => {
            Ok(Reply::new(304).header("etag", version))
        }
        _ => one(scim, kind, id, call, base, 200),
    }
}

fn one(scim: &Scim, kind: Kind, id: &str, call: &Call, base: &str, status: u16) -> Outcome<Reply> {
    let store = scim.held();
    let json = store.get(kind, id).ok_or_else(|| Refused::absent(id))?;
    let json = list::located(json, kind, id, base, &scim.features);
    let reply = scim_json(status, &list::select(kind, &json, call));
    let version = store.version(kind, id).filter(|_| scim.features.etags);
    Ok(version.into_iter().fold(reply, |reply, version| reply.header("etag", version)))
}

fn listed(scim: &Scim, kinds: &[Kind], call: &Call, base: &str) -> Outcome<Reply> {
    Ok(ok(&list::page(&scim.held(), &scim.features, kinds, call, base)?))
}

impl Scim {
    fn check_version(
        &self,
        store: &super::store::Store,
        kind: Kind,
        id: &str,
        call: &Call,
    ) -> Outcome<()> {
        let (known, now) = (call.header("if-match"), store.version(kind, id));
        match (known, now) {
            (Some(known), Some(now)) if self.features.etags && known != "*" && known != now => {
                Err(Refused::new(412, "", "The resource has changed on the server"))
            }
            _ => Ok(()),
        }
    }
}

/// A search by POST is a list with the query in the body (RFC 7644 §3.4.3).
fn searched(call: &Call) -> Outcome<Call> {
    let request = body(call)?;
    let schemas = request.get("schemas").and_then(Json::as_array);
    if !schemas.is_some_and(|schemas| schemas.contains(&json!(SEARCH))) {
        return Err(Refused::bad("invalidSyntax", "not a SearchRequest"));
    }
    let mut call = call.clone();
    call.query.clear();
    for (name, value) in request.as_object().into_iter().flatten() {
        let text = match value {
            Json::String(text) => text.clone(),
            Json::Array(items) => {
                items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(",")
            }
            other => other.to_string(),
        };
        call.query.push((name.clone(), text));
    }
    Ok(call)
}

fn body(call: &Call) -> Outcome<Json> {
    call.json().ok_or_else(|| Refused::bad("invalidSyntax", "The body is not JSON"))
}

fn ok(json: &Json) -> Reply {
    scim_json(200, json)
}

fn scim_json(status: u16, json: &Json) -> Reply {
    Reply::json(status, json).header("content-type", "application/scim+json")
}
