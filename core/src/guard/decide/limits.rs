//! What counts, clocks and calendars say: how much of a limit a plan takes, and what it breaks.

use std::sync::Arc;

use serde_json::json;

use super::super::moment;
use super::super::policy::{Policy, PolicyRule};
use super::super::request::Request;
use crate::plan::Plan;
use crate::reconcile::Side;

/// How many changes of one rule there are, on each side.
pub(crate) type Sizes = [u64; 2];

/// A limit of a rule that a plan does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Breach {
    /// Too many changes of one side.
    Scope(Count),
    /// A rate or budget would be overdrawn.
    Used(Use),
    /// It is not one of the times at which it may be done.
    Closed {
        /// When it next may be, if ever.
        opens: Option<i64>,
    },
    /// It is frozen.
    Frozen {
        /// Until when.
        until: i64,
    },
}

/// How many changes a limit counted, among how many rows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count {
    /// The rule whose limit it is.
    pub rule: Arc<str>,
    /// The side that is written.
    pub side: Side,
    /// How many changes match the rule.
    pub count: u64,
    /// How many are allowed.
    pub allowed: u64,
    /// How many rows of the side the plan can speak of.
    pub covered_rows: u64,
}

/// How much of a rate or budget is used, and how much a plan would take.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Use {
    /// `rule/rate` or `rule/budget`; of a limit `rule/limit/…` or `rule/reading/…` with what is
    /// written: what [`Request::with_used`] names.
    pub limit: String,
    /// The side that a limit is for; rates and budgets are for both.
    pub side: Option<Side>,
    /// What was used from here on counts.
    pub since: i64,
    /// When a budget begins anew; of a rate, when what is taken now is free again.
    pub until: i64,
    /// How many there may be.
    pub most: u64,
    /// How many were used before; none if that was not said.
    pub used: Option<u64>,
    /// How many this plan takes: what must be reserved when it is carried out.
    pub count: u64,
}

impl Use {
    /// Of a limit, what was not said to be used counts as not used: the plan alone is within it.
    fn is_over(&self) -> bool {
        match self.used {
            Some(used) => used.saturating_add(self.count) > self.most,
            None => self.side.is_none(),
        }
    }
}

/// What limits found: everything that was counted, and what was broken by which rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) counts: Vec<Count>,
    pub(crate) uses: Vec<Use>,
    pub(crate) breaches: Vec<(usize, Breach)>,
    /// Rules whose limits were lifted.
    pub(crate) lifted: Vec<Arc<str>>,
    /// When the first of all clocks and calendars changes.
    pub(crate) changes_at: Option<i64>,
}

/// Measures the rules that match so many changes each.
pub(crate) fn measure(
    policy: &Policy,
    plan: &Plan,
    request: &Request,
    sizes: &[(usize, Sizes)],
) -> Measured {
    let mut measured = Measured::default();
    for (place, sizes) in sizes {
        let Some(rule) = policy.rules().get(*place).filter(|rule| rule.has_limit()) else {
            continue;
        };
        let before = measured.breaches.len();
        measured.scope(*place, rule, plan, request, *sizes);
        measured.usage(*place, rule, request, sizes.iter().sum());
        measured.clocks(*place, rule, request.now);
        if is_lifted(rule, request) {
            measured.breaches.truncate(before);
            measured.lifted.push(Arc::clone(&rule.id));
        }
    }
    measured
}

/// What break-glass lifts it; a `never` rule never.
fn is_lifted(rule: &PolicyRule, request: &Request) -> bool {
    let lifted = request.lifted.as_ref().filter(|lifted| request.now < lifted.until);
    !rule.never && lifted.is_some_and(|lifted| lifted.rules.iter().any(|id| **id == *rule.id))
}

impl Measured {
    fn scope(
        &mut self,
        place: usize,
        rule: &PolicyRule,
        plan: &Plan,
        request: &Request,
        sizes: Sizes,
    ) {
        let Some(limit) = rule.limit else { return };
        for (side, count) in Side::BOTH.into_iter().zip(sizes).filter(|(_, count)| *count > 0) {
            let covered_rows = request.covered_rows(plan, side).unwrap_or(0);
            let allowed = limit.allowed(covered_rows);
            let rule_id = Arc::clone(&rule.id);
            let sum = Count { rule: rule_id, side, count, allowed, covered_rows };
            self.counts.push(sum.clone());
            for mut one in splits(rule, plan, side, request.now) {
                one.most = allowed;
                self.take(place, one, request, count);
            }
            if count > allowed {
                self.breaches.push((place, Breach::Scope(sum)));
            }
        }
    }

    fn usage(&mut self, place: usize, rule: &PolicyRule, request: &Request, count: u64) {
        for one in windows(rule, request.now) {
            self.take(place, one, request, count);
        }
    }

