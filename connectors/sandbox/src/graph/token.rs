//! Tokens by client credentials, as Entra ID gives them.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value as Json, json};

use super::Graph;
use super::assertion::{self, Registered};
use super::rights;
use crate::http::{Call, Reply};

/// The tokens that were given.
#[derive(Debug)]
pub(super) struct Tokens {
    given: HashMap<String, Given>,
    pub(super) life: u64,
    pub(super) certificates: Vec<Registered>,
    /// Rights that an administrator did not grant.
    pub(super) withheld: BTreeSet<String>,
}

#[derive(Debug)]
struct Given {
    until: Instant,
    roles: Vec<&'static str>,
}

impl Default for Tokens {
    fn default() -> Self {
        let (certificates, withheld) = (Vec::new(), BTreeSet::new());
        Self { given: HashMap::new(), life: 3599, certificates, withheld }
    }
}

impl Tokens {
    /// The rights that a token has; `None` for one that is not known or has ended.
    pub(super) fn rights(&self, token: &str) -> Option<&[&'static str]> {
        let given = self.given.get(token).filter(|given| Instant::now() < given.until)?;
        Some(&given.roles)
    }

    fn give(&mut self) -> Reply {
        let token = format!("sandbox-token-{}", self.given.len() + 1);
        let until = Instant::now() + Duration::from_secs(self.life);
        let roles = rights::ALL.iter().filter(|right| !self.withheld.contains(**right));
        let roles = roles.copied().collect();
        self.given.insert(token.clone(), Given { until, roles });
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
        ("GET", ["common", "discovery", "instance"]) => Some(instance(call)),
        ("GET", [_, "discovery", "v2.0", "keys"]) => Some(Reply::json(200, &json!({"keys": []}))),
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

fn instance(call: &Call) -> Reply {
    let endpoint =
        format!("{}/{}/v2.0/.well-known/openid-configuration", call.origin, Graph::TENANT);
    Reply::json(
        200,
        &json!({"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": []}),
    )
}

fn grant(tokens: &mut Tokens, tenant: &str, call: &Call) -> Reply {
    let form: HashMap<String, String> =
        url::form_urlencoded::parse(&call.body).into_owned().collect();
    let member = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let address = format!("{}{}", call.origin, call.path);
    let known = match member("client_assertion") {
        "" => member("client_secret") == Graph::SECRET || basic(call),
        assertion => is_for(assertion, &address, &tokens.certificates),
    };
    match () {
        () if tenant != Graph::TENANT => {
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
        () if member("client_id") != Graph::CLIENT && !basic(call) => refused(
            400,
            "unauthorized_client",
            700_016,
            "The application was not found in the directory.",
        ),
        () if !known && !member("client_assertion").is_empty() => refused(
            401,
            "invalid_client",
            700_027,
            "The certificate with identifier used to sign the client assertion is not registered on \
             application.",
        ),
        () if !known => {
            refused(401, "invalid_client", 7_000_215, "Invalid client secret provided.")
        }
        () => tokens.give(),
    }
}

/// Whether an assertion is from the client, for this address, not yet over, and signed.
fn is_for(assertion: &str, address: &str, known: &[Registered]) -> bool {
    let address = address.split('?').next().unwrap_or_default();
    assertion::claims(assertion, known).is_some_and(|claims| {
        let text = |name: &str| claims.get(name).and_then(Json::as_str);
        // Some clients write times as floats.
        let ends = claims.get("exp").and_then(Json::as_f64).unwrap_or_default();
        text("aud") == Some(address)
            && text("iss") == Some(Graph::CLIENT)
            && text("sub") == Some(Graph::CLIENT)
            && ends > jiff::Timestamp::now().as_millisecond() as f64 / 1000.0
    })
}

/// Client and secret in a header, as RFC 6749 §2.3.1 has it too.
fn basic(call: &Call) -> bool {
    let wanted = BASE64_STANDARD.encode(format!("{}:{}", Graph::CLIENT, Graph::SECRET));
    call.header("authorization").and_then(|header| header.strip_prefix("Basic ")) == Some(&wanted)
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
