//! A field and the value a change knows of it.

use std::fmt;
use std::sync::Arc;

use trueup_connector::Value;
use trueup_connector::record::canonical;

/// A field and its value, in canonical words.
///
/// A secret value stays in memory: it is carried to the system that is written, but is not shown,
/// saved or digested.
#[derive(Clone, PartialEq)]
pub struct FieldValue {
    name: Arc<str>,
    held: Held,
}

#[derive(Clone, PartialEq)]
enum Held {
    Plain(Value),
    /// `None` once it has been saved and loaded: the secret did not come along.
    Secret(Option<Value>),
}

impl FieldValue {
    /// A field with this value.
    pub fn new(name: impl Into<Arc<str>>, value: impl Into<Value>) -> Self {
        Self { name: name.into(), held: Held::Plain(value.into()) }
    }

    /// A field with this value, which is a secret.
    pub fn secret(name: impl Into<Arc<str>>, value: impl Into<Value>) -> Self {
        Self { name: name.into(), held: Held::Secret(Some(value.into())) }
    }

    /// A field whose secret value is not at hand.
    pub(super) fn withheld(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), held: Held::Secret(None) }
    }

    /// The field's canonical name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value; `None` for a secret one.
    pub fn value(&self) -> Option<&Value> {
        match &self.held {
            Held::Plain(value) => Some(value),
            Held::Secret(_) => None,
        }
    }

    /// Whether the value is secret.
    pub fn is_secret(&self) -> bool {
        matches!(self.held, Held::Secret(_))
    }

    /// The value, secret or not; `None` where a secret was not saved.
    pub(crate) fn reveal(&self) -> Option<&Value> {
        match &self.held {
            Held::Plain(value) => Some(value),
            Held::Secret(value) => value.as_ref(),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match &self.held {
            Held::Plain(value) => canonical::write_value(out, value),
            Held::Secret(_) => out.push(b'*'),
        }
    }
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value() {
            Some(Value::Null) => write!(f, "{} = null", self.name),
            Some(value) => write!(f, "{} = {value}", self.name),
            None => write!(f, "{} = ‹secret›", self.name),
        }
    }
}

impl fmt::Debug for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FieldValue({self})")
    }
}
