//! `Retry-After`, in both forms (RFC 9110 §10.2.3), and fractions of a second as some systems send.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// How long a `Retry-After` header asks to wait; `None` where it cannot be read.
///
/// A date that has passed is no wait. No wait is longer than a day.
///
/// ```
/// use std::time::Duration;
/// use trueup_kit::retry_after;
///
/// let now = "2026-01-31T10:00:00Z".parse()?;
/// assert_eq!(retry_after("1.5", now), Some(Duration::from_millis(1500)));
/// assert_eq!(retry_after("Sat, 31 Jan 2026 10:00:07 GMT", now), Some(Duration::from_secs(7)));
/// assert_eq!(retry_after("soon", now), None);
/// # Ok::<(), jiff::Error>(())
/// ```
pub fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let text = header.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => until(text, now)?,
    };
    Some(wait.min(LONGEST))
}

const LONGEST: Duration = Duration::from_secs(86_400);

fn until(date: &str, now: Timestamp) -> Option<Duration> {
    let then = rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_headers_do_no_harm() {
        let now: Timestamp = "2026-01-31T10:00:00Z".parse().unwrap();
        for (header, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("-1", None),
            ("nan", None),
            ("inf", None),
            ("1e300", None),
            ("999999999", Some(86_400)),
            ("Sat, 31 Jan 2026 09:00:00 GMT", Some(0)),
            ("", None),
        ] {
            let wanted = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(header, now), wanted, "{header}");
        }
    }
}
