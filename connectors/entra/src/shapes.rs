//! Which fields the resources have, and where those stand in Graph's JSON.

use serde_json::{Value as Json, json};
use trueup_connector::{LogicalType as T, Result, Role};
use trueup_kit::graph::{empty, kind_of, unset_time};
use trueup_kit::{Item, Shape};

use crate::model::Kind;

impl Kind {
    pub(crate) fn shape(self) -> Result<Shape> {
        match self {
            Self::Users => users(),
            Self::Groups => groups(),
            Self::Members | Self::Nested => members(),
            Self::Devices => devices(),
            Self::Licences => licences(),
            Self::Assigned => assigned(),
            Self::Audits => audits(),
            Self::DeletedUsers => deleted_users(),
            Self::DeletedGroups => deleted_groups(),
        }
    }
}

fn text(name: &str, path: &str) -> Item {
    Item::text(name, path)
}

fn set(name: &str, path: &str) -> Item {
    Item::text(name, path).writable()
}

fn flag(name: &str, path: &str) -> Item {
    Item::new(name, T::Bool, path)
}

fn instant(name: &str, path: &str) -> Item {
    Item::new(name, T::Instant, path).through(unset_time)
}

fn id() -> Item {
    Item::text("id", "/id").with_role(Role::Id)
}

fn users() -> Result<Shape> {
    Shape::new([
        text("user_principal_name", "/userPrincipalName").key(),
        id(),
        set("display_name", "/displayName"),
        set("given_name", "/givenName"),
        set("surname", "/surname"),
        text("mail", "/mail"),
        set("mail_nickname", "/mailNickname"),
        flag("account_enabled", "/accountEnabled").writable(),
        set("department", "/department"),
        set("job_title", "/jobTitle"),
        set("employee_id", "/employeeId"),
        set("company_name", "/companyName"),
        set("office_location", "/officeLocation"),
        set("usage_location", "/usageLocation"),
        text("user_type", "/userType"),
        flag("on_premises", "/onPremisesSyncEnabled").through(or_not),
        instant("created", "/createdDateTime"),
    ])
}

fn groups() -> Result<Shape> {
    Shape::new([
        text("display_name", "/displayName").key(),
        id(),
        set("description", "/description"),
        set("mail_nickname", "/mailNickname"),
        text("mail", "/mail"),
        Item::made("kind", T::Text, |group| json!(kind_of_group(group))),
        Item::made("dynamic", T::Bool, |group| json!(has_type(group, "DynamicMembership"))),
        text("membership_rule", "/membershipRule"),
        text("unique_name", "/uniqueName"),
        text("visibility", "/visibility").through(empty),
        flag("on_premises", "/onPremisesSyncEnabled").through(or_not),
        instant("created", "/createdDateTime"),
    ])
}

fn members() -> Result<Shape> {
    Shape::new([
        text("group_id", "/group_id").key().immutable(),
        text("member_id", "/id").key().immutable(),
        Item::made("member_type", T::Text, |member| json!(kind_of(member))),
    ])
}

fn devices() -> Result<Shape> {
    Shape::new([
        text("device_id", "/deviceId").key().immutable(),
        id(),
        text("display_name", "/displayName"),
        text("operating_system", "/operatingSystem"),
        text("os_version", "/operatingSystemVersion"),
        flag("account_enabled", "/accountEnabled"),
        text("trust_type", "/trustType"),
        text("ownership", "/deviceOwnership"),
        flag("managed", "/isManaged"),
        flag("compliant", "/isCompliant"),
        text("manufacturer", "/manufacturer"),
        text("model", "/model"),
        instant("last_sign_in", "/approximateLastSignInDateTime"),
        instant("registered", "/registrationDateTime"),
    ])
}

fn licences() -> Result<Shape> {
    let whole = |name, path| Item::new(name, T::Int, path);
    Shape::new([
        text("sku_id", "/skuId").key().immutable(),
        id(),
        text("part_number", "/skuPartNumber"),
        text("status", "/capabilityStatus"),
        text("applies_to", "/appliesTo"),
        whole("enabled", "/prepaidUnits/enabled"),
        whole("warning", "/prepaidUnits/warning"),
        whole("suspended", "/prepaidUnits/suspended"),
        whole("locked_out", "/prepaidUnits/lockedOut"),
        whole("consumed", "/consumedUnits"),
        Item::made("free", T::Int, free),
    ])
}

fn assigned() -> Result<Shape> {
    Shape::new([
        text("user_id", "/user_id").key().immutable(),
        text("sku_id", "/skuId").key().immutable(),
        // Not null, so that it can be part of a key.
        text("group_id", "/assignedByGroup").key().immutable().through(never_null),
        Item::new("disabled_plans", T::List(Box::new(T::Text)), "/disabledPlans")
            .through(sorted)
            .writable(),
        text("state", "/state"),
        text("error", "/error").through(no_error),
        instant("updated", "/lastUpdatedDateTime"),
    ])
}

fn audits() -> Result<Shape> {
    let texts = || T::List(Box::new(T::Text));
    Shape::new([
        text("id", "/id").key().immutable(),
        instant("happened", "/activityDateTime"),
        text("activity", "/activityDisplayName"),
        text("category", "/category"),
        text("service", "/loggedByService"),
        text("operation", "/operationType"),
        text("result", "/result"),
        text("reason", "/resultReason").through(empty),
        text("correlation_id", "/correlationId"),
        Item::made("actor_type", T::Text, |entry| json!(actor(entry).map(|(kind, _)| kind))),
        Item::made("actor_id", T::Text, |entry| of_actor(entry, ["id", "appId"])),
        Item::made("actor", T::Text, |entry| of_actor(entry, ["userPrincipalName", "displayName"])),
        Item::made("targets", texts(), |entry| of_targets(entry, "/id")),
        Item::made("properties", texts(), properties),
    ])
}

