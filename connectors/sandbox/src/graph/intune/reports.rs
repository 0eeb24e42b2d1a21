//! Reports that answer at once: rows of columns, for which a filter is needed.

use serde_json::{Value as Json, json};

use super::super::refused::{Outcome, Refused, text};
use super::state::State;
use crate::http::{Call, Reply};

const COLUMNS: &[&str] = &[
    "DeviceName",
    "DeviceId",
    "UserPrincipalName",
    "Platform",
    "AppVersion",
    "AppInstallState",
    "HexErrorCode",
    "LastModifiedDateTime",
];

/// How an app fares on the devices.
pub(super) fn install_status(state: &State, call: &Call) -> Outcome<Reply> {
    let body = call.json().ok_or_else(|| Refused::bad("The body is not JSON."))?;
    let filter = text(&body, "filter");
    let app = filter
        .trim_matches(['(', ')'])
        .split_once(" eq ")
        .filter(|(name, _)| name.trim() == "ApplicationId");
    let app = app.map(|(_, id)| id.trim().trim_matches('\''));
    let app =
        app.ok_or_else(|| Refused::bad("The filter ApplicationId is required for this report."))?;
    let number = state.apps.iter().position(|known| known.id == app);
    let number = number.ok_or_else(|| Refused::absent(app))?;
    let rows = rows(state, number);
    let whole = |name: &str, default| body.get(name).and_then(Json::as_u64).unwrap_or(default);
    let (skip, top) = (whole("skip", 0), whole("top", 50).min(500));
    let (skip, top) =
        (usize::try_from(skip).unwrap_or(usize::MAX), usize::try_from(top).unwrap_or(50));
    let total = rows.len();
    let values: Vec<Json> = rows.into_iter().skip(skip).take(top).collect();
    let schema = COLUMNS.iter().map(|name| json!({"Column": name, "PropertyType": "String"}));
    let report = json!({"TotalRowCount": total, "Schema": schema.collect::<Vec<_>>(),
        "Values": values, "SessionId": ""});
    // It says that it is bytes, and is JSON.
    Ok(Reply::json(200, &report).header("content-type", "application/octet-stream"))
}

fn rows(state: &State, app: usize) -> Vec<Json> {
    let number = u64::try_from(app).unwrap_or(0);
    let version = state.apps.get(app).map(|app| app.version.clone());
    let numbered = (0_u64..).zip(&state.devices).filter(|(_, managed)| !managed.gone);
    let found = numbered.filter_map(|(at, managed)| Some((managed, state.installed(number, at)?)));
    let rows = found.map(|(managed, how)| {
        let device = &managed.device;
        let code = if how == "failed" { "0x87D30065" } else { "" };
        json!([
            device.name,
            device.id,
            state.estate.person(device.owner).login,
            device.system,
            version,
            how,
            code,
            "2026-02-01T00:00:00Z"
        ])
    });
    rows.collect()
}
