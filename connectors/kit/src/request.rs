//! One call, before it is sent.

use serde::Serialize;
use trueup_connector::{Error, Kind, Result};
use url::Url;

pub use reqwest::Method;

/// One call to a system: its method, path, query, headers and body.
///
/// ```
/// use trueup_kit::Request;
///
/// let request = Request::get("Users").query("count", 100).header("accept", "application/json");
/// assert_eq!(request.to_string(), "GET Users");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// What is done.
    pub method: Method,
    /// A path below the base address (no `/` in front), or a whole address of the same host, as
    /// systems give for the next page.
    pub path: String,
    /// The query: names and values, not yet encoded.
    pub query: Vec<(String, String)>,
    /// Headers besides those that every call has.
    pub headers: Vec<(String, String)>,
    /// The body, and what it is.
    pub body: Option<(String, Vec<u8>)>,
    /// It changes nothing, whatever its method says.
    reads: bool,
}

impl Request {
    /// A call of this method.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        let path = path.into();
        Self { method, path, query: Vec::new(), headers: Vec::new(), body: None, reads: false }
    }

    /// Reads.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// Sends something new.
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    /// Puts something in the place of what is there.
    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path)
    }

    /// Changes parts of what is there.
    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path)
    }

    /// Removes.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// It changes nothing though its method says otherwise: it may be sent again.
    #[must_use]
    pub fn reading(mut self) -> Self {
        self.reads = true;
        self
    }

    /// Adds to the query.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body, as JSON.
    ///
    /// # Errors
    /// `internal` where the value cannot be JSON.
    pub fn json(self, value: &impl Serialize) -> Result<Self> {
        self.json_as("application/json", value)
    }

    /// Sets the body, as JSON of this media type.
    ///
    /// # Errors
    /// As [`Request::json`].
    pub fn json_as(mut self, media: &str, value: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(value).map_err(|cause| {
            Error::new(Kind::Internal, "a body cannot be written as JSON").with_source(cause)
        })?;
        self.body = Some((media.to_owned(), body));
        Ok(self)
    }

    /// Sets the body, as a form.
    #[must_use]
    pub fn form<'a>(mut self, members: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(members);
        let media = "application/x-www-form-urlencoded".to_owned();
        self.body = Some((media, form.finish().into_bytes()));
        self
    }

    /// Whether sending it twice is as good as once.
    pub(crate) fn is_safe(&self) -> bool {
        self.reads || self.method == Method::GET || self.method == Method::HEAD
    }

    /// The whole address.
    pub(crate) fn address(&self, base: &Url) -> Result<Url> {
        let url = base.join(&self.path).map_err(|cause| {
            let message = format!("`{}` is no address below the base", short(&self.path));
            Error::new(Kind::Protocol, message).with_source(cause)
        });
        let mut url = url?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }
}

impl std::fmt::Display for Request {
    /// Method and path, without the query: that may hold what is not to be shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, short(&self.path))
    }
}

/// An identifier as one part of a path.
///
/// ```
/// assert_eq!(trueup_kit::encode("a/b c?é"), "a%2Fb%20c%3F%C3%A9");
/// assert_eq!(trueup_kit::encode(".."), "%2E%2E");
/// ```
pub fn encode(part: &str) -> String {
    let dots = part.chars().all(|c| c == '.');
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_~".contains(&b) || (b == b'.' && !dots);
    let one = |b: u8| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") };
    part.bytes().map(one).collect()
}

/// Without the query, and bounded.
fn short(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match path.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", path.get(..end).unwrap_or_default()),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_below_the_base() {
        let base = Url::parse("https://a.example/scim/v2/").unwrap();
        let address = |path: &str| Request::get(path).query("q", "a&b").address(&base).unwrap();
        assert_eq!(address("Users").as_str(), "https://a.example/scim/v2/Users?q=a%26b");
        assert_eq!(address("https://b.example/x?y=1").as_str(), "https://b.example/x?y=1&q=a%26b");
    }

    #[test]
    fn a_query_is_not_shown() {
        let request = Request::get("https://a.example/x?token=sesame").query("k", "sesame");
        assert_eq!(request.to_string(), "GET https://a.example/x");
    }
}
