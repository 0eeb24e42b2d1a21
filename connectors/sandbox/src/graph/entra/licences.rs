//! Licences: what the tenant has, who has one directly, and who by a group.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::super::odata::select;
use super::super::refused::{Outcome, Refused, body};
use super::audits::Deed;
use super::directory::{Directory, Sku, text_of};
use super::list;
use super::table::{Kind, Life, Members, number_of};
use crate::http::{Call, Reply};

type Held = BTreeMap<String, Vec<String>>;

impl Directory {
    /// The licences in a user's own name, with the plans that are off.
    fn direct(&self, at: usize) -> Held {
        if let Some(held) = self.licences.get(&at) {
            return held.clone();
        }
        let number = u64::try_from(at).unwrap_or(u64::MAX);
        let of_estate = number < self.estate.size() && self.estate.person(number).active;
        let first = self.skus.first().filter(|_| of_estate);
        first.map(|sku| (sku.id.clone(), Vec::new())).into_iter().collect()
    }

    /// The groups that give a licence, with what they give.
    fn giving(&self) -> impl Iterator<Item = (usize, Vec<Json>)> {
        (0..self.groups.len()).filter(|at| self.groups.life(*at) == Life::There).filter_map(|at| {
            let json = self.groups.json(at);
            let given = json.get("assignedLicenses").and_then(Json::as_array)?;
            (!given.is_empty()).then(|| (at, given.clone()))
        })
    }

    fn sku(&self, id: &str) -> Outcome<&Sku> {
        self.skus.iter().find(|sku| sku.id == id).ok_or_else(|| {
            Refused::request(format!(
                "License {id} does not correspond to a valid company License."
            ))
        })
    }

    /// How many users have one, in their own name or by a group.
    fn consumed(&self, sku: &Sku) -> usize {
        let giving = self.giving().filter(|(_, given)| given.iter().any(|one| is_of(one, &sku.id)));
        let by_group =
            giving.map(|(at, _)| self.members.get(&at).map_or(0, |all| all.list().len()));
        sku.direct + by_group.sum::<usize>()
    }
}

fn is_of(licence: &Json, sku: &str) -> bool {
    licence.get("skuId").and_then(Json::as_str) == Some(sku)
}

/// Adds a user's licences to what is shown of them.
pub(super) fn add(directory: &Directory, at: usize, user: &mut Members) {
    let state = |sku: &str, off: &Json, by: Json| {
        json!({"skuId": sku, "disabledPlans": off, "assignedByGroup": by, "state": "Active",
            "error": "None", "lastUpdatedDateTime": "2026-01-10T12:00:00Z"})
    };
    let direct = directory.direct(at);
    let mut states: Vec<Json> =
        direct.iter().map(|(sku, off)| state(sku, &json!(off), Json::Null)).collect();
    let id = number_of(&text_of(user, "id")).unwrap_or(0);
    for (group, given) in directory.giving() {
        if directory.members.get(&group).is_some_and(|crowd| crowd.has(id)) {
            let by = directory.groups.json(group).get("id").cloned().unwrap_or_default();
            let one = |one: &Json| state(sku_of(one), one.get("disabledPlans")?, by.clone()).into();
            states.extend(given.iter().filter_map(one));
        }
    }
    let mut assigned: Vec<Json> = Vec::new();
    for state in &states {
        if !assigned.iter().any(|known| is_of(known, sku_of(state))) {
            assigned
                .push(json!({"skuId": state["skuId"], "disabledPlans": state["disabledPlans"]}));
        }
    }
    user.insert("licenseAssignmentStates".into(), Json::Array(states));
    user.insert("assignedLicenses".into(), Json::Array(assigned));
}

fn sku_of(licence: &Json) -> &str {
    licence.get("skuId").and_then(Json::as_str).unwrap_or_default()
}

/// What the tenant has; all of it, whatever is asked for.
pub(super) fn subscribed(directory: &Directory, call: &Call) -> Json {
    let skus = directory.skus.iter().map(|sku| select(call, shown(directory, sku)));
    json!({"@odata.context": format!("{}/v1.0/$metadata#subscribedSkus", call.origin),
        "value": skus.collect::<Vec<_>>()})
}

fn shown(directory: &Directory, sku: &Sku) -> Json {
    let tenant = super::super::Graph::TENANT;
    json!({"id": format!("{tenant}_{}", sku.id), "accountId": tenant, "accountName": "sandbox",
        "appliesTo": "User", "capabilityStatus": "Enabled", "consumedUnits": directory.consumed(sku),
        "prepaidUnits": {"enabled": sku.enabled, "lockedOut": 0, "suspended": 0, "warning": 0},
        "servicePlans": plans(sku), "skuId": sku.id, "skuPartNumber": sku.part, "subscriptionIds": []})
}

fn plans(sku: &Sku) -> Json {
    let plans = sku.plans.iter().map(|(id, name)| {
        json!({"servicePlanId": id, "servicePlanName": name, "provisioningStatus": "Success",
            "appliesTo": "User"})
    });
    plans.collect()
}

