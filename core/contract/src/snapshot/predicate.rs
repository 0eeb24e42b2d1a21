//! Conditions on records, as data.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json, json};

use super::Condition;
use super::coverage::unknown;
use crate::error::{Error, Kind, Result};
use crate::record::{Class, Schema, Value, read_literal};

/// Which records: a condition on fields, or several put together.
///
/// In JSON: `{"all":[…]}`, `{"any":[…]}`, `{"not":…}`, `{"field":f,"is":v}`,
/// `{"field":f,"in":[…]}`, `{"field":f,"from":v,"to":v}`, `{"field":f,"starts_with":"…"}`.
/// Literals are read by the field's type where the predicate is used, so a date may be plain text.
///
/// ```
/// use trueup_connector::Predicate;
///
/// let recent = Predicate::range("day", Some("2026-01-01"), None::<&str>);
/// let predicate = Predicate::All(vec![recent, Predicate::starts_with("site", "be-").negated()]);
/// assert_eq!(predicate.fields(), ["day", "site"]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Predicate {
    /// All of them hold; true if there are none.
    All(Vec<Predicate>),
    /// At least one of them holds; false if there are none.
    Any(Vec<Predicate>),
    /// It does not hold.
    Not(Box<Predicate>),
    /// The field's value meets the condition.
    Field(String, Condition),
}

const MEMBERS: [&str; 9] = ["all", "any", "not", "field", "is", "in", "from", "to", "starts_with"];

impl Predicate {
    /// The field has this value; null is null.
    pub fn is(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Field(field.into(), Condition::Is(value.into()))
    }

    /// The field has one of these values.
    pub fn one_of<V: Into<Value>>(
        field: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self::Field(field.into(), Condition::In(values.into_iter().map(Into::into).collect()))
    }

    /// The field is at least `from` and less than `to`; either may be left out.
    pub fn range<F: Into<Value>, T: Into<Value>>(
        field: impl Into<String>,
        from: Option<F>,
        to: Option<T>,
    ) -> Self {
        Self::Field(field.into(), Condition::Range(from.map(Into::into), to.map(Into::into)))
    }

    /// The field is text that starts like this.
    pub fn starts_with(field: impl Into<String>, start: impl Into<String>) -> Self {
        Self::Field(field.into(), Condition::StartsWith(start.into()))
    }

    /// It does not hold.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// Whether it holds for a record; `field` gives the record's value of a field.
    ///
    /// Values are compared exactly, and are in the order of [`Value`]. Literals are taken as they
    /// stand: see [`Predicate::typed`].
    ///
    /// # Errors
    /// `incompatible` where a value and the predicate's are not of one class.
    pub fn holds(&self, field: &dyn Fn(&str) -> Value) -> Result<bool> {
        self.try_holds(&|name| Ok(field(name)))
    }

    /// As [`Predicate::holds`], where getting a value can fail.
    ///
    /// # Errors
    /// As [`Predicate::holds`], and those of `field`.
    pub fn try_holds(&self, field: &dyn Fn(&str) -> Result<Value>) -> Result<bool> {
        match self {
            Self::All(all) => all.iter().try_fold(true, |held, p| Ok(held && p.try_holds(field)?)),
            Self::Any(any) => any.iter().try_fold(false, |held, p| Ok(held || p.try_holds(field)?)),
            Self::Not(predicate) => Ok(!predicate.try_holds(field)?),
            Self::Field(name, condition) => {
                let value = field(name)?;
                condition.meets(&value).map_err(|error| error.with("field", name))
            }
        }
    }

