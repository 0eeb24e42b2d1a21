//! The schemas of RFC 7643 §8.7 as data, and resources held to them.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{Outcome, Refused};

/// The type of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    User,
    Group,
}

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// What a schema says of an attribute.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attribute {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) ty: String,
    pub(crate) multi_valued: bool,
    pub(crate) mutability: String,
    pub(crate) returned: String,
    #[serde(default)]
    pub(crate) case_exact: bool,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    pub(crate) sub_attributes: Vec<Attribute>,
}

#[derive(Debug, Deserialize)]
struct Schema {
    id: String,
    attributes: Vec<Attribute>,
}

pub(crate) const DATA: &str = include_str!("../../data/scim-schemas.json");

// The file is part of the program, and a test reads it.
static SCHEMAS: LazyLock<Vec<Schema>> =
    LazyLock::new(|| serde_json::from_str(DATA).unwrap_or_default());

static COMMON: LazyLock<Vec<Attribute>> = LazyLock::new(|| {
    let plain = |name: &str, mutability: &str, case_exact| Attribute {
        name: name.into(),
        ty: "string".into(),
        multi_valued: false,
        mutability: mutability.into(),
        returned: if name == "id" { "always".into() } else { "default".into() },
        case_exact,
        required: false,
        sub_attributes: Vec::new(),
    };
    let mut schemas = plain("schemas", "readWrite", true);
    schemas.multi_valued = true;
    schemas.returned = "always".into();
    let mut meta = plain("meta", "readOnly", true);
    meta.ty = "complex".into();
    let parts = ["resourceType", "created", "lastModified", "location", "version"];
    meta.sub_attributes = parts.map(|name| plain(name, "readOnly", true)).into();
    vec![schemas, plain("id", "readOnly", true), plain("externalId", "readWrite", true), meta]
});

impl Kind {
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::User, Self::Group].into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) fn at(endpoint: &str) -> Option<Self> {
        [Self::User, Self::Group].into_iter().find(|kind| kind.endpoint() == endpoint)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }

    pub(crate) fn urn(self) -> &'static str {
        match self {
            Self::User => USER,
            Self::Group => GROUP,
        }
    }

    /// The attribute of this name, in the core or in an extension.
    pub(crate) fn attribute(
        self,
        extension: Option<&str>,
        name: &str,
    ) -> Option<&'static Attribute> {
        let id = extension.unwrap_or(self.urn());
        let own = SCHEMAS.iter().filter(|schema| schema.id == id).flat_map(|s| &s.attributes);
        let common = COMMON.iter().filter(|_| extension.is_none());
        named(own.chain(common), name)
    }

    /// A resource as somebody sends it, held to the schema: names as they are written there, what
    /// cannot be set left out, no unassigned member.
    pub(crate) fn take(self, json: &Json) -> Outcome<Map<String, Json>> {
        let members =
            json.as_object().ok_or_else(|| Refused::bad("invalidSyntax", "not an object"))?;
        let mut taken = Map::new();
        for (name, value) in members {
            if self == Self::User && name.eq_ignore_ascii_case(ENTERPRISE) {
                let extension = self.take_extension(value)?;
                if !extension.is_empty() {
                    taken.insert(ENTERPRISE.into(), Json::Object(extension));
                }
            } else if let Some(attribute) = self.attribute(None, name) {
                keep(&mut taken, attribute, value)?;
            }
        }
        Ok(taken)
    }

    fn take_extension(self, json: &Json) -> Outcome<Map<String, Json>> {
        let mut taken = Map::new();
        for (name, value) in json.as_object().into_iter().flatten() {
            if let Some(attribute) = self.attribute(Some(ENTERPRISE), name) {
                keep(&mut taken, attribute, value)?;
            }
        }
        Ok(taken)
    }

    /// Checks that nothing is left out that has to be there.
    pub(crate) fn check(self, resource: &Map<String, Json>) -> Outcome<()> {
        let schema = SCHEMAS.iter().filter(|schema| schema.id == self.urn());
        let required = schema.flat_map(|schema| &schema.attributes).filter(|a| a.required);
        let mut missing = required.filter(|attribute| !resource.contains_key(&attribute.name));
        match missing.next() {
            None => Ok(()),
            Some(a) => {
                Err(Refused::bad("invalidValue", format!("Attribute '{}' is required", a.name)))
            }
        }
    }
}

