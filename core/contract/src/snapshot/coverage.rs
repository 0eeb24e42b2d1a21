//! What a snapshot covers: only there may a missing record be called absent.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value as Json, json};

use super::Predicate;
use crate::error::{Error, Kind, Result, suggest};
use crate::record::{Schema, Value};

/// What part of the resource a snapshot holds.
///
/// In JSON: `"complete"`, `"partial"` or `{"within": predicate}`.
///
/// ```
/// use trueup_connector::{Coverage, Predicate};
///
/// let coverage: Coverage =
///     serde_json::from_str(r#"{"within": {"field": "site", "is": "berlin"}}"#)?;
/// assert_eq!(coverage, Coverage::Within(Predicate::is("site", "berlin")));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
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

impl Coverage {
    /// Whether a record is in what the snapshot covers; `field` gives its value of a field.
    ///
    /// # Errors
    /// As [`Predicate::holds`].
    pub fn includes(&self, field: &dyn Fn(&str) -> Value) -> Result<bool> {
        match self {
            Self::Complete => Ok(true),
            Self::Partial => Ok(false),
            Self::Within(predicate) => predicate.holds(field),
        }
    }

    /// Checks that the predicate is stated over what identifies a record or never changes.
    ///
    /// # Errors
    /// `invalid`, naming a field that the schema lacks, that is secret, or that is neither in `key`
    /// nor immutable.
    pub fn check(&self, schema: &Schema, key: &[&str]) -> Result<()> {
        let Self::Within(predicate) = self else { return Ok(()) };
        predicate.fields().into_iter().try_for_each(|name| {
            let field = schema.field(name)?;
            let fixed = field.immutable || key.contains(&name);
            if fixed && !field.secret { Ok(()) } else { Err(cannot_cover(name)) }
        })
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// `invalid`, naming the part that is wrong, and the nearest name for a misspelt one.
    pub fn from_json(json: &Json) -> Result<Self> {
        match json {
            Json::String(word) => match word.as_str() {
                "complete" => Ok(Self::Complete),
                "partial" => Ok(Self::Partial),
                _ => Err(unknown("coverage", word, &["complete", "partial"])),
            },
            Json::Object(members) => {
                if let Some(name) = members.keys().find(|name| *name != "within") {
                    return Err(unknown("member of a coverage", name, &["within"]));
                }
                let within = members.get("within").ok_or_else(|| not_a_coverage(json))?;
                Predicate::from_json(within).map(Self::Within)
            }
            _ => Err(not_a_coverage(json)),
        }
    }

    /// The JSON form.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Complete => json!("complete"),
            Self::Partial => json!("partial"),
            Self::Within(predicate) => json!({ "within": predicate.to_json() }),
        }
    }
}

fn cannot_cover(name: &str) -> Error {
    let message = format!(
        "coverage cannot be stated over `{name}`: it may name key and immutable fields that are not secret only"
    );
    Error::new(Kind::Invalid, message)
}

fn not_a_coverage(json: &Json) -> Error {
    let message =
        format!("`{json}` is not a coverage; write complete, partial or {{\"within\": …}}");
    Error::new(Kind::Invalid, message)
}

pub(super) fn unknown(what: &str, name: &str, known: &[&str]) -> Error {
    let nearest = suggest(name, known.iter().copied());
    Error::new(Kind::Invalid, format!("unknown {what} `{name}`{nearest}"))
}

impl Serialize for Coverage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Coverage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        Self::from_json(&json).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_go_there_and_back() {
        for json in [json!("complete"), json!("partial"), json!({"within": {"all": []}})] {
            assert_eq!(Coverage::from_json(&json).unwrap().to_json(), json);
        }
    }

    #[test]
    fn a_misspelt_word_gets_the_nearest() {
        for (json, text) in [
            (json!("complet"), "did you mean `complete`?"),
            (json!({"withn": {"all": []}}), "did you mean `within`?"),
            (json!({}), "not a coverage"),
            (json!({"within": {"field": "a", "iz": 1}}), "did you mean `is`?"),
        ] {
            let error = Coverage::from_json(&json).unwrap_err();
            assert_eq!(error.kind(), Kind::Invalid);
            assert!(error.message().contains(text), "{error}");
        }
    }

    #[test]
    fn coverage_speaks_of_what_does_not_change() {
        let schema: Schema = serde_json::from_str(
            r#"[{"name":"a","type":"int"},{"name":"b","type":"int","immutable":true},
                {"name":"s","type":"int","immutable":true,"secret":true}]"#,
        )
        .unwrap();
        let over = |name: &str| Coverage::Within(Predicate::is(name, 1));
        assert!(over("a").check(&schema, &[]).is_err());
        assert!(over("a").check(&schema, &["a"]).is_ok());
        assert!(over("b").check(&schema, &[]).is_ok());
        assert!(over("s").check(&schema, &["s"]).is_err());
        assert!(over("c").check(&schema, &[]).is_err());
    }
}