pub(super) fn details(directory: &Directory, call: &Call, at: usize) -> Json {
    let mut user = directory.users.json(at);
    add(directory, at, &mut user);
    let assigned = user.get("assignedLicenses").and_then(Json::as_array).cloned();
    let details = assigned.unwrap_or_default().into_iter().filter_map(|licence| {
        let sku = directory.sku(sku_of(&licence)).ok()?;
        let json = json!({"id": sku.id, "skuId": sku.id, "skuPartNumber": sku.part,
            "servicePlans": plans(sku)});
        Some(select(call, json))
    });
    json!({"value": details.collect::<Vec<_>>()})
}

/// Gives and takes licences of a user.
pub(super) fn assign(directory: &mut Directory, call: &Call, at: usize) -> Outcome<Reply> {
    let body = body(call)?;
    let (add, remove) = (list_of(&body, "addLicenses")?, list_of(&body, "removeLicenses")?);
    let user = directory.users.json(at);
    if user.get("usageLocation").is_none_or(Json::is_null) && !add.is_empty() {
        let message = "License assignment cannot be done for user with invalid usage location.";
        return Err(Refused::request(message));
    }
    let mut held = directory.direct(at);
    for sku in &remove {
        let sku = sku.as_str().unwrap_or_default();
        directory.sku(sku)?;
        held.remove(sku)
            .ok_or_else(|| Refused::request(format!("User does not have license {sku}.")))?;
    }
    for licence in &add {
        let sku = directory.sku(sku_of(licence))?;
        let new = !directory.direct(at).contains_key(&sku.id);
        if new && directory.consumed(sku) >= sku.enabled {
            let message =
                format!("Subscription with SKU {} does not have any available licenses.", sku.id);
            return Err(Refused::request(message));
        }
        held.insert(sku.id.clone(), off(licence, sku)?);
    }
    let before = directory.direct(at);
    for sku in &mut directory.skus {
        let change = |held: &Held| usize::from(held.contains_key(&sku.id));
        sku.direct = sku.direct + change(&held) - change(&before);
    }
    directory.licences.insert(at, held);
    let moment = directory.next();
    directory.users.touch(at, "assignedLicenses", moment);
    let id = text_of(&user, "id");
    let set = vec![("AssignedLicense".to_owned(), json!(add))];
    directory.log(&Deed { name: "Change user license", kind: Kind::User, id: &id, set });
    Ok(list::one(directory, call, Kind::User, at))
}

/// The plans that are off; they are of the licence, and not all of them.
fn off(licence: &Json, sku: &Sku) -> Outcome<Vec<String>> {
    let plans = licence.get("disabledPlans").and_then(Json::as_array).cloned().unwrap_or_default();
    let plans = plans.iter().map(|plan| plan.as_str().unwrap_or_default().to_owned());
    let mut plans: Vec<String> = plans.collect();
    plans.sort();
    plans.dedup();
    match plans.iter().all(|plan| sku.plans.iter().any(|(id, _)| id == plan)) {
        true => Ok(plans),
        false => Err(Refused::request("A disabled plan is not part of the license.")),
    }
}

fn list_of(body: &Json, name: &str) -> Outcome<Vec<Json>> {
    body.get(name).and_then(Json::as_array).cloned().ok_or_else(|| {
        Refused::request(format!("One or more parameters of the operation are missing: {name}."))
    })
}

/// Gives and takes licences of a group; its members have them at once here.
pub(super) fn assign_to_group(directory: &mut Directory, call: &Call, at: usize) -> Outcome<Reply> {
    let body = body(call)?;
    let (add, remove) = (list_of(&body, "addLicenses")?, list_of(&body, "removeLicenses")?);
    let mut group = directory.groups.json(at);
    let held = group.get("assignedLicenses").and_then(Json::as_array).cloned().unwrap_or_default();
    let mut held: Vec<Json> = held;
    held.retain(|known| !remove.iter().any(|sku| is_of(known, sku.as_str().unwrap_or_default())));
    for licence in &add {
        let sku = directory.sku(sku_of(licence))?;
        let off = off(licence, sku)?;
        held.retain(|known| !is_of(known, &sku.id));
        held.push(json!({"skuId": sku.id, "disabledPlans": off}));
    }
    let id = text_of(&group, "id");
    group.clear();
    group.insert("assignedLicenses".into(), Json::Array(held));
    group.insert("licenseProcessingState".into(), json!({"state": "ProcessingComplete"}));
    let moment = directory.next();
    directory.groups.set(at, group, moment, 0);
    let set = vec![("AssignedLicense".to_owned(), json!(add))];
    directory.log(&Deed { name: "Set group license", kind: Kind::Group, id: &id, set });
    let object = Json::Object(list::shown(directory, call, Kind::Group, at));
    Ok(Reply::json(202, &object))
}
