//! One value on its own: in rules, predicates, keys and messages.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json};

use super::time;
use crate::error::{Error, Kind, Result};
use crate::record::{Number, canonical};

/// One value, owned.
///
/// In JSON a value is what it looks like (`null`, `true`, `12`, `1.5`, `"text"`); the types JSON
/// lacks, and numbers beyond 64 bits, are objects of one member: `{"decimal":"12.50"}`,
/// `{"float":"nan"}`, `{"bytes":"00ff"}`,
/// `{"date":"2026-01-31"}`, `{"datetime":"2026-01-31T10:00:00"}`, `{"instant":"2026-01-31T09:00:00Z"}`,
/// `{"list":[…]}`, `{"struct":{…}}`.
///
/// Two values are equal when they are the same value of comparable types: an int equals a decimal.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A binary floating-point number.
    Float(f64),
    /// A decimal number, with the number of digits it shows after the point.
    Decimal(Number, i32),
    /// Text.
    Text(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// Days since 1970-01-01.
    Date(i64),
    /// Nanoseconds since 1970-01-01T00:00:00, without a zone.
    Datetime(i128),
    /// Nanoseconds since the Unix epoch.
    Instant(i128),
    /// Values of one type.
    List(Vec<Value>),
    /// Named values, in the order of the schema.
    Struct(Vec<(String, Value)>),
}

impl Value {
    /// The canonical bytes of the value (`docs/spec`): equal values have equal bytes.
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        canonical::write_value(&mut bytes, self);
        bytes
    }

    /// The number it is, if it is one.
    pub fn number(&self) -> Option<Number> {
        match self {
            Self::Int(value) => Some(Number::from(*value)),
            Self::Float(value) => Some(Number::from(*value)),
            Self::Decimal(value, _) => Some(value.clone()),
            _ => None,
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What the value is called in a message: `int`, `text`, …
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Decimal(..) => "decimal",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Date(_) => "date",
            Self::Datetime(_) => "datetime",
            Self::Instant(_) => "instant",
            Self::List(_) => "list",
            Self::Struct(_) => "struct",
        }
    }

    /// The text form inside lists and structs: JSON without white space, where what JSON lacks is
    /// its text.
    fn json_text(&self) -> String {
        let quoted = |text: &str| Json::from(text).to_string();
        match self {
            Self::Null | Self::Bool(_) | Self::Int(_) => self.to_string(),
            Self::Float(value) if value.is_finite() => self.to_string(),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::json_text).collect();
                format!("[{}]", items.join(","))
            }
            Self::Struct(members) => {
                let member =
                    |(name, v): &(String, Self)| format!("{}:{}", quoted(name), v.json_text());
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
            }
            other => quoted(&other.to_string()),
        }
    }

    /// The value in its JSON form.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(value) => int_json(*value),
            Self::Float(value) if value.abs() < JSON_EXACT => Json::from(*value),
            Self::Float(_) => tagged("float", Json::String(self.to_string().to_lowercase())),
            Self::Text(value) => Json::String(value.clone()),
            Self::List(items) => tagged("list", items.iter().map(Self::to_json).collect()),
            Self::Struct(members) => tagged(
                "struct",
                Json::Object(members.iter().map(|(name, v)| (name.clone(), v.to_json())).collect()),
            ),
            other => tagged(other.type_name(), Json::String(other.to_string())),
        }
    }

    /// Reads the JSON form of a value.
    ///
    /// # Errors
    /// `invalid`, naming the part that is no value.
    pub fn from_json(json: &Json) -> Result<Self> {
        match json {
            Json::Null => Ok(Self::Null),
            Json::Bool(value) => Ok(Self::Bool(*value)),
            Json::String(value) => Ok(Self::Text(value.clone())),
            Json::Number(number) => read_number(number),
            Json::Array(_) => Err(not_a_value(json)),
            Json::Object(members) => read_object(members).ok_or_else(|| not_a_value(json))?,
        }
    }
}

/// Beyond this many, parsers of JSON keep no exact whole numbers (2^64).
const JSON_EXACT: f64 = 18_446_744_073_709_551_616.0;

fn int_json(value: i128) -> Json {
    match (i64::try_from(value), u64::try_from(value)) {
        (Ok(value), _) => Json::from(value),
        (_, Ok(value)) => Json::from(value),
        _ => tagged("decimal", Json::String(value.to_string())),
    }
}

fn tagged(tag: &str, inner: Json) -> Json {
    Json::Object(Map::from_iter([(tag.to_owned(), inner)]))
}

fn not_a_value(json: &Json) -> Error {
    let hint = "write text, a number, true, false, null or one of {\"decimal\"|\"float\"|\"bytes\"|\"date\"|\"datetime\"|\"instant\"|\"list\"|\"struct\": …}";
    Error::new(Kind::Invalid, format!("`{json}` is not a value; {hint}"))
}

fn read_number(number: &serde_json::Number) -> Result<Value> {
    if let Some(whole) = number.as_i128() {
        return Ok(Value::Int(whole));
    }
    match number.as_f64().filter(|value| value.abs() < JSON_EXACT) {
        Some(value) => Ok(Value::Float(value)),
        None => {
            let hint = "write it as {\"decimal\": \"…\"} or {\"float\": \"…\"}";
            let message = format!("the number `{number}` is too large for plain JSON; {hint}");
            Err(Error::new(Kind::Invalid, message))
        }
    }
}

/// The value in an object of one member; `None` where the object is not of that form.
fn read_object(members: &Map<String, Json>) -> Option<Result<Value>> {
    let (tag, inner) = members.iter().next().filter(|_| members.len() == 1)?;
    match (tag.as_str(), inner) {
        ("list", Json::Array(items)) => {
            Some(items.iter().map(Value::from_json).collect::<Result<_>>().map(Value::List))
        }
        ("struct", Json::Object(members)) => Some(read_members(members)),
        (tag, Json::String(text)) => read_tagged(tag, text),
        _ => None,
    }
}

