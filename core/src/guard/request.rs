//! What is asked of a policy beside the plan: who acts, where, when, and what was used so far.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trueup_connector::{Error, Hash, Kind, Result};

use super::party;
use crate::plan::{Fact, Plan};
use crate::reconcile::Side;

/// Who acts: the one at work first, then those on whose behalf, one after the other.
///
/// A party is a text of two parts, `agent:sync` or `person:ana`. Only a `person:` can approve. Names
/// that differ in case or in the form of their letters alone are one party's when it matters who may
/// approve; space around a name and signs that nobody sees are refused there.
///
/// ```
/// use trueup::guard::Actor;
///
/// let actor = Actor::new("agent:sync").on_behalf_of("person:ana");
/// assert_eq!(actor.to_string(), "agent:sync on behalf of person:ana");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor {
    chain: Vec<String>,
}

impl Actor {
    /// One who acts for nobody else.
    pub fn new(party: impl Into<String>) -> Self {
        Self { chain: vec![party.into()] }
    }

    /// Adds on whose behalf the last one acts.
    #[must_use]
    pub fn on_behalf_of(mut self, party: impl Into<String>) -> Self {
        self.chain.push(party.into());
        self
    }

    /// The one at work.
    pub fn acting(&self) -> &str {
        self.chain.first().map_or("", String::as_str)
    }

    /// All of them, the one at work first.
    pub fn chain(&self) -> &[String] {
        &self.chain
    }

    /// Whether one of them is this party.
    pub(crate) fn includes(&self, party: &str) -> bool {
        self.chain.iter().any(|one| party::is_same(one, party))
    }

    /// Refuses names that could pass for others.
    pub(crate) fn check_names(&self) -> Result<()> {
        let untidy = self.chain.iter().find(|party| party::is_untidy(party));
        match untidy.map(String::as_str).or(self.chain.is_empty().then_some("")) {
            None => Ok(()),
            Some(party) => {
                let message = format!(
                    "`{}` is no name of a party: it has space around it, signs that nobody sees, or nothing",
                    party.escape_debug()
                );
                Err(Error::new(Kind::Invalid, message))
            }
        }
    }

    /// The first person among them.
    pub fn person(&self) -> Option<&str> {
        self.chain.iter().map(String::as_str).find(|party| party.starts_with("person:"))
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.chain.join(" on behalf of "))
    }
}

/// What a policy is asked: who wants it done, where, now, and what is known beside the plan.
///
/// Moments are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub(crate) actor: Actor,
    pub(crate) now: i64,
    pub(crate) environment: String,
    pub(crate) agreed_rows: Option<u64>,
    /// How many rows the host knows of each side, the expected side first.
    pub(crate) rows: [Option<u64>; 2],
    pub(crate) facts: BTreeMap<String, Fact>,
    pub(crate) used: BTreeMap<String, u64>,
    pub(crate) lifted: Option<Lifted>,
}

/// What break-glass lifts, and until when.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lifted {
    pub(crate) rules: Vec<String>,
    pub(crate) until: i64,
    /// Names the opening.
    pub(crate) opening: Hash,
}

impl Request {
    /// This actor asks now.
    pub fn new(actor: Actor, now: i64) -> Self {
        Self {
            actor,
            now,
            environment: String::new(),
            agreed_rows: None,
            rows: [None; 2],
            facts: BTreeMap::new(),
            used: BTreeMap::new(),
            lifted: None,
        }
    }

    /// Sets when it is asked, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn at(mut self, now: i64) -> Self {
        self.now = now;
        self
    }

    /// Sets where it would be done: `production`, `test`, ….
    #[must_use]
    pub fn with_environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = environment.into();
        self
    }

    /// Sets how many records both sides had when they last agreed. If it is not set, no rule knows.
    #[must_use]
    pub fn with_agreed_rows(mut self, rows: u64) -> Self {
        self.agreed_rows = Some(rows);
        self
    }

    /// Sets how many records of a side a proposed plan can speak of, as the host knows it. What the
    /// plan itself says of that is the proposer's claim: it softens no limit. Plans that were made from
    /// a report need none.
    #[must_use]
    pub fn with_covered_rows(mut self, target: Side, rows: u64) -> Self {
        let [expected, actual] = &mut self.rows;
        *(if target == Side::Expected { expected } else { actual }) = Some(rows);
        self
    }

    /// Adds a fact that holds for every change. Where a change says otherwise, neither is known: who
    /// proposes a change must not get round what the host says.
    #[must_use]
    pub fn with_fact(mut self, name: impl Into<String>, fact: impl Into<Fact>) -> Self {
        self.facts.insert(name.into(), fact.into());
        self
    }

    /// Sets how much of a rate or budget was used since the moment that
    /// [`Policy::usages`](super::Policy::usages) names. A rate or budget of which this is not said
    /// counts as used up, a limit as used by nobody else.
    #[must_use]
    pub fn with_used(mut self, limit: impl Into<String>, count: u64) -> Self {
        self.used.insert(limit.into(), count);
        self
    }

    /// How many rows of a side a plan can speak of, if that is more than a claim.
    pub(crate) fn covered_rows(&self, plan: &Plan, target: Side) -> Option<u64> {
        let [expected, actual] = self.rows;
        let known = if target == Side::Expected { expected } else { actual };
        let impact = plan.impact(target);
        known.or((!impact.claimed).then_some(impact.covered_rows))
    }

    /// Who asks.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// How many records both sides had when they last agreed, if that was said.
    pub fn agreed_rows(&self) -> Option<u64> {
        self.agreed_rows
    }

    /// When.
    pub fn now(&self) -> i64 {
        self.now
    }
}
