//! The JSON form of a mapping.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json, json};

use super::Mapping;
use crate::error::{Error, Kind, Result, suggest};

const MEMBERS: [&str; 2] = ["fields", "values"];

impl Mapping {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// `invalid`, naming what is wrong: an unknown member, what is no text, a name or value twice.
    pub fn from_json(json: &Json) -> Result<Self> {
        let members = object("a mapping", json)?;
        if let Some(name) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            let nearest = suggest(name, MEMBERS);
            return Err(invalid(format!("unknown member of a mapping `{name}`{nearest}")));
        }
        let none = json!({});
        let fields = object("`fields` of a mapping", members.get("fields").unwrap_or(&none))?;
        let values = object("`values` of a mapping", members.get("values").unwrap_or(&none))?;
        let mapping = Self::new(texts("the mapped fields", fields)?)?;
        values.iter().try_fold(mapping, |mapping, (field, table)| {
            let what = format!("the value table of `{field}`");
            mapping.with_values(field, texts(&what, object(&what, table)?)?)
        })
    }

    /// The JSON form.
    pub fn to_json(&self) -> Json {
        let tables = self.values.iter().map(|(field, table)| (field, json!(table.to_system)));
        let members = [
            ("fields", json!(self.fields), self.fields.is_empty()),
            ("values", tables.map(|(f, t)| (f.clone(), t)).collect(), self.values.is_empty()),
        ];
        let given = members.into_iter().filter(|(_, _, empty)| !empty);
        Json::Object(given.map(|(name, json, _)| (name.to_owned(), json)).collect())
    }
}

fn object<'a>(what: &str, json: &'a Json) -> Result<&'a Map<String, Json>> {
    json.as_object().ok_or_else(|| invalid(format!("{what} must be an object, not `{json}`")))
}

fn texts(what: &str, members: &Map<String, Json>) -> Result<Vec<(String, String)>> {
    let pair = |(name, json): (&String, &Json)| match json.as_str() {
        Some(text) => Ok((name.clone(), text.to_owned())),
        None => Err(invalid(format!("{what} are text to text; `{json}` is no text"))),
    };
    members.iter().map(pair).collect()
}

fn invalid(message: String) -> Error {
    Error::new(Kind::Invalid, message)
}

impl Serialize for Mapping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Mapping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        Self::from_json(&json).map_err(serde::de::Error::custom)
    }
}