    /// The same predicate with every literal read by the type of its field.
    ///
    /// # Errors
    /// `invalid`, naming an unknown field, or a literal that does not fit its field's type.
    pub fn typed(&self, schema: &Schema) -> Result<Self> {
        self.try_map(&mut |name, condition| {
            let ty = &schema.field(name)?.ty;
            let read = |value: &Value| read_literal(&value.to_json(), ty);
            let typed = condition.try_map(&read).map_err(|error| error.with("field", name))?;
            let prefix = matches!(typed, Condition::StartsWith(_));
            if prefix && ty.class() != Class::Text && ty.class() != Class::Null {
                let message = format!("`starts_with` needs text, and `{name}` is {ty}");
                return Err(Error::new(Kind::Invalid, message));
            }
            Ok((name.to_owned(), typed))
        })
    }

    /// The fields it speaks of, as often as it does.
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Self::All(inner) | Self::Any(inner) => inner.iter().flat_map(Self::fields).collect(),
            Self::Not(inner) => inner.fields(),
            Self::Field(name, _) => vec![name],
        }
    }

    /// The same predicate with every field and condition replaced.
    ///
    /// # Errors
    /// The first that `change` gives.
    pub fn try_map<E, F>(&self, change: &mut F) -> Result<Self, E>
    where
        F: FnMut(&str, &Condition) -> Result<(String, Condition), E>,
    {
        let mut each =
            |inner: &[Self]| inner.iter().map(|p| p.try_map(change)).collect::<Result<Vec<_>, E>>();
        Ok(match self {
            Self::All(inner) => Self::All(each(inner)?),
            Self::Any(inner) => Self::Any(each(inner)?),
            Self::Not(inner) => inner.try_map(change)?.negated(),
            Self::Field(name, condition) => {
                let (name, condition) = change(name, condition)?;
                Self::Field(name, condition)
            }
        })
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// `invalid`, naming the part that is wrong, and the nearest name for a misspelt one.
    pub fn from_json(json: &Json) -> Result<Self> {
        let members = json.as_object().ok_or_else(|| not_a_predicate(json))?;
        if let Some(name) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            return Err(unknown("member of a predicate", name, &MEMBERS));
        }
        read(members).ok_or_else(|| not_a_predicate(json))?
    }

    /// The JSON form.
    pub fn to_json(&self) -> Json {
        let each = |inner: &[Self]| inner.iter().map(Self::to_json).collect::<Json>();
        match self {
            Self::All(inner) => json!({ "all": each(inner) }),
            Self::Any(inner) => json!({ "any": each(inner) }),
            Self::Not(inner) => json!({ "not": inner.to_json() }),
            Self::Field(name, condition) => condition.to_json(name),
        }
    }
}

/// The predicate of these members; `None` where they do not go together.
fn read(members: &Map<String, Json>) -> Option<Result<Predicate>> {
    let inner = |json: &Json| {
        Some(json.as_array()?.iter().map(Predicate::from_json).collect::<Result<Vec<_>>>())
    };
    if let Some(name) = members.get("field") {
        let name = name.as_str()?.to_owned();
        return Some(Condition::read(members)?.map(|condition| Predicate::Field(name, condition)));
    }
    let (name, json) = members.iter().next().filter(|_| members.len() == 1)?;
    Some(match name.as_str() {
        "all" => inner(json)?.map(Predicate::All),
        "any" => inner(json)?.map(Predicate::Any),
        "not" => Predicate::from_json(json).map(Predicate::negated),
        _ => return None,
    })
}

fn not_a_predicate(json: &Json) -> Error {
    let forms = "one of all, any, not, or a field with one of is, in, from and to, starts_with";
    Error::new(Kind::Invalid, format!("`{json}` is not a predicate; it is {forms}"))
}

