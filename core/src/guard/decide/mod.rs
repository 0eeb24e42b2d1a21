//! A plan held against a policy.
//!
//! order: view → group → matching → limits → combine → decision

mod combine;
mod decision;
mod group;
mod limits;
mod matching;
mod view;

#[cfg(test)]
mod tests;

pub use combine::{ChangeDecision, NOTHING_MATCHES, R3_ASKS, SHARED_ID_ASKS};
pub use decision::Decision;
pub(crate) use limits::Measured;
pub use limits::{Breach, Count, Use};
use matching::Candidate;
pub(crate) use matching::{Doubt, Hit};
pub(crate) use view::View;

use std::collections::BTreeMap;

use super::facts::Origin;
use super::outcome::{Outcome, unite};
use super::policy::{Policy, PolicyRule};
use super::request::Request;
use crate::plan::{Plan, operation_name};
use crate::reconcile::Side;
use group::{Groups, group};
use limits::{Sizes, measure, splits, windows};

impl Policy {
    /// What this policy says of a plan.
    ///
    /// Changes that no rule can tell apart are decided once, so a large plan of like changes costs
    /// little more than looking at each of them.
    ///
    /// ```
    /// use trueup::guard::{Actor, Outcome, Policy, Request};
    /// use trueup::{FieldValue, Impact, Operation, Origin, Plan, PlannedChange, Provenance, Side};
    ///
    /// let read = Provenance::read("intune", "devices").with_read_id("r-17");
    /// let delete = PlannedChange::new(Side::Actual, Operation::Delete)
    ///     .with_key([FieldValue::new("serial", "A1")]);
    /// let plan = Plan::propose(Origin::new("cleanup", &read), [Impact::new(Side::Actual, 200)], vec![delete])?;
    ///
    /// let request = Request::new(Actor::new("agent:sync"), 1_767_225_600_000);
    /// let decision = Policy::standard()?.decide(&plan, &request);
    /// assert_eq!(decision.outcome(), Outcome::Ask);
    /// assert_eq!(decision.asks()[0].to_string(), "2 people with role `owner`");
    /// # Ok::<(), trueup::Error>(())
    /// ```
    pub fn decide(&self, plan: &Plan, request: &Request) -> Decision {
        Work::of(self, plan, request).decision(self, plan, request)
    }

    /// The rates, budgets and limits that there are for a plan, with the moment since which what was
    /// used counts.
    ///
    /// The store answers with [`Request::with_used`]; a decision says in [`Decision::uses`] what a
    /// plan takes.
    pub fn usages(&self, plan: &Plan, now: i64) -> Vec<Use> {
        let of = |rule| {
            let split = Side::BOTH.into_iter().flat_map(move |side| splits(rule, plan, side, now));
            windows(rule, now).into_iter().chain(split)
        };
        self.rules().iter().flat_map(of).collect()
    }
}

/// Everything on the way to a decision.
pub(crate) struct Work {
    groups: Groups,
    /// The rules that each group meets.
    pub(crate) hits: Vec<Vec<Hit>>,
    pub(crate) measured: Measured,
}

impl Work {
    /// Groups, matches and measures.
    pub(crate) fn of(policy: &Policy, plan: &Plan, request: &Request) -> Self {
        let candidates = matching::candidates(policy, request);
        let used = used(policy, &candidates);
        let groups = group(plan, &seen(policy, &used));
        let hits = hits(policy, plan, request, &groups, &candidates, &used);
        let sizes = sizes(policy, plan, &groups, &hits);
        let measured = measure(policy, plan, request, &sizes);
        Self { groups, hits, measured }
    }

    /// The first change of each group.
    pub(crate) fn firsts(&self) -> impl Iterator<Item = usize> {
        self.groups.groups.iter().map(|(first, _)| *first)
    }

