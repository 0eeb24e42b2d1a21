//! What properties take.

use serde_json::Value as Json;

use super::super::refused::{Outcome, Refused};
use super::table::{Kind, Members};

/// What a property takes.
enum Takes {
    /// A text of so many characters at most.
    Text(usize),
    /// A text that must be there.
    Needed(usize),
    Flag,
    Texts,
    /// A country, by two letters.
    Country,
    Whatever,
}

/// `None` where there is no such property to set.
fn takes(kind: Kind, name: &str) -> Option<Takes> {
    use Takes::{Country, Flag, Needed, Text, Texts, Whatever};
    Some(match (kind, name) {
        (_, "displayName") => Needed(256),
        (_, "mailNickname") => Needed(64),
        (Kind::User, "userPrincipalName") => Needed(113),
        (Kind::User, "accountEnabled") => Flag,
        (Kind::User, "usageLocation") => Country,
        (Kind::User, "department" | "givenName" | "surname" | "companyName" | "mobilePhone") => {
            Text(64)
        }
        (Kind::User, "jobTitle" | "officeLocation" | "mail") => Text(128),
        (Kind::User, "employeeId") => Text(16),
        (Kind::User, "businessPhones") => Texts,
        (Kind::User, "preferredLanguage" | "onPremisesImmutableId" | "userType") => Text(64),
        (Kind::User, "passwordProfile") => Whatever,
        (Kind::Group, "description") => Text(1024),
        (Kind::Group, "mailEnabled" | "securityEnabled") => Flag,
        (Kind::Group, "groupTypes") => Texts,
        (Kind::Group, "visibility" | "membershipRuleProcessingState" | "uniqueName") => Text(128),
        (Kind::Group, "membershipRule") => Text(3072),
        (Kind::Group, "isAssignableToRole") => Whatever,
        (Kind::Device, "accountEnabled") => Flag,
        _ => return None,
    })
}

/// Refuses what a property does not take; links to others are looked at elsewhere.
pub(super) fn check(kind: Kind, said: &Members) -> Outcome<()> {
    let said = said.iter().filter(|(name, _)| !name.contains('@'));
    for (name, value) in said {
        let takes = takes(kind, name).ok_or_else(|| unknown(kind, name))?;
        if !fits(&takes, value) {
            return Err(invalid(kind, name));
        }
    }
    Ok(())
}

pub(super) fn invalid(kind: Kind, name: &str) -> Refused {
    let mut word = kind.word().to_owned();
    word.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
    let message = format!("Invalid value specified for property '{name}' of resource '{word}'.");
    Refused::request(message)
}

fn unknown(kind: Kind, name: &str) -> Refused {
    let message = format!(
        "The property '{name}' does not exist on type 'microsoft.graph.{}'. Make sure to only use \
         property names that are defined by the type.",
        kind.word()
    );
    Refused::request(message)
}

fn fits(takes: &Takes, value: &Json) -> bool {
    let text = |most: usize| {
        value.as_str().is_some_and(|text| {
            !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
        })
    };
    match takes {
        Takes::Text(most) => value.is_null() || text(*most),
        Takes::Needed(most) => text(*most),
        Takes::Flag => value.is_boolean(),
        Takes::Texts => value.as_array().is_some_and(|all| all.iter().all(Json::is_string)),
        Takes::Country => {
            let letters =
                |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
            value.is_null() || value.as_str().is_some_and(letters)
        }
        Takes::Whatever => true,
    }
}

/// Refuses a body without what has to be said.
pub(super) fn needs(kind: Kind, said: &Members, names: &[&str]) -> Outcome<()> {
    match names.iter().find(|name| said.get(**name).is_none_or(Json::is_null)) {
        None => Ok(()),
        Some(name) => {
            let message =
                format!("A value is required for property '{name}' of resource '{}'.", kind.word());
            Err(Refused::request(message))
        }
    }
}
