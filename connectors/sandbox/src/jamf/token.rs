//! Tokens: for clients by OAuth2 client credentials, for users by their password.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::{Jamf, Refused};
use crate::http::{Call, Reply};

/// The tokens that were given.
#[derive(Debug)]
pub(super) struct Tokens {
    given: HashMap<String, Given>,
    made: u64,
    pub(super) life: u64,
}

#[derive(Debug)]
struct Given {
    until: Instant,
    /// Kept alive by asking, as a client's cannot be.
    user: bool,
}

impl Default for Tokens {
    /// What a new client of the API gets where nobody sets more.
    fn default() -> Self {
        Self { given: HashMap::new(), made: 0, life: 60 }
    }
}

impl Tokens {
    pub(super) fn is_known(&self, token: &str) -> bool {
        self.given.get(token).is_some_and(|given| Instant::now() < given.until)
    }

    fn give(&mut self, user: bool) -> String {
        self.made += 1;
        let token = format!("sandbox-jamf-token-{}", self.made);
        let until = Instant::now() + Duration::from_secs(self.life);
        self.given.insert(token.clone(), Given { until, user });
        token
    }

    /// With the end as an instant, not in seconds.
    fn for_user(&mut self) -> Reply {
        let token = self.give(true);
        let life = jiff::SignedDuration::from_secs(i64::try_from(self.life).unwrap_or(60));
        let expires = jiff::Timestamp::now() + life;
        Reply::json(200, &json!({"token": token, "expires": format!("{expires:.3}")}))
    }

    fn for_client(&mut self) -> Reply {
        let (token, life) = (self.give(false), self.life);
        Reply::json(
            200,
            &json!({"access_token": token, "scope": "api-role:2", "token_type": "Bearer",
                "expires_in": life}),
        )
    }

    fn kept_alive(&mut self, call: &Call) -> Option<Reply> {
        let token = bearer(call)?.to_owned();
        let alive = self.is_known(&token) && self.given.get(&token).is_some_and(|given| given.user);
        alive.then(|| {
            self.given.remove(&token);
            self.for_user()
        })
    }
}

/// Answers what concerns tokens; `None` for all else.
pub(super) fn answer(tokens: &mut Tokens, call: &Call) -> Option<Reply> {
    let unknown = || Refused::pro(401, "INVALID_TOKEN", "Unauthorized").reply();
    match (call.method.as_str(), call.path.as_str()) {
        // The older path is still in use.
        ("POST", "/api/v1/oauth/token" | "/api/oauth/token") => Some(grant(tokens, call)),
        ("POST", "/api/v1/auth/token") => Some(match is_user(call) {
            true => tokens.for_user(),
            false => unknown(),
        }),
        ("POST", "/api/v1/auth/keep-alive") => {
            Some(tokens.kept_alive(call).unwrap_or_else(unknown))
        }
        ("POST", "/api/v1/auth/invalidate-token") => {
            let known = bearer(call).and_then(|token| tokens.given.remove(token));
            Some(known.map_or_else(unknown, |_| Reply::new(204)))
        }
        _ => None,
    }
}

fn grant(tokens: &mut Tokens, call: &Call) -> Reply {
    let form: HashMap<String, String> =
        url::form_urlencoded::parse(&call.body).into_owned().collect();
    let member = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    match () {
        () if member("grant_type") != "client_credentials" => {
            refused("unsupported_grant_type", "the grant type is not supported")
        }
        () if member("client_id") != Jamf::CLIENT || member("client_secret") != Jamf::SECRET => {
            refused("invalid_client", "the client is not known, or its secret is another one")
        }
        () => tokens.for_client(),
    }
}

fn refused(error: &str, description: &str) -> Reply {
    let body = json!({"error": error, "error_description": description, "error_uri": ""});
    Reply::json(400, &body)
}

fn is_user(call: &Call) -> bool {
    let told = call.header("authorization").and_then(|header| header.strip_prefix("Basic "));
    let pair = told.and_then(|told| BASE64_STANDARD.decode(told).ok());
    pair.as_deref() == Some(format!("{}:{}", Jamf::USER, Jamf::SECRET).as_bytes())
}

fn bearer(call: &Call) -> Option<&str> {
    call.header("authorization")?.strip_prefix("Bearer ")
}