    fn take(&mut self, place: usize, mut one: Use, request: &Request, count: u64) {
        one.used = request.used.get(&one.limit).copied();
        one.count = count;
        self.changes(one.until);
        self.uses.push(one.clone());
        // A plan that is over its limit by itself is said to be so already.
        let alone = one.side.is_some() && count > one.most;
        if one.is_over() && !alone {
            self.breaches.push((place, Breach::Used(one)));
        }
    }

    fn clocks(&mut self, place: usize, rule: &PolicyRule, now: i64) {
        let edges = rule.windows.iter().filter_map(|window| window.next_change(now));
        let edges = edges.chain(rule.freezes.iter().filter_map(|freeze| freeze.next_change(now)));
        edges.for_each(|edge| self.changes(edge));
        if !rule.windows.is_empty() && !rule.windows.iter().any(|window| window.is_open(now)) {
            let opens = rule.windows.iter().filter_map(|window| window.next_change(now)).min();
            self.breaches.push((place, Breach::Closed { opens }));
        }
        let frozen =
            rule.freezes.iter().filter(|freeze| freeze.holds(now)).map(|freeze| freeze.to).max();
        self.breaches.extend(frozen.map(|until| (place, Breach::Frozen { until })));
    }

    fn changes(&mut self, at: i64) {
        self.changes_at = Some(self.changes_at.map_or(at, |first| first.min(at)));
    }
}

/// The rates and budgets of a rule, with the stretch of time that counts now; nothing used yet.
pub(crate) fn windows(rule: &PolicyRule, now: i64) -> Vec<Use> {
    let one = |name: &str, most: u64, since: i64, until: i64| Use {
        limit: format!("{}/{name}", rule.id),
        side: None,
        since,
        until,
        most,
        used: None,
        count: 0,
    };
    let rate = rule.rate.map(|rate| {
        one("rate", rate.count, now.saturating_sub(rate.per), now.saturating_add(rate.per))
    });
    let budget = rule.budget.as_ref().map(|budget| {
        // Outside the calendar there is no period: everything ever used counts.
        let (since, until) = budget.per.around(&budget.zone, now).unwrap_or((i64::MIN, i64::MAX));
        one("budget", budget.count, since, until)
    });
    rate.into_iter().chain(budget).collect()
}

/// What other plans did counts against a limit so long: a day, less an hour, so that a run every
/// night is never counted together with the one before.
const SPLIT_WITHIN: i64 = 23 * 3_600_000;

/// What a limit of a rule counts beside a plan itself, so that nothing is gained by splitting one: what
/// was done to the same resource of the same system lately, and on the same readings at any time.
pub(crate) fn splits(rule: &PolicyRule, plan: &Plan, side: Side, now: i64) -> Vec<Use> {
    if rule.limit.is_none() {
        return Vec::new();
    }
    let (origin, system) = (plan.origin(), plan.system(side));
    let parts = [&origin.tenant, &system.system, &system.instance, plan.resource(side)];
    let written = json!(parts).to_string();
    let readings = json!([origin.expected_read, origin.actual_read]).to_string();
    let one = |name: String, since: i64, until: i64| Use {
        limit: format!("{}/{name}", rule.id),
        side: Some(side),
        since,
        until,
        most: 0,
        used: None,
        count: 0,
    };
    let (since, until) = (now.saturating_sub(SPLIT_WITHIN), now.saturating_add(SPLIT_WITHIN));
    let lately = one(format!("limit/{written}"), since, until);
    vec![lately, one(format!("reading/{readings}/{written}"), i64::MIN, i64::MAX)]
}

impl Breach {
    /// Whether it is about changes of this side.
    pub(crate) fn concerns(&self, side: Side) -> bool {
        match self {
            Self::Scope(count) => count.side == side,
            Self::Used(Use { side: Some(of), .. }) => *of == side,
            _ => true,
        }
    }

    /// What is broken, in words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Scope(c) => {
                let Count { count, allowed, covered_rows, side, .. } = c;
                format!(
                    "{count} of {covered_rows} rows on the {side} side match, and {allowed} may"
                )
            }
            Self::Used(Use { side: Some(side), used: Some(used), count, most, .. }) => format!(
                "{used} of {most} on the {side} side were done by other plans, and the plan takes {count}"
            ),
            Self::Used(Use { limit, used: Some(used), count, most, .. }) => {
                format!("`{limit}`: {used} of {most} are used, and the plan takes {count}")
            }
            Self::Used(Use { limit, .. }) => {
                format!("`{limit}`: how much is used was not said, so none is left")
            }
            Self::Closed { opens: Some(opens) } => {
                format!("it may be done from {} on", moment::text(*opens))
            }
            Self::Closed { opens: None } => "there is no time at which it may be done".into(),
            Self::Frozen { until } => format!("it is frozen until {}", moment::text(*until)),
        }
    }
}
