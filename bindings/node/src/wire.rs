//! Plain data as JSON text, without a loss on the way through JavaScript's numbers.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};
use trueup::{Error, Kind, Result, Value};

/// The largest whole number that JavaScript's numbers hold with all those below it.
const SAFE: i128 = (1 << 53) - 1;

/// What the TypeScript half calls a `bigint`; `lib/data.ts` has the same name.
const BIGINT: &str = "#bigint";

/// JSON text of which `JSON.parse` loses nothing: wide integers are decimals, as documents take them.
pub(crate) fn text(json: Json) -> String {
    safe(json, "decimal").to_string()
}

/// The same for values that JavaScript takes: wide integers are named so, and become `bigint`.
pub(crate) fn values(json: Json) -> String {
    safe(json, "int").to_string()
}

/// Reads JSON text of the TypeScript half, where a `bigint` is named so.
pub(crate) fn read<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    let json = parse(text, what)?;
    serde_json::from_value(json).map_err(|cause| wrong(what, &cause))
}

/// The same, but a document that is read further on.
pub(crate) fn parse(text: &str, what: &str) -> Result<Json> {
    serde_json::from_str(text).map(exact).map_err(|cause| wrong(what, &cause))
}

/// A cell of a table: plain, or an object of one member that names its type.
pub(crate) fn cell(value: &Value) -> Json {
    match value {
        Value::Int(int) if int.abs() > SAFE => json!({"int": int.to_string()}),
        Value::List(items) => json!({"list": items.iter().map(cell).collect::<Vec<_>>()}),
        Value::Struct(members) => {
            let members = members.iter().map(|(name, value)| json!([name, cell(value)]));
            json!({"struct": members.collect::<Vec<_>>()})
        }
        other => other.to_json(),
    }
}

fn safe(json: Json, tag: &str) -> Json {
    match json {
        Json::Number(number) if is_wide(&number) => {
            Json::Object(Map::from_iter([(tag.to_owned(), Json::from(number.to_string()))]))
        }
        Json::Array(items) => items.into_iter().map(|item| safe(item, tag)).collect(),
        Json::Object(members) => {
            let members = members.into_iter().map(|(name, inner)| (name, safe(inner, tag)));
            Json::Object(members.collect::<Map<_, _>>())
        }
        plain => plain,
    }
}

/// The number that a `bigint` is; as a decimal where JSON has none as large.
fn exact(json: Json) -> Json {
    match json {
        Json::Array(items) => items.into_iter().map(exact).collect(),
        Json::Object(members) => match bigint(&members) {
            Some(number) => number,
            None => Json::Object(members.into_iter().map(|(k, v)| (k, exact(v))).collect()),
        },
        plain => plain,
    }
}

fn bigint(members: &Map<String, Json>) -> Option<Json> {
    let digits = members.get(BIGINT).filter(|_| members.len() == 1)?.as_str()?;
    let number = digits.parse::<i64>().map(Json::from);
    let number = number.or_else(|_| digits.parse::<u64>().map(Json::from));
    Some(number.unwrap_or_else(|_| json!({"decimal": digits})))
}

fn wrong(what: &str, cause: &serde_json::Error) -> Error {
    Error::new(Kind::Invalid, format!("{what} cannot be read: {cause}"))
}

fn is_wide(number: &serde_json::Number) -> bool {
    number.as_i128().is_some_and(|int| int.abs() > SAFE)
}
