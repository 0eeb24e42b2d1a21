//! Tokens by client credentials, as Entra ID gives them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::Intune;
use crate::http::{Call, Reply};

/// The tokens that were given.
#[derive(Debug)]
pub(super) struct Tokens {
    given: HashMap<String, Instant>,
    pub(super) life: u64,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { given: HashMap::new(), life: 3599 }
    }
}

impl Tokens {
    pub(super) fn is_known(&self, token: &str) -> bool {
        self.given.get(token).is_some_and(|until| Instant::now() < *until)
    }

    fn give(&mut self) -> Reply {
        let token = format!("sandbox-token-{}", self.given.len() + 1);
        self.given.insert(token.clone(), Instant::now() + Duration::from_secs(self.life));
        let body = json!({"token_type": "Bearer", "expires_in": self.life,
            "ext_expires_in": self.life, "access_token": token});
        Reply::json(200, &body)
    }
}

/// Answers what concerns tokens; `None` for all else.
pub(super) fn answer(tokens: &mut Tokens, call: &Call) -> Option<Reply> {
    let parts = call.parts();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (call.method.as_str(), parts.as_slice()) {
        ("POST", [tenant, "oauth2", "v2.0", "token"]) => Some(grant(tokens, tenant, call)),
        ("GET", [tenant, .., ".well-known", "openid-configuration"]) => {
            let login = format!("{}/{tenant}", call.origin);
            Some(Reply::json(
                200,
                &json!({
                    "issuer": format!("{login}/v2.0"),
                    "authorization_endpoint": format!("{login}/oauth2/v2.0/authorize"),
                    "token_endpoint": format!("{login}/oauth2/v2.0/token"),
                    "jwks_uri": format!("{login}/discovery/v2.0/keys"),
                }),
            ))
        }
        _ => None,
    }
}

fn grant(tokens: &mut Tokens, tenant: &str, call: &Call) -> Reply {
    let form: HashMap<String, String> =
        url::form_urlencoded::parse(&call.body).into_owned().collect();
    let member = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let address = format!("{}{}", call.origin, call.path);
    let known = match member("client_assertion") {
        "" => member("client_secret") == Intune::SECRET,
        assertion => is_for(assertion, &address),
    };
    match () {
        () if tenant != Intune::TENANT => {
            refused(400, "invalid_request", 90002, "Tenant not found. Check the tenant identifier.")
        }
        () if member("grant_type") != "client_credentials" => {
            refused(400, "unsupported_grant_type", 70003, "The grant type is not supported.")
        }
        () if !member("scope").ends_with("/.default") => refused(
            400,
            "invalid_scope",
            70011,
            "The scope is not valid: it must end with /.default.",
        ),
        () if member("client_id") != Intune::CLIENT => refused(
            400,
            "unauthorized_client",
            700_016,
            "The application was not found in the directory.",
        ),
        () if !known => {
            refused(401, "invalid_client", 7_000_215, "Invalid client secret provided.")
        }
        () => tokens.give(),
    }
}

/// Whether an assertion is from the client, and for this address. Its signature is not looked at:
/// there is no certificate registered here.
fn is_for(assertion: &str, address: &str) -> bool {
    let claims = assertion.split('.').nth(1).and_then(decoded);
    let claims: Option<Json> = claims.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    claims.is_some_and(|claims| {
        let text = |name: &str| claims.get(name).and_then(Json::as_str);
        text("aud") == Some(address)
            && text("iss") == Some(Intune::CLIENT)
            && text("sub") == Some(Intune::CLIENT)
            && claims.get("exp").and_then(Json::as_f64).is_some()
    })
}

/// Base64 for addresses, without padding (RFC 4648 §5).
fn decoded(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for c in text.trim_end_matches('=').bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

fn refused(status: u16, error: &str, code: u32, what: &str) -> Reply {
    let id = "00000000-0000-4000-8000-000000000000";
    let description = format!("AADSTS{code}: {what}\r\nTrace ID: {id}\r\nCorrelation ID: {id}");
    Reply::json(
        status,
        &json!({"error": error, "error_description": description,
        "error_codes": [code], "timestamp": "2026-01-01 00:00:00Z", "trace_id": id,
        "correlation_id": id}),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_decoded() {
        assert_eq!(decoded("eyJhIjoxfQ").unwrap(), br#"{"a":1}"#);
        assert_eq!(decoded("_-8").unwrap(), [0xff, 0xef]);
        assert!(decoded("a b").is_none());
    }
}
