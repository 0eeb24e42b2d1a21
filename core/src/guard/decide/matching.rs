//! Which rules match which changes.

use super::super::condition::Fault;
use super::super::policy::{Policy, PolicyRule, fits};
use super::super::request::Request;
use super::view::Known;
use crate::plan::Plan;

/// A rule that matches, or that may: then its condition has no value, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hit {
    /// The rule's place in the policy.
    pub(crate) rule: usize,
    pub(crate) fault: Option<Fault>,
}

/// The rules, by their place, that may match some change of this plan and request.
pub(crate) fn candidates(policy: &Policy, plan: &Plan, request: &Request) -> Vec<usize> {
    let rules = policy.rules().iter().enumerate();
    rules.filter(|(_, rule)| concerns(rule, plan, request)).map(|(place, _)| place).collect()
}

fn concerns(rule: &PolicyRule, plan: &Plan, request: &Request) -> bool {
    let matcher = &rule.matcher;
    let behind = request.actor.chain().get(1..).unwrap_or_default();
    fits(&matcher.actor, request.actor.acting())
        && fits(&matcher.resource, &plan.origin().resource)
        && fits(&matcher.environment, &request.environment)
        && (matcher.on_behalf_of.is_empty()
            || behind.iter().any(|party| fits(&matcher.on_behalf_of, party)))
}

/// Those of the candidates that are for this action.
pub(crate) fn of_action(policy: &Policy, candidates: &[usize], action: &str) -> Vec<usize> {
    let is_for = |place: &usize| {
        policy.rules().get(*place).is_some_and(|rule| fits(&rule.matcher.action, action))
    };
    candidates.iter().copied().filter(is_for).collect()
}

/// The candidates whose condition a change meets, or may.
pub(crate) fn hits(policy: &Policy, candidates: &[usize], known: &Known<'_>) -> Vec<Hit> {
    let mut found = Vec::with_capacity(candidates.len().min(8));
    for place in candidates {
        let Some(rule) = policy.rules().get(*place) else { continue };
        match rule.when.as_ref().map_or(Ok(true), |when| when.holds(known)) {
            Ok(true) => found.push(Hit { rule: *place, fault: None }),
            Ok(false) => {}
            Err(fault) => found.push(Hit { rule: *place, fault: Some(fault) }),
        }
    }
    found
}
