//! One SQLite value into its column; only what fits without loss.

use std::str;

use arrow_buffer::i256;
use rusqlite::types::ValueRef;
use trueup_connector::{LogicalType, Number, Value};

use super::time;
use crate::columns::{Builder, Digits};

/// Appends a value; `None`, and nothing appended, where it does not fit the column's type.
#[inline]
pub(crate) fn append(builder: &mut Builder, value: ValueRef<'_>) -> Option<()> {
    match (builder, value) {
        (builder, ValueRef::Null) => builder.append_null(),
        (Builder::Int(b), ValueRef::Integer(value)) => b.append_value(value),
        (Builder::Text(b), ValueRef::Text(text)) => b.append_value(str::from_utf8(text).ok()?),
        (Builder::Float(b), ValueRef::Real(value)) => b.append_value(value),
        (Builder::Bytes(b), ValueRef::Blob(bytes)) => b.append_value(bytes),
        (Builder::Bool(b), ValueRef::Integer(value @ (0 | 1))) => b.append_value(value == 1),
        (Builder::Float(b), ValueRef::Integer(value)) => b.append_value(exact(value)?),
        (Builder::Date(b), ValueRef::Text(text)) => b.append_value(time::date(text)?),
        (Builder::Datetime(b), ValueRef::Text(text)) => b.append_value(time::datetime(text)?),
        (Builder::Instant(b), ValueRef::Text(text)) => b.append_value(time::instant(text)?),
        (Builder::Decimal(b, digits), value) => {
            b.append_value(digits.narrow(unscaled(value, *digits)?)?);
        }
        (Builder::Wide(b, digits), value) => {
            b.append_value(digits.wide(unscaled(value, *digits)?)?);
        }
        _ => return None,
    }
    Some(())
}

/// One value on its own, as [`append`] would read it; `None` where it does not fit the type.
///
/// A column whose values decide its type has the type null here, and each value is what it is.
pub(crate) fn value(ty: &LogicalType, value: ValueRef<'_>) -> Option<Value> {
    Some(match (ty, value) {
        (_, ValueRef::Null) => Value::Null,
        (LogicalType::Int, ValueRef::Integer(value)) => Value::from(value),
        (LogicalType::Text, ValueRef::Text(text)) => Value::from(str::from_utf8(text).ok()?),
        (LogicalType::Float, ValueRef::Real(value)) => Value::from(value),
        (LogicalType::Float, ValueRef::Integer(value)) => Value::from(exact(value)?),
        (LogicalType::Bytes, ValueRef::Blob(bytes)) => Value::from(bytes.to_vec()),
        (LogicalType::Bool, ValueRef::Integer(value @ (0 | 1))) => Value::from(value == 1),
        (LogicalType::Date, ValueRef::Text(text)) => Value::Date(time::date(text)?.into()),
        (LogicalType::Datetime, ValueRef::Text(text)) => {
            Value::Datetime(nanos(time::datetime(text)?))
        }
        (LogicalType::Instant, ValueRef::Text(text)) => Value::Instant(nanos(time::instant(text)?)),
        (LogicalType::Decimal(precision, scale), value) => {
            let digits = Digits::new(*precision, *scale);
            let unscaled = digits.wide(unscaled(value, digits)?)?;
            Value::Decimal(Number::decimal(unscaled, *scale), (*scale).into())
        }
        (LogicalType::Null, ValueRef::Integer(value)) => Value::from(value),
        (LogicalType::Null, ValueRef::Real(value)) => Value::from(value),
        (LogicalType::Null, ValueRef::Text(text)) => Value::from(str::from_utf8(text).ok()?),
        (LogicalType::Null, ValueRef::Blob(bytes)) => Value::from(bytes.to_vec()),
        _ => return None,
    })
}

fn nanos(micros: i64) -> i128 {
    i128::from(micros) * 1000
}

/// The value for a message, not too long.
pub(crate) fn show(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".into(),
        ValueRef::Integer(value) => format!("integer `{value}`"),
        ValueRef::Real(value) => format!("real `{value:?}`"),
        ValueRef::Text(text) if str::from_utf8(text).is_err() => {
            format!("text `{}`, which is not UTF-8,", shorten(&String::from_utf8_lossy(text)))
        }
        ValueRef::Text(text) => format!("text `{}`", shorten(&String::from_utf8_lossy(text))),
        ValueRef::Blob(bytes) => {
            let digits: String = bytes.iter().take(40).map(|byte| format!("{byte:02x}")).collect();
            format!("blob `{digits}` of {} bytes", bytes.len())
        }
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The float of this very value.
fn exact(value: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "what would be lost is refused")]
    let float = value as f64;
    (Number::from(float) == Number::from(value)).then_some(float)
}

fn unscaled(value: ValueRef<'_>, digits: Digits) -> Option<i256> {
    match value {
        ValueRef::Integer(value) => {
            let factor = i256::from_i128(10).checked_pow(u32::try_from(digits.scale).ok()?)?;
            i256::from_i128(value.into()).checked_mul(factor)
        }
        ValueRef::Real(value) => real(value, digits.scale),
        ValueRef::Text(text) => {
            str::from_utf8(text).ok()?.parse::<Number>().ok()?.to_unscaled(digits.scale)
        }
        _ => None,
    }
}

/// The decimal that a real was written as: SQLite keeps `0.1` as the nearest double, and up to
/// 15 digits come back from it exactly. More digits than that were never in it.
fn real(value: f64, scale: i8) -> Option<i256> {
    let factor = 10_f64.powi(scale.into());
    let scaled = (value * factor).round();
    let same = scaled.abs() < 1e15 && scale <= 22 && scaled / factor == value;
    #[expect(clippy::cast_possible_truncation, reason = "it is a whole number below 10^15")]
    same.then(|| i256::from_i128(scaled as i128))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reals_are_read_as_the_decimals_they_were_written_as() {
        for (value, scale, want) in [
            (0.1, 2, Some(10)),
            (12.34, 2, Some(1234)),
            (-1234567.891, 3, Some(-1_234_567_891)),
            (0.125, 2, None),
            (1e15, 0, None),
            (f64::INFINITY, 2, None),
            (f64::NAN, 2, None),
        ] {
            assert_eq!(real(value, scale), want.map(i256::from_i128), "{value}");
        }
    }

    #[test]
    fn whole_numbers_become_floats_only_without_loss() {
        assert_eq!(exact(1 << 53), Some(9_007_199_254_740_992.0));
        assert_eq!(exact((1 << 53) + 1), None);
        assert_eq!(exact(i64::MAX), None);
    }
}
