//! Many calls in one (OData JSON batch).

use std::collections::{HashMap, HashSet};

use serde_json::{Value as Json, json};

use super::refused::{Outcome, Refused, body, text};
use crate::http::{Call, Reply};

/// The most calls in one.
const MOST: usize = 20;

/// Answers the calls one by one, those first that others wait for.
pub(super) fn answer(call: &Call, mut one: impl FnMut(&Call) -> Reply) -> Outcome<Reply> {
    let body = body(call)?;
    let requests = body.get("requests").and_then(Json::as_array);
    let requests = requests.ok_or_else(|| Refused::bad("requests is missing."))?;
    check(requests)?;
    let mut done: HashMap<String, u16> = HashMap::new();
    let mut responses = Vec::new();
    let mut waiting: Vec<&Json> = requests.iter().collect();
    while !waiting.is_empty() {
        let (ready, rest): (Vec<&Json>, Vec<&Json>) =
            waiting.iter().partition(|one| parents(one).all(|id| done.contains_key(&id)));
        if ready.is_empty() {
            return Err(Refused::bad("A request depends on one that is not in the batch."));
        }
        for request in ready {
            let failed = parents(request)
                .any(|id| done.get(&id).is_some_and(|status| !(200..300).contains(status)));
            let reply = match failed {
                true => Refused::new(424, "FailedDependency", "A request it depends on failed.")
                    .written(false),
                false => inner(call, request, &mut one),
            };
            done.insert(text(request, "id").to_lowercase(), reply.status);
            responses.push(shown(request, &reply));
        }
        waiting = rest;
    }
    // They come in any order.
    responses.reverse();
    Ok(Reply::json(200, &json!({"responses": responses})))
}

fn check(requests: &[Json]) -> Outcome<()> {
    let mut ids = HashSet::new();
    let named = requests
        .iter()
        .all(|one| !text(one, "id").is_empty() && ids.insert(text(one, "id").to_lowercase()));
    match named && requests.len() <= MOST {
        true => Ok(()),
        false => Err(Refused::bad("A batch has at most 20 requests, with ids unlike each other.")),
    }
}

/// The calls that one waits for; one of Microsoft's own clients spells it with a line.
fn parents(request: &Json) -> impl Iterator<Item = String> {
    let named = request.get("dependsOn").or_else(|| request.get("depends_on"));
    let ids = named.and_then(Json::as_array).into_iter().flatten();
    ids.filter_map(|id| Some(id.as_str()?.to_lowercase())).collect::<Vec<_>>().into_iter()
}

fn inner(outer: &Call, request: &Json, one: &mut impl FnMut(&Call) -> Reply) -> Reply {
    // Relative to the version, and whole from clients that do not know this host for Graph's.
    let url = text(request, "url");
    let url = url.strip_prefix(&outer.origin).unwrap_or(url);
    let url = url.strip_prefix("/v1.0").unwrap_or(url);
    let slash = if url.starts_with('/') { "" } else { "/" };
    let call = Call { origin: outer.origin.clone(), ..Call::default() };
    let mut call = call.at(&format!("/v1.0{slash}{url}"));
    call.method = text(request, "method").to_uppercase();
    let headers = request.get("headers").and_then(Json::as_object).into_iter().flatten();
    call.headers = headers
        .filter_map(|(name, value)| Some((name.to_lowercase(), value.as_str()?.to_owned())))
        .collect();
    let body = request.get("body").filter(|body| !body.is_null());
    call.body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    match (call.path.ends_with("$batch"), body.is_some() && call.header("content-type").is_none()) {
        (true, _) => Refused::bad("Batches are not nested.").reply(&call),
        (_, true) => Refused::bad("A body needs a Content-Type among the headers.").reply(&call),
        _ => one(&call),
    }
}

fn shown(request: &Json, reply: &Reply) -> Json {
    let headers = reply.headers.iter().map(|(name, value)| (name.clone(), json!(value)));
    let headers: serde_json::Map<String, Json> = headers.collect();
    let mut shown = json!({"id": text(request, "id"), "status": reply.status, "headers": headers});
    let body: Json = match serde_json::from_slice(&reply.body) {
        Ok(json) => json,
        Err(_) => json!(String::from_utf8_lossy(&reply.body)),
    };
    if let (Json::Object(members), false) = (&mut shown, reply.body.is_empty()) {
        members.insert("body".into(), body);
    }
    shown
}
