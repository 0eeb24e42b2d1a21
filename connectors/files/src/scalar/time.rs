//! Dates, times and instants in text (ISO 8601).

/// Days since 1970-01-01 of `2026-01-31`.
#[inline]
pub(crate) fn date(text: &[u8]) -> Option<i32> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = *text else { return None };
    let (year, month, day) = (pair(y0, y1)? * 100 + pair(y2, y3)?, pair(m0, m1)?, pair(d0, d1)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    ((1..=12).contains(&month) && (1..=last).contains(&day)).then(|| days(year, month, day))
}

/// A point in time, or on a wall clock: seconds since 1970-01-01T00:00:00, and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
}

impl Moment {
    pub(crate) fn to_nanos(self) -> Option<i64> {
        self.seconds.checked_mul(1_000_000_000)?.checked_add(self.nanos.into())
    }

    pub(crate) fn to_micros(self) -> Option<i64> {
        let micros =
            self.seconds.checked_mul(1_000_000)?.checked_add((self.nanos / 1000).into())?;
        self.nanos.is_multiple_of(1000).then_some(micros)
    }
}

/// `2026-01-31T10:00:00.5` or with a space for the T; no zone.
pub(crate) fn datetime(text: &[u8]) -> Option<Moment> {
    match clock(text)? {
        (moment, []) => Some(moment),
        _ => None,
    }
}

/// `2026-01-31T10:00:00+01:00`, or with `Z` for the zone.
pub(crate) fn instant(text: &[u8]) -> Option<Moment> {
    let (moment, zone) = clock(text)?;
    let offset = match *zone {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => offset(sign, pair(h0, h1)?, pair(m0, m1)?)?,
        _ => return None,
    };
    Some(Moment { seconds: moment.seconds - offset, ..moment })
}

fn offset(sign: u8, hours: i32, minutes: i32) -> Option<i64> {
    let seconds = i64::from(hours * 3600 + minutes * 60);
    let signed = if sign == b'-' { -seconds } else { seconds };
    (hours < 24 && minutes < 60).then_some(signed)
}

/// Date and time of day, and what stands after them.
fn clock(text: &[u8]) -> Option<(Moment, &[u8])> {
    let (day, rest) = text.split_at_checked(10)?;
    let [b'T' | b' ', h0, h1, b':', m0, m1, b':', s0, s1, rest @ ..] = rest else { return None };
    let (h, m, s) = (pair(*h0, *h1)?, pair(*m0, *m1)?, pair(*s0, *s1)?);
    let of_day = i64::from(h * 3600 + m * 60 + s);
    let (nanos, rest) = fraction(rest)?;
    let seconds = i64::from(date(day)?) * 86_400 + of_day;
    (h < 24 && m < 60 && s < 60).then_some((Moment { seconds, nanos }, rest))
}

/// `.5` as nanoseconds; more than nine digits would lose some.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let [b'.', rest @ ..] = text else { return Some((0, text)) };
    let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at_checked(len)?;
    let value =
        digits.iter().fold(0_u64, |n, byte| n * 10 % 10_000_000_000 + u64::from(byte - b'0'));
    let nanos = value * 10_u64.pow(u32::try_from(9_usize.checked_sub(len)?).ok()?);
    (len > 0).then_some((u32::try_from(nanos).ok()?, rest))
}

#[inline(always)]
fn pair(tens: u8, ones: u8) -> Option<i32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i32::from(tens) * 10 + i32::from(ones))
}

/// Days from 1970-01-01, counting years from March so that the leap day is the last.
#[inline(always)]
fn days(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use trueup_connector::{LogicalType, Value, record::read_cell};

    #[track_caller]
    fn check(text: &str, ty: LogicalType) {
        let json = serde_json::Value::from(text);
        let want = read_cell(&json, &ty).ok();
        let nanos = |m: Moment| i128::from(m.seconds) * 1_000_000_000 + i128::from(m.nanos);
        let got = match ty {
            LogicalType::Date => date(text.as_bytes()).map(|d| Value::Date(d.into())),
            LogicalType::Datetime => datetime(text.as_bytes()).map(|m| Value::Datetime(nanos(m))),
            _ => instant(text.as_bytes()).map(|m| Value::Instant(nanos(m))),
        };
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn values_are_those_of_the_contract() {
        for text in ["1970-01-01", "0001-01-01", "2024-02-29", "1900-02-28", "9999-12-31"] {
            check(text, LogicalType::Date);
        }
        for text in
            ["2026-01-31T10:00:00.123456789", "1900-01-01T00:00:00", "2026-01-31 23:59:59.5"]
        {
            check(text, LogicalType::Datetime);
        }
        for text in
            ["2026-01-31T10:00:00+01:00", "1969-12-31T23:59:59.5Z", "2026-01-31T00:00:00-11:30"]
        {
            check(text, LogicalType::Instant);
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["2026-02-30", "1900-02-29", "2026-13-01", "2026-1-01", "26-01-01", "2026-01-00", ""]
        {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
        for text in [
            "2026-01-31T24:00:00",
            "2026-01-31T10:00",
            "2026-01-31T10:00:00.",
            "2026-01-31T10:00:00.1234567890",
        ] {
            assert_eq!(datetime(text.as_bytes()), None, "{text}");
        }
        assert_eq!(instant(b"2026-01-31T10:00:00"), None);
        assert_eq!(instant(b"2026-01-31T10:00:00+0100"), None);
    }

    #[test]
    fn every_day_has_its_own_number() {
        let mut next = date(b"1896-01-01").unwrap();
        for year in 1896..=2104 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(found) = date(format!("{year}-{month:02}-{day:02}").as_bytes()) {
                        assert_eq!(found, next);
                        next += 1;
                    }
                }
            }
        }
    }
}
