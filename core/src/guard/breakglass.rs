//! Break-glass: limits and freezes lifted for a few hours, by two people, for a reason.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use trueup_connector::record::canonical::frame;
use trueup_connector::{Error, Hash, Kind, Result, hex, suggest};

use super::approval::{Approval, Asked, Binding, Grant, GrantedBy, Standing, Tally, Verify};
use super::decide::Decision;
use super::moment;
use super::outcome::Ask;
use super::policy::Policy;
use super::request::{Actor, Lifted, Request};
use crate::plan::Plan;
use crate::reconcile::canonical_json;

/// The longest that break-glass may be open: four hours, in milliseconds.
pub const LONGEST_OPENING: i64 = 4 * 3_600_000;
/// A review is due so long after a grant: 48 hours, in milliseconds.
pub const REVIEW_WITHIN: i64 = 48 * 3_600_000;

/// What somebody wants lifted, for whom, until when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Who will work while it is open.
    pub requester: Actor,
    /// The ids of the rules whose limits, windows and freezes are lifted.
    pub lifts: Vec<String>,
    /// Why.
    pub reason: String,
    /// The first moment of it, in milliseconds since the Unix epoch.
    pub from: i64,
    /// The first moment after it.
    pub until: i64,
}

impl Opening {
    /// The question whether to open: two people must say yes, as for any plan that asks two.
    ///
    /// # Errors
    /// `forbidden` for more than four hours, no reason, or a rule that cannot be lifted: one that is
    /// not there, has no limit, or says `never`; `invalid` for a requester whose name could pass for
    /// another.
    pub fn asked(&self, policy: &Policy) -> Result<Asked> {
        self.check()?;
        self.requester.check_names()?;
        self.lifts.iter().try_for_each(|id| check_rule(policy, id))?;
        let digest = self.digest();
        Ok(Asked(Binding {
            requester: self.requester.clone(),
            environment: String::new(),
            plan: digest,
            against: digest,
            policy: policy.hash(),
            asks: vec![Ask::new(policy.break_glass_roles().to_vec(), 2, self.until - self.from)],
            asked_at: self.from,
            expires: self.until,
        }))
    }

    /// Names the opening (`docs/spec/policy.md`).
    pub fn digest(&self) -> Hash {
        let mut lifts = self.lifts.clone();
        lifts.sort_unstable();
        lifts.dedup();
        let body = json!({
            "from": self.from.to_string(),
            "lifts": lifts,
            "reason": self.reason,
            "requester": self.requester.chain(),
            "until": self.until.to_string(),
        });
        let mut bytes = Vec::new();
        frame(&mut bytes, b"trueup/opening/1");
        frame(&mut bytes, &canonical_json(&body));
        Sha256::digest(&bytes).into()
    }

    fn check(&self) -> Result<()> {
        let long = self.until.checked_sub(self.from);
        match long {
            _ if self.reason.trim().is_empty() => refused("break-glass needs a reason"),
            _ if self.lifts.is_empty() => {
                refused("break-glass names the rules whose limits it lifts; none is named")
            }
            Some(long) if long <= 0 => refused("break-glass ends before it begins"),
            Some(long) if long <= LONGEST_OPENING => Ok(()),
            _ => refused(
                "break-glass is open for four hours at most; open it again when they are over",
            ),
        }
    }
}

fn check_rule(policy: &Policy, id: &str) -> Result<()> {
    let Some(rule) = policy.rules().iter().find(|rule| *rule.id == *id) else {
        return refused(format!("there is no rule `{id}`{}", suggest(id, policy.rule_ids())));
    };
    match rule {
        rule if rule.never => {
            refused(format!("rule `{id}` says `never`: break-glass cannot lift it"))
        }
        rule if !rule.has_limit() => refused(format!(
            "rule `{id}` has no limit, window or freeze: break-glass lifts nothing else"
        )),
        _ => Ok(()),
    }
}

/// Break-glass that two people opened.
///
/// It lifts what its [`Opening`] names and nothing else: no `never` rule, no other denial, and nobody
/// who must be asked. Each plan gets one grant of it at most, and each grant a review.
#[derive(Clone, Debug, PartialEq)]
pub struct BreakGlass {
    opening: Opening,
    policy: Hash,
    people: Vec<String>,
}

/// What must be looked at afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Review {
    /// The opening.
    pub opening: Hash,
    /// The plan that was granted under it.
    pub plan: Hash,
    /// The grant.
    pub grant: Hash,
    /// When the review is due, in milliseconds since the Unix epoch.
    pub due: i64,
}

