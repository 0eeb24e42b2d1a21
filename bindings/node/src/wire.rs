//! Plain data as JSON text, without a loss on the way through JavaScript's numbers.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};
use trueup::{Error, Kind, Result, Value};

/// The largest whole number that JavaScript's numbers hold with all those below it.
const SAFE: i128 = (1 << 53) - 1;

/// JSON text of which `JSON.parse` loses nothing: wide integers are decimals, as documents take them.
pub(crate) fn text(json: Json) -> String {
    safe(json, "decimal").to_string()
}

/// The same for values that JavaScript takes: wide integers are named so, and become `bigint`.
pub(crate) fn values(json: Json) -> String {
    safe(json, "int").to_string()
}

/// Reads JSON text of the TypeScript half.
pub(crate) fn read<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|cause| Error::new(Kind::Invalid, format!("{what} cannot be read: {cause}")))
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

fn is_wide(number: &serde_json::Number) -> bool {
    number.as_i128().is_some_and(|int| int.abs() > SAFE)
}
