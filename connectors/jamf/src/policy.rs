//! Writes of the Classic API: policies, their scopes and packages, and members of groups.
//!
//! A PUT keeps what it is not told, and replaces a list as a whole: a list is read, changed by one
//! entry, and written back, while all other lists are left out.

use serde_json::{Map, Value as Json, json};
use trueup_connector::{Change, Context, Error, Kind as ErrorKind, Operation, Result, Value};
use trueup_kit::{Client, Request, encode};

use crate::classic::{self, GROUPS, POLICIES, SCOPES, element, escaped};
use crate::model::Kind;

/// The fields of a policy's `general`, by our names and Jamf's.
const GENERAL: [(&str, &str); 7] = [
    ("enabled", "enabled"),
    ("frequency", "frequency"),
    ("at_check_in", "trigger_checkin"),
    ("at_enrollment", "trigger_enrollment_complete"),
    ("at_login", "trigger_login"),
    ("at_startup", "trigger_startup"),
    ("custom_trigger", "trigger_other"),
];
const SERVICE: [(&str, &str); 2] =
    [("self_service", "use_for_self_service"), ("self_service_name", "self_service_display_name")];
const PARTS: [&str; 2] = ["target", "exclusion"];

/// Checks what the schema cannot say.
pub(crate) fn check(kind: Kind, change: &Change) -> Result<()> {
    for (name, value) in &change.after {
        let text = if let Value::Text(text) = value { text.as_str() } else { "" };
        if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
            let message = format!("`{name}` has a control character, which XML has no form for");
            return Err(invalid(message));
        }
    }
    match kind {
        Kind::PolicyScopes => {
            // A key that is none is named by whoever holds it against the schema.
            let Ok((_, part, target, _)) = scope_key(change) else { return Ok(()) };
            let known = SCOPES.iter().any(|(_, one)| *one == target) && PARTS.contains(&part);
            let message = || {
                format!(
                    "a scope has the parts `target` and `exclusion` with the kinds `computer`, \
                     `computer_group`, `building`, `department`; not `{part}` with `{target}`"
                )
            };
            if known { Ok(()) } else { Err(invalid(message())) }
        }
        Kind::PolicyPackages if change.operation != Operation::Delete => {
            let known = ["Install", "Cache", "Install Cached", "Uninstall"];
            match change.after.iter().find(|(name, _)| name == "action") {
                Some((_, Value::Text(action))) if known.contains(&action.as_str()) => Ok(()),
                _ => Err(invalid(format!("`action` is one of {}", known.join(", ")))),
            }
        }
        _ => Ok(()),
    }
}

/// The record of a policy, scope, package or member as it is now.
pub(crate) async fn find(
    client: &Client,
    context: &Context,
    kind: Kind,
    change: &Change,
) -> Result<Option<Json>> {
    match kind {
        Kind::GroupMembers => member(client, context, change).await,
        Kind::Policies => by_name(client, context, text(change, 0)?).await,
        _ => {
            let policy = known(client, context, text(change, 0)?).await?;
            let rows = policy.records(kind);
            let found = rows.into_iter().find(|row| is_key(kind, row, change));
            Ok(found)
        }
    }
}

fn is_key(kind: Kind, row: &Json, change: &Change) -> bool {
    let names: &[&str] = match kind {
        Kind::PolicyScopes => &["policy_id", "part", "kind", "id"],
        _ => &["policy_id", "id"],
    };
    let same = |(name, key): (&&str, &Value)| match key {
        Value::Text(key) => row.get(*name).and_then(Json::as_str) == Some(key),
        _ => false,
    };
    names.iter().zip(&change.key).all(same)
}

async fn by_name(client: &Client, context: &Context, name: &str) -> Result<Option<Json>> {
    let all = classic::names(client, context).await?;
    let ids: Vec<u64> = all.iter().filter(|(_, known)| known == name).map(|(id, _)| *id).collect();
    match ids.as_slice() {
        [] => Ok(None),
        [id] => {
            let policy = classic::policy(client, context, &id.to_string()).await?;
            Ok(policy.and_then(|policy| policy.records(Kind::Policies).pop()))
        }
        several => {
            let message = format!("{} policies have the name `{name}`", several.len());
            Err(Error::new(ErrorKind::Data, message))
        }
    }
}

async fn known(client: &Client, context: &Context, id: &str) -> Result<classic::Policy> {
    let policy = classic::policy(client, context, id).await?;
    policy.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no policy `{id}`")))
}

