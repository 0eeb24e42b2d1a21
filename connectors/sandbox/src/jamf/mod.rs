//! Jamf Pro: the Pro API (JSON), the Classic API (XML), and the token endpoints.
//!
//! order: token → xml → rsql → list → records → computers → mobile → packages → groups → prestages → commands → policies → classic → routes

mod classic;
mod commands;
mod computers;
mod groups;
mod list;
mod mobile;
mod packages;
mod policies;
mod prestages;
mod records;
mod routes;
mod rsql;
mod token;
mod xml;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::estate::Estate;
use crate::http::{Call, Reply, System};
use records::Records;
use token::Tokens;

/// Jamf Pro with the devices of an estate, three of four of them computers.
///
/// What is reproduced: both token paths and short-lived tokens; inventory sections that are null
/// unless asked for; identifiers that are text in one API and numbers in the other; pages cut to
/// [`Jamf::PAGE`] without a word; names that are not unique and sort as they like; RSQL with the
/// fields that are heeded and 400 for others; lists that know no filter; `DUPLICATE_FIELD`; groups
/// whose replacement is 202 and whose members are not shown; `versionLock` at each part of a
/// PreStage; commands that stay pending until the device checks in; the Classic API with HTML
/// errors, XML bodies and a merging PUT; a cluster whose other nodes lag behind.
#[derive(Debug)]
pub struct Jamf {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: Tokens,
    now: Records,
    /// How it was before each late write, and when that was.
    past: Vec<(Instant, Records)>,
    lag: Duration,
}

impl Jamf {
    /// Who may ask for tokens.
    pub const CLIENT: &'static str = "5b1f6d2e-0000-4000-8000-000000000003";
    /// What they know.
    pub const SECRET: &'static str = "sandbox-secret";
    /// The user who may ask for tokens, with the same secret.
    pub const USER: &'static str = "sandbox-user";
    /// The most records a page has.
    pub const PAGE: usize = 2000;

    /// The devices of this estate.
    pub fn new(estate: &Estate) -> Self {
        let mut now = Records::of(*estate);
        policies::fill(&mut now);
        prestages::fill(&mut now);
        let state = State { tokens: Tokens::default(), now, past: Vec::new(), lag: Duration::ZERO };
        Self { state: Mutex::new(state) }
    }

    /// With tokens that live so many seconds.
    #[must_use]
    pub fn with_token_life(self, seconds: u64) -> Self {
        self.held().tokens.life = seconds;
        self
    }

    /// With pages of at most so many records.
    #[must_use]
    pub fn with_most(self, records: usize) -> Self {
        self.held().now.most = records;
        self
    }

    /// With nodes that show a write so late, unless the caller brings the cookie that binds it to
    /// one.
    #[must_use]
    pub fn with_lag(self, lag: Duration) -> Self {
        self.held().lag = lag;
        self
    }

    /// With an inventory that speaks only versions up to this one, of 1 to 4.
    #[must_use]
    pub fn with_version(self, version: u8) -> Self {
        self.held().now.version = version;
        self
    }

    /// With a mobile device, by its identifier, whose data the server cannot read.
    #[must_use]
    pub fn with_broken_device(self, id: u64) -> Self {
        self.held().now.broken.insert(id);
        self
    }

    /// With devices that never check in, so that commands stay pending.
    #[must_use]
    pub fn without_check_ins(self) -> Self {
        self.held().now.asleep = true;
        self
    }

    /// With a client that lacks the right to what has this in its path.
    #[must_use]
    pub fn without_right(self, path: &str) -> Self {
        self.held().now.forbidden.push(path.to_owned());
        self
    }

    /// Everything that can be written, as text: the same before and after reading.
    pub fn dump(&self) -> String {
        self.held().now.dump()
    }

    /// Every record of a kind, as the Pro API lists it: `packages`, `smart-groups`, `static-groups`,
    /// `prestages`, `computers`, `mobile-devices`; and `policies` as their `id`, `name`, `enabled`.
    pub fn all(&self, kind: &str) -> Vec<Json> {
        routes::all(&self.held().now, kind)
    }

    /// Who is in the group of this identifier.
    pub fn members(&self, group: &str) -> Vec<u64> {
        let state = self.held();
        group.parse().map(|id| groups::members(&state.now, id)).unwrap_or_default()
    }

    /// The serial numbers in the scope of a PreStage.
    pub fn scope(&self, prestage: &str) -> Vec<String> {
        let state = self.held();
        prestage.parse().map(|id| state.now.scope(id)).unwrap_or_default()
    }

    /// A policy as the Classic API shows it.
    pub fn policy(&self, id: u64) -> Option<String> {
        self.held().now.policies.get(&id).map(|policy| policies::shown(id, policy).to_string())
    }

    /// Does what a call that holds a token would do, as somebody else at the console.
    pub fn at_console(&self, method: &str, path: &str, body: &str) -> Reply {
        let mut call = Call::default().at(path);
        call.method = method.to_owned();
        call.body = body.as_bytes().to_vec();
        self.held().done(&call)
    }

