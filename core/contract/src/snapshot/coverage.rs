//! What a snapshot covers: only there may a missing record be called absent.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::record::{Role, Schema, Value};

/// What part of the resource a snapshot holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Coverage {
    /// Every record there is.
    #[default]
    Complete,
    /// Every record for which the predicate holds.
    Within(Predicate),
    /// Some records; nothing may be called absent.
    Partial,
}

/// A condition on a record's key or immutable fields.
///
/// In JSON: `{"all":[…]}`, `{"any":[…]}`, `{"not":…}`, `{"field":f,"is":v}`,
/// `{"field":f,"in":[…]}`, `{"field":f,"from":v,"to":v}` (from inclusive, to exclusive, either may
/// be left out), `{"field":f,"starts_with":"…"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
#[non_exhaustive]
pub enum Predicate {
    /// All of them hold.
    All(Vec<Predicate>),
    /// At least one of them holds.
    Any(Vec<Predicate>),
    /// It does not hold.
    Not(Box<Predicate>),
    /// The field has this value; null is null.
    Is(String, Value),
    /// The field has one of these values.
    In(String, Vec<Value>),
    /// The field is at least the first and less than the second value.
    Range(String, Option<Value>, Option<Value>),
    /// The field is text that starts like this.
    StartsWith(String, String),
}

impl Coverage {
    /// Whether a record is in what the snapshot covers; `field` gives its value of a field.
    ///
    /// # Errors
    /// `incompatible` where a value cannot be compared with the predicate's.
    pub fn includes(&self, field: &dyn Fn(&str) -> Value) -> Result<bool> {
        match self {
            Self::Complete => Ok(true),
            Self::Partial => Ok(false),
            Self::Within(predicate) => predicate.holds(field),
        }
    }

    /// Checks that the predicate is stated over key or immutable fields of this schema.
    ///
    /// # Errors
    /// `invalid`, naming the field; fields in `key` count as key whatever their role.
    pub fn check(&self, schema: &Schema, key: &[&str]) -> Result<()> {
        let Self::Within(predicate) = self else { return Ok(()) };
        for name in predicate.fields() {
            let field = schema.field(name)?;
            if field.role != Role::Key && !field.immutable && !key.contains(&name) {
                let message = format!(
                    "coverage cannot be stated over `{name}`: it is neither a key nor an immutable field"
                );
                return Err(Error::new(Kind::Invalid, message));
            }
        }
        Ok(())
    }
}

impl Predicate {
    /// Whether it holds for a record; `field` gives the record's value of a field.
    ///
    /// A comparison with a null holds only as `is` null.
    ///
    /// # Errors
    /// `incompatible` where a value cannot be compared with the predicate's.
    pub fn holds(&self, field: &dyn Fn(&str) -> Value) -> Result<bool> {
        match self {
            Self::All(all) => all.iter().try_fold(true, |held, p| Ok(held && p.holds(field)?)),
            Self::Any(any) => any.iter().try_fold(false, |held, p| Ok(held || p.holds(field)?)),
            Self::Not(predicate) => Ok(!predicate.holds(field)?),
            Self::Is(name, wanted) => equal(name, &field(name), wanted),
            Self::In(name, wanted) => {
                let value = field(name);
                wanted.iter().try_fold(false, |held, w| Ok(held || equal(name, &value, w)?))
            }
            Self::Range(name, from, to) => in_range(name, &field(name), from.as_ref(), to.as_ref()),
            Self::StartsWith(name, start) => match field(name) {
                Value::Text(text) => Ok(text.starts_with(start)),
                Value::Null => Ok(false),
                other => Err(mismatch(name, &other, &Value::Text(start.clone()))),
            },
        }
    }

    /// The fields it speaks of.
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Self::All(inner) | Self::Any(inner) => inner.iter().flat_map(Self::fields).collect(),
            Self::Not(inner) => inner.fields(),
            Self::Is(name, _) | Self::In(name, _) => vec![name],
            Self::Range(name, ..) | Self::StartsWith(name, _) => vec![name],
        }
    }
}

fn equal(name: &str, value: &Value, wanted: &Value) -> Result<bool> {
    if value.is_null() || wanted.is_null() {
        return Ok(value.is_null() && wanted.is_null());
    }
    let number = |value: &Value| value.number().is_some();
    if value.type_name() == wanted.type_name() || (number(value) && number(wanted)) {
        return Ok(value == wanted);
    }
    Err(mismatch(name, value, wanted))
}

fn in_range(name: &str, value: &Value, from: Option<&Value>, to: Option<&Value>) -> Result<bool> {
    if value.is_null() {
        return Ok(false);
    }
    let order = |bound: &Value| compare(value, bound).ok_or_else(|| mismatch(name, value, bound));
    let above = from.map_or(Ok(true), |from| order(from).map(Ordering::is_ge))?;
    let below = to.map_or(Ok(true), |to| order(to).map(Ordering::is_lt))?;
    Ok(above && below)
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Datetime(a), Value::Datetime(b)) => Some(a.cmp(b)),
        (Value::Instant(a), Value::Instant(b)) => Some(a.cmp(b)),
        _ => Some(a.number()?.cmp(&b.number()?)),
    }
}

