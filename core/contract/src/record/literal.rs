//! Literals: values that people write in rules and predicates, read by the type of a field.

use arrow_buffer::i256;
use serde_json::{Map, Number as JsonNumber, Value as Json};

use super::{LogicalType, Number, Value, read_cell};
use crate::error::{Error, Kind, Result};

/// Reads a literal by the type of the field it is for.
///
/// Strict where reading the cells of a source is lenient: `5.0` is no int, and text is no number
/// but for a decimal. An object of one member that names the type (`{"date": …}`) is taken too.
///
/// # Errors
/// `invalid`, naming the literal and the type it does not fit.
///
/// ```
/// use trueup_connector::{LogicalType, Value, record::read_literal};
///
/// let date = read_literal(&"2026-01-31".into(), &LogicalType::Date)?;
/// assert_eq!(date.to_string(), "2026-01-31");
/// assert!(read_literal(&"none".into(), &LogicalType::Int).is_err());
/// # Ok::<(), trueup_connector::Error>(())
/// ```
pub fn read_literal(json: &Json, ty: &LogicalType) -> Result<Value> {
    read(json, ty).ok_or_else(|| {
        Error::new(Kind::Invalid, format!("`{json}` is not a value of the type {ty}"))
    })
}

fn read(json: &Json, ty: &LogicalType) -> Option<Value> {
    if json.is_null() {
        return Some(Value::Null);
    }
    match (ty, untagged(json, ty)) {
        (LogicalType::Bool, Json::Bool(value)) => Some(Value::Bool(*value)),
        (LogicalType::Int, Json::Number(number)) => whole(number).map(Value::Int),
        (LogicalType::Float, Json::Number(number)) => float(number),
        (LogicalType::Float, Json::Object(_)) => special_float(json),
        (LogicalType::Decimal(p, s), Json::Number(number)) => decimal(&number.to_string(), *p, *s),
        (LogicalType::Decimal(p, s), Json::String(text)) => decimal(text, *p, *s),
        (LogicalType::Text, Json::String(text)) => Some(Value::from(text.as_str())),
        (
            LogicalType::Bytes | LogicalType::Date | LogicalType::Datetime | LogicalType::Instant,
            text @ Json::String(_),
        ) => read_cell(text, ty).ok(),
        (LogicalType::List(item), Json::Array(items)) => {
            items.iter().map(|json| read(json, item)).collect::<Option<_>>().map(Value::List)
        }
        (LogicalType::Struct(types), Json::Object(members)) => structure(members, types),
        _ => None,
    }
}

/// What stands in an object of one member that names the type.
fn untagged<'a>(json: &'a Json, ty: &LogicalType) -> &'a Json {
    let tag = match ty {
        LogicalType::Decimal(..) => "decimal",
        LogicalType::Bytes => "bytes",
        LogicalType::Date => "date",
        LogicalType::Datetime => "datetime",
        LogicalType::Instant => "instant",
        LogicalType::List(_) => "list",
        LogicalType::Struct(_) => "struct",
        _ => return json,
    };
    match json {
        Json::Object(members) if members.len() == 1 => members.get(tag).unwrap_or(json),
        _ => json,
    }
}

fn whole(number: &JsonNumber) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// A whole number only if a float holds it exactly.
fn float(number: &JsonNumber) -> Option<Value> {
    let nearest = number.as_f64()?;
    let exact = whole(number).is_none_or(|whole| Number::from(whole) == Number::from(nearest));
    exact.then_some(Value::Float(nearest))
}

fn special_float(json: &Json) -> Option<Value> {
    match json.as_object()?.get("float")?.as_str()? {
        "nan" | "inf" | "-inf" => Value::from_json(json).ok(),
        _ => None,
    }
}

fn decimal(text: &str, precision: u8, scale: i8) -> Option<Value> {
    let number: Number = text.parse().ok()?;
    let unscaled = number.to_unscaled(scale)?;
    let fits = unscaled.wrapping_abs() < i256::from_i128(10).checked_pow(precision.into())?;
    fits.then_some(Value::Decimal(number, scale.into()))
}

fn structure(members: &Map<String, Json>, types: &[(String, LogicalType)]) -> Option<Value> {
    let known = |name: &String| types.iter().any(|(member, _)| member == name);
    let cells = types.iter().map(|(name, ty)| {
        let json = members.get(name).unwrap_or(&Json::Null);
        Some((name.clone(), read(json, ty)?))
    });
    members.keys().all(known).then(|| cells.collect::<Option<_>>().map(Value::Struct))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(json: &str, ty: &str) -> Option<String> {
        let value = read_literal(&serde_json::from_str(json).unwrap(), &ty.parse().unwrap());
        value.ok().map(|value| String::from_utf8(value.canonical()).unwrap())
    }

    #[test]
    fn literals_are_read_by_type() {
        for (json, ty, canonical) in [
            ("null", "int", "n"),
            ("18446744073709551615", "int", "#18446744073709551615e0"),
            ("5", "float", "#5e0"),
            (r#"{"float":"nan"}"#, "float", "#nan"),
            ("0.1", "decimal(5,2)", "#1e-1"),
            (r#""12.5""#, "decimal(3,1)", "#125e-1"),
            (r#"{"decimal":"0.00"}"#, "decimal(2,2)", "#0"),
            (r#""1970-01-02""#, "date", "d1"),
            (r#"{"instant":"1970-01-01T01:00:00+01:00"}"#, "instant", "i0"),
            (r#""00ff""#, "bytes", "b\0\u{ff}"),
            (r#"["a"]"#, "list<text>", "[\0\0\0\0\0\0\0\x02sa"),
        ] {
            let got = read_literal(&serde_json::from_str(json).unwrap(), &ty.parse().unwrap());
            let got: String = got.unwrap().canonical().into_iter().map(char::from).collect();
            assert_eq!(got, canonical, "{json} as {ty}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (json, ty) in [
            ("5.0", "int"),
            (r#""5""#, "int"),
            ("true", "int"),
            ("9007199254740993", "float"),
            (r#"{"float":"1"}"#, "float"),
            ("12.345", "decimal(5,2)"),
            ("1000", "decimal(5,2)"),
            ("1", "text"),
            (r#"{"date":"2026-01-31"}"#, "datetime"),
            (r#""2026-02-30""#, "date"),
            (r#"{"a":1,"b":2}"#, "struct<a:int>"),
            ("[1,\"a\"]", "list<int>"),
            ("1", "null"),
        ] {
            assert_eq!(reads(json, ty), None, "{json} as {ty}");
        }
    }
}