    /// How often a command was asked of any device.
    pub fn commands(&self, kind: &str) -> usize {
        self.held().now.commands.iter().filter(|command| command.kind == kind).count()
    }

    fn held(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cookie that binds a caller to a node.
const STICKY: &str = "jpro-ingress=node-1";

impl State {
    fn done(&mut self, call: &Call) -> Reply {
        let before = (!self.lag.is_zero() && call.method != "GET").then(|| self.now.clone());
        let reply = answered(&mut self.now, call);
        if let Some(before) = before {
            self.past.push((Instant::now(), before));
        }
        reply
    }

    /// As a node that lags behind shows it.
    fn shown_late(&mut self, call: &Call) -> Reply {
        let lag = self.lag;
        self.past.retain(|(when, _)| when.elapsed() < lag);
        match self.past.first() {
            // What looking at it does is done to a copy.
            Some((_, before)) => answered(&mut before.clone(), call),
            None => self.done(call),
        }
    }
}

fn answered(records: &mut Records, call: &Call) -> Reply {
    routes::answer(records, call).unwrap_or_else(|refused| refused.reply())
}

impl System for Jamf {
    fn answer(&self, call: &Call) -> Reply {
        let mut state = self.held();
        let bound = call.header("cookie").is_some_and(|cookie| cookie.contains(STICKY));
        let bind = |reply: Reply| match bound {
            true => reply,
            false => reply.header("set-cookie", format!("{STICKY}; Path=/; HttpOnly")),
        };
        if let Some(reply) = token::answer(&mut state.tokens, call) {
            return bind(reply);
        }
        let known = call.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
        if !known.is_some_and(|token| state.tokens.is_known(token)) {
            return Refused::of(call, 401, "INVALID_TOKEN", "Unauthorized").reply();
        }
        if state.now.forbidden.iter().any(|path| call.path.contains(path)) {
            return Refused::of(call, 403, "INVALID_PRIVILEGE", "Forbidden").reply();
        }
        bind(match call.method == "GET" && !bound && !state.lag.is_zero() {
            true => state.shown_late(call),
            false => state.done(call),
        })
    }

    fn error(&self, status: u16) -> Reply {
        let (code, what) = match status {
            401 => ("INVALID_TOKEN", "Unauthorized"),
            429 => ("TOO_MANY_REQUESTS", "Too many requests"),
            _ => ("SERVER_ERROR", "The server cannot answer now"),
        };
        Refused::pro(status, code, what).reply()
    }
}

impl System for std::sync::Arc<Jamf> {
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
    field: Option<&'static str>,
    message: String,
    classic: bool,
}

type Outcome<T> = Result<T, Refused>;

impl Refused {
    fn pro(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, field: None, message: message.into(), classic: false }
    }

    /// In the form of the API that was called.
    fn of(call: &Call, status: u16, code: &'static str, message: &str) -> Self {
        let classic = call.path.starts_with("/JSSResource");
        Self { classic, ..Self::pro(status, code, message) }
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::pro(400, "INVALID_INPUT", message)
    }

    fn absent() -> Self {
        Self::pro(404, "INVALID_ID", "Resource not found")
    }

    fn duplicate(field: &'static str) -> Self {
        let refused = Self::pro(400, "DUPLICATE_FIELD", format!("{field} already exists"));
        Self { field: Some(field), ..refused }
    }

    fn classic(status: u16, message: impl Into<String>) -> Self {
        Self { classic: true, ..Self::pro(status, "", message) }
    }

    fn reply(&self) -> Reply {
        if self.classic {
            return self.page();
        }
        let cause = json!({"code": self.code, "field": self.field.unwrap_or_default(),
            "description": self.message, "id": null});
        let body = json!({"httpStatus": self.status, "errors": [cause]});
        Reply::json(self.status, &body)
    }

    /// The Classic API speaks to people.
    fn page(&self) -> Reply {
        let heading = match self.status {
            401 | 403 => "The request requires user authentication",
            404 => "The server has not found anything matching the request URI",
            409 => "Conflict",
            _ => "Error",
        };
        let body = format!(
            "<html>\n<head>\n   <title>Status page</title>\n</head>\n<body style=\"font-family: \
             sans-serif;\">\n<p style=\"font-size: 1.2em;font-weight: bold;margin: 1em \
             0px;\">{heading}</p>\n<p>Error: {}</p>\n<p>You can get technical details <a \
             href=\"http://www.w3.org/Protocols\">here</a>.</p>\n</body>\n</html>\n",
            xml::escaped(&self.message)
        );
        Reply::new(self.status).header("content-type", "text/html").with_body(body)
    }
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// Lays what is told over what is there.
fn lay(over: &mut Json, told: &Json) {
    match (over, told) {
        (Json::Object(members), Json::Object(told)) => {
            for (name, value) in told {
                lay(members.entry(name.clone()).or_insert(Json::Null), value);
            }
        }
        (over, told) => *over = told.clone(),
    }
}

fn body(call: &Call) -> Outcome<Json> {
    call.json().filter(Json::is_object).ok_or_else(|| Refused::bad("The body is not JSON"))
}

fn number(id: &str) -> Outcome<u64> {
    id.parse().map_err(|_| Refused::absent())
}