fn read_members(members: &Map<String, Json>) -> Result<Value> {
    let members = members.iter().map(|(name, v)| Ok((name.clone(), Value::from_json(v)?)));
    members.collect::<Result<_>>().map(Value::Struct)
}

fn read_tagged(tag: &str, text: &str) -> Option<Result<Value>> {
    Some(match tag {
        "decimal" => decimal(text),
        "float" => text.parse().map(|n: Number| Value::Float(special_float(&n, text))),
        "bytes" => unhex(text).map(Value::Bytes),
        "date" => time::parse_date(text).map(Value::Date),
        "datetime" => time::parse_datetime(text).map(Value::Datetime),
        "instant" => time::parse_instant(text).map(Value::Instant),
        _ => return None,
    })
}

fn special_float(number: &Number, text: &str) -> f64 {
    match number.to_string().as_str() {
        "nan" => f64::NAN,
        "inf" => f64::INFINITY,
        "-inf" => f64::NEG_INFINITY,
        _ => text.parse().unwrap_or(f64::NAN),
    }
}

fn decimal(text: &str) -> Result<Value> {
    let number: Number = text.parse()?;
    if !number.is_finite() {
        return Err(Error::new(Kind::Invalid, format!("`{text}` is not a decimal")));
    }
    let shown = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let shown = if text.contains(['e', 'E']) { 0 } else { i32::try_from(shown).unwrap_or(0) };
    let needed = number.digits().map_or(0, |(scale, _)| scale);
    Ok(Value::Decimal(number, shown.max(needed)))
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let pair = |i: usize| text.get(i..i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(pair).collect();
    bytes.ok_or_else(|| Error::new(Kind::Invalid, format!("`{text}` is not bytes in hexadecimal")))
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Eq for Value {}

impl fmt::Display for Value {
    /// The text form: what findings and messages show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Decimal(value, scale) => f.write_str(&plain(value, *scale)),
            Self::Text(value) => f.write_str(value),
            Self::Bytes(value) => value.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Date(days) => f.write_str(&time::date(*days)),
            Self::Datetime(nanos) => f.write_str(&time::datetime(*nanos)),
            Self::Instant(nanos) => write!(f, "{}Z", time::datetime(*nanos)),
            Self::List(_) | Self::Struct(_) => f.write_str(&self.json_text()),
        }
    }
}

/// A decimal in plain digits with `scale` of them after the point.
fn plain(number: &Number, scale: i32) -> String {
    let text = number.to_string();
    let Some((digits, exponent)) = text.split_once('e') else {
        return if scale > 0 {
            format!("0.{}", "0".repeat(scale.unsigned_abs() as usize))
        } else {
            text
        };
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let places = scale.max(-exponent).max(0);
    let digits =
        digits.to_owned() + &"0".repeat((exponent + places).max(0).unsigned_abs() as usize);
    let places = places.unsigned_abs() as usize;
    let digits = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        Self::from_json(&json).map_err(serde::de::Error::custom)
    }
}

macro_rules! value_from {
    ($($type:ty => $make:expr),* $(,)?) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                $make(value)
            }
        }
    )*};
}

value_from! {
    bool => Self::Bool,
    i32 => |v| Self::Int(i128::from(v)),
    i64 => |v| Self::Int(i128::from(v)),
    u64 => |v| Self::Int(i128::from(v)),
    f64 => Self::Float,
    String => Self::Text,
    &str => |v: &str| Self::Text(v.to_owned()),
    Vec<u8> => Self::Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, text: &str) {
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(value.to_string(), text);
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
    }

    #[test]
    fn json_and_text_forms() {
        check("null", "null");
        check("18446744073709551615", "18446744073709551615");
        check(r#"{"decimal":"12345678901234567890123"}"#, "12345678901234567890123");
        check(r#"{"float":"1e300"}"#, "1e300");
        check("5.0", "5.0");
        check(r#"{"float":"nan"}"#, "NaN");
        check(r#"{"float":"-inf"}"#, "-inf");
        check(r#"{"decimal":"12.50"}"#, "12.50");
        check(r#"{"decimal":"-0.05"}"#, "-0.05");
        check(r#"{"decimal":"0.00"}"#, "0.00");
        check(r#"{"decimal":"1200"}"#, "1200");
        check(r#"{"bytes":"00ff"}"#, "00ff");
        check(r#"{"date":"2026-01-31"}"#, "2026-01-31");
        check(r#"{"datetime":"2026-01-31T10:00:00.5"}"#, "2026-01-31T10:00:00.5");
        check(r#"{"instant":"1969-12-31T23:59:59.999999999Z"}"#, "1969-12-31T23:59:59.999999999Z");
        check(r#"{"list":[1,"a",null]}"#, r#"[1,"a",null]"#);
        check(r#"{"struct":{"a":{"date":"2026-01-31"}}}"#, r#"{"a":"2026-01-31"}"#);
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for json in [
            "[1]",
            "12345678901234567890123",
            r#"{"decimal":12}"#,
            r#"{"a":1,"b":2}"#,
            r#"{"bytes":"0"}"#,
            r#"{"decimal":"nan"}"#,
            r#"{"date":"2026-02-30"}"#,
        ] {
            assert!(serde_json::from_str::<Value>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn numbers_of_different_types_are_equal() {
        assert_eq!(Value::Int(5), Value::Float(5.0));
        assert_ne!(Value::Int(5), Value::from("5"));
    }
}
