//! Actions on devices: queued as commands, and then asked about.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use trueup_connector::{Context, Error, Kind as ErrorKind, Receipt, Result};
use trueup_kit::{Client, Request, encode};

use crate::model::Kind;
use crate::page::text;
use crate::reading::MOBILE;

const COMMANDS: &str = "api/v2/mdm/commands";

/// What can be asked of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    Erase,
    Unmanage,
    Restart,
}

/// An action under way, as its handle says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    pub(crate) device: String,
    pub(crate) command: String,
}

impl Action {
    pub(crate) const NAMES: [&'static str; 3] = ["erase", "unmanage", "restart"];

    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "erase" => Some(Self::Erase),
            "unmanage" => Some(Self::Unmanage),
            "restart" => Some(Self::Restart),
            _ => None,
        }
    }

    /// Whether a command is this action.
    fn is(self, command: &str) -> bool {
        match self {
            Self::Erase => command == "ERASE_DEVICE",
            Self::Unmanage => {
                matches!(command, "REMOVE_MDM_PROFILE" | "REMOVE_PROFILE" | "UNMANAGE_DEVICE")
            }
            Self::Restart => command == "RESTART_DEVICE",
        }
    }

    /// The call that queues it; `management` is the key of commands.
    pub(crate) fn request(self, kind: Kind, device: &str, management: &str) -> Result<Request> {
        let computer = format!("api/v4/computers-inventory/{}", encode(device));
        let mobile = format!("{MOBILE}/{}", encode(device));
        match (self, kind) {
            (Self::Restart, _) => Request::post(COMMANDS).json(&json!({
                "clientData": [{"managementId": management}],
                "commandData": {"commandType": "RESTART_DEVICE"}})),
            (Self::Erase, Kind::Computers) => {
                Request::post(format!("{computer}/erase")).json(&json!({}))
            }
            (Self::Unmanage, Kind::Computers) => {
                Ok(Request::post(format!("{computer}/remove-mdm-profile")))
            }
            (Self::Erase, _) => Request::post(format!("{mobile}/erase")).json(&json!({})),
            (Self::Unmanage, _) => Ok(Request::post(format!("{mobile}/unmanage"))),
        }
    }
}

/// The command that an answer names.
pub(crate) fn command(body: &Json) -> Option<&str> {
    text(body, "commandUuid").or_else(|| text(body.get(0)?, "id"))
}

/// The command of this action that a device has still to carry out.
pub(crate) async fn under_way(
    client: &Client,
    context: &Context,
    action: Action,
    management: &str,
) -> Result<Option<String>> {
    let filter = format!("clientManagementId=={};active==true", quoted(management));
    let commands = commands(client, context, &filter).await?;
    let mut waiting = commands.iter().filter(|command| {
        // A filter that is not heeded gives others.
        command.pointer("/client/managementId").and_then(Json::as_str) == Some(management)
            && action.is(text(command, "commandType").unwrap_or_default())
            && is_waiting(command)
    });
    Ok(waiting.next().and_then(|command| text(command, "uuid")).map(str::to_owned))
}

/// How far an action is; `None` means not yet.
pub(crate) async fn outcome(
    client: &Client,
    context: &Context,
    asked: &Asked,
) -> Result<Option<Receipt>> {
    let filter = format!("uuid=={}", quoted(&asked.command));
    let commands = commands(client, context, &filter).await?;
    let command =
        commands.iter().find(|command| text(command, "uuid") == Some(asked.command.as_str()));
    let Some(command) = command else {
        let message = "the command is no longer in the server's queue, and its outcome with it";
        return Ok(Some(Receipt::Unknown(Error::new(ErrorKind::Unknown, message))));
    };
    Ok(match text(command, "commandState") {
        Some("ACKNOWLEDGED") => {
            Some(Receipt::Done { id: Some(asked.device.clone()), version: None })
        }
        Some("ERROR" | "COMMAND_FORMAT_ERROR") => Some(Receipt::Failed(refused(command))),
        _ => None,
    })
}

async fn commands(client: &Client, context: &Context, filter: &str) -> Result<Vec<Json>> {
    let request = Request::get(COMMANDS).query("filter", filter).query("page-size", 2000);
    let body: Json = client.json(context, request).await?;
    let commands = body.get("results").and_then(Json::as_array).cloned();
    commands.ok_or_else(|| Error::new(ErrorKind::Protocol, "a list of commands has no `results`"))
}

fn is_waiting(command: &Json) -> bool {
    matches!(text(command, "commandState"), Some("PENDING" | "NOT_NOW"))
}

fn refused(command: &Json) -> Error {
    let why = command.pointer("/commandError/errorEnglishDescription").and_then(Json::as_str);
    let message = format!("the device did not do it: {}", why.unwrap_or("it does not say why"));
    Error::new(ErrorKind::Unavailable, message)
}

/// A value in a filter.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_filters_are_quoted() {
        assert_eq!(quoted(r#"a "b" \ c;d"#), r#""a \"b\" \\ c;d""#);
    }

    #[test]
    fn answers_name_their_command() {
        assert_eq!(command(&json!({"deviceId": "1", "commandUuid": "u"})), Some("u"));
        assert_eq!(command(&json!([{"id": "u", "href": "x"}])), Some("u"));
        assert_eq!(command(&json!({})), None);
    }
}
