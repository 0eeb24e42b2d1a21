//! Whether a plan can be written down and read again: what cannot is refused before anybody approves it.

use std::collections::BTreeSet;

use trueup_connector::Value;

use super::change::PlannedChange;
use super::fact::Fact;
use super::value::FieldValue;

/// What of a change cannot be written down, in words.
pub(super) fn wrong(change: &PlannedChange) -> Option<String> {
    let lists = [change.key(), change.before(), change.after()];
    lists.into_iter().find_map(wrong_fields).or_else(|| {
        let fact = change.facts().iter().find(|(_, fact)| !is_plain(fact))?;
        Some(format!("the fact `{}` is no finite number", fact.0))
    })
}

fn wrong_fields(fields: &[FieldValue]) -> Option<String> {
    let mut names = BTreeSet::new();
    fields.iter().find_map(|field| {
        let name = field.name();
        match field.value() {
            _ if !names.insert(name) => Some(format!("the field `{name}` is there twice")),
            Some(value) if !is_readable(value) => {
                Some(format!("the value of `{name}` cannot be written down and read again"))
            }
            _ => None,
        }
    })
}

fn is_plain(fact: &Fact) -> bool {
    !matches!(fact, Fact::Float(number) if !number.is_finite())
}

fn is_readable(value: &Value) -> bool {
    match value {
        Value::Date(_) | Value::Datetime(_) | Value::Instant(_) => {
            Value::from_json(&value.to_json()).is_ok_and(|read| read == *value)
        }
        Value::List(items) => items.iter().all(is_readable),
        Value::Struct(fields) => {
            let names: BTreeSet<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
            names.len() == fields.len() && fields.iter().all(|(_, value)| is_readable(value))
        }
        _ => true,
    }
}
