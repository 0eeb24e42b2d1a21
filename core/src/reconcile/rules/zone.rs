//! Datetimes as the instants that they name in a zone.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use trueup_connector::{Error, Kind, Result, Value, suggest};

use super::words::invalid;

/// A zone of the IANA database that is compiled in.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    zone: TimeZone,
}

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
const NANOS: i128 = 1_000_000_000;

impl Zone {
    /// The zone of this name, spelt as the database spells it.
    pub(super) fn named(name: &str) -> Result<Self> {
        let database = TimeZoneDatabase::bundled();
        let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
        if !names.iter().any(|known| known == name) {
            let nearest = suggest(name, names.iter().map(String::as_str));
            // A list of the first zones there are would help nobody.
            let nearest = if nearest.contains("did you mean") { nearest } else { String::new() };
            return Err(invalid(format!("unknown zone `{name}`{nearest}")));
        }
        let zone = database.get(name).map_err(|cause| {
            Error::new(Kind::Internal, format!("the zone `{name}` cannot be read"))
                .with_source(cause)
        })?;
        Ok(Self { zone })
    }

    /// The instant that a datetime names: the earlier one of two, and moved forward by the length of
    /// the gap that it stands in.
    pub(super) fn instant(&self, nanos: i128) -> Result<Value> {
        let found = self.find(nanos);
        found.map(Value::Instant).ok_or_else(|| {
            // The value may be a secret one, which a zone does not know.
            let message = "a datetime is no time that the calendar has, so it has no zone";
            Error::new(Kind::Data, message)
        })
    }

    fn find(&self, nanos: i128) -> Option<i128> {
        let seconds = i64::try_from(nanos.div_euclid(NANOS)).ok()?;
        let fraction = i32::try_from(nanos.rem_euclid(NANOS)).ok()?;
        let local = EPOCH.checked_add(SignedDuration::new(seconds, fraction)).ok()?;
        Some(self.zone.to_timestamp(local).ok()?.as_nanosecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(zone: &str, local: &str, instant: &str) {
        let json = serde_json::json!({ "datetime": local });
        let Value::Datetime(nanos) = Value::from_json(&json).unwrap() else { panic!("{json}") };
        assert_eq!(Zone::named(zone).unwrap().instant(nanos).unwrap().to_string(), instant);
    }

    #[test]
    fn datetimes_are_instants_in_a_zone() {
        check("Europe/Berlin", "2026-01-31T10:00:00.5", "2026-01-31T09:00:00.5Z");
        check("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z");
        check("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z");
        check("Europe/Dublin", "2026-07-01T12:00:00", "2026-07-01T11:00:00Z");
        check("Europe/Paris", "1900-01-01T00:00:00", "1899-12-31T23:50:39Z");
        check("UTC", "1969-12-31T23:59:59", "1969-12-31T23:59:59Z");
    }

    #[test]
    fn zones_are_spelt_as_the_database_does() {
        for (name, text) in [
            ("Europe/Berln", "did you mean `Europe/Berlin`?"),
            ("europe/berlin", "did you mean `Europe/Berlin`?"),
            ("nowhere at all", "unknown zone `nowhere at all`"),
            ("", "unknown zone ``"),
        ] {
            let error = Zone::named(name).unwrap_err();
            assert_eq!(error.kind(), Kind::Invalid);
            assert!(error.message().contains(text), "{error}");
        }
    }

    #[test]
    fn a_time_beyond_the_calendar_is_an_error_that_does_not_show_it() {
        let error = Zone::named("UTC").unwrap().instant(i128::from(i64::MAX) * NANOS).unwrap_err();
        assert_eq!(error.kind(), Kind::Data);
        assert!(!error.to_string().contains(char::is_numeric), "{error}");
    }
}
