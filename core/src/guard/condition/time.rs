//! Times and lengths of time as texts and parts, as CEL has them.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

const NANOS: i128 = 1_000_000_000;
/// Year 1 to year 9999, in nanoseconds since the epoch.
const FIRST: i128 = -62_135_596_800 * NANOS;
const LAST: i128 = 253_402_300_800 * NANOS - 1;
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// The instant, if it lies in the years 1 to 9999.
fn in_range(instant: i128) -> Option<i128> {
    (FIRST..=LAST).contains(&instant).then_some(instant)
}

/// An instant from seconds since the epoch.
pub(super) fn from_seconds(seconds: i64) -> Option<i128> {
    in_range(i128::from(seconds) * NANOS)
}

/// An instant from RFC 3339 text, in nanoseconds since the epoch.
pub(crate) fn parse_timestamp(text: &str) -> Option<i128> {
    let shape = |c: char| if c.is_ascii_digit() { '0' } else { c };
    let shape: String = text.chars().take(19).map(shape).collect();
    let (clock, offset) = match text.strip_suffix('Z') {
        Some(clock) => (clock, 0),
        None => {
            let (clock, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
            (clock, offset_seconds(offset.starts_with(['+', '-']).then_some(offset)?)?)
        }
    };
    let fraction = clock.get(19..)?;
    let strict = fraction.is_empty() || fraction.len() > 1 && fraction.starts_with('.');
    // A leap second is no moment of its own here, nor in CEL.
    let strict = strict && clock.get(17..19) != Some("60");
    let clock: DateTime =
        (strict && shape == "0000-00-00T00:00:00").then(|| clock.parse().ok())??;
    in_range(clock.duration_since(EPOCH).as_nanos() - i128::from(offset) * NANOS)
}

/// An instant as text.
pub(super) fn timestamp_text(instant: i128) -> String {
    trueup_connector::Value::Instant(instant).to_string()
}

/// A length of time like `1h30m`, `-1.5s` or `10ms`, in nanoseconds.
pub(super) fn parse_duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total: i128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = rest.split_at_checked(digits)?;
        let (name, nanos) = UNITS.into_iter().find(|(name, _)| unit.starts_with(name))?;
        total = total.checked_add(scaled(number, nanos)?)?;
        rest = unit.strip_prefix(name)?;
    }
    i64::try_from(sign * total).ok()
}

/// Longer names first, so that `ms` is not `m`.
const UNITS: [(&str, i128); 7] = [
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
    ("h", 3_600 * NANOS),
    ("m", 60 * NANOS),
    ("s", NANOS),
];

/// `number` of this many nanoseconds; parts of a nanosecond are cut off.
fn scaled(number: &str, nanos: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.len() > 18 {
        return None;
    }
    let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i128>().ok() };
    let part = digits(fraction)? * nanos / 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    digits(whole)?.checked_mul(nanos)?.checked_add(part)
}

/// A length of time as seconds: `90s`, `-0.5s`.
pub(super) fn duration_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let (seconds, rest) =
        (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
    match rest {
        0 => format!("{sign}{seconds}s"),
        _ => format!("{sign}{seconds}.{}s", format!("{rest:09}").trim_end_matches('0')),
    }
}

/// An instant and a length of time after it.
pub(super) fn later(instant: i128, nanos: i64) -> Option<i128> {
    in_range(instant + i128::from(nanos))
}

/// A part of an instant or of a length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    FullYear,
    Month,
    Date,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

impl Part {
    /// The part that a function of this name gives.
    pub(super) fn named(function: &str) -> Option<Self> {
        Some(match function {
            "getFullYear" => Self::FullYear,
            "getMonth" => Self::Month,
            "getDate" => Self::Date,
            "getDayOfMonth" => Self::DayOfMonth,
            "getDayOfWeek" => Self::DayOfWeek,
            "getDayOfYear" => Self::DayOfYear,
            "getHours" => Self::Hours,
            "getMinutes" => Self::Minutes,
            "getSeconds" => Self::Seconds,
            "getMilliseconds" => Self::Milliseconds,
            _ => return None,
        })
    }

    /// Whether a length of time has it too.
    pub(super) fn of_duration(self) -> bool {
        matches!(self, Self::Hours | Self::Minutes | Self::Seconds | Self::Milliseconds)
    }

    /// The part of an instant, in a zone by name or offset; UTC if none is given.
    pub(super) fn of(self, instant: i128, zone: Option<&str>) -> Option<i64> {
        let offset = zone.map_or(Some(0), |zone| zone_offset(zone, instant))?;
        let seconds = i64::try_from(instant.div_euclid(NANOS)).ok()? + i64::from(offset);
        let rest = i32::try_from(instant.rem_euclid(NANOS)).ok()?;
        let local = EPOCH.checked_add(SignedDuration::new(seconds, rest)).ok()?;
        Some(match self {
            Self::FullYear => i64::from(local.year()),
            Self::Month => i64::from(local.month()) - 1,
            Self::Date => i64::from(local.day()),
            Self::DayOfMonth => i64::from(local.day()) - 1,
            Self::DayOfWeek => i64::from(local.weekday().to_sunday_zero_offset()),
            Self::DayOfYear => i64::from(local.day_of_year()) - 1,
            Self::Hours => i64::from(local.hour()),
            Self::Minutes => i64::from(local.minute()),
            Self::Seconds => i64::from(local.second()),
            Self::Milliseconds => i64::from(local.millisecond()),
        })
    }

    /// All of a length of time in this unit; of milliseconds those beyond the whole second.
    pub(super) fn of_length(self, nanos: i64) -> Option<i64> {
        Some(match self {
            Self::Hours => nanos / 3_600_000_000_000,
            Self::Minutes => nanos / 60_000_000_000,
            Self::Seconds => nanos / 1_000_000_000,
            Self::Milliseconds => nanos / 1_000_000 % 1_000,
            _ => return None,
        })
    }
}

/// The offset in seconds of a zone by name at an instant, or that which `+02:00` or `02:00` says.
fn zone_offset(name: &str, instant: i128) -> Option<i32> {
    if name.contains(':') {
        return offset_seconds(name);
    }
    let zone: TimeZone = TimeZoneDatabase::bundled().get(name).ok()?;
    Some(zone.to_offset(Timestamp::from_nanosecond(instant).ok()?).seconds())
}

fn offset_seconds(text: &str) -> Option<i32> {
    let (sign, clock) = match text.split_at_checked(1) {
        Some(("-", rest)) => (-1, rest),
        Some(("+", rest)) => (1, rest),
        _ => (1, text),
    };
    let (hours, minutes) = clock.split_once(':')?;
    let digits = |text: &str| (text.len() == 2).then(|| text.parse::<u8>().ok()).flatten();
    let seconds = i32::from(digits(hours)?) * 3_600 + i32::from(digits(minutes)?) * 60;
    Offset::from_seconds(sign * seconds).ok().map(|offset| offset.seconds())
}
