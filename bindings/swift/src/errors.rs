//! Errors on their way to Swift, and errors of connectors on their way back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use trueup::{Error, Kind, Retry};
use trueup_bindings::failure;

/// What a function that may fail gives.
pub(crate) type Told<T> = Result<T, Failure>;

/// What Swift is told of an error, and what Swift tells of one.
#[derive(Debug, uniffi::Error)]
pub enum Failure {
    /// The one form: Swift makes the case of the kind of it.
    Told {
        /// The kind's name.
        kind: String,
        /// What happened, where, and what to do next.
        message: String,
        /// Where it happened, as name and value.
        context: Vec<Place>,
        /// Whether the same call may be made again.
        retry: bool,
        /// After how many seconds at the earliest.
        retry_after: Option<f64>,
        /// What a connector threw.
        cause: Option<Arc<dyn Thrown>>,
    },
}

/// Where something happened.
#[derive(Debug, uniffi::Record)]
pub struct Place {
    /// What the value is of: `resource`, `row`, …
    pub name: String,
    /// Which one.
    pub value: String,
}

/// What a connector threw: kept by its handle, so that it comes back as it was.
#[uniffi::export(rust, foreign)]
pub trait Thrown: Send + Sync {
    /// It, in words.
    fn text(&self) -> String;
}

/// What a connector threw, as the source of an error of ours.
struct Source(Arc<dyn Thrown>);

impl fmt::Debug for dyn Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Thrown")
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text())
    }
}

impl std::error::Error for Source {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Told { message, .. } = self;
        f.write_str(message)
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let said = failure::Failure::of(error);
        Self::Told {
            kind: said.kind.to_owned(),
            message: said.message,
            context: said.context.into_iter().map(|(name, value)| Place { name, value }).collect(),
            retry: said.retry,
            retry_after: said.retry_after,
            cause: thrown(error),
        }
    }
}

/// An error of a connector; a kind that is none is a mistake in it.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let Failure::Told { kind, message, retry_after, cause, .. } = failure;
        let kind = failure::kind(&kind).unwrap_or(Kind::Protocol);
        let mut error = Self::new(kind, message);
        let wait = retry_after.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        if let Some(wait) = wait {
            error = error.with_retry(Retry::After(wait));
        }
        match cause {
            Some(cause) => error.with_source(Source(cause)),
            None => error,
        }
    }
}

/// Where a connector cannot be called, or its answer not be read.
impl From<uniffi::UnexpectedUniFFICallbackError> for Failure {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        let message = format!("the connector cannot be called: {}", error.reason);
        Error::new(Kind::Internal, message).into()
    }
}

/// What a connector threw that led to an error.
pub(crate) fn thrown(error: &Error) -> Option<Arc<dyn Thrown>> {
    let mut at = std::error::Error::source(error);
    while let Some(cause) = at {
        if let Some(source) = cause.downcast_ref::<Source>() {
            return Some(source.0.clone());
        }
        at = cause.source();
    }
    None
}
