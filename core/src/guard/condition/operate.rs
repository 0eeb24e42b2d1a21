//! What operators and functions do to values.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;

use super::function::{Function, Operator};
use super::time;
use super::value::Value;

/// Why a part of a condition has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The fact at this place of the scope is not known.
    Unknown(usize),
    /// It cannot be computed.
    Failed(&'static str),
}

type Found<'a> = Result<Value<'a>, Fault>;

const OVERFLOW: Fault = Fault::Failed("the number does not fit");
const BY_ZERO: Fault = Fault::Failed("division by zero");
const RANGE: Fault = Fault::Failed("the time lies outside the years 1 to 9999");
/// The types were checked when the condition was read, so nothing gets here.
const NO_OVERLOAD: Fault = Fault::Failed("no such operation on these types");

/// `left operator right`.
pub(super) fn binary<'a>(operator: Operator, left: Value<'a>, right: Value<'a>) -> Found<'a> {
    use Operator as O;
    match operator {
        O::Equal => Ok(Value::Bool(left == right)),
        O::Unequal => Ok(Value::Bool(left != right)),
        O::In => contains(&right, &left),
        O::Less => compared(&left, &right, |o| o == Ordering::Less),
        O::LessOrEqual => compared(&left, &right, |o| o != Ordering::Greater),
        O::Greater => compared(&left, &right, |o| o == Ordering::Greater),
        O::GreaterOrEqual => compared(&left, &right, |o| o != Ordering::Less),
        O::Add => add(left, right),
        O::Subtract => subtract(&left, &right),
        O::Multiply => arithmetic(&left, &right, i64::checked_mul, u64::checked_mul, |a, b| a * b),
        O::Divide => divide(&left, &right),
        O::Remainder => remainder(&left, &right),
    }
}

/// `-value`.
pub(super) fn negative(value: &Value<'_>) -> Found<'static> {
    match value {
        Value::Int(value) => value.checked_neg().map(Value::Int).ok_or(OVERFLOW),
        Value::Double(value) => Ok(Value::Double(-value)),
        _ => Err(NO_OVERLOAD),
    }
}

/// `list[index]`.
pub(super) fn index<'a>(list: &Value<'a>, index: &Value<'_>) -> Found<'a> {
    let (Value::List(items), Value::Int(index)) = (list, index) else { return Err(NO_OVERLOAD) };
    let found = usize::try_from(*index).ok().and_then(|index| items.get(index));
    found.cloned().ok_or(Fault::Failed("the list has no item at this index"))
}

/// A function of its arguments.
pub(super) fn call<'a>(function: Function, arguments: &[Value<'a>]) -> Found<'a> {
    use Function as F;
    match (function, arguments) {
        (F::Size, [value]) => size(value),
        (F::StartsWith, [Value::Text(a), Value::Text(b)]) => Ok(Value::Bool(a.starts_with(&**b))),
        (F::EndsWith, [Value::Text(a), Value::Text(b)]) => Ok(Value::Bool(a.ends_with(&**b))),
        (F::Contains, [Value::Text(a), Value::Text(b)]) => Ok(Value::Bool(a.contains(&**b))),
        (F::ToBool, [value]) => to_bool(value),
        (F::ToInt, [value]) => to_int(value),
        (F::ToUint, [value]) => to_uint(value),
        (F::ToDouble, [value]) => to_double(value),
        (F::ToText, [value]) => to_text(value),
        (F::ToBytes, [Value::Text(text)]) => Ok(Value::Bytes(Cow::Owned(text.as_bytes().to_vec()))),
        (F::ToTimestamp, [Value::Int(seconds)]) => {
            time::from_seconds(*seconds).map(Value::Timestamp).ok_or(RANGE)
        }
        (F::ToTimestamp, [Value::Text(text)]) => {
            let wrong = Fault::Failed("the text is no timestamp like 2026-01-31T09:00:00Z");
            time::parse_timestamp(text).map(Value::Timestamp).ok_or(wrong)
        }
        (F::ToDuration, [Value::Text(text)]) => {
            let wrong = Fault::Failed("the text is no duration like 1h30m");
            time::parse_duration(text).map(Value::Duration).ok_or(wrong)
        }
        (F::ToBytes | F::ToTimestamp | F::ToDuration, [value]) => Ok(value.clone()),
        (F::Get(part), [Value::Duration(nanos)]) => {
            part.of_length(*nanos).map(Value::Int).ok_or(NO_OVERLOAD)
        }
        (F::Get(part), [Value::Timestamp(instant), zone @ ..]) => {
            let zone = match zone {
                [Value::Text(zone)] => Some(&**zone),
                _ => None,
            };
            part.of(*instant, zone).map(Value::Int).ok_or(Fault::Failed("unknown zone"))
        }
        _ => Err(NO_OVERLOAD),
    }
}

