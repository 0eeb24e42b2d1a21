//! Approvals: a question put to people, their answers, and what these come to.
//!
//! order: answer → refusal → voices → seats → grant

mod answer;
mod grant;
mod refusal;
mod seats;
mod voices;

pub use answer::{Answer, Approval, Approver, Binding, Vouched};
pub(crate) use grant::Granting;
#[cfg(feature = "store")]
pub(crate) use grant::Terms;
pub use grant::{Grant, GrantedBy};
pub use refusal::Refusal;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use trueup_connector::{Error, Kind, Result};

use super::decide::Decision;
use super::outcome::{Ask, Outcome};
use super::party::{folded, is_untidy};
use super::request::Actor;
use voices::{Voice, may_sit, voices};

/// No policy asks for more people at once.
const MOST_ASKED: u32 = 20;

/// Checks a signature: the person, the key it names, the bytes that were signed, the signature.
pub type Verify<'a> = &'a dyn Fn(&Approver, &str, &[u8], &[u8]) -> bool;

/// A question put to people: what they answer is bound to it.
///
/// ```
/// use trueup::guard::{Actor, Answer, Approval, Approver, Policy, Request, Standing};
/// # use trueup::{FieldValue, Impact, Operation, Origin, Plan, PlannedChange, Provenance, Side};
/// # let read = Provenance::read("intune", "devices").with_read_id("r-17");
/// # let delete = PlannedChange::new(Side::Actual, Operation::Delete).with_key([FieldValue::new("serial", "A1")]);
/// # let plan = Plan::propose(Origin::new("cleanup", &read), [Impact::new(Side::Actual, 200)], vec![delete])?;
///
/// let now = 1_767_225_600_000;
/// let request = Request::new(Actor::new("agent:sync").on_behalf_of("person:ana"), now);
/// let asked = Policy::standard()?.decide(&plan, &request).asked()?;
///
/// let yes = |person: &str| {
///     let approver = Approver::new(person, ["owner"]);
///     Approval::new(Answer::Approve, approver, asked.binding().clone(), now).attested("desk")
/// };
/// // Ana asks for it herself, so hers does not count.
/// let answers = [yes("person:bo"), yes("person:ana"), yes("person:cy")];
/// let none_signed = |_: &Approver, _: &str, _: &[u8], _: &[u8]| false;
/// assert!(matches!(asked.standing(&answers[..2], now, &none_signed), Standing::Waiting { .. }));
/// assert!(matches!(asked.standing(&answers, now, &none_signed), Standing::Granted(_)));
/// # Ok::<(), trueup::Error>(())
/// ```
/// A question may be kept as data while people think. Whoever alters it there gets nothing by it: its
/// end, who is asked and who asks are part of what every answer is bound to and every signature is
/// over, and the executor asks the policy again. A host that vouches for answers itself
/// ([`Vouched::Attested`]) can of course make up answers, too: only signatures are proof against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Binding", into = "Binding")]
pub struct Asked(pub(crate) Binding);

/// What the answers to a question come to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Standing {
    /// All said yes who must.
    Granted(Grant),
    /// Answers are missing, or it is too early.
    Waiting {
        /// Who is still missing.
        missing: Vec<Ask>,
        /// Somebody deferred it until then.
        not_before: Option<i64>,
    },
    /// Somebody said no.
    Rejected {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// The question is over.
    Expired {
        /// Since when.
        at: i64,
    },
}

impl Decision {
    /// The question that this decision puts to people. If it asks nobody, it is granted at once.
    ///
    /// # Errors
    /// `forbidden` if the plan is denied: nobody can approve that; `invalid` for a requester whose name
    /// could pass for another.
    pub fn asked(&self) -> Result<Asked> {
        if self.outcome() == Outcome::Deny {
            let first = self.groups().find(|(group, _)| group.outcome() == Outcome::Deny);
            let rules = first.map(|(group, _)| group.rules().join("`, `")).unwrap_or_default();
            let message =
                format!("the plan is denied (rules `{rules}`); narrow it, or explain the decision");
            return Err(Error::new(Kind::Forbidden, message));
        }
        self.requester().check_names()?;
        let within = self
            .asks()
            .iter()
            .map(|ask| ask.within)
            .min()
            .filter(|_| self.outcome() == Outcome::Ask);
        let asks = if within.is_some() { self.asks().to_vec() } else { Vec::new() };
        let expires = within.map_or(self.valid_until(), |within| self.at().saturating_add(within));
        Ok(Asked(Binding {
            requester: self.requester().clone(),
            environment: self.environment().to_owned(),
            plan: self.plan(),
            against: self.against(),
            policy: self.policy(),
            asks,
            asked_at: self.at(),
            expires,
        }))
    }
}

impl From<Asked> for Binding {
    fn from(asked: Asked) -> Self {
        asked.0
    }
}

impl TryFrom<Binding> for Asked {
    type Error = Error;

