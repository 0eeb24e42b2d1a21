//! Apps, to whom they are given, and apps that were detected.

use serde_json::{Value as Json, json};

use super::super::odata::{page, select};
use super::super::refused::{Outcome, Refused, text};
use super::devices;
use super::state::{Assignment, State};
use crate::estate::App;
use crate::http::{Call, Reply};

const INTENTS: &[&str] = &["available", "required", "uninstall", "availableWithoutEnrollment"];
const TARGETS: &[&str] = &[
    "groupAssignmentTarget",
    "exclusionGroupAssignmentTarget",
    "allDevicesAssignmentTarget",
    "allLicensedUsersAssignmentTarget",
];

pub(super) fn list(state: &State, call: &Call) -> Outcome<Json> {
    let record =
        |at: usize| state.apps.get(at).map(|app| json(state, call, app)).unwrap_or_default();
    page(call, "deviceAppManagement/mobileApps", state.apps.len(), record)
}

pub(super) fn get(state: &State, call: &Call, id: &str) -> Outcome<Json> {
    let app = state.app(id).ok_or_else(|| Refused::absent(id))?;
    Ok(select(call, json(state, call, app)))
}

fn json(state: &State, call: &Call, app: &App) -> Json {
    let mut json = json!({
        "@odata.type": "#microsoft.graph.win32LobApp", "id": app.id, "displayName": app.name,
        "description": format!("{} {}", app.name, app.version), "publisher": app.publisher,
        "createdDateTime": "2025-02-03T10:00:00Z", "lastModifiedDateTime": "2025-08-03T10:00:00Z",
        "isFeatured": false, "notes": "", "owner": "", "developer": "", "publishingState": "published",
        "fileName": "IntunePackage.intunewin", "size": 1_048_576, "committedContentVersion": "1",
    });
    let expand = call.parameter("$expand").unwrap_or_default();
    if let (Json::Object(members), true) = (&mut json, expand.contains("assignments")) {
        let assignments: Vec<Json> = state.assigned(&app.id).iter().map(Assignment::json).collect();
        members.insert("assignments".into(), Json::Array(assignments));
    }
    json
}

pub(super) fn assignments(state: &State, call: &Call, app: &str) -> Outcome<Json> {
    state.app(app).ok_or_else(|| Refused::absent(app))?;
    let all = state.assigned(app);
    page(call, "assignments", all.len(), |at| all.get(at).map(Assignment::json).unwrap_or_default())
}

/// Adds one; the same target twice is refused.
pub(super) fn add(state: &mut State, call: &Call, app: &str) -> Outcome<Reply> {
    state.app(app).ok_or_else(|| Refused::absent(app))?;
    let assignment = read(&body(call)?)?;
    let same =
        |known: &Assignment| known.target == assignment.target && known.group == assignment.group;
    if state.assigned(app).iter().any(same) {
        return Err(Refused::bad("The MobileApp Assignment already exists for this target."));
    }
    let id = state.assign(app, assignment);
    let made = state.assigned(app).iter().find(|known| known.id == id).map(Assignment::json);
    Ok(Reply::json(201, &made.unwrap_or_default()))
}

/// Puts a whole set in the place of what is there: what is not named is gone.
pub(super) fn replace(state: &mut State, call: &Call, app: &str) -> Outcome<Reply> {
    state.app(app).ok_or_else(|| Refused::absent(app))?;
    let body = body(call)?;
    let set = body.get("mobileAppAssignments").and_then(Json::as_array);
    let set = set.ok_or_else(|| Refused::bad("mobileAppAssignments is missing."))?;
    let set = set.iter().map(read).collect::<Outcome<Vec<_>>>()?;
    state.assignments.remove(app);
    set.into_iter().for_each(|assignment| drop(state.assign(app, assignment)));
    Ok(Reply::new(204))
}

/// Changes the intent; the identifier changes with it.
pub(super) fn change(state: &mut State, call: &Call, app: &str, id: &str) -> Outcome<Reply> {
    let body = body(call)?;
    let all = state.assignments.get_mut(app).ok_or_else(|| Refused::absent(app))?;
    let at = all.iter().position(|known| known.id == id).ok_or_else(|| Refused::absent(id))?;
    let mut changed = all.remove(at);
    changed.intent = intent(&body)?;
    let id = state.assign(app, changed);
    let made = state.assigned(app).iter().find(|known| known.id == id).map(Assignment::json);
    Ok(Reply::json(200, &made.unwrap_or_default()))
}

pub(super) fn remove(state: &mut State, app: &str, id: &str) -> Outcome<Reply> {
    let all = state.assignments.get_mut(app).ok_or_else(|| Refused::absent(app))?;
    let at = all.iter().position(|known| known.id == id).ok_or_else(|| Refused::absent(id))?;
    all.remove(at);
    Ok(Reply::new(204))
}

fn read(json: &Json) -> Outcome<Assignment> {
    let target = json.get("target").unwrap_or(&Json::Null);
    let kind = text(target, "@odata.type").trim_start_matches("#microsoft.graph.");
    if !TARGETS.contains(&kind) {
        return Err(Refused::bad(format!("The target type '{kind}' is not known.")));
    }
    let group = target.get("groupId").and_then(Json::as_str).map(str::to_owned);
    match (kind.contains("roup"), &group) {
        (true, None) => Err(Refused::bad("groupId is missing.")),
        (false, Some(_)) => Err(Refused::bad("groupId does not belong to this target.")),
        _ => Ok(Assignment {
            id: String::new(),
            intent: intent(json)?,
            target: kind.to_owned(),
            group,
        }),
    }
}

fn intent(json: &Json) -> Outcome<String> {
    let intent = text(json, "intent");
    match INTENTS.contains(&intent) {
        true => Ok(intent.to_owned()),
        false => Err(Refused::bad(format!("The intent '{intent}' is not known."))),
    }
}

fn body(call: &Call) -> Outcome<Json> {
    call.json().ok_or_else(|| Refused::bad("The body is not JSON."))
}

pub(super) fn detected(state: &State, call: &Call) -> Outcome<Json> {
    let record = |at: usize| {
        let app = state.apps.get(at);
        let number = u64::try_from(at).unwrap_or(0);
        let count = on(state, number).count();
        app.map(|app| {
            json!({"id": format!("{}-{}", app.id, app.version), "displayName": app.name,
                "version": app.version, "publisher": app.publisher, "platform": "windows",
                "sizeInByte": 0, "deviceCount": count})
        })
        .unwrap_or_default()
    };
    page(call, "deviceManagement/detectedApps", state.apps.len(), record)
}

pub(super) fn detected_on(state: &State, call: &Call, id: &str) -> Outcome<Json> {
    let at = state.apps.iter().position(|app| id == format!("{}-{}", app.id, app.version));
    let at = at.ok_or_else(|| Refused::absent(id))?;
    let found: Vec<usize> = on(state, u64::try_from(at).unwrap_or(0)).collect();
    let record = |at: usize| {
        let managed = found.get(at).and_then(|at| state.devices.get(*at));
        managed.map(|managed| {
            let json = devices::json(state, managed, false);
            json!({"id": text(&json, "id"), "deviceName": text(&json, "deviceName")})
        })
    };
    page(call, "managedDevices", found.len(), |at| record(at).unwrap_or_default())
}

/// The devices that an app is on, by their places.
fn on(state: &State, app: u64) -> impl Iterator<Item = usize> {
    let numbered = (0_u64..).zip(&state.devices).enumerate();
    numbered
        .filter(move |(_, (number, managed))| {
            !managed.gone && state.installed(app, *number) == Some("installed")
        })
        .map(|(at, _)| at)
}
