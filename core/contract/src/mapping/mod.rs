//! Reversible names and values: how a system calls what everybody calls something else.

mod canonical;
mod json;

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Kind, Result};
use crate::record::Value;

/// How one system's names and values read in canonical words, and back.
///
/// Both are one-to-one, so that an answer found in canonical words can be written back. A field that
/// the mapping does not name keeps its name. Value tables are of text fields. A value that is not in
/// its field's table stands for itself, unless it would read as what the table calls another, which
/// is an error; null stands for itself.
///
/// In JSON: `{"fields": {canonical: system}, "values": {canonical field: {canonical: system}}}`.
///
/// ```
/// use trueup_connector::{Mapping, Value};
///
/// let mapping: Mapping = serde_json::from_str(
///     r#"{"fields": {"serial": "SerialNumber"}, "values": {"state": {"active": "1", "retired": "0"}}}"#,
/// )?;
/// assert_eq!(mapping.system_name("serial"), "SerialNumber");
/// assert_eq!(mapping.to_system("state", &"active".into())?, Value::from("1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    fields: BTreeMap<String, String>,
    values: BTreeMap<String, Table>,
}

/// A value table, in both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Table {
    to_system: BTreeMap<String, String>,
    to_canonical: BTreeMap<String, String>,
}

impl Mapping {
    /// A mapping of these names (canonical to system) and no values.
    ///
    /// # Errors
    /// `invalid` where a name stands twice.
    pub fn new<C: Into<String>, S: Into<String>>(
        fields: impl IntoIterator<Item = (C, S)>,
    ) -> Result<Self> {
        let pairs = fields.into_iter().map(|(canonical, system)| (canonical.into(), system.into()));
        let twice = |name: &str| format!("the mapping names the field `{name}` twice");
        let Table { to_system: fields, .. } = Table::new(pairs, twice)?;
        Ok(Self { fields, values: BTreeMap::new() })
    }

    /// Adds the value table (canonical to system) of a canonical field.
    ///
    /// # Errors
    /// `invalid` where the table is not one-to-one.
    pub fn with_values<C: Into<String>, S: Into<String>>(
        mut self,
        field: impl Into<String>,
        table: impl IntoIterator<Item = (C, S)>,
    ) -> Result<Self> {
        let field = field.into();
        let pairs = table.into_iter().map(|(canonical, system)| (canonical.into(), system.into()));
        let table = Table::new(pairs, |value| {
            format!("the value table of `{field}` is not one-to-one: `{value}` stands twice")
        })?;
        self.values.insert(field, table);
        Ok(self)
    }

    /// What the system calls a canonical field.
    pub fn system_name<'a>(&'a self, canonical: &'a str) -> &'a str {
        self.fields.get(canonical).map_or(canonical, String::as_str)
    }

    /// What a field of the system is called canonically.
    pub fn canonical_name<'a>(&'a self, system: &'a str) -> &'a str {
        let entry = self.fields.iter().find(|(_, name)| *name == system);
        entry.map_or(system, |(canonical, _)| canonical)
    }

    /// What the system calls a canonical value of a canonical field.
    ///
    /// # Errors
    /// `data` for a value that is not in the table but is a system value of another.
    pub fn to_system(&self, field: &str, value: &Value) -> Result<Value> {
        self.translate(field, value, Table::system)
    }

    /// What a system's value of a canonical field is canonically.
    ///
    /// # Errors
    /// `data` for a value that is not in the table but is a canonical value of another.
    pub fn to_canonical(&self, field: &str, value: &Value) -> Result<Value> {
        self.translate(field, value, Table::canonical)
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.values.is_empty()
    }

    fn translate(
        &self,
        field: &str,
        value: &Value,
        translate: for<'a> fn(&'a Table, &'a str) -> Option<&'a str>,
    ) -> Result<Value> {
        match (self.values.get(field), value) {
            (Some(table), Value::Text(text)) => {
                translate(table, text).map(Value::from).ok_or_else(|| collision(field, text))
            }
            _ => Ok(value.clone()),
        }
    }
}

impl Table {
    fn new(
        pairs: impl Iterator<Item = (String, String)>,
        twice: impl Fn(&str) -> String,
    ) -> Result<Self> {
        let (mut table, mut seen) = (Self::default(), BTreeSet::new());
        for (canonical, system) in pairs {
            if !seen.insert(canonical.clone()) {
                return Err(Error::new(Kind::Invalid, twice(&canonical)));
            }
            if table.to_canonical.insert(system.clone(), canonical.clone()).is_some() {
                return Err(Error::new(Kind::Invalid, twice(&system)));
            }
            table.to_system.insert(canonical, system);
        }
        Ok(table)
    }

    /// `None` where the value is the system's for another.
    fn system<'a>(&'a self, canonical: &'a str) -> Option<&'a str> {
        look_up(&self.to_system, &self.to_canonical, canonical)
    }

    /// `None` where the value is the canonical one of another.
    fn canonical<'a>(&'a self, system: &'a str) -> Option<&'a str> {
        look_up(&self.to_canonical, &self.to_system, system)
    }
}

type Side = BTreeMap<String, String>;

fn look_up<'a>(there: &'a Side, back: &'a Side, value: &'a str) -> Option<&'a str> {
    match there.get(value) {
        Some(mapped) => Some(mapped),
        None => (!back.contains_key(value)).then_some(value),
    }
}

fn collision(field: &str, value: &str) -> Error {
    let message = format!(
        "`{value}` in `{field}` is not in its value table, but what the table calls another value; add it to the table"
    );
    Error::new(Kind::Data, message)
}

#[cfg(test)]
mod tests;