impl BreakGlass {
    /// Opens it, if two people said yes to [`Opening::asked`].
    ///
    /// # Errors
    /// Those of [`Opening::asked`]; `forbidden` outside the hours, or where people are missing, said
    /// no, or are not eligible.
    pub fn open(
        policy: &Policy,
        opening: Opening,
        answers: &[Approval],
        now: i64,
        verify: Verify<'_>,
    ) -> Result<Self> {
        let asked = opening.asked(policy)?;
        opening.check_hours(now)?;
        match asked.tally(answers, now, verify) {
            Tally::Met { people, .. } => Ok(Self { opening, policy: policy.hash(), people }),
            Tally::Not(standing) => refused(not_granted(&standing)),
        }
    }

    /// What it lifts, for whom and why.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Who opened it.
    pub fn people(&self) -> &[String] {
        &self.people
    }

    /// What a policy says of a plan while this is open.
    ///
    /// # Errors
    /// `forbidden` outside its hours, for another requester, or where the policy was changed since.
    pub fn decide(&self, policy: &Policy, plan: &Plan, request: &Request) -> Result<Decision> {
        self.opening.check_hours(request.now())?;
        if *request.actor() != self.opening.requester {
            return refused(format!(
                "break-glass was opened for `{}`; open one for yourself",
                self.opening.requester
            ));
        }
        if policy.hash() != self.policy {
            return refused("the policy was changed since break-glass was opened; open it again");
        }
        let (until, opening) = (self.opening.until, self.opening.digest());
        let lifted = Lifted { rules: self.opening.lifts.clone(), until, opening };
        let request = Request { lifted: Some(lifted), ..request.clone() };
        Ok(policy.decide(plan, &request))
    }

    /// The one grant that a plan gets under this opening, and the review that it brings.
    ///
    /// `decision` is that of [`BreakGlass::decide`] and `answers` those to its question; `granted` are
    /// the plans that already got theirs.
    ///
    /// # Errors
    /// `forbidden` with the reason.
    pub fn grant(
        &self,
        decision: &Decision,
        answers: &[Approval],
        granted: &BTreeSet<Hash>,
        now: i64,
        verify: Verify<'_>,
    ) -> Result<(Grant, Review)> {
        self.opening.check_hours(now)?;
        if granted.contains(&decision.plan()) {
            return refused("the plan already got its one grant under this break-glass");
        }
        let other = decision.opening().is_some_and(|opening| opening != self.opening.digest());
        if other
            || decision.policy() != self.policy
            || *decision.requester() != self.opening.requester
        {
            return refused("the decision was not taken under this break-glass; decide again");
        }
        if now >= decision.valid_until() {
            return refused("the decision holds no longer; decide again");
        }
        let asked = decision.asked()?;
        match asked.tally(answers, now, verify) {
            Tally::Met { people, asks } => {
                let answers = asked.counted(answers, &asks, now, verify);
                let (grant, review) = self.mint(&asked, people, &asks, now);
                Ok((grant.resting_on(answers), review))
            }
            Tally::Not(standing) => refused(not_granted(&standing)),
        }
    }

    fn mint(
        &self,
        asked: &Asked,
        approved: Vec<String>,
        asks: &[Ask],
        now: i64,
    ) -> (Grant, Review) {
        let (opening, review_by) = (self.opening.digest(), now.saturating_add(REVIEW_WITHIN));
        let mut people: Vec<String> = self.people.iter().cloned().chain(approved).collect();
        people.sort_unstable();
        people.dedup();
        let expires = self.opening.until.min(asked.binding().expires);
        let by = GrantedBy::BreakGlass { people, opening, review_by };
        let grant = Grant::new(&asked.granting(asks), expires, by);
        let review = Review { opening, plan: grant.plan(), grant: grant.id(), due: review_by };
        (grant, review)
    }
}

impl Opening {
    fn check_hours(&self, now: i64) -> Result<()> {
        match (self.from..self.until).contains(&now) {
            true => Ok(()),
            false => {
                let (from, until) = (moment::text(self.from), moment::text(self.until));
                refused(format!("break-glass is open from {from} until {until}, which is not now"))
            }
        }
    }
}

fn not_granted(standing: &Standing) -> String {
    match standing {
        Standing::Rejected { by, reason } => format!("`{by}` said no: {reason}"),
        Standing::Expired { at } => format!("the question was over at {}", moment::text(*at)),
        Standing::Waiting { not_before: Some(at), .. } => {
            format!("it was deferred until {}", moment::text(*at))
        }
        Standing::Waiting { missing, .. } => {
            let missing: Vec<String> = missing.iter().map(Ask::to_string).collect();
            format!("approvals are missing: {}", missing.join(" and "))
        }
        Standing::Granted(grant) => format!("grant {} is there", hex(&grant.id())),
    }
}

fn refused<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new(Kind::Forbidden, message))
}
