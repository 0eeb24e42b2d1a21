//! Where a system is, and how to speak to it: settings as data.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trueup_connector::{Error, Kind, Result};
use url::{Host, Url};

use crate::auth::Auth;

/// Where a system is, and how to speak to it; secrets stand here by their names only.
///
/// ```
/// let endpoint: trueup_kit::Endpoint = serde_json::from_str(
///     r#"{"base_url": "https://scim.example.org/v2",
///         "auth": {"kind": "bearer", "secret": "scim-token"}}"#)?;
/// assert_eq!(endpoint.timeout_ms, 60_000);
/// let wrong = serde_json::from_str::<trueup_kit::Endpoint>(r#"{"base_ur": "https://a"}"#);
/// assert!(wrong.unwrap_err().to_string().contains("unknown field `base_ur`"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Endpoint {
    /// What all paths are below. `https`, or `http` to this very machine.
    pub base_url: String,
    /// How the caller is known.
    #[serde(default)]
    pub auth: Auth,
    /// Certificates (PEM) to trust besides those that the machine trusts.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The certificate that the system wants to see of its callers.
    #[serde(default)]
    pub identification: Option<Identification>,
    /// The proxy on the way; none without this, whatever the environment says.
    #[serde(default)]
    pub proxy: Option<Proxy>,
    /// Whether to bring back the cookies that the system gives, as clusters want it whose nodes lag
    /// behind each other. They are kept in memory, and go to their host only.
    #[serde(default)]
    pub cookies: bool,
    /// How long to wait for a connection, in milliseconds.
    #[serde(default = "connect_timeout")]
    pub connect_timeout_ms: u64,
    /// How long one call may take, in milliseconds.
    #[serde(default = "timeout")]
    pub timeout_ms: u64,
    /// The largest answer that is taken, unpacked, in bytes.
    #[serde(default = "largest")]
    pub max_answer_bytes: usize,
}

/// A client certificate, by the names of its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identification {
    /// The secret with the certificate and what stands between it and its authority, as PEM.
    pub certificate: String,
    /// The secret with its private key, as PEM.
    pub key: String,
}

/// A proxy on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// Its address, without credentials.
    pub url: String,
    /// Who asks it.
    #[serde(default)]
    pub user: Option<String>,
    /// The secret with their password.
    #[serde(default)]
    pub secret: Option<String>,
}

impl Endpoint {
    /// This address, with the settings that suit most.
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            auth: Auth::None,
            ca_file: None,
            identification: None,
            proxy: None,
            cookies: false,
            connect_timeout_ms: connect_timeout(),
            timeout_ms: timeout(),
            max_answer_bytes: largest(),
        }
    }

    /// Sets how the caller is known.
    #[must_use]
    pub fn with_auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// The base address, checked; it ends with `/`.
    ///
    /// # Errors
    /// `invalid` where it is no address, has credentials or a query, or is not `https`.
    pub fn base(&self) -> Result<Url> {
        let mut base = address("base_url", &self.base_url)?;
        if base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("base_url", "has a query; leave out what follows `?` or `#`"));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(base)
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }
}

/// An address that credentials may be sent to.
pub(crate) fn address(setting: &'static str, text: &str) -> Result<Url> {
    // The text is not shown before it is known to hold no password.
    let url =
        Url::parse(text).map_err(|cause| wrong(setting, &format!("is no address: {cause}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(setting, "has credentials in it; name a secret instead"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(wrong(
            setting,
            &format!("`{text}` is not `https`: everyone on the way could read along"),
        )),
        scheme => Err(wrong(setting, &format!("is an address of `{scheme}`; it takes `https`"))),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

/// Whether credentials for the one may be sent to the other.
pub(crate) fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host() == b.host()
        && a.port_or_known_default() == b.port_or_known_default()
}

fn wrong(setting: &'static str, what: &str) -> Error {
    Error::new(Kind::Invalid, format!("the setting `{setting}` {what}"))
}

fn connect_timeout() -> u64 {
    10_000
}

fn timeout() -> u64 {
    60_000
}

fn largest() -> usize {
    64 << 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_safe_to_send_credentials_to() {
        for (url, fine) in [
            ("https://a.example", true),
            ("http://127.0.0.1:1/x", true),
            ("http://[::1]/", true),
            ("http://localhost", true),
            ("http://localhost.example.org", false),
            ("http://10.0.0.1", false),
            ("ftp://a", false),
            ("a.example", false),
            ("https://a/?x=1", false),
            ("https://me:sesame@a/", false),
        ] {
            let base = Endpoint::new(url).base();
            assert_eq!(base.is_ok(), fine, "{url}");
            assert!(base.is_ok_and(|base| base.path().ends_with('/')) == fine);
        }
        let error = Endpoint::new("https://me:sesame@a/").base().unwrap_err();
        assert!(!error.to_string().contains("sesame"), "{error}");
    }

    #[test]
    fn origins_are_scheme_host_and_port() {
        let url = |text| Url::parse(text).unwrap();
        assert!(same_origin(&url("https://a/x"), &url("https://A:443/y")));
        for other in ["http://a", "https://b", "https://a:444", "https://a.b"] {
            assert!(!same_origin(&url("https://a"), &url(other)), "{other}");
        }
    }
}