    /// A question that was kept as data.
    fn try_from(binding: Binding) -> Result<Self> {
        let people = |ask: &Ask| (1..=MOST_ASKED).contains(&ask.count) && !ask.roles.is_empty();
        let within = binding.asks.iter().map(|ask| ask.within).min();
        let long = binding.expires.checked_sub(binding.asked_at);
        match binding.asks.iter().all(people) && (within.is_none() || within == long) {
            true => Ok(Self(binding)),
            false => {
                let message =
                    "the question was never put like this: it was altered since; ask again";
                Err(Error::new(Kind::Data, message))
            }
        }
    }
}

impl Asked {
    /// What answers must be bound to.
    pub fn binding(&self) -> &Binding {
        &self.0
    }

    /// Who asks.
    pub fn requester(&self) -> &Actor {
        &self.0.requester
    }

    /// Who must answer, escalations left aside.
    pub fn asks(&self) -> &[Ask] {
        &self.0.asks
    }

    /// When the question was put.
    pub fn at(&self) -> i64 {
        self.0.asked_at
    }

    /// Why an answer counts for nothing, if so; `before` are the answers given already, as they may
    /// have brought more roles into play.
    pub fn refuses(
        &self,
        approval: &Approval,
        before: &[Approval],
        now: i64,
        verify: Verify<'_>,
    ) -> Option<Refusal> {
        let asks = self.all_asks(&self.accepted(before, now, verify));
        self.refuses_all(approval, now, verify).or_else(|| no_role(approval, &asks))
    }

    /// What the answers come to now. Those that [`Asked::refuses`] count for nothing.
    pub fn standing(&self, answers: &[Approval], now: i64, verify: Verify<'_>) -> Standing {
        match self.tally(answers, now, verify) {
            Tally::Met { people, asks } => {
                let by =
                    if people.is_empty() { GrantedBy::Policy } else { GrantedBy::People(people) };
                let answers = self.counted(answers, &asks, now, verify);
                let grant = Grant::new(&self.granting(&asks), self.0.expires, by);
                Standing::Granted(grant.resting_on(answers))
            }
            Tally::Not(standing) => standing,
        }
    }

    /// The answers that count, in the order of their moments.
    pub(crate) fn counted(
        &self,
        answers: &[Approval],
        asks: &[Ask],
        now: i64,
        verify: Verify<'_>,
    ) -> Vec<Approval> {
        let accepted = self.accepted(answers, now, verify).into_iter();
        accepted.filter(|answer| no_role(answer, asks).is_none()).cloned().collect()
    }

    pub(crate) fn granting<'a>(&'a self, asks: &'a [Ask]) -> Granting<'a> {
        let Binding { plan, against, policy, requester, environment, .. } = &self.0;
        let (plan, against, policy) = (*plan, *against, *policy);
        Granting { plan, against, policy, requester, environment, asks }
    }

    pub(crate) fn tally(&self, answers: &[Approval], now: i64, verify: Verify<'_>) -> Tally {
        if now >= self.0.expires {
            return Tally::Not(Standing::Expired { at: self.0.expires });
        }
        let accepted = self.accepted(answers, now, verify);
        let asks = self.all_asks(&accepted);
        let mut last = last_of_each(accepted);
        last.retain(|answer| no_role(answer, &asks).is_none());
        if self.overriding(&last) < 2
            && let Some(standing) = stopped(&last, &asks, now)
        {
            return Tally::Not(standing);
        }
        let voices = saying_yes(&last);
        let missing = seats::missing(&asks, &voices);
        match missing.is_empty() {
            true => {
                let people = voices.iter().map(|voice| voice.person().to_owned());
                Tally::Met { people: people.collect(), asks }
            }
            false => Tally::Not(Standing::Waiting { missing, not_before: None }),
        }
    }

    /// How many voices override; those whom only an escalation asks do not.
    fn overriding(&self, last: &[&Approval]) -> usize {
        let overrides = last.iter().filter(|a| matches!(a.answer, Answer::Override { .. }));
        let asked = overrides.filter(|a| no_role(a, self.asks()).is_none());
        voices(asked.map(|a| &a.approver)).len()
    }

