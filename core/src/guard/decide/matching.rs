//! Which rules match which changes.

use super::super::condition::Fault;
use super::super::policy::{Policy, PolicyRule, fits};
use super::super::request::Request;
use super::view::Known;
use crate::plan::{Plan, PlannedChange, operation_name};

/// A rule that matches, or that may: then why that is not sure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hit {
    /// The rule's place in the policy.
    pub(crate) rule: usize,
    pub(crate) doubt: Option<Doubt>,
}

/// Why it is not sure that a rule matches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Doubt {
    /// Its condition has no value.
    Condition(Fault),
    /// It names what the reconciliation calls the resource, which its system calls otherwise.
    Resource,
}

/// A rule that is for changes of some side and action, by its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    rule: usize,
    /// Whether it names the resource as the system that is written does.
    by_name: bool,
}

/// The rules, by their place, that may match some change under this request.
pub(crate) fn candidates(policy: &Policy, request: &Request) -> Vec<usize> {
    let rules = policy.rules().iter().enumerate();
    rules.filter(|(_, rule)| concerns(rule, request)).map(|(place, _)| place).collect()
}

fn concerns(rule: &PolicyRule, request: &Request) -> bool {
    let matcher = &rule.matcher;
    let behind = request.actor.chain().get(1..).unwrap_or_default();
    fits(&matcher.actor, request.actor.acting())
        && fits(&matcher.environment, &request.environment)
        && (matcher.on_behalf_of.is_empty()
            || behind.iter().any(|party| fits(&matcher.on_behalf_of, party)))
}

/// Those of the candidates that are for this change's action and resource.
///
/// The resource is what its system calls it, for that is what is written. A rule that fits only what
/// the reconciliation calls it is in doubt: a free choice of words must neither permit nor evade.
pub(crate) fn of_change(
    policy: &Policy,
    candidates: &[usize],
    plan: &Plan,
    change: &PlannedChange,
) -> Vec<Candidate> {
    let action = operation_name(change.operation());
    let (written, called) = (plan.resource(change.target()), &plan.origin().resource);
    let candidate = |rule: usize| {
        let matcher = &policy.rules().get(rule)?.matcher;
        let by_name = fits(&matcher.resource, written);
        let concerned = by_name || fits(&matcher.resource, called);
        (concerned && fits(&matcher.action, action)).then_some(Candidate { rule, by_name })
    };
    candidates.iter().copied().filter_map(candidate).collect()
}

/// The candidates whose condition a change meets, or may.
pub(crate) fn hits(policy: &Policy, candidates: &[Candidate], known: &Known<'_>) -> Vec<Hit> {
    let mut found = Vec::with_capacity(candidates.len().min(8));
    for Candidate { rule: place, by_name } in candidates {
        let Some(rule) = policy.rules().get(*place) else { continue };
        let named = (!by_name).then_some(Doubt::Resource);
        match rule.when.as_ref().map_or(Ok(true), |when| when.holds(known)) {
            Ok(true) => found.push(Hit { rule: *place, doubt: named }),
            Ok(false) => {}
            Err(fault) => found.push(Hit { rule: *place, doubt: Some(Doubt::Condition(fault)) }),
        }
    }
    found
}
