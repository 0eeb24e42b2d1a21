//! Errors on their way to JavaScript, and exceptions of connectors on their way back.

use serde_json::json;
use trueup::{Error, Kind, Result};
use trueup_bindings::failure::{self, Failure};

/// What the message of an error of ours begins with; the rest is JSON.
const MARK: &str = "trueup:";

/// Throws an error of ours, for the TypeScript half to make its own error of.
pub(crate) trait OrThrow<T> {
    fn or_throw(self) -> napi::Result<T>;
}

impl<T> OrThrow<T> for Result<T> {
    fn or_throw(self) -> napi::Result<T> {
        self.map_err(|error| napi::Error::from_reason(format!("{MARK}{}", said(&error))))
    }
}

/// What a host is told of an error, as JSON.
pub(crate) fn said(error: &Error) -> String {
    let failure = Failure::of(error);
    let context: serde_json::Map<_, _> =
        failure.context.into_iter().map(|(name, value)| (name, json!(value))).collect();
    let said = json!({
        "kind": failure.kind,
        "message": failure.message,
        "context": context,
        "retry": failure.retry,
        "retryAfter": failure.retry_after,
    });
    said.to_string()
}

/// The exception that led to an error.
pub(crate) fn thrown(error: &Error) -> Option<napi::Error> {
    let mut at = std::error::Error::source(error);
    while let Some(cause) = at {
        if let Some(exception) = cause.downcast_ref::<napi::Error>() {
            return exception.try_clone().ok();
        }
        at = cause.source();
    }
    None
}

/// An exception of a connector as an error, which keeps it with its stack.
///
/// `kind` is that of an error of ours; other exceptions come with what they mean.
pub(crate) fn caught(kind: &str, message: String, exception: napi::Error) -> Error {
    let kind = failure::kind(kind).unwrap_or(Kind::Protocol);
    Error::new(kind, message).with_source(exception)
}
