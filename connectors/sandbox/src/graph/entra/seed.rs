//! What the directory begins with.

use serde_json::{Value as Json, json};

use super::table::{Kind, Members};
use crate::chance::Chance;
use crate::estate::Estate;

/// The domain that the tenant owns.
pub(super) const DOMAIN: &str = "example.com";

const PLACES: &[(&str, &str)] =
    &[("Berlin", "DE"), ("Lagos", "NG"), ("Kyōto", "JP"), ("Lyon", "FR"), ("Austin", "US")];

/// The identifier of the n-th object of the estate.
pub(super) fn id(kind: Kind, estate: &Estate, number: u64) -> String {
    match kind {
        Kind::User => estate.person(number).id,
        Kind::Group => Chance::of(7, 8, number).guid(),
        // Another one than that of the registration.
        Kind::Device => Chance::of(7, 9, number).guid(),
    }
}

/// The n-th object of the estate.
pub(super) fn json(kind: Kind, estate: &Estate, number: u64) -> Members {
    let json = match kind {
        Kind::User => user(estate, number),
        Kind::Device => device(estate, number),
        Kind::Group => Json::Null,
    };
    members(json)
}

pub(super) fn members(json: Json) -> Members {
    match json {
        Json::Object(members) => members,
        _ => Members::new(),
    }
}

fn user(estate: &Estate, number: u64) -> Json {
    let person = estate.person(number);
    let mut chance = Chance::of(7, 10, number);
    let at = usize::try_from(chance.below(5)).unwrap_or(0);
    let (place, country) = PLACES.get(at).copied().unwrap_or_default();
    let title = chance.pick(&["Engineer", "Analyst", "Lead", "Assistant", "Director"]);
    json!({
        "id": person.id, "deletedDateTime": null, "accountEnabled": person.active,
        "businessPhones": [], "companyName": "Example", "createdDateTime": "2024-04-02T09:30:00Z",
        "department": person.department, "displayName": format!("{} {}", person.given, person.family),
        "employeeId": person.employee, "givenName": person.given, "jobTitle": title,
        "mail": person.login, "mailNickname": nickname(&person.login), "mobilePhone": null,
        "officeLocation": place, "onPremisesImmutableId": null, "onPremisesSyncEnabled": null,
        "preferredLanguage": null, "proxyAddresses": [format!("SMTP:{}", person.login)],
        "surname": person.family, "usageLocation": country, "userPrincipalName": person.login,
        "userType": "Member",
    })
}

fn nickname(login: &str) -> &str {
    login.split('@').next().unwrap_or_default()
}

fn device(estate: &Estate, number: u64) -> Json {
    let device = estate.device(number);
    let owner = if device.company { "Company" } else { "Personal" };
    json!({
        "id": id(Kind::Device, estate, number), "deletedDateTime": null, "accountEnabled": true,
        "approximateLastSignInDateTime": "2026-03-01T06:30:00Z", "deviceId": estate.registration(number),
        "deviceOwnership": owner, "displayName": device.name, "enrollmentType": "userEnrollment",
        "isCompliant": device.compliance == "compliant", "isManaged": true, "managementType": "MDM",
        "manufacturer": device.manufacturer, "model": device.model, "onPremisesSyncEnabled": null,
        "operatingSystem": device.system, "operatingSystemVersion": device.version,
        "physicalIds": [], "profileType": "RegisteredDevice",
        "registrationDateTime": "2025-05-04T07:08:09Z", "trustType": "AzureAd",
    })
}

/// A group with everything that is not said left at what it is without.
pub(super) fn group(id: &str, said: Members) -> Members {
    let mut json = members(json!({
        "id": id, "deletedDateTime": null, "classification": null,
        "createdDateTime": "2024-03-01T08:00:00Z", "description": null, "displayName": null,
        "groupTypes": [], "isAssignableToRole": null, "mail": null, "mailEnabled": false,
        "mailNickname": null, "membershipRule": null, "membershipRuleProcessingState": null,
        "onPremisesSyncEnabled": null, "proxyAddresses": [], "securityEnabled": true,
        "uniqueName": null, "visibility": null, "assignedLicenses": [],
    }));
    json.extend(said);
    json
}

/// A user with everything that is not said left at what it is without.
pub(super) fn fresh_user(id: &str, said: Members) -> Members {
    let mut json = members(json!({
        "id": id, "deletedDateTime": null, "accountEnabled": false, "businessPhones": [],
        "companyName": null, "department": null, "displayName": null, "employeeId": null,
        "givenName": null, "jobTitle": null, "mail": null, "mailNickname": null, "mobilePhone": null,
        "officeLocation": null, "onPremisesImmutableId": null, "onPremisesSyncEnabled": null,
        "preferredLanguage": null, "proxyAddresses": [], "surname": null, "usageLocation": null,
        "userPrincipalName": null, "userType": "Member",
    }));
    json.extend(said);
    json
}

/// The groups: each department with its people, one of all departments, one of Microsoft 365, one by a
/// rule, and a team a hundred people. Each with the numbers of its people and the places of the
/// groups in it.
pub(super) fn groups(estate: &Estate) -> Vec<(Json, Vec<u64>, Vec<usize>)> {
    let mut departments: Vec<(String, Vec<u64>)> = Vec::new();
    for number in 0..estate.size() {
        let department = estate.person(number).department;
        match departments.iter_mut().find(|(name, _)| *name == department) {
            Some((_, people)) => people.push(number),
            None => departments.push((department, vec![number])),
        }
    }
    let count = departments.len();
    let named = departments.into_iter().map(|(name, people)| {
        let said = json!({"displayName": name, "description": format!("Everybody in {name}"),
            "mailNickname": plain(&name), "uniqueName": plain(&name)});
        (said, people, Vec::new())
    });
    let mut groups: Vec<_> = named.collect();
    let all = json!({"displayName": "All departments", "mailNickname": "all-departments"});
    groups.push((all, Vec::new(), (0..count).collect()));
    let unified = json!({"displayName": "Town hall", "mailNickname": "town-hall", "mailEnabled": true,
        "mail": format!("town-hall@{DOMAIN}"), "groupTypes": ["Unified"], "visibility": "Public",
        "securityEnabled": false});
    groups.push((unified, (0..estate.size().min(5)).collect(), Vec::new()));
    let rule = json!({"displayName": "Guests", "mailNickname": "guests",
        "groupTypes": ["DynamicMembership"], "membershipRule": "(user.userType -eq \"Guest\")",
        "membershipRuleProcessingState": "On"});
    groups.push((rule, Vec::new(), Vec::new()));
    for team in 0..estate.size() / 100 {
        let name = format!("Team {}", team + 1);
        let said = json!({"displayName": name, "mailNickname": plain(&name)});
        groups.push((said, (team * 100..team * 100 + 8).collect(), Vec::new()));
    }
    groups
}

/// Letters and digits, and lines between them.
fn plain(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}
