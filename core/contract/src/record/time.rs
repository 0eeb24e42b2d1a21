//! Dates, times and instants as counts, and their text (ISO 8601).

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, Kind, Result};

const NANOS_PER_DAY: i128 = 86_400_000_000_000;

/// Days since 1970-01-01 as `2026-01-31`; years beyond 9999 as a count of days.
pub(crate) fn date(days: i64) -> String {
    match civil(days) {
        Some(date) => date.to_string(),
        None => format!("{days} days from 1970-01-01"),
    }
}

/// Nanoseconds since 1970-01-01T00:00:00 as `2026-01-31T10:00:00.5`.
pub(crate) fn datetime(nanos: i128) -> String {
    let (days, rest) = (nanos.div_euclid(NANOS_PER_DAY), nanos.rem_euclid(NANOS_PER_DAY));
    let day = i64::try_from(days).map_or_else(|_| format!("{days} days from 1970-01-01"), date);
    let (seconds, fraction) = (rest / 1_000_000_000, rest % 1_000_000_000);
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let text = format!("{day}T{h:02}:{m:02}:{s:02}");
    match fraction {
        0 => text,
        _ => format!("{text}.{}", format!("{fraction:09}").trim_end_matches('0')),
    }
}

/// `2026-01-31` as days since 1970-01-01.
pub(crate) fn parse_date(text: &str) -> Result<i64> {
    let date: Date = text.parse().map_err(|cause| wrong(text, "a date like 2026-01-31", cause))?;
    if text.len() > 10 && text.contains(['T', ' ', ':']) {
        return Err(Error::new(Kind::Data, format!("`{text}` is not a date like 2026-01-31")));
    }
    Ok(date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24)
}

/// `2026-01-31T10:00:00.5` as nanoseconds since 1970-01-01T00:00:00.
pub(crate) fn parse_datetime(text: &str) -> Result<i128> {
    let expected = "a date and time like 2026-01-31T10:00:00, without a zone";
    if text.ends_with(['Z', 'z']) {
        return Err(Error::new(Kind::Data, format!("`{text}` is not {expected}")));
    }
    let datetime: DateTime = text.parse().map_err(|cause| wrong(text, expected, cause))?;
    Ok(nanos(datetime.duration_since(Date::constant(1970, 1, 1).at(0, 0, 0, 0))))
}

/// `2026-01-31T10:00:00+01:00` as nanoseconds since the Unix epoch.
pub(crate) fn parse_instant(text: &str) -> Result<i128> {
    let expected = "an instant like 2026-01-31T09:00:00Z";
    let instant: Timestamp = text.parse().map_err(|cause| wrong(text, expected, cause))?;
    Ok(instant.as_nanosecond())
}

fn civil(days: i64) -> Option<Date> {
    let span = SignedDuration::from_hours(days.checked_mul(24)?);
    Date::constant(1970, 1, 1).checked_add(span).ok()
}

fn nanos(duration: SignedDuration) -> i128 {
    duration.as_nanos()
}

fn wrong(text: &str, expected: &str, cause: jiff::Error) -> Error {
    Error::new(Kind::Data, format!("`{text}` is not {expected}")).with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_there_and_back() {
        for text in ["1970-01-01", "1969-12-31", "2024-02-29", "9999-12-31", "0001-01-01"] {
            assert_eq!(date(parse_date(text).unwrap()), text);
        }
        assert_eq!(parse_date("2026-01-31").unwrap(), 20_484);
    }

    #[test]
    fn times_keep_every_digit() {
        for text in
            ["2026-01-31T10:00:00.123456789", "1900-01-01T00:00:00", "0001-01-01T00:00:00.5"]
        {
            assert_eq!(datetime(parse_datetime(text).unwrap()), text);
        }
        assert_eq!(
            parse_instant("2026-01-31T10:00:00+01:00").unwrap(),
            parse_instant("2026-01-31T09:00:00Z").unwrap()
        );
    }

    #[test]
    fn a_zone_belongs_to_instants_only() {
        assert!(parse_datetime("2026-01-31T10:00:00Z").is_err());
        assert!(parse_instant("2026-01-31T10:00:00").is_err());
        assert!(parse_date("2026-01-31T10:00:00").is_err());
    }

    #[test]
    fn what_no_calendar_shows_is_still_shown() {
        assert_eq!(date(i64::MAX), format!("{} days from 1970-01-01", i64::MAX));
    }
}
