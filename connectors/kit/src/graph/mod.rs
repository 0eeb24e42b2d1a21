//! What connectors to Microsoft Graph share: its errors, lists, links, and the rights it wants.
//!
//! order: refusal → list → values

mod list;
mod refusal;
mod values;

use std::time::Duration;

use trueup_connector::{Context, Error, Kind, Result, Retry};

use crate::auth::Auth;
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::exchange::Delivery;
use crate::request::Request;
use crate::writing::Sent;

pub use crate::manners::pause;
pub use list::{At, Listed, cut, every, list, object};
pub use refusal::detail;
pub use values::{empty, kind_of, unset_time};

/// The worldwide cloud, by client secret; national clouds have other addresses, which stand in the
/// settings.
pub fn worldwide(tenant: &str, client_id: &str, secret: &str) -> Endpoint {
    let auth = Auth::ClientSecret {
        token_url: format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"),
        client_id: client_id.to_owned(),
        scope: "https://graph.microsoft.com/.default".into(),
        secret: secret.to_owned(),
    };
    Endpoint::new("https://graph.microsoft.com/v1.0").with_auth(auth)
}

/// Names the right that a refusal is about, and the resource that needs it.
pub fn with_right(error: Error, right: &str, resource: &str) -> Error {
    match error.kind() {
        Kind::Forbidden => error.with("right", right).with("resource", resource),
        _ => error,
    }
}

/// A call that reads a little of a resource, with the right that it needs.
#[derive(Debug)]
#[non_exhaustive]
pub struct Probe {
    /// The call.
    pub request: Request,
    /// What an administrator has to grant.
    pub right: &'static str,
    /// What it is for.
    pub resource: &'static str,
}

impl Probe {
    /// This call, which needs this right.
    pub fn new(request: Request, right: &'static str, resource: &'static str) -> Self {
        Self { request, right, resource }
    }
}

/// Tries calls one after the other, and says all rights that are missing at once.
///
/// # Errors
/// `forbidden`, naming each right and what needs it; the first other error ends it.
pub async fn check(client: &Client, context: &Context, probes: Vec<Probe>) -> Result<()> {
    let mut missing: Vec<String> = Vec::new();
    for probe in probes {
        match client.send(context, probe.request).await {
            Err(error) if error.kind() == Kind::Forbidden => {
                missing.push(format!("`{}` for {}", probe.right, probe.resource));
            }
            other => drop(other?),
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => {
            let message = format!(
                "the application lacks rights: {}; grant them, and wait until its token is a new one",
                missing.join(", ")
            );
            Err(Error::new(Kind::Forbidden, message))
        }
    }
}

/// How often a write that met another one is sent.
const TRIES: u32 = 4;

/// Sends a call that writes, and says what became of it.
///
/// Two writes that meet in one tenant are refused for a moment (`Directory_ConcurrencyViolation`);
/// then this one is sent again. What the status says otherwise: 404 and 412 mean that the record is
/// not as it was, 5xx that the write may have been done, 504 above all.
pub async fn write(client: &Client, context: &Context, request: &Request) -> Sent {
    let mut tries = 1;
    loop {
        let answer = match client.deliver(context, request).await {
            Delivery::Answered(answer) => answer,
            Delivery::NotSent(error) => return Sent::NotSent(error),
            Delivery::Lost(error) => return Sent::Lost(error),
        };
        if answer.is_success() {
            return Sent::Done;
        }
        let error = client.refusal(&answer);
        let code = error.context().find(|(name, _)| *name == "code").map(|(_, code)| code);
        let met = code == Some("Directory_ConcurrencyViolation");
        if met && tries < TRIES {
            let wait = Duration::from_millis(250 << tries);
            if let Err(cancelled) = pause(context, wait).await {
                return Sent::NotSent(cancelled);
            }
            tries += 1;
            continue;
        }
        return match answer.status {
            _ if met => Sent::NotSent(error.with_retry(Retry::Backoff)),
            404 | 412 => Sent::Stale,
            429 => Sent::NotSent(error),
            500..=599 if answer.status != 501 => Sent::Lost(error),
            _ => Sent::Failed(error),
        };
    }
}
