//! Which call means what; many calls in one.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use super::state::State;
use super::{Outcome, Refused, apps, devices, reports, text};
use crate::http::{Call, Reply};

/// The most calls in one.
const MOST: usize = 20;

pub(super) fn answer(state: &mut State, call: &Call) -> Outcome<Reply> {
    let parts = call.parts();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (call.method.as_str(), parts.as_slice()) {
        ("POST", ["v1.0", "$batch"]) => batch(state, call),
        (_, ["v1.0", "deviceManagement", rest @ ..]) => management(state, call, rest),
        (_, ["v1.0", "deviceAppManagement", "mobileApps", rest @ ..]) => {
            mobile_apps(state, call, rest)
        }
        _ => Err(unrouted()),
    }
}

fn management(state: &mut State, call: &Call, rest: &[&str]) -> Outcome<Reply> {
    match (call.method.as_str(), rest) {
        ("GET", ["managedDevices"]) => ok(devices::list(state, call)),
        ("GET", ["managedDevices", "$count"]) => Ok(devices::count(state)),
        ("GET", ["managedDevices", id]) => ok(devices::get(state, call, id)),
        ("PATCH", ["managedDevices", id]) => ok(devices::change(state, call, id)),
        ("DELETE", ["managedDevices", id]) => devices::remove(state, id),
        ("GET", ["managedDevices", id, "deviceCompliancePolicyStates"]) => {
            ok(devices::policy_states(state, id))
        }
        ("POST", ["managedDevices", id, action]) => devices::act(state, id, action),
        ("GET", ["deviceCompliancePolicies"]) => ok(devices::policies(call)),
        ("GET", ["detectedApps"]) => ok(apps::detected(state, call)),
        ("GET", ["detectedApps", id, "managedDevices"]) => ok(apps::detected_on(state, call, id)),
        ("POST", ["reports", "retrieveDeviceAppInstallationStatusReport"]) => {
            reports::install_status(state, call)
        }
        _ => Err(unrouted()),
    }
}

fn mobile_apps(state: &mut State, call: &Call, rest: &[&str]) -> Outcome<Reply> {
    match (call.method.as_str(), rest) {
        ("GET", []) => ok(apps::list(state, call)),
        ("GET", [id]) => ok(apps::get(state, call, id)),
        ("GET", [id, "assignments"]) => ok(apps::assignments(state, call, id)),
        ("POST", [id, "assignments"]) => apps::add(state, call, id),
        ("POST", [id, "assign"]) => apps::replace(state, call, id),
        ("PATCH", [app, "assignments", id]) => apps::change(state, call, app, id),
        ("DELETE", [app, "assignments", id]) => apps::remove(state, app, id),
        _ => Err(unrouted()),
    }
}

fn batch(state: &mut State, call: &Call) -> Outcome<Reply> {
    let body = call.json().ok_or_else(|| Refused::bad("The body is not JSON."))?;
    let requests = body.get("requests").and_then(Json::as_array);
    let requests = requests.ok_or_else(|| Refused::bad("requests is missing."))?;
    let mut ids = HashSet::new();
    if requests.len() > MOST
        || !requests.iter().all(|one| ids.insert(text(one, "id").to_lowercase()))
    {
        return Err(Refused::bad("A batch has at most 20 requests, with ids unlike each other."));
    }
    let mut responses: Vec<Json> = requests.iter().map(|one| inner(state, call, one)).collect();
    // They come in any order.
    responses.reverse();
    Ok(Reply::json(200, &json!({"responses": responses})))
}

fn inner(state: &mut State, outer: &Call, request: &Json) -> Json {
    let address = format!("/v1.0{}", text(request, "url"));
    let mut call = Call { origin: outer.origin.clone(), ..Call::default() }.at(&address);
    call.method = text(request, "method").to_uppercase();
    call.body = request.get("body").map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let nested = call.path.ends_with("$batch");
    let reply = match nested {
        true => Refused::bad("Batches are not nested.").reply(),
        false => answer(state, &call).unwrap_or_else(|refused| refused.reply()),
    };
    let body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    json!({"id": text(request, "id"), "status": reply.status,
        "headers": {"Content-Type": "application/json"}, "body": body})
}

fn ok(body: Outcome<Json>) -> Outcome<Reply> {
    Ok(Reply::json(200, &body?))
}

fn unrouted() -> Refused {
    Refused::bad("No OData route exists that match template")
}