fn deleted_users() -> Result<Shape> {
    Shape::new([
        text("id", "/id").key().immutable(),
        Item::made("user_principal_name", T::Text, login),
        text("display_name", "/displayName"),
        instant("deleted", "/deletedDateTime"),
    ])
}

fn deleted_groups() -> Result<Shape> {
    Shape::new([
        text("id", "/id").key().immutable(),
        text("display_name", "/displayName"),
        text("mail_nickname", "/mailNickname"),
        instant("deleted", "/deletedDateTime"),
    ])
}

/// Not set is no.
fn or_not(json: &Json) -> Json {
    if json.is_null() { json!(false) } else { json.clone() }
}

fn never_null(json: &Json) -> Json {
    if json.is_null() { json!("") } else { json.clone() }
}

fn no_error(json: &Json) -> Json {
    if json == "None" { Json::Null } else { empty(json) }
}

/// A set, in one order.
fn sorted(json: &Json) -> Json {
    let mut items = json.as_array().cloned().unwrap_or_default();
    items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    Json::Array(items)
}

fn has_type(group: &Json, name: &str) -> bool {
    let types = group.get("groupTypes").and_then(Json::as_array);
    types.is_some_and(|types| types.iter().any(|known| known == name))
}

fn kind_of_group(group: &Json) -> &'static str {
    let is = |name: &str| group.get(name) == Some(&Json::Bool(true));
    match (has_type(group, "Unified"), is("mailEnabled"), is("securityEnabled")) {
        (true, ..) => "microsoft365",
        (_, false, _) => "security",
        (_, true, true) => "mail_enabled_security",
        (_, true, false) => "distribution",
    }
}

fn free(sku: &Json) -> Json {
    let units = |path: &str| sku.pointer(path).and_then(Json::as_i64);
    let had = units("/prepaidUnits/enabled").zip(units("/prepaidUnits/warning"));
    let used = units("/consumedUnits");
    had.zip(used).map_or(Json::Null, |((enabled, warning), used)| json!(enabled + warning - used))
}

fn actor(entry: &Json) -> Option<(&'static str, &Json)> {
    let by = entry.get("initiatedBy")?;
    let of = |kind| by.get(kind).filter(|actor| actor.is_object()).map(|actor| (kind, actor));
    of("user").or_else(|| of("app"))
}

fn of_actor(entry: &Json, names: [&str; 2]) -> Json {
    let found = actor(entry).and_then(|(_, actor)| {
        names.into_iter().find_map(|name| actor.get(name).filter(|value| !value.is_null()))
    });
    found.cloned().unwrap_or_default()
}

fn of_targets(entry: &Json, path: &str) -> Json {
    let targets = entry.get("targetResources").and_then(Json::as_array).into_iter().flatten();
    targets.filter_map(|target| target.pointer(path).filter(|v| v.is_string())).cloned().collect()
}

/// The names of the properties that were set; their values may be anything.
fn properties(entry: &Json) -> Json {
    let targets = entry.get("targetResources").and_then(Json::as_array).into_iter().flatten();
    let all = targets.filter_map(|target| target.get("modifiedProperties")?.as_array()).flatten();
    all.filter_map(|one| one.get("displayName").filter(|name| name.is_string())).cloned().collect()
}

/// The login as it was: a deleted user's has the identifier in front.
fn login(user: &Json) -> Json {
    let part = |name: &str| user.get(name).and_then(Json::as_str).unwrap_or_default();
    let (id, login) = (part("id").replace('-', ""), part("userPrincipalName"));
    json!(login.strip_prefix(id.as_str()).unwrap_or(login))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_sound_and_has_a_key() {
        for kind in Kind::ALL {
            assert!(!kind.shape().unwrap().schema().key().is_empty(), "{kind:?}");
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
    }

    #[test]
    fn groups_are_of_four_kinds() {
        for (types, mail, security, wanted) in [
            (json!(["Unified"]), true, false, "microsoft365"),
            (json!([]), false, true, "security"),
            (json!([]), true, true, "mail_enabled_security"),
            (json!(["DynamicMembership"]), true, false, "distribution"),
        ] {
            let group =
                json!({"groupTypes": types, "mailEnabled": mail, "securityEnabled": security});
            assert_eq!(kind_of_group(&group), wanted);
        }
    }

    #[test]
    fn what_is_free_is_known_or_null() {
        let sku = json!({"prepaidUnits": {"enabled": 10, "warning": 2}, "consumedUnits": 15});
        assert_eq!(free(&sku), json!(-3));
        assert_eq!(free(&json!({"consumedUnits": 1})), Json::Null);
    }

    #[test]
    fn a_deleted_login_is_as_it_was() {
        let user = json!({"id": "ab-cd", "userPrincipalName": "abcdada@example.com"});
        assert_eq!(login(&user), json!("ada@example.com"));
        assert_eq!(login(&json!({"id": "x", "userPrincipalName": "ada@a"})), json!("ada@a"));
    }
}
