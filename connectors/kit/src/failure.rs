//! What a system's refusals mean for the caller.

use jiff::Timestamp;
use trueup_connector::{Error, Kind, Retry};

use crate::answer::Answer;
use crate::retry_after::retry_after;

/// What a system said about a call that it did not carry out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Detail {
    /// What happened, in the system's words.
    pub message: String,
    /// The system's own code for it.
    pub code: Option<String>,
    /// What it means, where the status alone would mislead.
    pub kind: Option<Kind>,
}

impl Detail {
    /// These words of the system.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// Sets the system's own code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Sets what it means, where the status alone would mislead.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }
}

/// Reads a vendor's form of error from a refusal; `None` where it is none of the vendor's.
pub type ReadDetail = fn(&Answer) -> Option<Detail>;

/// The error that a refusal is.
pub(crate) fn refusal(answer: &Answer, detail: Detail, now: Timestamp) -> Error {
    let kind = detail.kind.unwrap_or_else(|| kind_of(answer.status));
    let said = match detail.message.is_empty() {
        true => String::new(),
        false => format!(": {}", short(&detail.message)),
    };
    let message = format!("`{}` was refused{said}{}", answer.call, advice(kind));
    let mut error = Error::new(kind, message).with("status", answer.status);
    if let Some(code) = detail.code {
        error = error.with("code", short(&code));
    }
    let wait = answer.header("retry-after").and_then(|header| retry_after(header, now));
    match (kind, wait) {
        (Kind::Throttled | Kind::Unavailable, Some(wait)) => error.with_retry(Retry::After(wait)),
        _ => error,
    }
}

/// The error that a failed exchange is; the address is left out, it may hold a secret.
pub(crate) fn broken(call: &str, cause: reqwest::Error) -> Error {
    let what = match () {
        () if cause.is_timeout() => "no answer in time",
        () if cause.is_connect() => "the system cannot be reached",
        () if cause.is_body() || cause.is_decode() => "the answer was cut or damaged",
        () => "the exchange failed",
    };
    let cause = cause.without_url();
    let reason = root(&cause);
    Error::new(Kind::Unavailable, format!("`{call}`: {what}: {reason}")).with_source(cause)
}

fn kind_of(status: u16) -> Kind {
    match status {
        401 => Kind::Unauthenticated,
        402 | 403 | 407 | 451 => Kind::Forbidden,
        404 => Kind::NotFound,
        409 | 410 | 412 | 423 | 428 => Kind::Conflict,
        413 | 414 | 431 | 507 => Kind::Limit,
        429 => Kind::Throttled,
        405 | 406 | 415 | 501 | 505 => Kind::Unsupported,
        408 | 425 | 500 | 502..=504 | 509 | 520..=530 => Kind::Unavailable,
        400..=499 => Kind::Invalid,
        _ => Kind::Protocol,
    }
}

fn advice(kind: Kind) -> &'static str {
    match kind {
        Kind::Unauthenticated => "; check the credentials",
        Kind::Forbidden => "; ask for the permission",
        _ => "",
    }
}

/// The innermost cause: what really happened.
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    short(&cause.to_string())
}

/// One bounded line.
pub(crate) fn short(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::HeaderMap;

    use super::*;

    fn refused(status: u16, header: Option<&'static str>, detail: Detail) -> Error {
        let mut headers = HeaderMap::new();
        header.map(|value| headers.insert("retry-after", value.parse().unwrap()));
        let answer = Answer::inner("GET x".into(), status, headers, Vec::new());
        refusal(&answer, detail, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn statuses_say_what_to_do_next() {
        for (status, kind) in [
            (400, Kind::Invalid),
            (401, Kind::Unauthenticated),
            (403, Kind::Forbidden),
            (404, Kind::NotFound),
            (412, Kind::Conflict),
            (413, Kind::Limit),
            (422, Kind::Invalid),
            (429, Kind::Throttled),
            (500, Kind::Unavailable),
            (501, Kind::Unsupported),
            (302, Kind::Protocol),
            (600, Kind::Protocol),
        ] {
            assert_eq!(refused(status, None, Detail::default()).kind(), kind, "{status}");
        }
    }

    #[test]
    fn the_system_says_how_long_to_wait() {
        let after = Retry::After(Duration::from_secs(3));
        assert_eq!(refused(429, Some("3"), Detail::default()).retry(), after);
        assert_eq!(refused(503, Some("3"), Detail::default()).retry(), after);
        assert_eq!(refused(429, None, Detail::default()).retry(), Retry::Backoff);
        assert_eq!(refused(403, Some("3"), Detail::default()).retry(), Retry::Never);
    }

    #[test]
    fn the_systems_words_are_kept_in_one_line() {
        let error = refused(403, None, Detail::new("No\r\nright.").with_code("X1"));
        let wanted =
            "`GET x` was refused: No right; ask for the permission (status: 403, code: X1)";
        assert_eq!(error.to_string(), wanted);
    }
}
