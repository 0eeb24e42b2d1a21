//! JSON values as they stand in the text, so that no digit of a number is lost.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use trueup_connector::{LogicalType, Number, Value};

use crate::scalar::{number, time};

/// What kind of value a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Null,
    Bool,
    Number,
    String,
    List,
    Object,
}

impl Token {
    /// The kind of a text that was found to be a JSON value.
    pub(super) fn of(text: &str) -> Self {
        match text.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Bool,
            Some(b'"') => Self::String,
            Some(b'[') => Self::List,
            Some(b'{') => Self::Object,
            _ => Self::Number,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a bool",
            Self::Number => "a number",
            Self::String => "text",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }

    /// Whether such values can be of this type.
    fn fits(self, ty: &LogicalType) -> bool {
        match ty {
            LogicalType::Bool => self == Self::Bool,
            LogicalType::Int => self == Self::Number,
            LogicalType::Float | LogicalType::Decimal(..) => {
                matches!(self, Self::Number | Self::String)
            }
            LogicalType::List(_) => self == Self::List,
            LogicalType::Struct(_) => self == Self::Object,
            LogicalType::Null => false,
            _ => self == Self::String,
        }
    }
}

/// How deep values may stand in each other.
pub(super) const DEEPEST: usize = 64;

pub(super) fn too_deep() -> String {
    format!("values stand in each other more than {DEEPEST} deep")
}

/// The members of an object, in order.
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, &'a str)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Collect).map(Members)
    }
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct Collect;

impl<'de> Visitor<'de> for Collect {
    type Value = Vec<(Cow<'de, str>, &'de str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Self::Value = Vec::new();
        while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            if members.iter().any(|(known, _)| *known == name) {
                let message = format!("the member `{name}` stands twice");
                return Err(serde::de::Error::custom(message));
            }
            members.push((name, value.get()));
        }
        Ok(members)
    }
}

/// The members of an object; the error is for a message.
pub(super) fn members(text: &str) -> Result<Members<'_>, String> {
    serde_json::from_str(text).map_err(|cause| reason(&cause))
}

/// The items of a list.
pub(super) fn items(text: &str) -> Result<Vec<&str>, String> {
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|cause| reason(&cause))?;
    Ok(items.into_iter().map(RawValue::get).collect())
}

/// What a string says; a text without escapes is not copied.
pub(super) fn string(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    match memchr::memchr(b'\\', inner.as_bytes()) {
        None => Some(Cow::Borrowed(inner)),
        Some(_) => serde_json::from_str(text).ok().map(Cow::Owned),
    }
}

/// The text of a single value of this type, unless it is of another kind.
pub(super) fn scalar<'a>(text: &'a str, ty: &LogicalType) -> Option<Cow<'a, str>> {
    match Token::of(text) {
        token if !token.fits(ty) => None,
        Token::String => string(text),
        _ => Some(Cow::Borrowed(text)),
    }
}

/// The value of a text, which must be of this type; the error is the part that does not fit.
pub(super) fn value<'a>(text: &'a str, ty: &LogicalType) -> Result<Value, (&'a str, LogicalType)> {
    let misfit = || (text, ty.clone());
    match (Token::of(text), ty) {
        (Token::Null, _) => Ok(Value::Null),
        (Token::List, LogicalType::List(item)) => {
            let items = items(text).map_err(|_| misfit())?;
            items
                .into_iter()
                .map(|text| value(text, item))
                .collect::<Result<_, _>>()
                .map(Value::List)
        }
        (Token::Object, LogicalType::Struct(types)) => {
            let members = members(text).map_err(|_| misfit())?;
            let members = members.0.into_iter().map(|(name, text)| {
                let known = types.iter().find(|(known, _)| *known == name);
                let (_, ty) = known.ok_or_else(misfit)?;
                Ok((name.into_owned(), value(text, ty)?))
            });
            members.collect::<Result<_, _>>().map(Value::Struct)
        }
        _ => scalar(text, ty).and_then(|text| single(&text, ty)).ok_or_else(misfit),
    }
}

fn single(text: &str, ty: &LogicalType) -> Option<Value> {
    let bytes = text.as_bytes();
    let nanos = |m: time::Moment| i128::from(m.seconds) * 1_000_000_000 + i128::from(m.nanos);
    Some(match ty {
        LogicalType::Bool => Value::Bool(text == "true"),
        LogicalType::Int => Value::Int(number::int(bytes)?.into()),
        LogicalType::Float => Value::Float(number::float(bytes)?),
        LogicalType::Decimal(p, s) => {
            let unscaled = number::wide_decimal(bytes, *p, *s)?;
            Value::Decimal(Number::decimal(unscaled, *s), (*s).into())
        }
        LogicalType::Date => Value::Date(time::date(bytes)?.into()),
        LogicalType::Datetime => Value::Datetime(nanos(time::datetime(bytes)?)),
        LogicalType::Instant => Value::Instant(nanos(time::instant(bytes)?)),
        LogicalType::Text => Value::from(text),
        LogicalType::Bytes => {
            let mut value = Vec::new();
            crate::scalar::build::unhex(&mut value, bytes)?;
            Value::Bytes(value)
        }
        _ => return None,
    })
}

/// What is wrong, without the line, which counts from the start of the record only.
fn reason(cause: &serde_json::Error) -> String {
    let text = cause.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}
