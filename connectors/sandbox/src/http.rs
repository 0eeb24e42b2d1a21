//! One call and its reply, as the systems see them.

use serde_json::Value as Json;

/// One call.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Call {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, as it came.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The server's address, as the caller wrote it: `http://127.0.0.1:8080`.
    pub origin: String,
    /// A page without records is to come first.
    pub empty_page: bool,
    /// The page is to begin with the last record of the one before.
    pub duplicate_page: bool,
}

impl Call {
    /// The value of a parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON, where it is that.
    pub fn json(&self) -> Option<Json> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The parts of the path, decoded.
    pub fn parts(&self) -> Vec<String> {
        let parts = self.path.split('/').filter(|part| !part.is_empty());
        parts.map(decode).collect()
    }

    /// The same call on another path, with its query.
    #[must_use]
    pub(crate) fn at(mut self, address: &str) -> Self {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        self.path = path.to_owned();
        self.query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        self
    }
}

/// What is said to a call.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A reply without a body.
    pub fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// A reply of JSON.
    pub fn json(status: u16, body: &Json) -> Self {
        Self::new(status).header("content-type", "application/json").with_body(body.to_string())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// A system that answers calls.
pub trait System: Send + Sync + 'static {
    /// Answers a call.
    fn answer(&self, call: &Call) -> Reply;

    /// The system's own form of an error.
    fn error(&self, status: u16) -> Reply {
        Reply::new(status)
    }
}

impl<F: Fn(&Call) -> Reply + Send + Sync + 'static> System for F {
    fn answer(&self, call: &Call) -> Reply {
        self(call)
    }
}

/// A part of a path, with its `%xx` undone; `+` stays what it is.
fn decode(part: &str) -> String {
    let plus = part.replace('+', "%2B");
    let mut pairs = url::form_urlencoded::parse(plus.as_bytes());
    let name = pairs.next().map(|(name, value)| match value.is_empty() {
        true => name.into_owned(),
        false => format!("{name}={value}"),
    });
    name.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_in_parts() {
        let call = Call::default().at("/v2/Users/a%2Fb+%20c?count=2&filter=a%20eq%201");
        assert_eq!(call.parts(), ["v2", "Users", "a/b+ c"]);
        assert_eq!(call.parameter("filter"), Some("a eq 1"));
    }
}
