//! One value as SQLite keeps it; only what reads back as the same value.

use rusqlite::types::{Value as Kept, ValueRef};
use trueup_connector::{LogicalType, Number, Value};

use super::cell;

/// What to keep in a column that is read as this type; `None` where nothing would read back as it.
/// A column whose values decide its type has the type null here.
pub(crate) fn bind(ty: &LogicalType, value: &Value) -> Option<Kept> {
    let any = *ty == LogicalType::Null;
    let kept = match (ty, value) {
        (_, Value::Null) => return Some(Kept::Null),
        (LogicalType::Bool, Value::Bool(value)) => Kept::Integer((*value).into()),
        (LogicalType::Int, value) => Kept::Integer(whole(&value.number()?)?),
        (LogicalType::Float, Value::Float(value)) => Kept::Real(*value),
        (LogicalType::Float, value) => Kept::Real(value.number()?.to_string().parse().ok()?),
        (LogicalType::Decimal(_, scale), value) => decimal(value, *scale)?,
        (_, Value::Int(_)) if any => Kept::Integer(whole(&value.number()?)?),
        (_, Value::Float(value)) if any => Kept::Real(*value),
        (_, Value::Text(text)) if any => Kept::Text(text.clone()),
        (_, Value::Bytes(bytes)) if any => Kept::Blob(bytes.clone()),
        (LogicalType::Text, Value::Text(text)) => Kept::Text(text.clone()),
        (LogicalType::Bytes, Value::Bytes(bytes)) => Kept::Blob(bytes.clone()),
        (LogicalType::Date, Value::Date(_)) => Kept::Text(value.to_string()),
        // As SQLite's own functions write it.
        (LogicalType::Datetime, Value::Datetime(_)) => {
            Kept::Text(value.to_string().replacen('T', " ", 1))
        }
        (LogicalType::Instant, Value::Instant(_)) => Kept::Text(value.to_string()),
        _ => return None,
    };
    let read = cell::value(ty, ValueRef::from(&kept))?;
    (read == *value).then_some(kept)
}

fn whole(number: &Number) -> Option<i64> {
    i64::try_from(number.to_unscaled(0)?.to_i128()?).ok()
}

/// Whole numbers and those of up to 15 digits as numbers, longer ones as text: a column whose
/// declaration makes a number of that too would lose digits, and is found to when it is read back.
fn decimal(value: &Value, scale: i8) -> Option<Kept> {
    let number = value.number()?;
    if let Some(whole) = whole(&number) {
        return Some(Kept::Integer(whole));
    }
    let ty = LogicalType::Decimal(76, scale);
    let real: f64 = number.to_string().parse().ok()?;
    match cell::value(&ty, ValueRef::Real(real)) {
        Some(read) if read == *value => Some(Kept::Real(real)),
        _ => Some(Kept::Text(Value::Decimal(number, scale.into()).to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ty: &str, value: &str, want: Option<Kept>) {
        let ty: LogicalType = serde_json::from_value(ty.into()).unwrap();
        let value: Value = serde_json::from_str(value).unwrap();
        assert_eq!(bind(&ty, &value), want, "{value:?} as {ty}");
    }

    #[test]
    fn only_what_reads_back_is_kept() {
        let text = |text: &str| Some(Kept::Text(text.into()));
        check("int", "7", Some(Kept::Integer(7)));
        check("int", r#"{"decimal":"7.0"}"#, Some(Kept::Integer(7)));
        check("int", "7.5", None);
        check("int", "9223372036854775808", None);
        check("int", r#""7""#, None);
        check("bool", "true", Some(Kept::Integer(1)));
        check("bool", "1", None);
        check("float", "1", Some(Kept::Real(1.0)));
        check("float", "9007199254740993", None);
        check("decimal(10,2)", r#"{"decimal":"12.50"}"#, Some(Kept::Real(12.5)));
        check("decimal(10,2)", r#"{"decimal":"12"}"#, Some(Kept::Integer(12)));
        check("decimal(10,2)", r#"{"decimal":"1.005"}"#, None);
        check("decimal(4,2)", r#"{"decimal":"123.45"}"#, None);
        check(
            "decimal(30,2)",
            r#"{"decimal":"12345678901234567.89"}"#,
            text("12345678901234567.89"),
        );
        check("date", r#"{"date":"2026-01-31"}"#, text("2026-01-31"));
        check("datetime", r#"{"datetime":"2026-01-31T10:00:00.5"}"#, text("2026-01-31 10:00:00.5"));
        check("datetime", r#"{"datetime":"2026-01-31T10:00:00.000000001"}"#, None);
        check("instant", r#"{"instant":"2026-01-31T10:00:00Z"}"#, text("2026-01-31T10:00:00Z"));
        check("text", "5", None);
        check("bytes", r#"{"bytes":"00ff"}"#, Some(Kept::Blob(vec![0, 255])));
        check("text", "null", Some(Kept::Null));
    }
}
