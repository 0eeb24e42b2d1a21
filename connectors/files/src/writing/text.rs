//! One value as text, as the readers of text formats take it.

use trueup_connector::{LogicalType, Value};

/// How decimals stand in a text file: readers that infer types take only one way in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digits {
    /// With as many digits after the point as the column has.
    All,
    /// With those that count.
    Needed,
}

/// The text of a single value in a column; `None` where it has none.
pub(crate) fn text(ty: &LogicalType, value: &Value, digits: Digits) -> Option<String> {
    Some(match (ty, value) {
        (_, Value::Null | Value::List(_) | Value::Struct(_)) => return None,
        (LogicalType::Int, value) if value.number().is_some() => {
            value.number()?.to_unscaled(0)?.to_string()
        }
        (LogicalType::Decimal(_, scale), value) if value.number().is_some() => {
            let scale = if digits == Digits::All { (*scale).into() } else { 0 };
            Value::Decimal(value.number()?, scale).to_string()
        }
        (_, value) => value.to_string(),
    })
}