fn mismatch(name: &str, value: &Value, wanted: &Value) -> Error {
    let (a, b) = (value.type_name(), wanted.type_name());
    Error::new(
        Kind::Incompatible,
        format!("`{name}` is {a} and cannot be compared with the {b} `{wanted}` of the predicate"),
    )
}

/// The predicate as it stands in JSON.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Form {
    #[serde(skip_serializing_if = "Option::is_none")]
    all: Option<Vec<Predicate>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    any: Option<Vec<Predicate>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not: Option<Box<Predicate>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    is: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "in")]
    one_of: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_with: Option<String>,
}

/// Keeps `null` apart from a member that is not there.
fn some<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl TryFrom<Form> for Predicate {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self> {
        let range = form.from.is_some() || form.to.is_some();
        Ok(match form {
            Form {
                all: Some(p),
                any: None,
                not: None,
                field: None,
                is: None,
                one_of: None,
                starts_with: None,
                ..
            } if !range => Self::All(p),
            Form {
                all: None,
                any: Some(p),
                not: None,
                field: None,
                is: None,
                one_of: None,
                starts_with: None,
                ..
            } if !range => Self::Any(p),
            Form {
                all: None,
                any: None,
                not: Some(p),
                field: None,
                is: None,
                one_of: None,
                starts_with: None,
                ..
            } if !range => Self::Not(p),
            Form {
                all: None,
                any: None,
                not: None,
                field: Some(f),
                is: Some(v),
                one_of: None,
                starts_with: None,
                ..
            } if !range => Self::Is(f, v),
            Form {
                all: None,
                any: None,
                not: None,
                field: Some(f),
                is: None,
                one_of: Some(v),
                starts_with: None,
                ..
            } if !range => Self::In(f, v),
            Form {
                all: None,
                any: None,
                not: None,
                field: Some(f),
                is: None,
                one_of: None,
                starts_with: Some(s),
                ..
            } if !range => Self::StartsWith(f, s),
            Form {
                all: None,
                any: None,
                not: None,
                field: Some(f),
                is: None,
                one_of: None,
                starts_with: None,
                from,
                to,
            } if range => Self::Range(f, from, to),
            _ => {
                return Err(Error::new(
                    Kind::Invalid,
                    "a predicate is one of all, any, not, or a field with one of is, in, from and to, starts_with",
                ));
            }
        })
    }
}

impl From<Predicate> for Form {
    fn from(predicate: Predicate) -> Self {
        let empty = Self::default();
        match predicate {
            Predicate::All(p) => Self { all: Some(p), ..empty },
            Predicate::Any(p) => Self { any: Some(p), ..empty },
            Predicate::Not(p) => Self { not: Some(p), ..empty },
            Predicate::Is(f, v) => Self { field: Some(f), is: Some(v), ..empty },
            Predicate::In(f, v) => Self { field: Some(f), one_of: Some(v), ..empty },
            Predicate::Range(f, from, to) => Self { field: Some(f), from, to, ..empty },
            Predicate::StartsWith(f, s) => Self { field: Some(f), starts_with: Some(s), ..empty },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(json: &str) -> bool {
        let predicate: Predicate = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&predicate).unwrap(), json);
        let field = |name: &str| match name {
            "region" => Value::from("emea"),
            "age" => Value::from(5),
            _ => Value::Null,
        };
        predicate.holds(&field).unwrap()
    }

    #[test]
    fn predicates_hold_as_they_read() {
        assert!(holds(r#"{"field":"region","is":"emea"}"#));
        assert!(!holds(r#"{"field":"region","in":["apac","amer"]}"#));
        assert!(holds(
            r#"{"all":[{"field":"age","from":5,"to":6},{"not":{"field":"age","to":5}}]}"#
        ));
        assert!(holds(r#"{"any":[{"field":"none","from":1},{"field":"none","is":null}]}"#));
        assert!(holds(r#"{"field":"region","starts_with":"em"}"#));
        assert!(!holds(r#"{"any":[]}"#) && holds(r#"{"all":[]}"#));
    }

    #[test]
    fn what_is_no_predicate_is_refused() {
        for json in [
            "{}",
            r#"{"field":"a"}"#,
            r#"{"is":1}"#,
            r#"{"field":"a","is":1,"in":[1]}"#,
            r#"{"all":[],"field":"a","is":1}"#,
            r#"{"field":"a","is":1,"from":1}"#,
        ] {
            assert!(serde_json::from_str::<Predicate>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn other_types_are_an_error_and_not_false() {
        let predicate = Predicate::Is("age".into(), Value::from("5"));
        let error = predicate.holds(&|_| Value::from(5)).unwrap_err();
        assert_eq!(error.kind(), Kind::Incompatible);
    }

    #[test]
    fn coverage_speaks_of_what_does_not_change() {
        let schema: Schema = serde_json::from_str(
            r#"[{"name":"a","type":"int"},{"name":"b","type":"int","immutable":true}]"#,
        )
        .unwrap();
        let over = |name: &str| Coverage::Within(Predicate::Is(name.into(), 1.into()));
        assert!(over("a").check(&schema, &[]).is_err());
        assert!(over("a").check(&schema, &["a"]).is_ok());
        assert!(over("b").check(&schema, &[]).is_ok());
        assert!(over("c").check(&schema, &[]).is_err());
    }
}
