//! Microsoft Intune as Microsoft Graph shows it, with the token endpoint.
//!
//! order: token → state → odata → devices → apps → reports → routes

mod apps;
mod devices;
mod odata;
mod reports;
mod routes;
mod state;
mod token;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value as Json, json};

use crate::estate::Estate;
use crate::http::{Call, Reply, System};
use state::State;

/// Microsoft Intune with the devices and apps of an estate.
///
/// What is reproduced: tokens by secret and by assertion; pages by opaque links, of at most
/// [`Intune::PAGE`] records; filters on some properties that are silently ignored; errors whose
/// message is JSON again; device actions that are queued and take effect when the device is heard of
/// (here: looked at) again; assignments as a set that `assign` replaces; reports that need a filter;
/// `$batch`; no versions of anything.
#[derive(Debug)]
pub struct Intune {
    state: Mutex<State>,
}

impl Intune {
    /// The tenant.
    pub const TENANT: &'static str = "5b1f6d2e-0000-4000-8000-000000000001";
    /// Who may ask for tokens.
    pub const CLIENT: &'static str = "5b1f6d2e-0000-4000-8000-000000000002";
    /// What they know.
    pub const SECRET: &'static str = "sandbox-secret";
    /// The most records a page has.
    pub const PAGE: usize = 1000;

    /// The devices and apps of this estate.
    pub fn new(estate: &Estate) -> Self {
        Self { state: Mutex::new(State::of(*estate)) }
    }

    /// With tokens that live so many seconds.
    #[must_use]
    pub fn with_token_life(self, seconds: u64) -> Self {
        self.held().tokens.life = seconds;
        self
    }

    /// Everything that was written, as text: the same before and after reading.
    pub fn dump(&self) -> String {
        self.held().dump()
    }

    /// Every assignment, with the identifier of its app.
    pub fn assignments(&self) -> Vec<(String, Json)> {
        let state = self.held();
        let apps =
            state.assignments.iter().flat_map(|(app, all)| all.iter().map(move |a| (app, a)));
        apps.map(|(app, assignment)| (app.clone(), assignment.json())).collect()
    }

    /// How often an action was asked of any device.
    pub fn actions(&self, action: &str) -> usize {
        self.held().actions(action)
    }

    fn held(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl System for Intune {
    fn answer(&self, call: &Call) -> Reply {
        let mut state = self.held();
        if let Some(reply) = token::answer(&mut state.tokens, call) {
            return reply;
        }
        let known = call.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
        if !known.is_some_and(|token| state.tokens.is_known(token)) {
            return self.error(401);
        }
        match routes::answer(&mut state, call) {
            Ok(reply) => reply.header("request-id", "00000000-0000-4000-8000-000000000000"),
            Err(refused) => refused.reply(),
        }
    }

    fn error(&self, status: u16) -> Reply {
        let (code, message) = match status {
            401 => {
                ("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
            }
            403 => ("Forbidden", "The application is not authorized to perform this operation."),
            429 => ("TooManyRequests", "Too many requests. Retry after some time."),
            504 => ("UnknownError", ""),
            _ => ("InternalError", "The service cannot answer now."),
        };
        let reply = Refused { status, code, message: message.into() }.reply();
        match status {
            401 => reply.header("www-authenticate", "Bearer realm=\"\", error=\"invalid_token\""),
            _ => reply,
        }
    }
}

impl System for std::sync::Arc<Intune> {
    fn answer(&self, call: &Call) -> Reply {
        (**self).answer(call)
    }

    fn error(&self, status: u16) -> Reply {
        (**self).error(status)
    }
}

/// Why a call was not carried out.
#[derive(Debug)]
struct Refused {
    status: u16,
    code: &'static str,
    message: String,
}

type Outcome<T> = Result<T, Refused>;

impl Refused {
    fn bad(message: impl Into<String>) -> Self {
        Self { status: 400, code: "BadRequest", message: message.into() }
    }

    fn absent(id: &str) -> Self {
        Self {
            status: 404,
            code: "ResourceNotFound",
            message: format!("The resource {id} was not found"),
        }
    }

    /// Intune's own errors have a message that is JSON again.
    fn reply(&self) -> Reply {
        let message = match self.code {
            "InvalidAuthenticationToken" => self.message.clone(),
            _ => json!({"_version": 3, "Message": format!("{} - Operation ID (for customer support): \
                00000000-0000-0000-0000-000000000000 - Activity ID: 00000000-0000-4000-8000-000000000000 - \
                Url: https://fef.example/StatelessService", self.message), "CustomApiErrorPhrase": "",
                "RetryAfter": null, "ErrorSourceService": "", "HttpHeaders": "{}"})
            .to_string(),
        };
        let inner = json!({"date": "2026-01-01T00:00:00",
            "request-id": "00000000-0000-4000-8000-000000000000"});
        let body = json!({"error": {"code": self.code, "message": message, "innerError": inner}});
        Reply::json(self.status, &body)
    }
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}
