//! How a caller is known.
//!
//! order: assertion → token

mod assertion;
mod token;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use trueup_connector::{Error, Kind, Result};

use crate::endpoint::address;
use crate::secret::{Secret, Secrets};

pub(crate) use token::{TokenRequest, Tokens, detail};

/// How a caller is known; secrets stand here by their names only.
///
/// ```
/// let auth: trueup_kit::Auth = serde_json::from_str(
///     r#"{"kind": "client_secret", "token_url": "https://login.example.org/oauth2/token",
///         "client_id": "trueup", "scope": "read", "secret": "client-secret"}"#)?;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// A token that somebody else got.
    Bearer {
        /// The secret with the token.
        secret: String,
    },
    /// A user and password (RFC 7617).
    Basic {
        /// Who asks.
        user: String,
        /// The secret with the password.
        secret: String,
    },
    /// A header that the vendor made up.
    Header {
        /// Its name.
        name: String,
        /// The secret with its value.
        secret: String,
    },
    /// OAuth2 client credentials (RFC 6749 §4.4) by a shared secret.
    ClientSecret {
        /// Where tokens are made.
        token_url: String,
        /// Who asks.
        client_id: String,
        /// What for.
        #[serde(default)]
        scope: String,
        /// The secret that both share.
        secret: String,
    },
    /// OAuth2 client credentials by an assertion that a certificate's key signs (RFC 7523).
    ClientCertificate {
        /// Where tokens are made.
        token_url: String,
        /// Who asks.
        client_id: String,
        /// What for.
        #[serde(default)]
        scope: String,
        /// The secret with the certificate, as PEM.
        certificate: String,
        /// The secret with its RSA key, as PEM (PKCS #8 or PKCS #1).
        key: String,
        /// How it signs.
        #[serde(default)]
        algorithm: Algorithm,
    },
}

/// How an assertion is signed (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PSS with SHA-256; the certificate is named by its SHA-256.
    #[default]
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256; the certificate is named by its SHA-1, as older systems want.
    Rs256,
}

/// What goes into a header so that the caller is known.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) header: String,
    pub(crate) value: Secret,
}

impl Auth {
    /// Checks what can be checked before the first call.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::ClientSecret { token_url, .. } | Self::ClientCertificate { token_url, .. } => {
                address("token_url", token_url).map(drop)
            }
            Self::Header { name, .. } => match reqwest::header::HeaderName::try_from(name) {
                Ok(_) => Ok(()),
                Err(_) => {
                    Err(Error::new(Kind::Invalid, format!("`{name}` is no name of a header")))
                }
            },
            _ => Ok(()),
        }
    }

    /// The credential, where it needs no token; `renewed` after the system refused the last one.
    pub(crate) async fn ready(
        &self,
        secrets: &dyn Secrets,
        renewed: bool,
    ) -> Result<Option<Credential>> {
        let (header, name) = match self {
            Self::Bearer { secret } | Self::Basic { secret, .. } => ("authorization", secret),
            Self::Header { name, secret } => (name.as_str(), secret),
            _ => return Ok(None),
        };
        let secret = fetch(secrets, name, renewed).await?;
        let value = match self {
            Self::Bearer { .. } => bearer(&secret),
            Self::Basic { user, .. } => basic(user, &secret),
            _ => secret,
        };
        Ok(Some(Credential { header: header.to_owned(), value }))
    }

    /// What to ask for a token, where one is needed.
    pub(crate) async fn token_request(
        &self,
        secrets: &dyn Secrets,
        renewed: bool,
    ) -> Result<Option<TokenRequest>> {
        match self {
            Self::ClientSecret { token_url, client_id, scope, secret } => {
                let secret = fetch(secrets, secret, renewed).await?;
                Ok(Some(TokenRequest::new(token_url, client_id, scope).with_secret(secret)))
            }
            Self::ClientCertificate {
                token_url,
                client_id,
                scope,
                certificate,
                key,
                algorithm,
            } => {
                let certificate = fetch(secrets, certificate, renewed).await?;
                let key = fetch(secrets, key, renewed).await?;
                let signed = assertion::sign(token_url, client_id, &certificate, &key, *algorithm)?;
                Ok(Some(TokenRequest::new(token_url, client_id, scope).with_assertion(signed)))
            }
            _ => Ok(None),
        }
    }
}

async fn fetch(secrets: &dyn Secrets, name: &str, renewed: bool) -> Result<Secret> {
    match renewed {
        true => secrets.renew(name).await,
        false => secrets.get(name).await,
    }
}

pub(crate) fn bearer(token: &Secret) -> Secret {
    Secret::new(format!("Bearer {}", token.expose()))
}

fn basic(user: &str, password: &Secret) -> Secret {
    let pair = format!("{user}:{}", password.expose());
    Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair)))
}
