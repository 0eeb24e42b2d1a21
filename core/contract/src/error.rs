//! The one public error type: what happened, where, and what the caller can do about it.
//!
//! A [`Kind`] is coarse on purpose: it says what to do next, and it is API. The message says what
//! happened and is not API: lower case, no final period, input in backticks, never a secret.

use std::fmt;
use std::time::Duration;

/// The result of everything in trueup that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure this is, and so what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The call, a rule or a setting is wrong: change it.
    Invalid,
    /// What a source holds is malformed or cannot be represented: mend the source or its settings.
    Data,
    /// Two sides cannot be compared as they are: add a rule or a mapping.
    Incompatible,
    /// The thing named is not there.
    NotFound,
    /// The system does not know who is calling: check the credentials.
    Unauthenticated,
    /// The system knows the caller and says no: ask for the permission.
    Forbidden,
    /// The system cannot be reached or cannot answer now: try again.
    Unavailable,
    /// The system asks for fewer calls: try again after the time it names.
    Throttled,
    /// Something else changed the target in the meantime: read again.
    Conflict,
    /// A newer version, or an ability that is not there: upgrade, or do without.
    Unsupported,
    /// The caller cancelled the work; nothing is half done.
    Cancelled,
    /// A bound set by the caller or by this library was reached.
    Limit,
    /// A connector broke the contract: report it to its author.
    Protocol,
    /// Whether an effect took place is not known: ask a person.
    Unknown,
    /// A mistake in trueup itself: report it.
    Internal,
}

impl Kind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 15] = [
        Self::Invalid,
        Self::Data,
        Self::Incompatible,
        Self::NotFound,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Unavailable,
        Self::Throttled,
        Self::Conflict,
        Self::Unsupported,
        Self::Cancelled,
        Self::Limit,
        Self::Protocol,
        Self::Unknown,
        Self::Internal,
    ];

    /// The kind's name, the same in every language.
    ///
    /// ```
    /// # use trueup_connector::Kind;
    /// assert_eq!(Kind::NotFound.name(), "not_found");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Data => "data",
            Self::Incompatible => "incompatible",
            Self::NotFound => "not_found",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Unavailable => "unavailable",
            Self::Throttled => "throttled",
            Self::Conflict => "conflict",
            Self::Unsupported => "unsupported",
            Self::Cancelled => "cancelled",
            Self::Limit => "limit",
            Self::Protocol => "protocol",
            Self::Unknown => "unknown",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether the same call may be made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// The same call will fail the same way.
    #[default]
    Never,
    /// Try again, waiting longer each time.
    Backoff,
    /// Try again, but not before this long from now (the system said so).
    After(Duration),
}

/// What went wrong, where, and what to do next.
///
/// ```
/// use trueup_connector::{Error, Kind};
///
/// let error = Error::new(Kind::Data, "`twelve` is not an int")
///     .with("file", "stock.csv")
///     .with("line", 7);
/// assert_eq!(error.kind(), Kind::Data);
/// assert_eq!(error.to_string(), "`twelve` is not an int (file: stock.csv, line: 7)");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    message: String,
    retry: Retry,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind; it is not worth a retry unless [`Error::with_retry`] says so.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let retry = match kind {
            Kind::Unavailable | Kind::Throttled => Retry::Backoff,
            _ => Retry::Never,
        };
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            retry,
            context: Vec::new(),
            source: None,
        }))
    }

    /// Adds where it happened: `file`, `line`, `column`, `resource`, … in the order of the calls.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((name, value.to_string()));
        self
    }

    /// Sets whether the same call may be made again.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Whether the same call may be made again.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// What happened, without the context.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it happened, as name and value.
    pub fn context(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.context.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for (i, (name, value)) in self.0.context.iter().enumerate() {
            f.write_str(if i == 0 { " (" } else { ", " })?;
            write!(f, "{name}: {value}")?;
        }
        if self.0.context.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind)?;
        match &self.0.source {
            Some(source) => write!(f, " (caused by: {source})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}

/// ` ; did you mean …?` for a misspelt name, or a list of the names there are; for messages.
///
/// ```
/// # use trueup_connector::suggest;
/// assert_eq!(suggest("verson", ["version", "name"]), "; did you mean `version`?");
/// assert_eq!(suggest("zzz", ["a", "b"]), "; there are `a`, `b`");
/// ```
pub fn suggest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let nearest = known
        .iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()),
                *candidate,
            )
        })
        .min_by_key(|(distance, _)| *distance);
    match nearest {
        Some((distance, candidate)) if is_near(distance, name.len().max(candidate.len())) => {
            format!("; did you mean `{candidate}`?")
        }
        Some(_) => format!("; there are {}", list(&known)),
        None => String::new(),
    }
}

fn is_near(distance: usize, length: usize) -> bool {
    distance <= (length / 3).max(1) && distance < length
}

fn list(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(20).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(shown.len());
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_kinds_are_distinct() {
        let mut names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::ALL.len());
    }

    #[test]
    fn the_source_is_kept_and_shown_in_debug() {
        let error = Error::new(Kind::Unavailable, "cannot connect")
            .with_source(std::io::Error::other("refused"));
        assert_eq!(format!("{error:?}"), "unavailable: cannot connect (caused by: refused)");
        assert!(std::error::Error::source(&error).is_some());
        assert_eq!(error.retry(), Retry::Backoff);
    }

    #[test]
    fn a_far_name_is_answered_with_a_bounded_list() {
        let many: Vec<String> = (0..30).map(|i| format!("column_{i}")).collect();
        let text = suggest("q", many.iter().map(String::as_str));
        assert!(text.ends_with("`column_19` and 10 more"), "{text}");
    }
}
