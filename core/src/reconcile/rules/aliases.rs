//! Values that stand for other values.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use trueup_connector::record::read_literal;
use trueup_connector::{LogicalType, Result, Value, hex};

use super::text::TextRule;
use super::words::invalid;

/// A table of aliases by the canonical bytes of what they replace.
#[derive(Clone, Debug, Default)]
pub(super) struct Aliases(BTreeMap<Vec<u8>, Value>);

impl Aliases {
    /// Reads the literals by the field's type, of a list by that of its elements.
    pub(super) fn read(
        field: &str,
        pairs: &[(Json, Json)],
        ty: &LogicalType,
        text: &TextRule,
    ) -> Result<Self> {
        let ty = match ty {
            LogicalType::List(item) => item,
            ty => ty,
        };
        let literal = |json: &Json| {
            let value = read_literal(json, ty).map_err(|error| error.with("field", field))?;
            Ok(fold(text, value))
        };
        let mut table = BTreeMap::new();
        for (from, to) in pairs {
            let (key, to) = (literal(from)?.canonical(), literal(to)?);
            if *table.entry(key).or_insert_with(|| to.clone()) != to {
                return Err(invalid(format!("the alias `{from}` of `{field}` has two targets")));
            }
        }
        Ok(Self(table))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn apply(&self, value: Value) -> Value {
        if self.0.is_empty() {
            return value;
        }
        self.0.get(&value.canonical()).cloned().unwrap_or(value)
    }

    /// Pairs of hexadecimal canonical bytes, sorted.
    pub(super) fn normal_form(&self) -> Json {
        self.0.iter().map(|(from, to)| json!([hex(from), hex(&to.canonical())])).collect()
    }
}

/// A value after the text rules.
pub(super) fn fold(rule: &TextRule, value: Value) -> Value {
    match value {
        Value::Text(text) if !rule.is_exact() => match rule.fold(&text) {
            std::borrow::Cow::Borrowed(same) if same.len() == text.len() => Value::Text(text),
            folded => Value::Text(folded.into_owned()),
        },
        other => other,
    }
}
