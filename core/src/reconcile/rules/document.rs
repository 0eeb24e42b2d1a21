//! The reconciliation document: what is compared with what, and how.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;
use trueup_connector::{Mapping, Result, Snapshot};

use super::Side;
use super::rule::Rule;
use super::words::invalid;

/// What is compared and how: the document that a run of the engine follows.
///
/// It is plain data, and goes to JSON and back. Its names are canonical ones: those that the
/// mappings, if there are any, give to the systems' own. Whether its fields exist and its rules fit
/// them is checked when it runs.
///
/// ```
/// use trueup::{FieldSelection, Reconciliation, Rule};
///
/// let catalogue = Reconciliation::new("catalogue")
///     .with_key(["package", "architecture"])
///     .with_rule("installed_kib", Rule::tolerance(4))
///     .with_rule("depends", Rule::ignore())
///     .with_fields(FieldSelection::Common);
/// let same = Reconciliation::from_json(
///     r#"{"name": "catalogue", "key": ["package", "architecture"], "fields": "common",
///         "compare": {"installed_kib": {"tolerance": {"absolute": "4"}}, "depends": "ignore"}}"#,
/// )?;
/// assert_eq!(catalogue, same);
///
/// let error = Reconciliation::from_json(r#"{"nmae": "catalogue"}"#).unwrap_err();
/// assert_eq!(
///     error.message(),
///     "unknown member of the reconciliation `nmae`; did you mean `name`?"
/// );
/// # Ok::<(), trueup::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reconciliation {
    pub(super) name: String,
    pub(super) tenant: String,
    pub(super) resource: String,
    pub(super) key: Vec<String>,
    pub(super) alternate_keys: Vec<Vec<String>>,
    pub(super) fields: FieldSelection,
    pub(super) rules: BTreeMap<String, Rule>,
    pub(super) mappings: [Option<Mapping>; 2],
}

/// Which fields are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldSelection {
    /// All: a field that one side lacks is an error, unless a rule ignores it.
    #[default]
    All,
    /// Those that both sides have.
    Common,
    /// These; key fields need not be named.
    Only(Vec<String>),
}

impl FieldSelection {
    /// These fields; key fields need not be named.
    pub fn only<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self::Only(names.into_iter().map(Into::into).collect())
    }
}

impl Reconciliation {
    /// A reconciliation of this name, which is part of each finding's id; it needs a key yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// `invalid` for what is no JSON or no reconciliation; a misspelt member or word is answered
    /// with the nearest one.
    pub fn from_json(text: &str) -> Result<Self> {
        let json: Json = serde_json::from_str(text)
            .map_err(|cause| invalid(format!("the reconciliation is no JSON: {cause}")))?;
        Self::read(&json)
    }

    /// Sets the tenant whose records they are; part of each finding's id.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Sets the resource that is compared; part of each finding's id.
    #[must_use]
    pub fn with_resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = resource.into();
        self
    }

    /// Sets the fields that identify a record on both sides.
    #[must_use]
    pub fn with_key<S: Into<String>>(mut self, fields: impl IntoIterator<Item = S>) -> Self {
        self.key = fields.into_iter().map(Into::into).collect();
        self
    }

    /// Adds fields on which records meet whose key only one side has: a rename.
    #[must_use]
    pub fn with_alternate_key<S: Into<String>>(
        mut self,
        fields: impl IntoIterator<Item = S>,
    ) -> Self {
        self.alternate_keys.push(fields.into_iter().map(Into::into).collect());
        self
    }

    /// Sets which fields are compared.
    #[must_use]
    pub fn with_fields(mut self, fields: FieldSelection) -> Self {
        self.fields = fields;
        self
    }

    /// Sets the rule of a field.
    #[must_use]
    pub fn with_rule(mut self, field: impl Into<String>, rule: Rule) -> Self {
        self.rules.insert(field.into(), rule);
        self
    }

    /// Sets how the expected side's system calls things.
    #[must_use]
    pub fn with_expected_mapping(mut self, mapping: Mapping) -> Self {
        let [expected, _] = &mut self.mappings;
        *expected = Some(mapping);
        self
    }

    /// Sets how the actual side's system calls things.
    #[must_use]
    pub fn with_actual_mapping(mut self, mapping: Mapping) -> Self {
        let [_, actual] = &mut self.mappings;
        *actual = Some(mapping);
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tenant; empty if none was set.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The resource; empty if none was set.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The key fields.
    pub fn key(&self) -> &[String] {
        &self.key
    }

    /// The alternate keys in the order in which they are tried.
    pub fn alternate_keys(&self) -> &[Vec<String>] {
        &self.alternate_keys
    }

    /// Which fields are compared.
    pub fn fields(&self) -> &FieldSelection {
        &self.fields
    }

    /// The rule of a field, if it has one.
    pub fn rule(&self, field: &str) -> Option<&Rule> {
        self.rules.get(field)
    }

    /// How a side's system calls things, if it differs.
    pub fn mapping(&self, side: Side) -> Option<&Mapping> {
        let [expected, actual] = &self.mappings;
        match side {
            Side::Expected => expected.as_ref(),
            Side::Actual => actual.as_ref(),
        }
    }

    /// The snapshot of a side in canonical words.
    ///
    /// # Errors
    /// As [`Mapping::canonical`].
    pub(crate) fn map(&self, side: Side, snapshot: &Snapshot) -> Result<Snapshot> {
        match self.mapping(side) {
            Some(mapping) => mapping.canonical(snapshot).map_err(|error| error.with("side", side)),
            None => Ok(snapshot.clone()),
        }
    }
}

impl Serialize for Reconciliation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Reconciliation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        Self::read(&json).map_err(serde::de::Error::custom)
    }
}
