//! Coverage under the rules: what a side says it holds, tested on rows of the other side.

use serde_json::{Map, Value as Json, json};
use trueup_connector::{Condition, Coverage, Error, Kind, Predicate, Result, Schema, Value, hex};

use super::Side;
use super::fields::{Both, Rules};

/// A side's coverage, ready to be tested.
#[derive(Clone, Debug)]
pub(super) struct Covered {
    /// As it enters the digest.
    pub(super) normal_form: Json,
    /// With its literals normalised by their fields' rules.
    ready: Coverage,
}

impl Covered {
    /// Checks the coverage of a side against both sides' fields.
    pub(super) fn new(
        side: Side,
        coverage: &Coverage,
        both: &Both<'_>,
        rules: &Rules,
    ) -> Result<Self> {
        let Coverage::Within(predicate) = coverage else {
            return Ok(Self { normal_form: coverage.to_json(), ready: coverage.clone() });
        };
        let key: Vec<&str> = both.document.key().iter().map(String::as_str).collect();
        coverage.check(both.schema(side), &key)?;
        predicate.fields().into_iter().try_for_each(|name| check_field(side, name, both, rules))?;
        let typed = predicate.typed(both.schema(side))?;
        let ready = typed.try_map(&mut |name, condition| {
            Ok::<_, Error>((name.to_owned(), normalised(condition, name, rules)?))
        })?;
        let normal_form = json!({ "within": normal_form(&typed) });
        Ok(Self { normal_form, ready: Coverage::Within(ready) })
    }

    /// Whether it includes a row; `value` gives the row's raw value of a field.
    pub(super) fn includes(
        &self,
        rules: &Rules,
        value: &dyn Fn(&str) -> Result<Value>,
    ) -> Result<bool> {
        match &self.ready {
            Coverage::Complete => Ok(true),
            Coverage::Within(predicate) => {
                predicate.try_holds(&|name| rules.normalise(name, value(name)?))
            }
            _ => Ok(false),
        }
    }
}

/// The other side must have the field too, in the same class, and neither side as a secret.
fn check_field(side: Side, name: &str, both: &Both<'_>, rules: &Rules) -> Result<()> {
    if both.is_secret(name) {
        let message = format!("coverage cannot be stated over `{name}`: it is secret");
        return Err(Error::new(Kind::Invalid, message));
    }
    let here = both.schema(side).field(name)?;
    let there = find(both.schema(side.other()), name).ok_or_else(|| {
        let message = format!(
            "the coverage of the {side} side names `{name}`, which the {} side lacks",
            side.other()
        );
        Error::new(Kind::Incompatible, message)
    })?;
    if rules.comparable(name, &here.ty, &there.ty) {
        return Ok(());
    }
    let message = format!(
        "the coverage of the {side} side names `{name}`, which is {} there and {} on the {} side",
        here.ty,
        there.ty,
        side.other()
    );
    Err(Error::new(Kind::Incompatible, message))
}

fn find<'a>(schema: &'a Schema, name: &str) -> Option<&'a trueup_connector::Field> {
    schema.fields().iter().find(|field| field.name == name)
}

/// A condition under the rule of its field; of a prefix, which may end within a run of white space
/// or an alias, the Unicode form and the case only.
fn normalised(condition: &Condition, name: &str, rules: &Rules) -> Result<Condition> {
    match condition {
        Condition::StartsWith(start) => Ok(Condition::StartsWith(rules.fold_prefix(name, start))),
        other => other.try_map(&|value| rules.normalise(name, value.clone())),
    }
}

fn normal_form(predicate: &Predicate) -> Json {
    let each = |inner: &[Predicate]| inner.iter().map(normal_form).collect::<Json>();
    match predicate {
        Predicate::All(inner) => json!({ "all": each(inner) }),
        Predicate::Any(inner) => json!({ "any": each(inner) }),
        Predicate::Not(inner) => json!({ "not": normal_form(inner) }),
        Predicate::Field(name, condition) => {
            let mut members = condition_form(condition);
            members.insert("field".to_owned(), json!(name));
            Json::Object(members)
        }
        // Ours has no other form.
        _ => Json::Null,
    }
}

fn condition_form(condition: &Condition) -> Map<String, Json> {
    let literal = |value: &Value| json!(hex(&value.canonical()));
    let members = match condition {
        Condition::Is(value) => vec![("is", literal(value))],
        Condition::In(values) => vec![("in", values.iter().map(literal).collect())],
        Condition::StartsWith(start) => vec![("starts_with", json!(start))],
        Condition::Range(from, to) => [("from", from), ("to", to)]
            .into_iter()
            .filter_map(|(name, end)| Some((name, literal(end.as_ref()?))))
            .collect(),
        _ => Vec::new(),
    };
    members.into_iter().map(|(name, json)| (name.to_owned(), json)).collect()
}
