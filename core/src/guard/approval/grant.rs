//! Permission to carry one plan out, once.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use trueup_connector::record::canonical::frame;
use trueup_connector::{Error, Hash, Kind, Result, hex};

use super::super::decide::Decision;
use super::super::moment;
use super::super::outcome::{Ask, Outcome};
use super::super::request::Actor;
use super::answer::Approval;
use crate::reconcile::canonical_json;

/// Permission to carry one plan out, once, until it expires.
///
/// Only a [`Standing`](super::Standing) and [`BreakGlass`](super::super::BreakGlass) give one: it has
/// no constructor and is never read from data. That it is used once only, the store sees to.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    pub(super) id: Hash,
    pub(super) plan: Hash,
    pub(super) against: Hash,
    pub(super) policy: Hash,
    pub(super) requester: Actor,
    pub(super) environment: String,
    pub(super) asks: Vec<Ask>,
    pub(super) expires: i64,
    pub(super) by: Box<GrantedBy>,
    pub(super) answers: Vec<Approval>,
}

/// What a grant rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantedBy {
    /// The policy allows it.
    Policy,
    /// These people approved.
    People(Vec<String>),
    /// These people approved while limits were lifted.
    BreakGlass {
        /// The people.
        people: Vec<String>,
        /// Names the opening.
        opening: Hash,
        /// When a review of it is due.
        review_by: i64,
    },
}

impl Grant {
    pub(crate) fn new(decision: &Granting<'_>, expires: i64, by: GrantedBy) -> Self {
        let Granting { plan, against, policy, requester, environment, asks } = decision;
        let body = json!({
            "against": hex(against),
            "asks": asks.iter().map(Ask::to_json).collect::<Vec<_>>(),
            "by": by.to_json(),
            "environment": environment,
            "expires": expires.to_string(),
            "plan": hex(plan),
            "policy": hex(policy),
            "requester": requester.chain(),
        });
        let mut bytes = Vec::new();
        frame(&mut bytes, b"trueup/grant/1");
        frame(&mut bytes, &canonical_json(&body));
        Self {
            id: Sha256::digest(&bytes).into(),
            plan: *plan,
            against: *against,
            policy: *policy,
            requester: (*requester).clone(),
            environment: (*environment).to_owned(),
            asks: asks.to_vec(),
            expires,
            by: Box::new(by),
            answers: Vec::new(),
        }
    }

    /// With the answers that it was given for.
    #[must_use]
    pub(crate) fn resting_on(self, answers: Vec<Approval>) -> Self {
        Self { answers, ..self }
    }

    /// The answers that counted when it was given, first to last.
    pub fn answers(&self) -> &[Approval] {
        &self.answers
    }

    /// Names the grant: the same permission has the same id, so that it can be used up.
    pub fn id(&self) -> Hash {
        self.id
    }

    /// The digest of the plan that may be carried out.
    pub fn plan(&self) -> Hash {
        self.plan
    }

    /// When it expires, in milliseconds since the Unix epoch.
    pub fn expires(&self) -> i64 {
        self.expires
    }

    /// To whom it was given.
    pub fn requester(&self) -> &Actor {
        &self.requester
    }

    /// What it rests on.
    pub fn by(&self) -> &GrantedBy {
        &self.by
    }

    /// Whether it permits what is decided anew at the moment of carrying out.
    ///
    /// # Errors
    /// `forbidden` if it is late, for another plan, policy, requester or environment, or if the plan is denied, more
    /// people are asked now, or limits were lifted that it does not rest on; `conflict` if what it was decided against has moved.
    pub fn permits(&self, decision: &Decision, now: i64) -> Result<()> {
        let terms = self.terms();
        terms.is_for(decision)?;
        if now >= self.expires {
            return Err(terms.expired());
        }
        terms.still(decision)
    }

    /// What it was given for, without the right to begin anything.
    pub(crate) fn terms(&self) -> Terms {
        let Self { plan, against, policy, requester, environment, asks, expires, .. } =
            self.clone();
        let glass = match *self.by {
            GrantedBy::BreakGlass { opening, .. } => Some(opening),
            _ => None,
        };
        Terms { plan, against, policy, requester, environment, asks, expires, glass }
    }
}

