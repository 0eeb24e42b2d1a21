//! Actions on devices: queued, and then asked about.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use trueup_connector::{Error, Kind, Receipt, Result};
use trueup_kit::{Request, encode};

use crate::model::DEVICES;

/// What can be asked of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    Sync,
    Retire,
    Wipe,
}

/// An action under way, as its handle says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    pub(crate) device: String,
    pub(crate) action: Action,
    /// When the device was heard of last before.
    pub(crate) heard: Option<String>,
}

impl Action {
    pub(crate) const NAMES: [&'static str; 3] = ["sync", "retire", "wipe"];

    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "sync" => Some(Self::Sync),
            "retire" => Some(Self::Retire),
            "wipe" => Some(Self::Wipe),
            _ => None,
        }
    }

    /// Graph's word.
    fn word(self) -> &'static str {
        match self {
            Self::Sync => "syncDevice",
            Self::Retire => "retire",
            Self::Wipe => "wipe",
        }
    }

    pub(crate) fn request(self, device: &str) -> Result<Request> {
        let request = Request::post(format!("{DEVICES}/{}/{}", encode(device), self.word()));
        match self {
            Self::Wipe => request.json(&json!({})),
            _ => Ok(request),
        }
    }

    /// Whether the device is already on its way there.
    pub(crate) fn is_under_way(self, device: &Json) -> bool {
        let state = text(device, "managementState");
        match self {
            Self::Sync => false,
            Self::Retire => matches!(state, "retirePending" | "retireIssued"),
            Self::Wipe => matches!(state, "wipePending" | "wipeIssued"),
        }
    }
}

/// How far an action is; `device` as it is now, `None` where it is gone. `None` means not yet.
pub(crate) fn outcome(asked: &Asked, device: Option<&Json>) -> Option<Receipt> {
    let done = || Receipt::Done { id: Some(asked.device.clone()), version: None };
    let Some(device) = device else {
        return Some(match asked.action {
            Action::Sync => Receipt::Failed(failed("the device is no longer managed")),
            Action::Retire | Action::Wipe => done(),
        });
    };
    match (asked.action, text(device, "managementState")) {
        (Action::Retire, "retireFailed") => Some(Receipt::Failed(failed("retiring failed"))),
        (Action::Retire, "retireCanceled") => Some(Receipt::Failed(failed("it was cancelled"))),
        (Action::Wipe, "wipeFailed") => Some(Receipt::Failed(failed("wiping failed"))),
        (Action::Wipe, "wipeCanceled") => Some(Receipt::Failed(failed("it was cancelled"))),
        (Action::Sync, _) => synced(asked, device).map(|outcome| match outcome {
            Ok(()) => done(),
            Err(error) => Receipt::Failed(error),
        }),
        _ => None,
    }
}

/// Heard of since, or said to be done.
fn synced(asked: &Asked, device: &Json) -> Option<Result<()>> {
    let now = device.get("lastSyncDateTime").and_then(Json::as_str);
    if now.is_some() && now != asked.heard.as_deref() {
        return Some(Ok(()));
    }
    let mut results =
        device.get("deviceActionResults").and_then(Json::as_array).into_iter().flatten();
    let last = results.rfind(|result| text(result, "actionName") == asked.action.word());
    match last.map(|last| text(last, "actionState"))? {
        "done" => Some(Ok(())),
        "failed" | "notSupported" | "canceled" => Some(Err(failed("the device did not do it"))),
        _ => None,
    }
}

fn failed(why: &str) -> Error {
    Error::new(Kind::Unavailable, format!("the action did not take place: {why}"))
}

pub(crate) fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(action: Action, device: Option<Json>) -> &'static str {
        let asked = Asked { device: "d".into(), action, heard: Some("t1".into()) };
        match outcome(&asked, device.as_ref()) {
            None => "pending",
            Some(Receipt::Done { .. }) => "done",
            Some(Receipt::Failed(_)) => "failed",
            Some(_) => "other",
        }
    }

    #[test]
    fn actions_come_to_an_end() {
        let state = |state: &str| Some(json!({"managementState": state, "lastSyncDateTime": "t1"}));
        let result = |state: &str| {
            Some(json!({"managementState": "managed", "lastSyncDateTime": "t1",
                "deviceActionResults": [{"actionName": "syncDevice", "actionState": state}]}))
        };
        for (action, device, wanted) in [
            (Action::Retire, state("retirePending"), "pending"),
            (Action::Retire, state("retireFailed"), "failed"),
            (Action::Retire, None, "done"),
            (Action::Wipe, state("wipeIssued"), "pending"),
            (Action::Wipe, state("wipeCanceled"), "failed"),
            (Action::Wipe, None, "done"),
            (Action::Sync, None, "failed"),
            (Action::Sync, state("managed"), "pending"),
            (Action::Sync, Some(json!({"lastSyncDateTime": "t2"})), "done"),
            (Action::Sync, result("pending"), "pending"),
            (Action::Sync, result("done"), "done"),
            (Action::Sync, result("failed"), "failed"),
        ] {
            assert_eq!(seen(action, device.clone()), wanted, "{action:?} {device:?}");
        }
    }
}
