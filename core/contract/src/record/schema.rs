//! What a resource's records look like: fields, their types, roles and facts.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{Field as ArrowField, Schema as ArrowSchema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::LogicalType;
use crate::error::{Error, Kind, Result, suggest};

/// What part a field plays in its record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Compared as a value.
    #[default]
    Data,
    /// Compared as identity.
    Key,
    /// The target's own identifier: carried on every change, never compared.
    Id,
    /// The target's version of the record (an ETag, a lock): carried, never compared.
    Version,
}

/// One field of a record.
///
/// ```
/// use trueup_connector::{Field, LogicalType, Role};
///
/// let serial = Field::new("serial", LogicalType::Text).with_role(Role::Key).immutable();
/// assert!(serial.immutable && !serial.secret);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Field {
    /// The name, exact: upper and lower case are different.
    pub name: String,
    /// What its values mean.
    #[serde(rename = "type")]
    pub ty: LogicalType,
    /// The part it plays.
    #[serde(default)]
    pub role: Role,
    /// A writer may set it.
    #[serde(default)]
    pub writable: bool,
    /// It never changes while the record lives, so coverage may be stated over it.
    #[serde(default)]
    pub immutable: bool,
    /// It is compared in memory, shown as `‹secret›`, and never enters a digest, log or evidence.
    #[serde(default)]
    pub secret: bool,
}

/// The fields of a resource, in order, each name once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Field>", into = "Vec<Field>")]
pub struct Schema {
    fields: Arc<[Field]>,
}

impl Field {
    /// A field that is compared as a value, with no fact stated.
    pub fn new(name: impl Into<String>, ty: LogicalType) -> Self {
        let (name, role) = (name.into(), Role::Data);
        Self { name, ty, role, writable: false, immutable: false, secret: false }
    }

    /// Sets the part it plays.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// States that a writer may set it.
    #[must_use]
    pub fn writable(mut self) -> Self {
        self.writable = true;
        self
    }

    /// States that it never changes while the record lives.
    #[must_use]
    pub fn immutable(mut self) -> Self {
        self.immutable = true;
        self
    }

