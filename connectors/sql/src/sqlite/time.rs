//! Dates and times as SQLite programs write them: ISO 8601 text.

/// `2026-01-31` as days since 1970-01-01.
pub(crate) fn date(text: &[u8]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let (month, day) = (number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    let valid = (1..=12).contains(&month) && day >= 1 && day <= days_of(year, month);
    valid.then(|| days(year, month, day))
}

/// `2026-01-31 10:00:00.5` as microseconds since 1970-01-01T00:00:00; no zone may follow.
pub(crate) fn datetime(text: &[u8]) -> Option<i64> {
    let (day, rest) = text.split_at_checked(10)?;
    let (b'T' | b't' | b' ', time) = rest.split_first()? else { return None };
    let midnight = i64::from(date(day)?) * 86_400_000_000;
    Some(midnight + time_of_day(time)?)
}

/// `2026-01-31T10:00:00+01:00` as microseconds since the Unix epoch; a zone must follow.
pub(crate) fn instant(text: &[u8]) -> Option<i64> {
    if let Some(local) = text.strip_suffix(b"Z").or_else(|| text.strip_suffix(b"z")) {
        return datetime(local);
    }
    let sign = text.iter().rposition(|byte| matches!(byte, b'+' | b'-')).filter(|at| *at > 10)?;
    let (local, offset) = text.split_at_checked(sign)?;
    let (sign, offset) = offset.split_first()?;
    let minutes = match offset {
        [h1, h2] => number(&[*h1, *h2])? * 60,
        [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => {
            number(&[*h1, *h2])? * 60 + number(&[*m1, *m2]).filter(|minute| *minute < 60)?
        }
        _ => return None,
    };
    let shift = i64::from(minutes) * 60_000_000;
    datetime(local.trim_ascii_end())
        .map(|local| if *sign == b'+' { local - shift } else { local + shift })
}

fn time_of_day(text: &[u8]) -> Option<i64> {
    let (clock, fraction) = match text.iter().position(|byte| *byte == b'.') {
        Some(at) => (text.get(..at)?, micros(text.get(at + 1..)?)?),
        None => (text, 0),
    };
    let (hour, minute, second) = match clock {
        [h1, h2, b':', m1, m2, b':', s1, s2] => {
            (number(&[*h1, *h2])?, number(&[*m1, *m2])?, number(&[*s1, *s2])?)
        }
        [h1, h2, b':', m1, m2] if text.len() == 5 => {
            (number(&[*h1, *h2])?, number(&[*m1, *m2])?, 0)
        }
        _ => return None,
    };
    let valid = hour < 24 && minute < 60 && second < 60;
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    valid.then_some(seconds * 1_000_000 + fraction)
}

/// Digits after the point; beyond the sixth only zeros are taken, so that nothing is lost.
fn micros(digits: &[u8]) -> Option<i64> {
    let (six, rest) = digits.split_at_checked(6).unwrap_or((digits, &[]));
    if digits.is_empty() || rest.iter().any(|digit| *digit != b'0') {
        return None;
    }
    let padding = 10_i64.pow(u32::try_from(6 - six.len()).ok()?);
    Some(i64::from(number(six)?) * padding)
}

fn number(digits: &[u8]) -> Option<i32> {
    digits.iter().try_fold(0, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + i32::from(digit - b'0'))
    })
}

fn days_of(year: i32, month: i32) -> i32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Howard Hinnant's `days_from_civil`.
fn days(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_and_wrong_ones_refused() {
        for (text, want) in [
            ("1970-01-01", Some(0)),
            ("2026-01-31", Some(20_484)),
            ("1969-12-31", Some(-1)),
            ("2024-02-29", Some(19_782)),
            ("9999-12-31", Some(2_932_896)),
            ("0000-03-01", Some(-719_468)),
            ("2023-02-29", None),
            ("2023-13-01", None),
            ("2023-1-01", None),
            ("2023-01-01 ", None),
        ] {
            assert_eq!(date(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn times_keep_microseconds_and_lose_nothing() {
        for (text, want) in [
            ("1970-01-01 00:00:00", Some(0)),
            ("1970-01-01T00:00:01.5", Some(1_500_000)),
            ("1970-01-01 00:01", Some(60_000_000)),
            ("1970-01-01 00:00:00.123456000", Some(123_456)),
            ("1969-12-31 23:59:59.999999", Some(-1)),
            ("1970-01-01 00:00:00.1234567", None),
            ("1970-01-01 00:00:00Z", None),
            ("1970-01-01 24:00:00", None),
            ("1970-01-01", None),
            ("1970-01-01 00:00:00.", None),
        ] {
            assert_eq!(datetime(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn instants_need_a_zone() {
        for (text, want) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01 01:00:00+01:00", Some(0)),
            ("1970-01-01 01:00:00.25 +0100", Some(250_000)),
            ("1969-12-31T19:00:00-05", Some(0)),
            ("1970-01-01 00:00:00", None),
            ("1970-01-01", None),
        ] {
            assert_eq!(instant(text.as_bytes()), want, "{text}");
        }
    }
}
