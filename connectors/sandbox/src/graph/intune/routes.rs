//! Which call means what.

use serde_json::Value as Json;

use super::super::refused::{Outcome, Refused};
use super::state::State;
use super::{apps, devices, reports};
use crate::http::{Call, Reply};

/// Answers a call about devices or apps.
pub(in crate::graph) fn answer(state: &mut State, call: &Call) -> Outcome<Reply> {
    let parts = call.parts();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (call.method.as_str(), parts.as_slice()) {
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

fn ok(body: Outcome<Json>) -> Outcome<Reply> {
    Ok(Reply::json(200, &body?))
}

fn unrouted() -> Refused {
    Refused::bad("No OData route exists that match template")
}