fn contains(list: &Value<'_>, item: &Value<'_>) -> Found<'static> {
    match list {
        Value::List(items) => Ok(Value::Bool(items.iter().any(|i| i == item))),
        _ => Err(NO_OVERLOAD),
    }
}

/// A comparison with not-a-number is false.
fn compared(
    left: &Value<'_>,
    right: &Value<'_>,
    holds: impl Fn(Ordering) -> bool,
) -> Found<'static> {
    match left.order(right) {
        Some(order) => Ok(Value::Bool(holds(order))),
        None if matches!(left, Value::Double(_)) => Ok(Value::Bool(false)),
        None => Err(NO_OVERLOAD),
    }
}

fn arithmetic(
    left: &Value<'_>,
    right: &Value<'_>,
    int: impl Fn(i64, i64) -> Option<i64>,
    uint: impl Fn(u64, u64) -> Option<u64>,
    double: impl Fn(f64, f64) -> f64,
) -> Found<'static> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => int(*a, *b).map(Value::Int).ok_or(OVERFLOW),
        (Value::Uint(a), Value::Uint(b)) => uint(*a, *b).map(Value::Uint).ok_or(OVERFLOW),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(double(*a, *b))),
        (Value::Duration(a), Value::Duration(b)) => {
            int(*a, *b).map(Value::Duration).ok_or(OVERFLOW)
        }
        _ => Err(NO_OVERLOAD),
    }
}

fn add<'a>(left: Value<'a>, right: Value<'a>) -> Found<'a> {
    match (left, right) {
        (Value::Text(a), Value::Text(b)) => Ok(Value::Text(a + b)),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(Value::Bytes(Cow::Owned([&*a, &*b].concat()))),
        (Value::List(a), Value::List(b)) => Ok(Value::List(a.iter().chain(&*b).cloned().collect())),
        (Value::Timestamp(at), Value::Duration(by))
        | (Value::Duration(by), Value::Timestamp(at)) => {
            time::later(at, by).map(Value::Timestamp).ok_or(RANGE)
        }
        (a, b) => arithmetic(&a, &b, i64::checked_add, u64::checked_add, |a, b| a + b),
    }
}

fn subtract<'a>(left: &Value<'a>, right: &Value<'a>) -> Found<'a> {
    match (left, right) {
        (Value::Timestamp(a), Value::Timestamp(b)) => {
            i64::try_from(a - b).map(Value::Duration).map_err(|_| OVERFLOW)
        }
        (Value::Timestamp(at), Value::Duration(by)) => {
            let by = by.checked_neg().ok_or(OVERFLOW)?;
            time::later(*at, by).map(Value::Timestamp).ok_or(RANGE)
        }
        (a, b) => arithmetic(a, b, i64::checked_sub, u64::checked_sub, |a, b| a - b),
    }
}

fn divide(left: &Value<'_>, right: &Value<'_>) -> Found<'static> {
    match right {
        Value::Int(0) | Value::Uint(0) => Err(BY_ZERO),
        _ => arithmetic(left, right, i64::checked_div, u64::checked_div, |a, b| a / b),
    }
}