/// What a grant was given for. It is kept with the run that used the grant up, so that the run can be
/// taken up again; nothing can be begun with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Terms {
    plan: Hash,
    against: Hash,
    policy: Hash,
    requester: Actor,
    environment: String,
    asks: Vec<Ask>,
    expires: i64,
    /// The break-glass that it rests on.
    glass: Option<Hash>,
}

impl Terms {
    /// Whether what is decided anew lets a run go on that was begun with this.
    ///
    /// # Errors
    /// As [`Grant::permits`], but for the time: that is [`Terms::is_over`].
    #[cfg(feature = "store")]
    pub(crate) fn let_go_on(&self, decision: &Decision) -> Result<()> {
        if decision.outcome() == Outcome::Allow && decision.lifted().is_empty() {
            return Ok(());
        }
        self.still(decision)?;
        self.is_for(decision)
    }

    /// Why nothing more may be sent under it at this moment, unless the policy allows it by itself.
    #[cfg(feature = "store")]
    pub(crate) fn is_over(&self, decision: &Decision, now: i64) -> Option<Error> {
        let by_itself = decision.outcome() == Outcome::Allow && decision.lifted().is_empty();
        (now >= self.expires && !by_itself).then(|| self.expired())
    }

    fn expired(&self) -> Error {
        forbidden(format!("the grant expired at {}; ask again", moment::text(self.expires)))
    }

    fn still(&self, decision: &Decision) -> Result<()> {
        if decision.outcome() == Outcome::Deny {
            return Err(forbidden("the plan is denied now; explain the decision to see why"));
        }
        if decision.opening().is_some() && self.glass != decision.opening() {
            return Err(forbidden(
                "limits were lifted for this decision; only break-glass grants it, of the same opening",
            ));
        }
        let more = decision.asks().iter().find(|ask| !self.asks.iter().any(|had| covers(had, ask)));
        match more.filter(|_| decision.outcome() == Outcome::Ask) {
            Some(ask) => {
                Err(forbidden(format!("more is asked now than was granted: {ask}; ask again")))
            }
            None => Ok(()),
        }
    }

    fn is_for(&self, decision: &Decision) -> Result<()> {
        if self.plan != decision.plan() {
            return Err(forbidden("the grant is for another plan; ask for this one"));
        }
        if self.requester != *decision.requester() {
            let whose = &self.requester;
            return Err(forbidden(format!(
                "the grant was given to `{whose}`; ask for one of your own"
            )));
        }
        if self.environment != decision.environment() {
            let place = &self.environment;
            return Err(forbidden(format!(
                "the grant is for the environment `{place}`; ask again"
            )));
        }
        if self.policy != decision.policy() {
            return Err(forbidden("the policy was changed since the grant; decide and ask again"));
        }
        if self.against != decision.against() {
            let message =
                "what the plan was decided against has moved since the grant; plan and ask again";
            return Err(Error::new(Kind::Conflict, message));
        }
        Ok(())
    }
}

/// Whether one ask, met, meets another.
fn covers(had: &Ask, ask: &Ask) -> bool {
    had.roles == ask.roles && had.count >= ask.count
}

/// What a grant is for.
pub(crate) struct Granting<'a> {
    pub(crate) plan: Hash,
    pub(crate) against: Hash,
    pub(crate) policy: Hash,
    pub(crate) requester: &'a Actor,
    pub(crate) environment: &'a str,
    pub(crate) asks: &'a [Ask],
}

impl GrantedBy {
    fn to_json(&self) -> Json {
        match self {
            Self::Policy => json!({ "kind": "policy" }),
            Self::People(people) => json!({ "kind": "people", "people": people }),
            Self::BreakGlass { people, opening, review_by } => json!({
                "kind": "break_glass",
                "opening": hex(opening),
                "people": people,
                "review_by": review_by.to_string(),
            }),
        }
    }
}

fn forbidden(message: impl Into<String>) -> Error {
    Error::new(Kind::Forbidden, message)
}