    fn decision(self, policy: &Policy, plan: &Plan, request: &Request) -> Decision {
        let changes = self.firsts().filter_map(|first| plan.changes().get(first));
        let combined = changes
            .zip(&self.hits)
            .map(|(change, hits)| combine::combine(policy, change, hits, &self.measured));
        let groups: Vec<ChangeDecision> = combined.collect();
        let duties = Duties::of(policy, &self.hits);
        let Measured { counts, uses, lifted, changes_at, .. } = self.measured;
        let glass = request.lifted.as_ref().filter(|_| !lifted.is_empty());
        let (lifted_until, opening) =
            (glass.map(|glass| glass.until), glass.map(|glass| glass.opening));
        let last = request.now.saturating_add(policy.valid());
        Decision {
            plan: plan.digest(),
            policy: policy.hash(),
            requester: request.actor.clone(),
            environment: request.environment.clone(),
            at: request.now,
            valid_until: [changes_at, lifted_until].into_iter().flatten().fold(last, i64::min),
            outcome: groups.iter().map(ChangeDecision::outcome).max().unwrap_or(Outcome::Allow),
            asks: unite(groups.iter().flat_map(ChangeDecision::asks)),
            groups,
            of: self.groups.of,
            counts,
            uses,
            lifted,
            opening,
            timeout: duties.timeout,
            evidence: duties.evidence,
            stale_share: policy.stale_share(),
        }
    }
}

/// The places of the facts that the conditions of these rules speak of, in order.
fn used(policy: &Policy, candidates: &[usize]) -> Vec<usize> {
    let mut is_used = vec![false; policy.catalogue().origins.len()];
    let rules = candidates.iter().filter_map(|place| policy.rules().get(*place));
    for place in rules.filter_map(|rule| rule.when.as_ref()).flat_map(|when| when.uses()) {
        if let Some(is_used) = is_used.get_mut(*place) {
            *is_used = true;
        }
    }
    (0..).zip(is_used).filter(|(_, is_used)| *is_used).map(|(place, _)| place).collect()
}

/// The rules that the first change of each group meets.
fn hits(
    policy: &Policy,
    plan: &Plan,
    request: &Request,
    groups: &Groups,
    candidates: &[usize],
    used: &[usize],
) -> Vec<Vec<Hit>> {
    let origins = &policy.catalogue().origins;
    let mut of_kinds = BTreeMap::<(&str, &str), Vec<Candidate>>::new();
    let firsts = groups.groups.iter().filter_map(|(first, _)| plan.changes().get(*first));
    firsts
        .map(|change| {
            let candidates = of_kinds
                .entry((change.target().name(), operation_name(change.operation())))
                .or_insert_with(|| matching::of_change(policy, candidates, plan, change));
            let known = View { origins, plan, request, change }.known(used);
            matching::hits(policy, candidates, &known)
        })
        .collect()
}

/// The facts of changes that rules can see, of those that conditions speak of.
fn seen<'a>(policy: &'a Policy, used: &[usize]) -> Vec<&'a Origin> {
    let origins = &policy.catalogue().origins;
    let spoken_of =
        used.iter().filter_map(|place| origins.get(*place)).filter(|o| o.is_of_change());
    // What the built-in rule sees is always seen.
    let always = origins.iter().filter(|o| matches!(o, Origin::Flag(name) if name == "shares_id"));
    spoken_of.chain(always).collect()
}

/// How many changes of each side each counting rule meets; rules in the order of the policy.
fn sizes(policy: &Policy, plan: &Plan, groups: &Groups, hits: &[Vec<Hit>]) -> Vec<(usize, Sizes)> {
    let mut found = BTreeMap::<usize, Sizes>::new();
    for ((first, size), hits) in groups.groups.iter().zip(hits) {
        let on_expected = plan.changes().get(*first).is_some_and(|c| c.target() == Side::Expected);
        for hit in hits
            .iter()
            .filter(|hit| policy.rules().get(hit.rule).is_some_and(PolicyRule::has_limit))
        {
            let [expected, actual] = found.entry(hit.rule).or_default();
            *(if on_expected { expected } else { actual }) += size;
        }
    }
    found.into_iter().collect()
}

/// What must be kept to, whatever the outcome.
struct Duties {
    timeout: Option<i64>,
    evidence: Vec<String>,
}

impl Duties {
    fn of(policy: &Policy, hits: &[Vec<Hit>]) -> Self {
        let mut places: Vec<usize> = hits.iter().flatten().map(|hit| hit.rule).collect();
        places.sort_unstable();
        places.dedup();
        let rules: Vec<&PolicyRule> =
            places.iter().filter_map(|place| policy.rules().get(*place)).collect();
        let mut evidence: Vec<String> =
            rules.iter().flat_map(|rule| rule.evidence.clone()).collect();
        evidence.sort_unstable();
        evidence.dedup();
        Self { timeout: rules.iter().filter_map(|rule| rule.timeout).min(), evidence }
    }
}
