//! Tokens by OAuth2 client credentials: asked for once, kept until shortly before they end.

use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::Mutex;
use trueup_connector::{Error, Kind, Result};

use super::{Credential, bearer};
use crate::answer::Answer;
use crate::failure::Detail;
use crate::request::Request;
use crate::secret::Secret;

/// Asks for a token.
pub(crate) struct TokenRequest {
    url: String,
    members: Vec<(&'static str, String)>,
    /// What must not be shown.
    secret: Option<Secret>,
}

impl TokenRequest {
    pub(super) fn new(url: &str, client: &str, scope: &str) -> Self {
        let mut members = vec![("grant_type", "client_credentials".into())];
        members.push(("client_id", client.to_owned()));
        if !scope.is_empty() {
            members.push(("scope", scope.to_owned()));
        }
        Self { url: url.to_owned(), members, secret: None }
    }

    pub(super) fn with_secret(mut self, secret: Secret) -> Self {
        self.members.push(("client_secret", secret.expose().to_owned()));
        self.secret = Some(secret);
        self
    }

    pub(super) fn with_assertion(mut self, assertion: Secret) -> Self {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        self.members.push(("client_assertion_type", kind.into()));
        self.members.push(("client_assertion", assertion.expose().to_owned()));
        self.secret = Some(assertion);
        self
    }

    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    pub(crate) fn request(&self) -> Request {
        let members = self.members.iter().map(|(name, value)| (*name, value.as_str()));
        Request::post(&self.url).form(members).header("accept", "application/json")
    }
}

/// The token in use.
#[derive(Default)]
pub(crate) struct Tokens {
    held: Mutex<Option<Held>>,
}

struct Held {
    credential: Credential,
    until: Instant,
}

/// The place where the token in use is kept, while somebody looks at it.
pub(crate) struct Turn<'a>(tokio::sync::MutexGuard<'a, Option<Held>>);

impl Tokens {
    /// Only one caller at a time asks for a token; the others take the one it got.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        Turn(self.held.lock().await)
    }
}

impl Turn<'_> {
    /// The token in use, unless it has ended or is the one that was refused.
    pub(crate) fn current(&self, refused: Option<&Credential>) -> Option<Credential> {
        let held = self.0.as_ref()?;
        let fresh = Instant::now() < held.until && Some(&held.credential) != refused;
        fresh.then(|| held.credential.clone())
    }

    /// Takes the answer to a [`TokenRequest`].
    pub(crate) fn take(&mut self, answer: &Answer) -> Result<Credential> {
        let granted: Granted = answer.json()?;
        if !granted.token_type.eq_ignore_ascii_case("bearer") {
            let message = format!(
                "`{}` gave a token of the type `{}`; only bearer tokens are understood",
                answer.call, granted.token_type
            );
            return Err(Error::new(Kind::Unsupported, message));
        }
        let value = bearer(&Secret::new(granted.access_token));
        let credential = Credential { header: "authorization".into(), value };
        let until = Instant::now() + use_for(granted.expires_in);
        *self.0 = Some(Held { credential: credential.clone(), until });
        Ok(credential)
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default = "bearer_type")]
    token_type: String,
    /// Seconds; some systems write them as text.
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
}

fn bearer_type() -> String {
    "Bearer".into()
}

/// A minute less than it lives, or a tenth less where it lives shortly; five minutes where the
/// system does not say.
fn use_for(expires_in: Option<serde_json::Value>) -> Duration {
    let seconds = match expires_in {
        Some(serde_json::Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_f64(),
        None => None,
    };
    let life = seconds.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
    let life = life.unwrap_or(Duration::from_secs(300)).min(Duration::from_secs(86_400));
    life - (life / 10).min(Duration::from_secs(60))
}

/// What a token endpoint said (RFC 6749 §5.2).
pub(crate) fn detail(answer: &Answer) -> Option<Detail> {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
        #[serde(default)]
        error_description: String,
    }
    let refused: Refused = answer.json().ok()?;
    let kind = match refused.error.as_str() {
        "temporarily_unavailable" | "server_error" => Kind::Unavailable,
        "invalid_scope" | "invalid_request" | "unsupported_grant_type" => Kind::Invalid,
        _ if answer.status == 429 => Kind::Throttled,
        _ if answer.status >= 500 => Kind::Unavailable,
        _ => Kind::Unauthenticated,
    };
    // What follows the first line is for the vendor's support.
    let message = refused.error_description.lines().next().unwrap_or_default();
    Some(Detail::new(message).with_code(refused.error).with_kind(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_renewed_before_they_end() {
        for (json, seconds) in [
            ("3600", 3540),
            ("100", 90),
            ("\"600\"", 540),
            ("0", 0),
            ("\"x\"", 270),
            ("1e300", 270),
        ] {
            let json = serde_json::from_str(json).unwrap();
            assert_eq!(use_for(Some(json)), Duration::from_secs(seconds));
        }
        assert_eq!(use_for(None), Duration::from_secs(270));
    }
}