    /// States that its values must never be shown.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    fn from_arrow(field: &ArrowField) -> Result<Self> {
        let ty = LogicalType::from_arrow(field.data_type())
            .map_err(|error| error.with("column", field.name()))?;
        let fact = |name: &str| field.metadata().get(name).is_some_and(|value| value == "true");
        Ok(Self {
            name: field.name().clone(),
            ty,
            role: field.metadata().get(ROLE).map_or(Ok(Role::Data), |role| parse_role(role))?,
            writable: fact(WRITABLE),
            immutable: fact(IMMUTABLE),
            secret: fact(SECRET),
        })
    }

    fn metadata(&self) -> HashMap<String, String> {
        let role = match self.role {
            Role::Data => None,
            Role::Key => Some("key"),
            Role::Id => Some("id"),
            Role::Version => Some("version"),
        };
        let facts = [(WRITABLE, self.writable), (IMMUTABLE, self.immutable), (SECRET, self.secret)];
        let facts = facts.iter().filter(|(_, set)| *set).map(|(name, _)| (*name, "true"));
        let all = role.map(|role| (ROLE, role)).into_iter().chain(facts);
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

// Roles and facts travel with Arrow as metadata of the field.
const ROLE: &str = "trueup.role";
const WRITABLE: &str = "trueup.writable";
const IMMUTABLE: &str = "trueup.immutable";
const SECRET: &str = "trueup.secret";

fn parse_role(text: &str) -> Result<Role> {
    match text {
        "key" => Ok(Role::Key),
        "id" => Ok(Role::Id),
        "version" => Ok(Role::Version),
        "data" => Ok(Role::Data),
        _ => Err(Error::new(
            Kind::Data,
            format!(
                "unknown field role `{text}`{}",
                suggest(text, ["key", "id", "version", "data"])
            ),
        )),
    }
}

impl Schema {
    /// A schema of these fields.
    ///
    /// # Errors
    /// `data` where a name stands twice, `invalid` where one is empty.
    pub fn new(fields: impl IntoIterator<Item = Field>) -> Result<Self> {
        let fields: Arc<[Field]> = fields.into_iter().collect();
        let mut names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        names.sort_unstable();
        if names.first() == Some(&"") {
            return Err(Error::new(Kind::Invalid, "a column has no name"));
        }
        match names
            .windows(2)
            .find_map(|pair| pair.first().filter(|name| pair.last() == Some(name)))
        {
            Some(name) => {
                Err(Error::new(Kind::Data, format!("the column name `{name}` stands twice")))
            }
            None => Ok(Self { fields }),
        }
    }

    /// The schema of Arrow columns; roles and facts are read from the fields' metadata.
    ///
    /// # Errors
    /// As [`Schema::new`], and `unsupported` for types that cannot be compared.
    pub fn from_arrow(schema: &ArrowSchema) -> Result<Self> {
        let fields: Vec<Field> =
            schema.fields().iter().map(|field| Field::from_arrow(field)).collect::<Result<_>>()?;
        Self::new(fields)
    }

    /// The schema in Arrow's form, with the types trueup itself uses.
    pub fn to_arrow(&self) -> SchemaRef {
        let fields = self.fields.iter().map(|field| {
            ArrowField::new(&field.name, field.ty.to_arrow(), true).with_metadata(field.metadata())
        });
        Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()))
    }

    /// The Arrow schema with this schema's roles and facts in its metadata.
    pub(crate) fn annotate(&self, arrow: &ArrowSchema) -> SchemaRef {
        let fields = arrow.fields().iter().zip(self.fields.iter()).map(|(arrow, field)| {
            ArrowField::new(&field.name, arrow.data_type().clone(), arrow.is_nullable())
                .with_metadata(field.metadata())
        });
        Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()))
    }

    /// The fields in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }

    /// Where a field stands.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The field of this name.
    ///
    /// # Errors
    /// `invalid`, offering the nearest name.
    pub fn field(&self, name: &str) -> Result<&Field> {
        self.fields.iter().find(|field| field.name == name).ok_or_else(|| {
            let message = format!("unknown field `{name}`{}", suggest(name, self.names()));
            Error::new(Kind::Invalid, message)
        })
    }

    /// The names of the fields whose role is key.
    pub fn key(&self) -> Vec<&str> {
        let keys = self.fields.iter().filter(|field| field.role == Role::Key);
        keys.map(|field| field.name.as_str()).collect()
    }

    /// The schema with one field replaced by what `change` makes of it.
    ///
    /// # Errors
    /// `invalid` for an unknown field, or a new name that stands already.
    pub fn with_field(&self, name: &str, change: impl FnOnce(Field) -> Field) -> Result<Self> {
        let old = self.field(name)?.clone();
        let new = change(old);
        Self::new(self.fields.iter().map(|f| if f.name == name { new.clone() } else { f.clone() }))
    }
}

impl TryFrom<Vec<Field>> for Schema {
    type Error = Error;

    fn try_from(fields: Vec<Field>) -> Result<Self> {
        Self::new(fields)
    }
}

impl From<Schema> for Vec<Field> {
    fn from(schema: Schema) -> Self {
        schema.fields.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        Schema::new([
            Field::new("id", LogicalType::Int).with_role(Role::Key).immutable(),
            Field::new("pin", LogicalType::Text).secret().writable(),
        ])
        .unwrap()
    }

    #[test]
    fn roles_and_facts_travel_through_arrow() {
        assert_eq!(Schema::from_arrow(&schema().to_arrow()).unwrap(), schema());
        assert_eq!(schema().key(), ["id"]);
    }

    #[test]
    fn names_stand_once() {
        let twice = [Field::new("a", LogicalType::Int), Field::new("a", LogicalType::Text)];
        assert_eq!(Schema::new(twice).unwrap_err().to_string(), "the column name `a` stands twice");
        assert!(Schema::new([Field::new("", LogicalType::Int)]).is_err());
    }

    #[test]
    fn a_misspelt_field_gets_the_nearest_name() {
        let error = schema().field("pn").unwrap_err();
        assert_eq!(error.to_string(), "unknown field `pn`; did you mean `pin`?");
    }

    #[test]
    fn unknown_members_are_refused() {
        let text = r#"[{"name":"a","type":"int","secrt":true}]"#;
        assert!(serde_json::from_str::<Schema>(text).is_err());
    }
}