    /// The answers that count, whatever the roles, in the order of their moments.
    fn accepted<'a>(
        &self,
        answers: &'a [Approval],
        now: i64,
        verify: Verify<'_>,
    ) -> Vec<&'a Approval> {
        let mut found: Vec<&Approval> = answers
            .iter()
            .filter(|answer| self.refuses_all(answer, now, verify).is_none())
            .collect();
        found.sort_by_key(|answer| (answer.at, answer.answer.weight()));
        found
    }

    /// The asks of the decision, and one more person for each escalation by somebody whom it asks.
    fn all_asks(&self, accepted: &[&Approval]) -> Vec<Ask> {
        let within = self.0.expires.saturating_sub(self.at());
        let asked = accepted.iter().filter(|a| no_role(a, self.asks()).is_none());
        let escalations = asked.filter_map(|a| match &a.answer {
            Answer::Escalate { roles, .. } => {
                Some((folded(a.approver.person()), Ask::new(roles.clone(), 1, within)))
            }
            _ => None,
        });
        let mut asks = self.asks().to_vec();
        // Saying the same twice asks nobody more.
        for (_, more) in escalations.collect::<BTreeSet<_>>() {
            match asks.iter_mut().find(|ask| ask.roles == more.roles) {
                Some(ask) => ask.count = ask.count.saturating_add(1),
                None => asks.push(more),
            }
        }
        asks.sort_unstable();
        asks
    }

    fn refuses_all(&self, approval: &Approval, now: i64, verify: Verify<'_>) -> Option<Refusal> {
        self.refuses_binding(&approval.binding)
            .or_else(|| self.refuses_time(approval, now))
            .or_else(|| self.refuses_person(&approval.approver))
            .or_else(|| approval.answer.lacks().map(Refusal::Lacks))
            .or_else(|| unvouched(approval, verify))
    }

    fn refuses_binding(&self, binding: &Binding) -> Option<Refusal> {
        let checks = [
            (binding.plan != self.0.plan, Refusal::OtherPlan),
            (binding.policy != self.0.policy, Refusal::OtherPolicy),
            (binding.against != self.0.against, Refusal::Moved),
            (binding.expires != self.0.expires, Refusal::OtherExpiry),
            (binding.requester != self.0.requester, Refusal::OtherRequester),
            (*binding != self.0, Refusal::OtherQuestion),
        ];
        checks.into_iter().find(|(wrong, _)| *wrong).map(|(_, refusal)| refusal)
    }

    fn refuses_time(&self, approval: &Approval, now: i64) -> Option<Refusal> {
        let (at, expired) = (approval.at, self.0.expires);
        if now >= expired || at >= expired {
            return Some(Refusal::Late { expired });
        }
        (at < self.at() || at > now).then_some(Refusal::Misdated { at })
    }

    fn refuses_person(&self, approver: &Approver) -> Option<Refusal> {
        let person = approver.person().to_owned();
        if approver.actor.chain().len() != 1
            || !person.starts_with("person:")
            || person == "person:"
        {
            return Some(Refusal::NoPerson { actor: approver.actor.to_string() });
        }
        let mut names = std::iter::once(&person).chain(&approver.delegate_of);
        if let Some(name) = names.find(|name| is_untidy(name)) {
            return Some(Refusal::Untidy { name: name.clone() });
        }
        if self.requester().includes(&person) {
            return Some(Refusal::Requester { person });
        }
        let of = approver.delegate_of.iter().find(|of| self.requester().includes(of));
        of.map(|of| Refusal::Delegate { person, of: of.clone() })
    }
}

/// What a count of answers gives.
pub(crate) enum Tally {
    Met { people: Vec<String>, asks: Vec<Ask> },
    Not(Standing),
}

fn no_role(approval: &Approval, asks: &[Ask]) -> Option<Refusal> {
    let asked = asks.iter().any(|ask| may_sit(&approval.approver, ask));
    (!asked).then(|| Refusal::NoRole { person: approval.approver.person().to_owned() })
}

fn unvouched(approval: &Approval, verify: Verify<'_>) -> Option<Refusal> {
    match &approval.vouched {
        Vouched::Nobody => Some(Refusal::Unvouched),
        Vouched::Attested { by } => by.is_empty().then_some(Refusal::Unvouched),
        Vouched::Signed { key, signature } => {
            let good = verify(&approval.approver, key, &approval.to_sign(), signature);
            (!good).then(|| Refusal::BadSignature { key: key.clone() })
        }
    }
}

/// Each person's last answer that is no escalation, in the order of the people's names. It takes the
/// place of what they said before whatever their roles are now.
fn last_of_each(answers: Vec<&Approval>) -> Vec<&Approval> {
    let said = answers.into_iter().filter(|a| !matches!(a.answer, Answer::Escalate { .. }));
    let by_person = said.map(|answer| (folded(answer.approver.person()), answer));
    by_person.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// A rejection, or a deferral that is not over.
fn stopped(last: &[&Approval], asks: &[Ask], now: i64) -> Option<Standing> {
    let rejected = last.iter().find_map(|approval| match &approval.answer {
        Answer::Reject { reason } => Some(Standing::Rejected {
            by: approval.approver.person().to_owned(),
            reason: reason.clone(),
        }),
        _ => None,
    });
    rejected.or_else(|| {
        let deferred = last.iter().filter_map(|approval| match approval.answer {
            Answer::Defer { until } if until > now => Some(until),
            _ => None,
        });
        let not_before = Some(deferred.max()?);
        Some(Standing::Waiting { missing: seats::missing(asks, &saying_yes(last)), not_before })
    })
}

/// The voices that said yes.
fn saying_yes<'a>(last: &[&'a Approval]) -> Vec<Voice<'a>> {
    let yes = last.iter().filter(|a| matches!(a.answer, Answer::Approve | Answer::Override { .. }));
    voices(yes.map(|approval| &approval.approver))
}
