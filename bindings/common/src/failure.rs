//! The table of errors: one name a kind, the same in every language.

use trueup::{Error, Kind, Result, Retry, suggest};

/// What a host is told of an error.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The kind's name: the code in languages that have codes.
    pub kind: &'static str,
    /// The kind's class, in languages that have exception classes.
    pub class: &'static str,
    /// What happened, where, and what to do next; the same text in every language.
    pub message: String,
    /// Where it happened, as name and value.
    pub context: Vec<(String, String)>,
    /// Whether the same call may be made again.
    pub retry: bool,
    /// After how many seconds at the earliest, where the system said so.
    pub retry_after: Option<f64>,
}

impl Failure {
    /// What a host is told of this error.
    pub fn of(error: &Error) -> Self {
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let retry_after = match error.retry() {
            Retry::After(wait) => Some(wait.as_secs_f64()),
            _ => None,
        };
        Self {
            kind: error.kind().name(),
            class: class(error.kind()),
            message: error.to_string(),
            context: error.context().map(own).collect(),
            retry: error.retry() != Retry::Never,
            retry_after,
        }
    }
}

/// The name of the exception class of a kind.
///
/// ```
/// assert_eq!(trueup_bindings::failure::class(trueup::Kind::NotFound), "NotFoundError");
/// ```
pub const fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Invalid => "InvalidError",
        Kind::Data => "DataError",
        Kind::Incompatible => "IncompatibleError",
        Kind::NotFound => "NotFoundError",
        Kind::Unauthenticated => "UnauthenticatedError",
        Kind::Forbidden => "ForbiddenError",
        Kind::Unavailable => "UnavailableError",
        Kind::Throttled => "ThrottledError",
        Kind::Conflict => "ConflictError",
        Kind::Unsupported => "UnsupportedError",
        Kind::Cancelled => "CancelledError",
        Kind::Limit => "LimitError",
        Kind::Protocol => "ProtocolError",
        Kind::Unknown => "UnknownError",
        // A kind that is newer than this table is a mistake of ours.
        _ => "InternalError",
    }
}

/// The kind of this name.
///
/// # Errors
/// `invalid` for a name that is none, with the nearest one.
pub fn kind(name: &str) -> Result<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
        let nearest = suggest(name, Kind::ALL.map(Kind::name));
        Error::new(Kind::Invalid, format!("unknown kind of error `{name}`{nearest}"))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_kind_has_a_class_of_its_own() {
        let classes: BTreeSet<_> = Kind::ALL.into_iter().map(class).collect();
        assert_eq!(classes.len(), Kind::ALL.len());
        assert!(Kind::ALL.into_iter().all(|k| kind(k.name()).unwrap() == k));
        assert!(kind("notfound").unwrap_err().message().ends_with("did you mean `not_found`?"));
    }

    #[test]
    fn a_failure_says_what_the_error_says() {
        let error = Error::new(Kind::Throttled, "too many calls")
            .with("resource", "devices")
            .with_retry(Retry::After(Duration::from_millis(1500)));
        let failure = Failure::of(&error);
        assert_eq!(failure.message, "too many calls (resource: devices)");
        assert_eq!(failure.context, [("resource".to_owned(), "devices".to_owned())]);
        assert_eq!((failure.retry, failure.retry_after), (true, Some(1.5)));
    }
}
