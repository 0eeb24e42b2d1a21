//! One value as text, as the readers of text formats take it.

use trueup_connector::Value;

/// The text of a single value; `None` where it has none.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::List(_) | Value::Struct(_) => None,
        value => Some(value.to_string()),
    }
}