async fn member(client: &Client, context: &Context, change: &Change) -> Result<Option<Json>> {
    let (group, computer) = (text(change, 0)?, text(change, 1)?);
    let Some(found) = classic::group(client, context, group).await? else {
        let message = format!("there is no group `{group}`");
        return Err(Error::new(ErrorKind::NotFound, message));
    };
    if found.smart {
        let message = format!("the group `{group}` is a smart one; change its criteria");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let row = || {
        json!({"groupId": group, "groupName": found.name, "smartGroup": false,
            "computer_id": computer})
    };
    Ok(found.members.iter().any(|id| id == computer).then(row))
}

/// The call that makes a change; `id` is the policy's, where it is there.
pub(crate) async fn request(
    client: &Client,
    context: &Context,
    kind: Kind,
    change: &Change,
    id: Option<&str>,
) -> Result<Request> {
    match kind {
        Kind::Policies => policy(change, id),
        Kind::GroupMembers => membership(change),
        Kind::PolicyScopes => scope(client, context, change).await,
        _ => packages(client, context, change).await,
    }
}

fn policy(change: &Change, id: Option<&str>) -> Result<Request> {
    let request = match (&change.operation, id) {
        (Operation::Create, _) => Request::post(format!("{POLICIES}/id/0")),
        (_, None) => return Err(Error::new(ErrorKind::Protocol, "the policy came without an id")),
        (Operation::Delete, Some(id)) => return Ok(Request::delete(path(POLICIES, id))),
        (_, Some(id)) => Request::put(path(POLICIES, id)),
    };
    let mut general = fields(change, &GENERAL);
    if change.operation == Operation::Create {
        general = element("name", &escaped(text(change, 0)?)) + &general;
    }
    let scope = fields(change, &[("all_computers", "all_computers")]);
    let service = fields(change, &SERVICE);
    let parts = [("general", general), ("scope", scope), ("self_service", service)];
    let told = parts.iter().filter(|(_, inside)| !inside.is_empty());
    let inside: String = told.map(|(name, inside)| element(name, inside)).collect();
    Ok(classic::send(request, element("policy", &inside)))
}

/// What is set, as elements; null is an empty one.
fn fields(change: &Change, names: &[(&str, &str)]) -> String {
    let set = names.iter().filter_map(|(ours, theirs)| {
        let (_, value) = change.after.iter().find(|(name, _)| name == ours)?;
        // What is not told of a new policy is as the server has it.
        let told = !(value.is_null() && change.operation == Operation::Create);
        let text = if value.is_null() { String::new() } else { value.to_string() };
        told.then(|| element(theirs, &escaped(&text)))
    });
    set.collect()
}

/// One more or one less; what else is in the group stays.
fn membership(change: &Change) -> Result<Request> {
    let computer = element("computer", &element("id", &escaped(text(change, 1)?)));
    let list = match change.operation {
        Operation::Delete => "computer_deletions",
        _ => "computer_additions",
    };
    let body = element("computer_group", &element(list, &computer));
    Ok(classic::send(Request::put(path(GROUPS, text(change, 0)?)), body))
}

async fn scope(client: &Client, context: &Context, change: &Change) -> Result<Request> {
    let (policy, part, kind, target) = scope_key(change)?;
    let mut ids = known(client, context, policy).await?.targets(part, kind);
    ids.retain(|id| id != target);
    if change.operation != Operation::Delete {
        ids.push(target.to_owned());
    }
    let list = SCOPES.iter().find(|(_, one)| *one == kind).map_or("computers", |(list, _)| *list);
    let entries: String =
        ids.iter().map(|id| element(kind, &element("id", &escaped(id)))).collect();
    let list = element(list, &entries);
    let inside = if part == "target" { list } else { element("exclusions", &list) };
    let body = element("policy", &element("scope", &inside));
    Ok(classic::send(Request::put(path(POLICIES, policy)), body))
}

/// Others keep what the server said of them; of a new one only its action is told.
async fn packages(client: &Client, context: &Context, change: &Change) -> Result<Request> {
    let (policy, package) = (text(change, 0)?, text(change, 1)?);
    let mut all: Vec<Map<String, Json>> = known(client, context, policy).await?.packages().to_vec();
    let is_it = |entry: &Map<String, Json>| entry.get("id").and_then(Json::as_str) == Some(package);
    let action = change.after.iter().find(|(name, _)| name == "action");
    match (&change.operation, all.iter().position(is_it)) {
        (Operation::Delete, _) => all.retain(|entry| !is_it(entry)),
        (_, Some(at)) => set(all.get_mut(at), action),
        (_, None) => {
            all.push(Map::from_iter([("id".to_owned(), json!(package))]));
            set(all.last_mut(), action);
        }
    }
    let one = |entry: &Map<String, Json>| {
        let parts = entry
            .iter()
            .map(|(name, value)| element(name, &escaped(value.as_str().unwrap_or_default())));
        element("package", &parts.collect::<String>())
    };
    let list = element("packages", &all.iter().map(one).collect::<String>());
    let body = element("policy", &element("package_configuration", &list));
    Ok(classic::send(Request::put(path(POLICIES, policy)), body))
}

fn set(entry: Option<&mut Map<String, Json>>, action: Option<&(String, Value)>) {
    if let (Some(entry), Some((name, value))) = (entry, action) {
        entry.insert(name.clone(), json!(value.to_string()));
    }
}

fn scope_key(change: &Change) -> Result<(&str, &str, &str, &str)> {
    Ok((text(change, 0)?, text(change, 1)?, text(change, 2)?, text(change, 3)?))
}

/// A part of the key.
pub(crate) fn text(change: &Change, place: usize) -> Result<&str> {
    match change.key.get(place) {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(invalid(format!("the key of `{}` is text", change.resource))),
    }
}

fn path(list: &str, id: &str) -> String {
    format!("{list}/id/{}", encode(id))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}
