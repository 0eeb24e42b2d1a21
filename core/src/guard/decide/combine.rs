//! One outcome from all rules that match: always the greatest, so order never matters.

use std::sync::Arc;

use super::super::outcome::{Ask, Outcome, Risk, unite};
use super::super::policy::{Policy, PolicyRule};
use super::limits::Measured;
use super::matching::Hit;
use crate::plan::{Fact, PlannedChange};
use crate::reconcile::Side;

/// Names what no rule of a document says: that nothing matches, is denied.
pub const NOTHING_MATCHES: &str = "trueup/nothing-matches";
/// Names what no rule of a document says: R3 always asks.
pub const R3_ASKS: &str = "trueup/r3-asks";
/// Names what no rule of a document says: a delete and a create that share an id always ask.
pub const SHARED_ID_ASKS: &str = "trueup/shared-id-asks";

/// What a policy says of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeDecision {
    pub(super) outcome: Outcome,
    pub(super) risk: Risk,
    pub(super) score: u8,
    pub(super) rules: Vec<Arc<str>>,
    pub(super) doubts: Vec<Arc<str>>,
    pub(super) asks: Vec<Ask>,
}

impl ChangeDecision {
    /// What may be done about it.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// How much could go wrong; R1 if no rule says.
    pub fn risk(&self) -> Risk {
        self.risk
    }

    /// How grave it is, 0 to 100; 0 if no rule says.
    pub fn score(&self) -> u8 {
        self.score
    }

    /// The ids of the rules that match it or may, sorted; those that stand in no document begin with
    /// `trueup/`.
    pub fn rules(&self) -> &[Arc<str>] {
        &self.rules
    }

    /// Those of the rules of which it is not sure that they match: their condition met an unknown
    /// fact or could not be computed, or they name the resource in the reconciliation's words alone.
    /// They can only raise the outcome.
    pub fn doubts(&self) -> &[Arc<str>] {
        &self.doubts
    }

    /// Who must be asked for this change.
    pub fn asks(&self) -> &[Ask] {
        &self.asks
    }
}

/// What all rules that match a change come to.
pub(super) fn combine(
    policy: &Policy,
    change: &PlannedChange,
    hits: &[Hit],
    measured: &Measured,
) -> ChangeDecision {
    let mut sum = Sum::default();
    for hit in hits {
        if let Some(rule) = policy.rules().get(hit.rule) {
            sum.add(rule, hit.doubt.is_some());
            sum.add_breaches(rule, hit.rule, change.target(), measured);
        }
    }
    sum.close(policy, change)
}

/// The greatest of everything so far.
#[derive(Default)]
struct Sum<'a> {
    outcome: Option<Outcome>,
    /// Whether a rule that surely matches has an outcome.
    licensed: bool,
    risk: Option<Risk>,
    score: u8,
    rules: Vec<Arc<str>>,
    doubts: Vec<Arc<str>>,
    asks: Vec<&'a Ask>,
}

impl<'a> Sum<'a> {
    /// A rule in doubt counts with all that raises, and with nothing that permits.
    fn add(&mut self, rule: &'a PolicyRule, in_doubt: bool) {
        self.rules.push(Arc::clone(&rule.id));
        if in_doubt {
            self.doubts.push(Arc::clone(&rule.id));
        }
        self.licensed |= rule.outcome.is_some() && !in_doubt;
        self.risk = self.risk.max(rule.risk);
        self.score = self.score.max(rule.score.unwrap_or(0));
        if rule.outcome == Some(Outcome::Ask) || rule.risk == Some(Risk::R3) {
            self.asks.push(&rule.ask);
        }
        self.outcome = self.outcome.max(rule.outcome);
    }

    fn add_breaches(
        &mut self,
        rule: &'a PolicyRule,
        place: usize,
        side: Side,
        measured: &Measured,
    ) {
        let broken =
            measured.breaches.iter().any(|(of, breach)| *of == place && breach.concerns(side));
        if broken {
            self.outcome = self.outcome.max(Some(rule.over));
            if rule.over == Outcome::Ask {
                self.asks.push(&rule.ask);
            }
        }
    }

    /// Adds what holds whatever the rules say.
    fn close(mut self, policy: &'a Policy, change: &PlannedChange) -> ChangeDecision {
        let mut outcome = self.outcome.unwrap_or(Outcome::Allow);
        if self.risk == Some(Risk::R3) && outcome == Outcome::Allow {
            outcome = Outcome::Ask;
            self.rules.push(R3_ASKS.into());
        }
        if shares_id(change) {
            outcome = outcome.max(Outcome::Ask);
            self.rules.push(SHARED_ID_ASKS.into());
            self.asks.push(policy.ask());
        }
        if !self.licensed {
            outcome = Outcome::Deny;
            self.rules.push(NOTHING_MATCHES.into());
        }
        self.rules.sort_unstable();
        let (risk, score) = (self.risk.unwrap_or(Risk::R1), self.score);
        let asks = unite(self.asks);
        ChangeDecision { outcome, risk, score, rules: self.rules, doubts: self.doubts, asks }
    }
}

/// Whether the planner says so; what it says in another way than `false` counts as yes.
fn shares_id(change: &PlannedChange) -> bool {
    change.facts().get("shares_id").is_some_and(|fact| *fact != Fact::Bool(false))
}
