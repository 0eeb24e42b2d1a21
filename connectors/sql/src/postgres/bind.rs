//! One value as the text that PostgreSQL makes it of, whatever the session is set to.

use trueup_connector::Value;

use super::types::Wire;

/// A parameter: text, or a list of texts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    One(Option<String>),
    Many(Vec<Option<String>>),
}

/// What to send for a column; `None` where it has no form in which it could come back.
pub(crate) fn bind(wire: &Wire, value: &Value) -> Option<Bound> {
    match (wire, value) {
        (Wire::List(item), Value::List(items)) => {
            items.iter().map(|value| text(item, value)).collect::<Option<_>>().map(Bound::Many)
        }
        (Wire::List(_), Value::Null) => Some(Bound::One(None)),
        (Wire::List(_), _) => None,
        (wire, value) => text(wire, value).map(Bound::One),
    }
}

fn text(wire: &Wire, value: &Value) -> Option<Option<String>> {
    let is_int = matches!(wire, Wire::Int2 | Wire::Int4 | Wire::Int8 | Wire::Oid);
    Some(Some(match value {
        Value::Null => return Some(None),
        Value::Bool(value) => value.to_string(),
        Value::Int(_) | Value::Float(_) | Value::Decimal(..) if is_int => {
            value.number()?.to_unscaled(0)?.to_string()
        }
        Value::Float(value) if value.is_nan() => "NaN".to_owned(),
        Value::Float(value) if value.is_infinite() => {
            if *value > 0.0 {
                "Infinity".to_owned()
            } else {
                "-Infinity".to_owned()
            }
        }
        Value::Float(value) => format!("{value:?}"),
        Value::Int(_) | Value::Decimal(..) => value.number()?.to_string(),
        Value::Text(text) => text.clone(),
        Value::Bytes(_) => format!("\\x{value}"),
        Value::Date(days) => {
            let (date, era) = date(*days)?;
            format!("{date}{era}")
        }
        Value::Datetime(nanos) => moment(*nanos, "")?,
        Value::Instant(nanos) => moment(*nanos, "+00")?,
        _ => return None,
    }))
}

/// Microseconds are all that a timestamp has.
fn moment(nanos: i128, zone: &str) -> Option<String> {
    let micros = (nanos % 1000 == 0).then_some(nanos / 1000)?;
    let (days, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    let (date, era) = date(i64::try_from(days).ok()?)?;
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Some(format!("{date} {h:02}:{m:02}:{s:02}.{fraction:06}{zone}{era}"))
}

/// Howard Hinnant's `civil_from_days`; the year before 1 is 1 BC.
fn date(days: i64) -> Option<(String, &'static str)> {
    let days = days.checked_add(719_468)?;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let of_era_year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * of_era_year + of_era_year / 4 - of_era_year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = of_era_year + era * 400 + i64::from(month <= 2);
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    Some((format!("{year:04}-{month:02}-{day:02}"), era))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wire: &Wire, value: &Value, want: Option<&str>) {
        assert_eq!(text(wire, value).flatten().as_deref(), want, "{value:?}");
    }

    #[test]
    fn every_value_has_one_text() {
        check(&Wire::Int8, &Value::from(5.0), Some("5"));
        check(&Wire::Int8, &Value::from(5.5), None);
        check(&Wire::Float8, &Value::from(0.1), Some("0.1"));
        check(&Wire::Float8, &Value::from(-f64::INFINITY), Some("-Infinity"));
        check(&Wire::Bytea, &Value::Bytes(vec![0, 255]), Some("\\x00ff"));
        check(&Wire::Date, &Value::Date(0), Some("1970-01-01"));
        check(&Wire::Date, &Value::Date(2_932_897), Some("10000-01-01"));
        check(&Wire::Date, &Value::Date(-719_529), Some("0002-12-31 BC"));
        check(&Wire::Timestamp, &Value::Instant(-1000), Some("1969-12-31 23:59:59.999999+00"));
        check(&Wire::Timestamp, &Value::Datetime(1), None);
        let list = Value::List(vec![Value::from("a,\""), Value::Null]);
        let many = Bound::Many(vec![Some("a,\"".into()), None]);
        assert_eq!(bind(&Wire::List(Box::new(Wire::Text)), &list), Some(many));
    }
}
