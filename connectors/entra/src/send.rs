//! The calls that write.

use serde_json::{Value as Json, json};
use trueup_connector::{Change, Error, Kind as ErrorKind, Operation, Result, Value};
use trueup_kit::{Found, Request, Secret, Shape, encode};

use crate::model::Kind;

/// What makes, changes or removes a user.
pub(crate) fn user(shape: &Shape, change: &Change, found: Option<&Found>) -> Result<Request> {
    let path = |id: &str| format!("users/{}", encode(id));
    match change.operation {
        Operation::Create => Request::post("users").json(&fresh_user(shape, change)?),
        Operation::Delete => Ok(Request::delete(path(id_of(found)?))),
        _ => Request::patch(path(id_of(found)?)).json(&shape.json(&change.after)?),
    }
}

fn fresh_user(shape: &Shape, change: &Change) -> Result<Json> {
    let login = text(change)?;
    let name = login.split('@').next().unwrap_or_default();
    let mut body = whole(shape, change)?;
    if let Json::Object(members) = &mut body {
        members.entry("mailNickname").or_insert_with(|| json!(plain(name)));
        // Nobody asked that it be open.
        members.entry("accountEnabled").or_insert(json!(false));
        let password = Secret::random()?;
        let profile = json!({"forceChangePasswordNextSignIn": true, "password": password.expose()});
        members.insert("passwordProfile".into(), profile);
    }
    Ok(body)
}

/// What has to be said of a user that is made.
pub(crate) fn check_user(change: &Change) -> Result<()> {
    let named = change.after.iter().any(|(name, value)| name == "display_name" && !value.is_null());
    match change.operation == Operation::Create && !named {
        true => Err(Error::new(ErrorKind::Invalid, "a user needs a `display_name`")),
        false => Ok(()),
    }
}

/// What makes, changes or removes a group. It is made by a unique name that the change alone has, so
/// that sent twice it is one group.
pub(crate) fn group(shape: &Shape, change: &Change, found: Option<&Found>) -> Result<Request> {
    let path = |id: &str| format!("groups/{}", encode(id));
    match change.operation {
        Operation::Create if change.idempotency_key.is_empty() => {
            Request::post("groups").json(&fresh_group(shape, change)?)
        }
        Operation::Create => {
            let name = format!("trueup-{}", change.idempotency_key).replace('\'', "''");
            let request = Request::patch(format!("groups(uniqueName='{}')", encode(&name)));
            request.header("Prefer", "create-if-missing").json(&fresh_group(shape, change)?)
        }
        Operation::Delete => Ok(Request::delete(path(id_of(found)?))),
        _ => Request::patch(path(id_of(found)?)).json(&shape.json(&change.after)?),
    }
}

/// A security group: other kinds are made where their mail is.
fn fresh_group(shape: &Shape, change: &Change) -> Result<Json> {
    let mut body = whole(shape, change)?;
    if let Json::Object(members) = &mut body {
        let name = plain(text(change)?);
        members.entry("mailNickname").or_insert_with(|| json!(name));
        members.insert("mailEnabled".into(), json!(false));
        members.insert("securityEnabled".into(), json!(true));
        members.insert("groupTypes".into(), json!([]));
    }
    Ok(body)
}

/// What adds or removes a member.
///
/// Without `/$ref` at its end, the call to remove a member would delete the member itself: this is the
/// one place where it is written.
pub(crate) fn member(change: &Change, base: &str) -> Result<Request> {
    let (group, member) = pair(change)?;
    let members = format!("groups/{}/members", encode(group));
    match change.operation {
        Operation::Delete => Ok(Request::delete(format!("{members}/{}/$ref", encode(member)))),
        _ => {
            let link = format!("{base}directoryObjects/{}", encode(member));
            Request::post(format!("{members}/$ref")).json(&json!({"@odata.id": link}))
        }
    }
}

/// What brings back or removes for good what was deleted.
pub(crate) fn deleted(change: &Change) -> Result<Request> {
    let path = format!("directory/deletedItems/{}", encode(text(change)?));
    Ok(match change.operation {
        Operation::Delete => Request::delete(path),
        _ => Request::post(format!("{path}/restore")),
    })
}

/// Group and member, by their ids.
pub(crate) fn pair(change: &Change) -> Result<(&str, &str)> {
    match change.key.as_slice() {
        [Value::Text(group), Value::Text(member)] if !member.is_empty() => Ok((group, member)),
        _ => Err(Error::new(ErrorKind::Invalid, "a membership's key is two ids: group, member")),
    }
}

/// The one text that the key is.
pub(crate) fn text(change: &Change) -> Result<&str> {
    match change.key.as_slice() {
        [Value::Text(text)] if !text.is_empty() => Ok(text),
        _ => Err(Error::new(ErrorKind::Invalid, "the key is one text, and not empty")),
    }
}

/// What lists a record by its key, where it is not found by id.
pub(crate) fn named(kind: Kind, name: &str) -> Request {
    match kind {
        Kind::Users => Request::get(format!("users/{}", encode(name))),
        _ => {
            let filter = format!("displayName eq '{}'", name.replace('\'', "''"));
            Request::get("groups").query("$filter", filter).query("$top", 999)
        }
    }
    .query("$select", kind.fields())
}

/// All that is said of a record, and its key.
fn whole(shape: &Shape, change: &Change) -> Result<Json> {
    let keys = shape.schema().key().into_iter().map(str::to_owned).zip(change.key.clone());
    let known: Vec<(String, Value)> = keys.collect();
    let set = change
        .after
        .iter()
        .filter(|(name, value)| !value.is_null() && known.iter().all(|(key, _)| key != name));
    shape.json(&known.iter().chain(set).cloned().collect::<Vec<_>>())
}

fn id_of(found: Option<&Found>) -> Result<&str> {
    found.and_then(|found| found.id.as_deref()).ok_or_else(|| {
        let message = "Graph gave the record no id, so it cannot be changed";
        Error::new(ErrorKind::Protocol, message)
    })
}

/// What may stand in front of an address of mail; nobody's is empty.
fn plain(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name: String = name.chars().filter(|c| plain(*c)).take(64).collect();
    if name.is_empty() { "unnamed".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_removed_by_reference_only() {
        let key = ["g/../x", "m/$ref?x="].map(Value::from).to_vec();
        let change = Change::new("group_members", Operation::Delete, key);
        let request = member(&change, "https://graph.example/v1.0/").unwrap();
        assert_eq!(request.path, "groups/g%2F..%2Fx/members/m%2F%24ref%3Fx%3D/$ref");
        let nobody = Change::new("x", Operation::Delete, ["g", ""].map(Value::from).to_vec());
        assert!(member(&nobody, "").is_err());
    }

    #[test]
    fn nicknames_are_plain() {
        assert_eq!(plain("Búsqueda & Rescue 7"), "BsquedaRescue7");
        assert_eq!(plain("日本"), "unnamed");
    }
}
