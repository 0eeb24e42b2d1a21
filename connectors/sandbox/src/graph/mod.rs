//! Microsoft Intune and Entra ID as Microsoft Graph shows them, with the token endpoint.
//!
//! order: refused → rights → assertion → token → odata → batch → intune → entra → routes

mod assertion;
mod batch;
mod entra;
mod intune;
mod odata;
mod refused;
mod rights;
mod routes;
mod token;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value as Json;

use crate::estate::Estate;
use crate::http::{Call, Reply, System};
use assertion::Registered;
use refused::REQUEST;
use token::Tokens;

/// Microsoft Graph with the people, groups, devices and apps of an estate.
///
/// What is reproduced, of Graph: tokens by secret and by an assertion that a registered certificate
/// signed; rights, as tokens have them; pages by opaque links; `$batch` with calls that wait for
/// others.
///
/// Of Entra ID: users, groups and devices that are deleted softly and restored; members and owners,
/// one by one or twenty at a time, also the call that deletes a user where `/$ref` is left out; groups
/// made if missing; deltas with tokens that end; queries that need `ConsistencyLevel`; licences,
/// direct and by group; the audit log of what was written; reads that lag behind writes
/// ([`Graph::with_lag`]).
///
/// Of Intune: filters on some properties that are silently ignored; errors whose message is JSON
/// again; device actions that are queued and take effect when the device is heard of (here: looked at)
/// again; assignments as a set that `assign` replaces; reports that need a filter.
#[derive(Debug)]
pub struct Graph {
    state: Mutex<State>,
}

/// What is there.
#[derive(Debug)]
struct State {
    tokens: Tokens,
    intune: intune::State,
    entra: entra::Directory,
}

impl Graph {
    /// The tenant.
    pub const TENANT: &'static str = "5b1f6d2e-0000-4000-8000-000000000001";
    /// Who may ask for tokens.
    pub const CLIENT: &'static str = "5b1f6d2e-0000-4000-8000-000000000002";
    /// What they know.
    pub const SECRET: &'static str = "sandbox-secret";

    /// The people, groups, devices and apps of this estate.
    pub fn new(estate: &Estate) -> Self {
        let (tokens, intune) = (Tokens::default(), intune::State::of(*estate));
        let entra = entra::Directory::of(*estate);
        Self { state: Mutex::new(State { tokens, intune, entra }) }
    }

    /// With tokens that live so many seconds.
    #[must_use]
    pub fn with_token_life(self, seconds: u64) -> Self {
        self.held().tokens.life = seconds;
        self
    }

    /// With a certificate (X.509, PEM) whose RSA key may sign assertions.
    ///
    /// # Errors
    /// Where it is no such certificate.
    pub fn with_certificate(self, pem: &str) -> Result<Self, String> {
        let read = Registered::read(pem).ok_or("this is no certificate with an RSA key")?;
        self.held().tokens.certificates.push(read);
        Ok(self)
    }

    /// With a directory in which what was written is seen only after so many calls that read.
    #[must_use]
    pub fn with_lag(self, reads: u32) -> Self {
        self.held().entra.lag = reads;
        self
    }

    /// Takes a right away; tokens given before keep it.
    #[must_use]
    pub fn without_right(self, right: &str) -> Self {
        self.held().tokens.withheld.insert(right.to_owned());
        self
    }

    /// Refuses the next few writes to the directory, as if others met them.
    #[must_use]
    pub fn with_meetings(self, writes: u32) -> Self {
        self.held().entra.meetings = writes;
        self
    }

    /// Makes a group, as somebody else does, whatever others are called.
    pub fn make_group(&self, name: &str) {
        self.held().entra.found_group(name);
    }

    /// Gives a user another login, as somebody else does.
    pub fn rename_user(&self, id: &str, login: &str) {
        self.held().entra.rename_user(id, login);
    }

    /// The plans that a licence has, by their identifiers.
    pub fn plans(&self, sku: &str) -> Vec<String> {
        self.held().entra.plans(sku)
    }

    /// Forgets what changed until now: deltas from before have to start anew.
    pub fn forget_changes(&self) {
        self.held().entra.forget();
    }

    /// Everything that was written, as text: the same before and after reading.
    pub fn dump(&self) -> String {
        let state = self.held();
        format!("{} {}", state.intune.dump(), state.entra.dump())
    }

    /// Every assignment, with the identifier of its app.
    pub fn assignments(&self) -> Vec<(String, Json)> {
        self.held().intune.all_assignments()
    }

    /// How often an action was asked of any device.
    pub fn actions(&self, action: &str) -> usize {
        self.held().intune.actions(action)
    }

    /// Every user, group (`"groups"`) or device that is there, whole.
    pub fn directory(&self, kind: &str) -> Vec<Json> {
        self.held().entra.all(kind)
    }

    /// Every membership: group and member.
    pub fn members(&self) -> Vec<(String, String)> {
        self.held().entra.memberships()
    }

    fn held(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl System for Graph {
    fn answer(&self, call: &Call) -> Reply {
        let mut state = self.held();
        if let Some(reply) = token::answer(&mut state.tokens, call) {
            return reply;
        }
        // What was made ready to be fetched or filled has its own secret in the address.
        let known = call.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
        let rights = known.and_then(|token| state.tokens.rights(token)).map(<[_]>::to_vec);
        let reply = match (rights, call.path.starts_with("/blob/")) {
            (Some(rights), _) => routes::answer(&mut state, call, &rights),
            (None, true) => routes::answer(&mut state, call, &[]),
            (None, false) => return self.error(401),
        };
        let caller = call.header("client-request-id").unwrap_or(REQUEST);
        reply
            .header("request-id", REQUEST)
            .header("client-request-id", caller)
            .header("odata-version", "4.0")
    }

    fn error(&self, status: u16) -> Reply {
        routes::error(status)
    }
}

impl System for std::sync::Arc<Graph> {
    fn answer(&self, call: &Call) -> Reply {
        (**self).answer(call)
    }

    fn error(&self, status: u16) -> Reply {
        (**self).error(status)
    }
}