fn remainder(left: &Value<'_>, right: &Value<'_>) -> Found<'static> {
    match right {
        Value::Int(0) | Value::Uint(0) => Err(BY_ZERO),
        _ => arithmetic(left, right, i64::checked_rem, u64::checked_rem, |a, b| a % b),
    }
}

fn size(value: &Value<'_>) -> Found<'static> {
    let size = match value {
        Value::Text(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.len(),
        _ => return Err(NO_OVERLOAD),
    };
    i64::try_from(size).map(Value::Int).map_err(|_| OVERFLOW)
}

fn to_bool(value: &Value<'_>) -> Found<'static> {
    let truth = match value {
        Value::Bool(value) => *value,
        Value::Text(text) => match &**text {
            "1" | "t" | "true" | "TRUE" | "True" => true,
            "0" | "f" | "false" | "FALSE" | "False" => false,
            _ => return Err(Fault::Failed("the text is neither true nor false")),
        },
        _ => return Err(NO_OVERLOAD),
    };
    Ok(Value::Bool(truth))
}

const NO_NUMBER: Fault = Fault::Failed("the text is no such number");

fn to_int(value: &Value<'_>) -> Found<'static> {
    let number = match value {
        Value::Int(number) => *number,
        Value::Uint(number) => i64::try_from(*number).map_err(|_| OVERFLOW)?,
        Value::Text(text) => text.parse().map_err(|_| NO_NUMBER)?,
        Value::Timestamp(nanos) => {
            i64::try_from(nanos.div_euclid(1_000_000_000)).map_err(|_| OVERFLOW)?
        }
        // The bounds themselves are left out, as in CEL: a double there may stand for more.
        Value::Double(number) if number.abs() < 9_223_372_036_854_775_807.0 => *number as i64,
        Value::Double(_) => return Err(OVERFLOW),
        _ => return Err(NO_OVERLOAD),
    };
    Ok(Value::Int(number))
}

fn to_uint(value: &Value<'_>) -> Found<'static> {
    let number = match value {
        Value::Uint(number) => *number,
        Value::Int(number) => u64::try_from(*number).map_err(|_| OVERFLOW)?,
        Value::Text(text) => text.parse().map_err(|_| NO_NUMBER)?,
        Value::Double(number) if (0.0..18_446_744_073_709_551_615.0).contains(number) => {
            *number as u64
        }
        Value::Double(_) => return Err(OVERFLOW),
        _ => return Err(NO_OVERLOAD),
    };
    Ok(Value::Uint(number))
}

fn to_double(value: &Value<'_>) -> Found<'static> {
    let number = match value {
        Value::Double(number) => *number,
        Value::Int(number) => *number as f64,
        Value::Uint(number) => *number as f64,
        Value::Text(text) => text.parse().map_err(|_| NO_NUMBER)?,
        _ => return Err(NO_OVERLOAD),
    };
    Ok(Value::Double(number))
}

fn to_text<'a>(value: &Value<'a>) -> Found<'a> {
    let text = match value {
        Value::Text(text) => return Ok(Value::Text(text.clone())),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) => double_text(*value),
        Value::Timestamp(value) => time::timestamp_text(*value),
        Value::Duration(value) => time::duration_text(*value),
        Value::Bytes(bytes) => {
            let wrong = Fault::Failed("the bytes are not UTF-8");
            std::str::from_utf8(bytes).map_err(|_| wrong)?.to_owned()
        }
        Value::List(_) => return Err(NO_OVERLOAD),
    };
    Ok(Value::Text(Cow::Owned(text)))
}

/// The shortest text that reads back; an exponent of two digits or more below 1e-4 and from 1e21 on.
fn double_text(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN".into()
        } else {
            format!("{}Inf", if value > 0.0 { '+' } else { '-' })
        };
    }
    if size == 0.0 || (1e-4..1e21).contains(&size) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mut out = format!("{digits}e{}", if exponent.starts_with('-') { '-' } else { '+' });
    // Writing to a string cannot fail.
    let _ = write!(out, "{:0>2}", exponent.trim_start_matches('-'));
    out
}
