//! Users: made, changed, deleted.

use serde_json::{Value as Json, json};

use super::super::refused::{Outcome, Refused, body};
use super::audits::Deed;
use super::check::{check, invalid, needs};
use super::directory::{Directory, now, said, text_of};
use super::list;
use super::seed::{DOMAIN, fresh_user};
use super::table::{Kind, Life, Members};
use crate::http::{Call, Reply};

const NEEDED: &[&str] =
    &["accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"];

pub(super) fn make(directory: &mut Directory, call: &Call) -> Outcome<Reply> {
    let mut said = said(&body(call)?)?;
    needs(Kind::User, &said, NEEDED)?;
    check(Kind::User, &said)?;
    check_nickname(&said)?;
    check_login(directory, &said, None)?;
    said.remove("passwordProfile");
    let moment = directory.next();
    let id = directory.fresh_id();
    said.insert("createdDateTime".into(), json!(now()));
    let user = fresh_user(&id, said);
    let set: Vec<(String, Json)> = user.clone().into_iter().collect();
    let login = text_of(&user, "userPrincipalName").to_lowercase();
    let lag = directory.lag;
    directory.logins.insert(login, directory.users.len());
    directory.users.make(user.clone(), moment, lag);
    directory.log(&Deed { name: "Add user", kind: Kind::User, id: &id, set });
    let mut made = user;
    made.insert(
        "@odata.context".into(),
        json!(format!("{}/v1.0/$metadata#users/$entity", call.origin)),
    );
    let location = format!("{}/v1.0/users/{id}", call.origin);
    Ok(Reply::json(201, &Json::Object(made)).header("location", location))
}

fn check_nickname(said: &Members) -> Outcome<()> {
    let nickname = text_of(said, "mailNickname");
    match nickname.contains(['@', ' ', '(', ')', '\\', '[', ']', '"', ';', ':', '<', '>', ',']) {
        true => Err(invalid(Kind::User, "mailNickname")),
        false => Ok(()),
    }
}

fn check_login(directory: &Directory, said: &Members, own: Option<usize>) -> Outcome<()> {
    let login = text_of(said, "userPrincipalName").to_lowercase();
    if login.split_once('@').is_none_or(|(name, domain)| name.is_empty() || domain != DOMAIN) {
        let message = "The domain portion of the userPrincipalName property is invalid. You must use \
            one of the verified domain names in your organization.";
        return Err(Refused::request(message));
    }
    let holder = directory.logins.get(&login).copied();
    match holder.filter(|at| Some(*at) != own && directory.users.life(*at) == Life::There) {
        None => Ok(()),
        Some(_) => {
            let message =
                "Another object with the same value for property userPrincipalName already exists.";
            Err(Refused::request(message).about("ObjectConflict", "userPrincipalName"))
        }
    }
}

pub(super) fn change(directory: &mut Directory, call: &Call, at: usize) -> Outcome<Reply> {
    let mut said = said(&body(call)?)?;
    check(Kind::User, &said)?;
    check_nickname(&said)?;
    let before = directory.users.json(at);
    if before.get("onPremisesSyncEnabled") == Some(&Json::Bool(true)) {
        let message = "Unable to update the specified properties for on-premises mastered Directory \
            Sync objects or objects currently undergoing migration.";
        return Err(Refused::request(message));
    }
    if said.contains_key("userPrincipalName") {
        check_login(directory, &said, Some(at))?;
        directory.logins.remove(&text_of(&before, "userPrincipalName").to_lowercase());
        directory.logins.insert(text_of(&said, "userPrincipalName").to_lowercase(), at);
    }
    said.remove("passwordProfile");
    let set: Vec<(String, Json)> = said.clone().into_iter().collect();
    let (moment, lag) = (directory.next(), directory.lag);
    directory.users.set(at, said, moment, lag);
    let id = text_of(&before, "id");
    directory.log(&Deed { name: "Update user", kind: Kind::User, id: &id, set });
    Ok(Reply::new(204))
}

/// A deleted user's login is free again: its own has the identifier in front.
pub(super) fn delete(directory: &mut Directory, at: usize) -> Outcome<Reply> {
    let user = directory.users.json(at);
    let (id, login) = (text_of(&user, "id"), text_of(&user, "userPrincipalName"));
    directory.logins.remove(&login.to_lowercase());
    let (moment, lag) = (directory.next(), directory.lag);
    directory.users.move_to(at, Life::Deleted, moment, lag);
    directory.users.touch(at, "deletedDateTime", moment);
    directory.log(&Deed { name: "Delete user", kind: Kind::User, id: &id, set: Vec::new() });
    Ok(Reply::new(204))
}

/// The name that a deleted user has.
pub(super) fn renamed(user: &mut Members) {
    let login =
        format!("{}{}", text_of(user, "id").replace('-', ""), text_of(user, "userPrincipalName"));
    user.insert("userPrincipalName".into(), json!(login));
    user.insert("deletedDateTime".into(), json!(now()));
}

/// A user is there again, unless another has the login.
pub(super) fn restore(directory: &mut Directory, call: &Call, at: usize) -> Outcome<Reply> {
    let user = directory.users.json(at);
    check_login(directory, &user, Some(at))?;
    directory.logins.insert(text_of(&user, "userPrincipalName").to_lowercase(), at);
    let moment = directory.next();
    directory.users.move_to(at, Life::There, moment, 0);
    let id = text_of(&user, "id");
    directory.log(&Deed { name: "Restore user", kind: Kind::User, id: &id, set: Vec::new() });
    Ok(list::one(directory, call, Kind::User, at))
}