impl Serialize for Predicate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Predicate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        Self::from_json(&json).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, predicate: &Predicate) {
        let json: Json = serde_json::from_str(text).unwrap();
        assert_eq!(Predicate::from_json(&json).unwrap(), *predicate);
        assert_eq!(predicate.to_json(), json);
    }

    #[test]
    fn forms_go_there_and_back() {
        check(
            r#"{"field":"a","is":null}"#,
            &Predicate::Field("a".into(), Condition::Is(Value::Null)),
        );
        check(r#"{"field":"a","in":["x","y"]}"#, &Predicate::one_of("a", ["x", "y"]));
        check(r#"{"field":"a","from":1,"to":2}"#, &Predicate::range("a", Some(1), Some(2)));
        check(r#"{"field":"a","to":null}"#, &Predicate::range("a", None::<i32>, Some(Value::Null)));
        check(
            r#"{"not":{"field":"a","starts_with":"x"}}"#,
            &Predicate::starts_with("a", "x").negated(),
        );
        check(r#"{"all":[{"any":[]}]}"#, &Predicate::All(vec![Predicate::Any(vec![])]));
    }

    #[test]
    fn what_is_no_predicate_is_refused() {
        for json in [
            "[]",
            "{}",
            r#"{"field":"a"}"#,
            r#"{"field":1,"is":1}"#,
            r#"{"is":1}"#,
            r#"{"field":"a","is":1,"in":[1]}"#,
            r#"{"all":[],"field":"a","is":1}"#,
            r#"{"all":[],"any":[]}"#,
            r#"{"field":"a","is":1,"from":1}"#,
            r#"{"field":"a","starts_with":1}"#,
        ] {
            let error = Predicate::from_json(&serde_json::from_str(json).unwrap()).unwrap_err();
            assert_eq!(error.kind(), Kind::Invalid, "{json}");
        }
    }

    #[track_caller]
    fn holds(json: &str) -> Result<bool> {
        let schema = r#"[{"name":"site","type":"text"},{"name":"age","type":"decimal(5,1)"},
            {"name":"day","type":"date"},{"name":"none","type":"int"}]"#;
        let schema: Schema = serde_json::from_str(schema).unwrap();
        let predicate: Predicate = serde_json::from_str(json).unwrap();
        predicate.typed(&schema)?.holds(&|name| match name {
            "site" => Value::from("berlin"),
            "age" => Value::from(5),
            "day" => Value::Date(20_484),
            _ => Value::Null,
        })
    }

    #[test]
    fn predicates_hold_as_they_read() {
        for (json, want) in [
            (r#"{"field":"site","is":"berlin"}"#, true),
            (r#"{"field":"site","in":["paris",null]}"#, false),
            (r#"{"field":"none","in":[1,null]}"#, true),
            (
                r#"{"all":[{"field":"age","from":5,"to":"5.1"},{"not":{"field":"age","to":5}}]}"#,
                true,
            ),
            (r#"{"any":[{"field":"none","from":1},{"field":"none","is":null}]}"#, true),
            (r#"{"not":{"field":"none","from":1}}"#, true),
            (r#"{"field":"day","from":"2026-01-31","to":"2026-02-01"}"#, true),
            (r#"{"field":"site","starts_with":"ber"}"#, true),
            (r#"{"any":[]}"#, false),
            (r#"{"all":[]}"#, true),
        ] {
            assert_eq!(holds(json).unwrap(), want, "{json}");
        }
    }

    #[test]
    fn a_literal_of_another_type_is_an_error_and_not_false() {
        assert_eq!(holds(r#"{"field":"none","is":"5"}"#).unwrap_err().kind(), Kind::Invalid);
        assert_eq!(
            holds(r#"{"field":"age","starts_with":"5"}"#).unwrap_err().kind(),
            Kind::Invalid
        );
        let error = Predicate::is("a", "5").holds(&|_| Value::from(5)).unwrap_err();
        assert_eq!(error.kind(), Kind::Incompatible);
    }

    #[test]
    fn every_condition_can_be_replaced() {
        let predicate = Predicate::All(vec![Predicate::is("a", 1).negated()]);
        let renamed =
            predicate.try_map(&mut |name, c| Ok::<_, Error>((name.to_uppercase(), c.clone())));
        assert_eq!(renamed.unwrap().fields(), ["A"]);
    }
}
