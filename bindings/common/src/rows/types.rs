//! Which type a column of single values has.

use trueup::{Error, Kind, LogicalType, Result, Value};

/// The narrowest type that holds all values exactly; the first row is `start`.
///
/// Whole numbers among floats must be floats exactly, which building the column checks.
///
/// # Errors
/// `data` where two values have no common type, naming the row.
pub(super) fn common(values: &[Value]) -> Result<LogicalType> {
    let mut found = LogicalType::Null;
    for (row, value) in values.iter().enumerate() {
        let ty = of(value).map_err(|error| error.with("row", row))?;
        found = widen(found, ty).map_err(|(before, ty)| {
            let message = format!("`{value}` is {ty}, but the values before it are {before}");
            Error::new(Kind::Data, message).with("row", row)
        })?;
    }
    Ok(found)
}

fn of(value: &Value) -> Result<LogicalType> {
    Ok(match value {
        Value::Null => LogicalType::Null,
        Value::Bool(_) => LogicalType::Bool,
        Value::Int(int) if is_int(*int) => LogicalType::Int,
        Value::Int(_) => decimal(value.number().and_then(|n| n.digits()), 0, value)?,
        Value::Float(_) => LogicalType::Float,
        Value::Decimal(number, scale) => decimal(number.digits(), *scale, value)?,
        Value::Text(_) => LogicalType::Text,
        Value::Bytes(_) => LogicalType::Bytes,
        Value::Date(_) => LogicalType::Date,
        Value::Datetime(_) => LogicalType::Datetime,
        Value::Instant(_) => LogicalType::Instant,
        Value::List(items) => LogicalType::List(Box::new(common(items)?)),
        Value::Struct(members) => {
            let members = members.iter().map(|(name, value)| Ok((name.clone(), of(value)?)));
            LogicalType::Struct(members.collect::<Result<_>>()?)
        }
        other => {
            let message = format!("`{other}` is of a type that this version cannot put in rows");
            return Err(Error::new(Kind::Unsupported, message));
        }
    })
}

/// Whether 64 bits hold it, with or without sign.
fn is_int(value: i128) -> bool {
    i64::try_from(value).is_ok() || u64::try_from(value).is_ok()
}

/// A decimal type for a number with these digits, of which the last stands `scale` after the point.
fn decimal(digits: Option<(i32, usize)>, shown: i32, value: &Value) -> Result<LogicalType> {
    let wide = || Error::new(Kind::Data, format!("the decimal `{value}` has more than 76 digits"));
    let (scale, count) = digits.unwrap_or((0, 1));
    let whole = (i32::try_from(count).map_err(|_| wide())? - scale).max(0);
    let scale = scale.max(shown).max(0);
    let precision = u8::try_from((whole + scale).max(1)).ok().filter(|p| *p <= 76);
    Ok(LogicalType::Decimal(precision.ok_or_else(wide)?, i8::try_from(scale).map_err(|_| wide())?))
}

fn widen(a: LogicalType, b: LogicalType) -> Result<LogicalType, (LogicalType, LogicalType)> {
    use LogicalType as T;
    Ok(match (a, b) {
        (T::Null, b) => b,
        (a, T::Null) => a,
        (T::Int, T::Float) | (T::Float, T::Int) => T::Float,
        // Twenty digits hold every whole number of 64 bits.
        (T::Int, T::Decimal(p, s)) | (T::Decimal(p, s), T::Int) => join((20, 0), (p, s)),
        (T::Decimal(p, s), T::Decimal(q, t)) => join((p, s), (q, t)),
        (T::List(a), T::List(b)) => T::List(Box::new(widen(*a, *b)?)),
        (T::Struct(a), T::Struct(b)) => T::Struct(members(a, b)?),
        (a, b) if a == b => a,
        (a, b) => return Err((a, b)),
    })
}

/// The decimal type with room for both, before and after the point.
fn join((p, s): (u8, i8), (q, t): (u8, i8)) -> LogicalType {
    let (whole, other) = (i16::from(p) - i16::from(s), i16::from(q) - i16::from(t));
    let scale = s.max(t);
    let precision = (whole.max(other) + i16::from(scale)).clamp(1, 76);
    LogicalType::Decimal(u8::try_from(precision).unwrap_or(76), scale)
}

type Members = Vec<(String, LogicalType)>;

fn members(mut a: Members, b: Members) -> Result<Members, (LogicalType, LogicalType)> {
    for (name, ty) in b {
        match a.iter_mut().find(|(member, _)| *member == name) {
            Some((_, known)) => *known = widen(known.clone(), ty)?,
            None => a.push((name, ty)),
        }
    }
    Ok(a)
}
