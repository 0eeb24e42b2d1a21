//! The resources: which fields they have, and where those stand in SCIM's JSON.

use serde_json::{Value as Json, json};
use trueup_connector::{LogicalType, Result, Role};
use trueup_kit::{Item, Shape};

use crate::config::Extra;
use crate::discovery::Discovery;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Users,
    Groups,
    Members,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Users, Self::Groups, Self::Members];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Members => "members",
        }
    }

    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Self::Users => "Users",
            Self::Groups | Self::Members => "Groups",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The schema of the server's own objects.
    pub(crate) fn urn(self) -> &'static str {
        match self {
            Self::Users => "urn:ietf:params:scim:schemas:core:2.0:User",
            Self::Groups | Self::Members => "urn:ietf:params:scim:schemas:core:2.0:Group",
        }
    }

    /// The attribute that tells records apart, in SCIM's words.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Users => "userName",
            Self::Groups | Self::Members => "displayName",
        }
    }

    /// The records in one of the server's objects.
    pub(crate) fn expand(self, object: Json) -> Vec<Json> {
        if self != Self::Members {
            return vec![object];
        }
        let group = member(&object, "id").cloned().unwrap_or_default();
        let members = member(&object, "members").and_then(Json::as_array).into_iter().flatten();
        let one = |entry: &Json| {
            json!({"group_id": group, "member_id": member(entry, "value"),
                "type": member(entry, "type")})
        };
        members.map(one).collect()
    }
}

/// A member whatever its case: SCIM's names have none.
pub(crate) fn member<'a>(json: &'a Json, name: &str) -> Option<&'a Json> {
    let mut members = json.as_object()?.iter();
    members.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The shapes of the three resources on this server.
#[derive(Clone, Debug)]
pub(crate) struct Shapes {
    users: Shape,
    groups: Shape,
    members: Shape,
}

impl Shapes {
    pub(crate) fn new(discovery: &Discovery, extra: &[Extra]) -> Result<Self> {
        Ok(Self {
            users: users(discovery, extra)?,
            groups: groups(discovery)?,
            members: Shape::new([
                Item::text("group_id", "/group_id").key().immutable(),
                Item::text("member_id", "/member_id").key().immutable(),
                Item::text("type", "/type"),
            ])?,
        })
    }

    pub(crate) fn of(&self, kind: Kind) -> &Shape {
        match kind {
            Kind::Users => &self.users,
            Kind::Groups => &self.groups,
            Kind::Members => &self.members,
        }
    }
}

fn users(discovery: &Discovery, extra: &[Extra]) -> Result<Shape> {
    let settable = |item: Item, path: &str| {
        let place = match path.to_lowercase().strip_prefix("/urn:") {
            Some(rest) => format!("urn:{rest}"),
            None => format!("user{}", path.to_lowercase()),
        };
        if discovery.fixed.contains(&place) { item } else { item.writable() }
    };
    let text = |name: &str, path: &str| settable(Item::text(name, path), path);
    let enterprise = |name: &str, attribute: &str| {
        let path = format!("/{ENTERPRISE}/{attribute}");
        settable(Item::text(name, &path), &path)
    };
    let mut items = vec![
        Item::text("user_name", "/userName").key().immutable(),
        Item::text("id", "/id").with_role(Role::Id),
        Item::text("version", "/meta/version").with_role(Role::Version),
        text("external_id", "/externalId"),
        text("display_name", "/displayName"),
        settable(Item::new("active", LogicalType::Bool, "/active").through(truth), "/active"),
        text("given_name", "/name/givenName"),
        text("family_name", "/name/familyName"),
        text("nick_name", "/nickName"),
        text("title", "/title"),
        text("user_type", "/userType"),
        text("preferred_language", "/preferredLanguage"),
        text("locale", "/locale"),
        text("timezone", "/timezone"),
        Item::made("email", LogicalType::Text, |user| chosen(user, "emails")),
        Item::made("phone", LogicalType::Text, |user| chosen(user, "phoneNumbers")),
        enterprise("employee_number", "employeeNumber"),
        enterprise("cost_center", "costCenter"),
        enterprise("organization", "organization"),
        enterprise("division", "division"),
        enterprise("department", "department"),
        Item::text("manager_id", &format!("/{ENTERPRISE}/manager/value")),
        Item::new("created", LogicalType::Instant, "/meta/created"),
        Item::new("last_modified", LogicalType::Instant, "/meta/lastModified"),
    ];
    items.extend(extra.iter().map(|extra| {
        let item = Item::new(&extra.name, extra.ty.clone(), &extra.path);
        if extra.writable { item.writable() } else { item }
    }));
    Ok(Shape::new(items)?.ignoring_case())
}

fn groups(discovery: &Discovery) -> Result<Shape> {
    let external = Item::text("external_id", "/externalId");
    let fixed = discovery.fixed.contains("group/externalid");
    let items = [
        Item::text("display_name", "/displayName").key(),
        Item::text("id", "/id").with_role(Role::Id),
        Item::text("version", "/meta/version").with_role(Role::Version),
        if fixed { external } else { external.writable() },
        Item::new("created", LogicalType::Instant, "/meta/created"),
        Item::new("last_modified", LogicalType::Instant, "/meta/lastModified"),
    ];
    Ok(Shape::new(items)?.ignoring_case())
}

/// Some servers write truth as text.
fn truth(json: &Json) -> Json {
    match json.as_str().map(str::to_lowercase).as_deref() {
        Some("true") => json!(true),
        Some("false") => json!(false),
        _ => json.clone(),
    }
}

/// The value of the primary entry, else of the one for work, else of the first.
fn chosen(user: &Json, attribute: &str) -> Json {
    let Some(entries) = member(user, attribute).and_then(Json::as_array) else { return Json::Null };
    let primary = |entry: &&Json| member(entry, "primary").map(truth) == Some(json!(true));
    let work = |entry: &&Json| {
        let kind = member(entry, "type").and_then(Json::as_str);
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case("work"))
    };
    let entry = entries.iter().find(primary).or_else(|| entries.iter().find(work));
    let entry = entry.or_else(|| entries.first());
    entry.and_then(|entry| member(entry, "value")).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_entries_is_chosen() {
        for (emails, wanted) in [
            (json!([{"value": "a"}, {"value": "b", "primary": true}]), json!("b")),
            (json!([{"value": "a"}, {"value": "b", "Type": "Work"}]), json!("b")),
            (json!([{"value": "a"}, {"value": "b", "primary": false}]), json!("a")),
            (json!([]), Json::Null),
            (json!(null), Json::Null),
        ] {
            assert_eq!(chosen(&json!({"emails": emails}), "emails"), wanted);
        }
    }

    #[test]
    fn what_the_server_calls_read_only_is_not_writable() {
        let mut discovery = Discovery::default();
        discovery.fixed.insert("user/title".into());
        discovery.fixed.insert(format!("{}/department", ENTERPRISE.to_lowercase()));
        let shape = users(&discovery, &[]).unwrap();
        let writable = |name: &str| shape.schema().field(name).unwrap().writable;
        assert!(!writable("title") && !writable("department"));
        assert!(writable("display_name") && writable("organization"));
    }

    #[test]
    fn a_group_becomes_its_members() {
        let group = json!({"id": "g", "Members": [{"value": "1", "type": "User"}, {"value": "2"}]});
        let rows = Kind::Members.expand(group);
        assert_eq!(rows[1], json!({"group_id": "g", "member_id": "2", "type": null}));
        assert!(Kind::Members.expand(json!({"id": "g"})).is_empty());
    }
}
