//! Commands to devices: queued each time, pending until the device checks in.

use serde_json::{Value as Json, json};

use super::list::{self, Rules};
use super::records::{Command, Records};
use super::{Outcome, Refused, body, computers, mobile, text};
use crate::chance::Chance;
use crate::http::{Call, Reply};

const FILTERS: &[&str] =
    &["uuid", "clientManagementId", "command", "status", "clientType", "dateSent", "active"];
/// A device checks in after it was asked about so often.
const LOOKS: u32 = 2;
const KINDS: &[&str] = &[
    "DEVICE_LOCK",
    "ERASE_DEVICE",
    "RESTART_DEVICE",
    "SHUT_DOWN_DEVICE",
    "SET_RECOVERY_LOCK",
    "DEVICE_INFORMATION",
    "ENABLE_LOST_MODE",
    "CLEAR_PASSCODE",
    "SETTINGS",
];

/// One command for every client that is named.
pub(super) fn send(records: &mut Records, call: &Call) -> Outcome<Reply> {
    let told = body(call)?;
    let kind = told.pointer("/commandData/commandType").and_then(Json::as_str).unwrap_or_default();
    if !KINDS.contains(&kind) {
        return Err(Refused::bad(format!("there is no command {kind}")));
    }
    let clients = told.get("clientData").and_then(Json::as_array).cloned().unwrap_or_default();
    let devices: Option<Vec<u64>> =
        clients.iter().map(|client| records.managed(text(client, "managementId"))).collect();
    let devices = devices.filter(|devices| !devices.is_empty());
    let devices = devices.ok_or_else(|| Refused::bad("a management id is not known"))?;
    let sent = devices.into_iter().map(|device| {
        let uuid = queue(records, kind, device);
        json!({"id": uuid, "href": format!("{}/api/v2/mdm/commands?filter=uuid=={uuid}", call.origin)})
    });
    let sent: Vec<Json> = sent.collect();
    Ok(Reply::json(201, &Json::Array(sent)))
}

fn queue(records: &mut Records, kind: &str, device: u64) -> String {
    let uuid = Chance::of(records.next(), 16, 0).guid();
    let client = Records::management_id(device);
    let command = Command {
        uuid: uuid.clone(),
        kind: kind.to_owned(),
        client,
        device,
        done: false,
        looks: 0,
    };
    records.commands.push(command);
    uuid
}

/// Erases or unmanages a computer; the answer names the command.
pub(super) fn on_computer(
    records: &mut Records,
    call: &Call,
    id: &str,
    what: &str,
) -> Outcome<Reply> {
    let id = computers::known(records, id)?;
    let kind = match what {
        "erase" => {
            let pin = call.json().and_then(|body| body.get("pin").cloned());
            let six = |pin: &Json| pin.as_str().is_some_and(|pin| pin.len() == 6);
            if pin.is_some_and(|pin| !pin.is_null() && !six(&pin)) {
                return Err(Refused::bad("pin has six digits"));
            }
            "ERASE_DEVICE"
        }
        _ => "REMOVE_MDM_PROFILE",
    };
    Ok(asked(records, kind, id))
}

pub(super) fn on_mobile(records: &mut Records, id: &str, what: &str) -> Outcome<Reply> {
    let id = mobile::known(records, id)?;
    Ok(asked(records, if what == "erase" { "ERASE_DEVICE" } else { "UNMANAGE_DEVICE" }, id))
}

fn asked(records: &mut Records, kind: &str, id: u64) -> Reply {
    let uuid = queue(records, kind, id);
    Reply::json(200, &json!({"deviceId": id.to_string(), "commandUuid": uuid}))
}

/// Needs a filter; looking is when devices check in.
pub(super) fn list(records: &mut Records, call: &Call) -> Outcome<Json> {
    if call.parameter("filter").is_none_or(|filter| filter.trim().is_empty()) {
        return Err(Refused::bad("at least one filter field is needed"));
    }
    let rules = Rules {
        filters: FILTERS,
        sorts: &["dateSent", "uuid"],
        sort: "dateSent:asc",
        most: records.most,
    };
    let rows = records.commands.iter().map(flat).collect();
    let mut page = list::page(call, &rules, rows)?;
    if let Some(Json::Array(results)) = page.get_mut("results") {
        for result in results {
            let uuid = text(result, "uuid").to_owned();
            *result = records.look(&uuid);
        }
    }
    Ok(page)
}

/// As filters name it.
fn flat(command: &Command) -> Json {
    json!({"uuid": command.uuid, "clientManagementId": command.client, "command": command.kind,
        "status": if command.done { "Acknowledged" } else { "Pending" }, "clientType": "COMPUTER",
        "dateSent": "2026-03-01T00:00:00Z", "active": !command.done})
}

impl Records {
    fn look(&mut self, uuid: &str) -> Json {
        let asleep = self.asleep;
        let Some(command) = self.commands.iter_mut().find(|command| command.uuid == uuid) else {
            return Json::Null;
        };
        command.looks += 1;
        if command.looks > LOOKS && !asleep && !command.done {
            command.done = true;
            if command.kind != "RESTART_DEVICE" && command.kind != "DEVICE_LOCK" {
                self.unmanaged.insert(command.device);
            }
        }
        shown(command)
    }
}

fn shown(command: &Command) -> Json {
    let state = if command.done { "ACKNOWLEDGED" } else { "PENDING" };
    let client_type = if command.device.is_multiple_of(4) { "MOBILE_DEVICE" } else { "COMPUTER" };
    let mut shown = json!({"uuid": command.uuid, "commandType": command.kind,
        "commandState": state, "dateSent": "2026-03-01T00:00:00.000Z",
        "client": {"managementId": command.client, "clientType": client_type}});
    if command.done {
        super::lay(&mut shown, &json!({"dateCompleted": "2026-03-01T00:05:00.000Z"}));
    }
    shown
}
