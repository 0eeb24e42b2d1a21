//! What a predicate asks of one value.

use std::cmp::Ordering;

use serde_json::{Map, Value as Json};

use crate::error::{Error, Kind, Result};
use crate::record::Value;

/// What a predicate asks of one value. Null meets `Is` null and `In` with a null only.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Condition {
    /// It is this value.
    Is(Value),
    /// It is one of these values.
    In(Vec<Value>),
    /// It is at least the first and less than the second; either may be left out.
    Range(Option<Value>, Option<Value>),
    /// It is text that starts like this.
    StartsWith(String),
}

impl Condition {
    /// The same condition with every value replaced; a prefix stays as it is.
    ///
    /// # Errors
    /// The first that `change` gives.
    pub fn try_map<E>(&self, change: &dyn Fn(&Value) -> Result<Value, E>) -> Result<Self, E> {
        let end = |end: &Option<Value>| end.as_ref().map(change).transpose();
        Ok(match self {
            Self::Is(value) => Self::Is(change(value)?),
            Self::In(values) => Self::In(values.iter().map(change).collect::<Result<_, E>>()?),
            Self::Range(from, to) => Self::Range(end(from)?, end(to)?),
            Self::StartsWith(start) => Self::StartsWith(start.clone()),
        })
    }

    pub(super) fn meets(&self, value: &Value) -> Result<bool> {
        match self {
            Self::Is(wanted) => equal(value, wanted),
            Self::In(wanted) => {
                wanted.iter().try_fold(false, |met, wanted| Ok(met || equal(value, wanted)?))
            }
            Self::Range(..) | Self::StartsWith(_) if value.is_null() => Ok(false),
            Self::Range(from, to) => {
                let order = |end: &Value| same_class(value, end).map(|()| value.cmp(end));
                let above = from.as_ref().map_or(Ok(true), |from| order(from).map(Ordering::is_ge));
                let below = to.as_ref().map_or(Ok(true), |to| order(to).map(Ordering::is_lt));
                Ok(above? && below?)
            }
            Self::StartsWith(start) => match value {
                Value::Text(text) => Ok(text.starts_with(start)),
                _ => same_class(value, &Value::from(start.as_str())).map(|()| false),
            },
        }
    }

    pub(super) fn to_json(&self, field: &str) -> Json {
        let mut members = Map::from_iter([("field".to_owned(), Json::from(field))]);
        let mut add = |name: &str, json: Json| members.insert(name.to_owned(), json);
        match self {
            Self::Is(value) => drop(add("is", value.to_json())),
            Self::In(values) => drop(add("in", values.iter().map(Value::to_json).collect())),
            Self::StartsWith(start) => drop(add("starts_with", Json::from(start.as_str()))),
            Self::Range(from, to) => {
                let ends = [("from", from), ("to", to)];
                let given = ends.into_iter().filter_map(|(name, end)| Some((name, end.as_ref()?)));
                given.for_each(|(name, end)| drop(add(name, end.to_json())));
            }
        }
        Json::Object(members)
    }

    /// The condition among these members; `None` where they do not go together.
    pub(super) fn read(members: &Map<String, Json>) -> Option<Result<Self>> {
        let names: Vec<&str> =
            members.keys().map(String::as_str).filter(|n| *n != "field").collect();
        let end = |name: &str| members.get(name).map(literal).transpose();
        Some(match names.as_slice() {
            ["is"] => literal(members.get("is")?).map(Self::Is),
            ["in"] => {
                let values = members.get("in")?.as_array()?.iter().map(literal);
                values.collect::<Result<_>>().map(Self::In)
            }
            ["starts_with"] => {
                Ok(Self::StartsWith(members.get("starts_with")?.as_str()?.to_owned()))
            }
            [] => return None,
            ends if ends.iter().all(|name| ["from", "to"].contains(name)) => {
                end("from").and_then(|from| Ok(Self::Range(from, end("to")?)))
            }
            _ => return None,
        })
    }
}

fn equal(value: &Value, wanted: &Value) -> Result<bool> {
    same_class(value, wanted).map(|()| value == wanted)
}

/// Null goes with every class.
fn same_class(value: &Value, wanted: &Value) -> Result<()> {
    if value.is_null() || wanted.is_null() || value.rank() == wanted.rank() {
        return Ok(());
    }
    let (a, b) = (value.type_name(), wanted.type_name());
    let message = format!("the {a} `{value}` cannot be compared with the {b} `{wanted}`");
    Err(Error::new(Kind::Incompatible, message))
}

/// A value, or a list or struct as plain JSON.
fn literal(json: &Json) -> Result<Value> {
    match json {
        Json::Array(items) => items.iter().map(literal).collect::<Result<_>>().map(Value::List),
        _ => Value::from_json(json),
    }
}