pub(crate) fn named<'a>(
    mut all: impl Iterator<Item = &'a Attribute>,
    name: &str,
) -> Option<&'a Attribute> {
    all.find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

fn keep(taken: &mut Map<String, Json>, attribute: &Attribute, value: &Json) -> Outcome<()> {
    if attribute.mutability == "readOnly" {
        return Ok(());
    }
    if let Some(value) = attribute.value(value)? {
        taken.insert(attribute.name.clone(), value);
    }
    Ok(())
}

impl Attribute {
    /// A value as it is kept; `None` for one that counts as not assigned.
    pub(crate) fn value(&self, value: &Json) -> Outcome<Option<Json>> {
        match (self.multi_valued, value) {
            (_, Json::Null) => Ok(None),
            (true, Json::Array(items)) => {
                let items = items.iter().map(|item| self.single(item));
                let items: Vec<Json> =
                    items.filter_map(Outcome::transpose).collect::<Outcome<_>>()?;
                Ok((!items.is_empty()).then_some(Json::Array(items)))
            }
            (true, single) => Ok(self.single(single)?.map(|one| Json::Array(vec![one]))),
            (false, single) => self.single(single),
        }
    }

    pub(crate) fn single(&self, value: &Json) -> Outcome<Option<Json>> {
        let wrong = || {
            Refused::bad(
                "invalidValue",
                format!("'{}' takes a value of type {}", self.name, self.ty),
            )
        };
        match (self.ty.as_str(), value) {
            (_, Json::Null) => Ok(None),
            ("complex", Json::Object(members)) => self.complex(members),
            // A bare value stands for the member `value`.
            ("complex", Json::String(_)) if self.sub("value").is_some() => {
                self.complex(&Map::from_iter([("value".to_owned(), value.clone())]))
            }
            ("boolean", Json::Bool(_)) => Ok(Some(value.clone())),
            // Entra sends them as text.
            ("boolean", Json::String(text)) => match text.to_lowercase().as_str() {
                "true" => Ok(Some(Json::Bool(true))),
                "false" => Ok(Some(Json::Bool(false))),
                _ => Err(wrong()),
            },
            ("integer" | "decimal", Json::Number(_)) => Ok(Some(value.clone())),
            ("string" | "reference" | "binary" | "dateTime", Json::String(_)) => {
                Ok(Some(value.clone()))
            }
            _ => Err(wrong()),
        }
    }

    fn complex(&self, members: &Map<String, Json>) -> Outcome<Option<Json>> {
        let mut taken = Map::new();
        for (name, value) in members {
            if let Some(sub) = self.sub(name) {
                keep(&mut taken, sub, value)?;
            }
        }
        Ok((!taken.is_empty()).then_some(Json::Object(taken)))
    }

    pub(crate) fn sub(&self, name: &str) -> Option<&Attribute> {
        named(self.sub_attributes.iter(), name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_file_of_schemas_can_be_read() {
        assert_eq!(SCHEMAS.len(), 3);
        assert!(Kind::User.attribute(Some(ENTERPRISE), "MANAGER").is_some());
    }

    #[test]
    fn resources_are_held_to_the_schema() {
        let sent = json!({"USERNAME": "ada", "active": "False", "emails": [], "title": null,
            "groups": [{"value": "1"}], "nonsense": 1, "id": "x", ENTERPRISE: {"department": "R"}});
        let taken = Kind::User.take(&sent).unwrap();
        let wanted = json!({"userName": "ada", "active": false, ENTERPRISE: {"department": "R"}});
        assert_eq!(Json::Object(taken), wanted);
        let wrong = Kind::User.take(&json!({"active": "maybe"})).unwrap_err();
        assert_eq!(wrong.scim_type, "invalidValue");
    }
}
