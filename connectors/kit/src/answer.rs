//! What a system answered.

use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use trueup_connector::{Error, Kind, Result, Retry};

/// What a system answered, whole.
#[derive(Clone)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, unpacked.
    pub body: Vec<u8>,
    /// Method and path of the call.
    pub(crate) call: String,
}

impl Answer {
    /// An answer that came inside another one.
    pub(crate) fn inner(call: String, status: u16, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self { status, headers, body, call }
    }

    /// Whether the system did what it was asked.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header as text, where it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, read as JSON of this form.
    ///
    /// # Errors
    /// `protocol`, naming method, path and place; it is worth another try: a body that was cut looks
    /// like this.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|cause| {
            let why = why(&cause);
            let message = format!(
                "`{}` was answered with what is not the JSON it should be: {why}",
                self.call
            );
            Error::new(Kind::Protocol, message).with_retry(Retry::Backoff)
        })
    }
}

impl std::fmt::Debug for Answer {
    /// Without the body: it may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.body.len();
        f.debug_struct("Answer")
            .field("call", &self.call)
            .field("status", &self.status)
            .field("bytes", &bytes)
            .finish_non_exhaustive()
    }
}

/// Where and how, without a word of the body: it may hold secrets.
fn why(cause: &serde_json::Error) -> String {
    let text = cause.to_string();
    if text.starts_with("missing field") {
        return text;
    }
    let how = match cause.classify() {
        Category::Eof => "it is cut short",
        Category::Data => "it is of another form",
        Category::Syntax | Category::Io => "it is malformed",
    };
    format!("{how} at line {} column {}", cause.line(), cause.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_body_is_said_without_it() {
        #[derive(Debug, serde::Deserialize)]
        struct Token {
            #[expect(dead_code, reason = "only its form counts")]
            token: u64,
        }
        for (body, wanted) in [
            (r#"{"token": "sesame"}"#, "it is of another form at line 1 column 18"),
            (r#"{"token": "ses"#, "it is cut short"),
            ("<html>", "it is malformed at line 1 column 1"),
            ("{}", "missing field `token`"),
        ] {
            let answer = Answer::inner("GET x".into(), 200, HeaderMap::new(), body.into());
            let error = answer.json::<Token>().unwrap_err();
            assert!(error.message().contains(wanted), "{error}");
            assert!(!format!("{error:?}").contains("ses"), "{error:?}");
            assert_eq!(error.retry(), Retry::Backoff);
        }
    }
}
