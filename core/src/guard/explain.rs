//! Why a decision is as it is, and the smallest change that would make it another: worked out only
//! when somebody asks.

use std::collections::BTreeMap;
use std::fmt;

use super::condition::{Facts, Fault};
use super::decide::{Breach, Count, Doubt, Hit, Use, View, Work};
use super::moment;
use super::outcome::{Ask, Outcome};
use super::policy::{Policy, PolicyRule};
use super::request::Request;
use super::window::shown;
use crate::plan::{Plan, operation_name};

/// Why a plan is decided as it is: every rule that matches, with the facts it saw, and what could be
/// changed.
///
/// [`fmt::Display`] writes it out for people.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// What may be done about the plan.
    pub outcome: Outcome,
    /// The rules that match or may, those that weigh most first.
    pub rules: Vec<Reason>,
    /// What would alter the outcome, each the least of its kind.
    pub remedies: Vec<Remedy>,
}

/// One rule's part in a decision.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reason {
    /// The rule's id.
    pub rule: String,
    /// Why the rule is there, in the words of the document.
    pub about: Option<String>,
    /// What the rule comes to here.
    pub outcome: Option<Outcome>,
    /// How many changes it matches.
    pub changes: usize,
    /// Its condition.
    pub when: Option<String>,
    /// The facts its condition speaks of, as the first of these changes has them.
    pub facts: Vec<(String, String)>,
    /// Why it is not known whether it matches, and which limits are broken.
    pub notes: Vec<String>,
}

/// Something that would alter the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Do fewer at once.
    Narrow {
        /// The rule whose limit is broken.
        rule: String,
        /// So many of the changes that it matches may stay.
        to: u64,
        /// What was counted, in words.
        why: String,
    },
    /// Wait.
    Wait {
        /// The rule that says no now.
        rule: String,
        /// From when on it does not.
        until: i64,
        /// The same as the rule's clocks show it.
        shown: String,
    },
    /// Leave changes out.
    LeaveOut {
        /// The rule that denies them.
        rule: String,
        /// How many there are.
        changes: usize,
    },
    /// No rule lets it be done: leave these changes out, or write a rule.
    Unruled {
        /// What would be done, and to what.
        action: String,
        /// How many changes there are.
        changes: usize,
    },
    /// Say what a fact is.
    State {
        /// The rule that asks for it.
        rule: String,
        /// The fact's name.
        fact: String,
    },
    /// Ask people.
    Approve(Ask),
}

impl Policy {
    /// Why this policy decides a plan as it does.
    pub fn explain(&self, plan: &Plan, request: &Request) -> Explanation {
        let decision = self.decide(plan, request);
        let work = Work::of(self, plan, request);
        let explainer = Explainer { policy: self, plan, request, work: &work };
        let mut met = explainer.met(&decision);
        met.sort_by_key(|met| (std::cmp::Reverse(explainer.weight(met)), met.hit.rule));
        let mut remedies: Vec<Remedy> =
            met.iter().flat_map(|met| explainer.remedies(met)).collect();
        remedies.extend(explainer.unruled(&decision));
        if decision.outcome() == Outcome::Ask {
            remedies.extend(decision.asks().iter().cloned().map(Remedy::Approve));
        }
        let rules = met.iter().filter_map(|met| explainer.reason(met)).collect();
        Explanation { outcome: decision.outcome(), rules, remedies }
    }
}

/// A rule that is met, by the first change that meets it, and by how many.
struct Met {
    hit: Hit,
    first: usize,
    changes: usize,
}

struct Explainer<'a> {
    policy: &'a Policy,
    plan: &'a Plan,
    request: &'a Request,
    work: &'a Work,
}

impl<'a> Explainer<'a> {
    fn met(&self, decision: &super::decide::Decision) -> Vec<Met> {
        let mut found = BTreeMap::<(usize, bool), Met>::new();
        for ((hits, first), (_, size)) in
            self.work.hits.iter().zip(self.work.firsts()).zip(decision.groups())
        {
            for hit in hits {
                let met = found.entry((hit.rule, hit.doubt.is_some()));
                met.or_insert(Met { hit: *hit, first, changes: 0 }).changes += size;
            }
        }
        found.into_values().collect()
    }

    fn rule(&self, met: &Met) -> Option<&'a PolicyRule> {
        self.policy.rules().get(met.hit.rule)
    }

    fn breaches(&self, met: &Met) -> impl Iterator<Item = &'a Breach> {
        let rule = met.hit.rule;
        self.work
            .measured
            .breaches
            .iter()
            .filter(move |(of, _)| *of == rule)
            .map(|(_, breach)| breach)
    }

    /// What the rule comes to here: its own outcome, or what holds beyond its limit.
    fn weight(&self, met: &Met) -> Option<Outcome> {
        let rule = self.rule(met)?;
        let over = self.breaches(met).next().map(|_| rule.over);
        let own = rule.outcome.filter(|own| met.hit.doubt.is_none() || *own > Outcome::Allow);
        own.max(over)
    }

    fn reason(&self, met: &Met) -> Option<Reason> {
        let rule = self.rule(met)?;
        let doubt = met.hit.doubt.map(|doubt| self.doubt(doubt, met.first));
        Some(Reason {
            rule: rule.id.to_string(),
            about: rule.about.clone(),
            outcome: self.weight(met),
            changes: met.changes,
            when: rule.when.as_ref().map(|when| when.text().to_owned()),
            facts: self.facts(rule, met.first),
            notes: doubt.into_iter().chain(self.breaches(met).map(Breach::words)).collect(),
        })
    }

    fn doubt(&self, doubt: Doubt, first: usize) -> String {
        match doubt {
            Doubt::Condition(Fault::Unknown(place)) => {
                format!("`{}` is not known, so it may match", self.fact_name(place))
            }
            Doubt::Condition(Fault::Failed(what)) => {
                format!("its condition cannot be computed, so it may match: {what}")
            }
            Doubt::Resource => {
                let change = self.plan.changes().get(first);
                let written = change.map_or("", |change| self.plan.resource(change.target()));
                format!("the resource is `{written}` where it is written, so it may match")
            }
        }
    }

    fn fact_name(&self, place: usize) -> &'a str {
        self.policy.catalogue().scope.name(place)
    }

    fn facts(&self, rule: &PolicyRule, first: usize) -> Vec<(String, String)> {
        let (Some(when), Some(change)) = (&rule.when, self.plan.changes().get(first)) else {
            return Vec::new();
        };
        let origins = &self.policy.catalogue().origins;
        let view = View { origins, plan: self.plan, request: self.request, change };
        let shown = |place: &usize| {
            let value =
                view.fact(*place).map_or_else(|| "not known".to_owned(), |value| value.to_string());
            (self.fact_name(*place).to_owned(), value)
        };
        when.uses().iter().map(shown).collect()
    }

    fn remedies(&self, met: &Met) -> Vec<Remedy> {
        let Some(rule) = self.rule(met) else { return Vec::new() };
        let mut found: Vec<Remedy> =
            self.breaches(met).filter_map(|breach| remedy(rule, breach)).collect();
        if let Some(Doubt::Condition(Fault::Unknown(place))) = met.hit.doubt {
            found.push(Remedy::State {
                rule: rule.id.to_string(),
                fact: self.fact_name(place).to_owned(),
            });
        } else if rule.outcome == Some(Outcome::Deny) {
            found.push(Remedy::LeaveOut { rule: rule.id.to_string(), changes: met.changes });
        }
        found
    }

    /// What no rule lets be done, one remedy an action.
    fn unruled(&self, decision: &super::decide::Decision) -> Vec<Remedy> {
        let mut found = BTreeMap::<String, usize>::new();
        for ((group, size), first) in decision.groups().zip(self.work.firsts()) {
            let nothing = group.rules().iter().any(|id| &**id == super::decide::NOTHING_MATCHES);
            if let Some(change) = self.plan.changes().get(first).filter(|_| nothing) {
                let resource = self.plan.resource(change.target());
                let action = format!("{} {resource}", operation_name(change.operation()));
                *found.entry(action).or_default() += size;
            }
        }
        found.into_iter().map(|(action, changes)| Remedy::Unruled { action, changes }).collect()
    }
}

fn remedy(rule: &PolicyRule, breach: &Breach) -> Option<Remedy> {
    let (id, why) = (rule.id.to_string(), breach.words());
    let zone = rule.windows.first().map(|w| &w.zone).or(rule.freezes.first().map(|f| &f.zone));
    let wait = |until: i64| {
        let shown = zone.map_or_else(|| moment::text(until), |zone| shown(zone, until));
        Remedy::Wait { rule: rule.id.to_string(), until, shown }
    };
    match breach {
        Breach::Scope(Count { allowed, .. }) => {
            Some(Remedy::Narrow { rule: id, to: *allowed, why })
        }
        Breach::Used(Use { used: None, limit, .. }) => {
            Some(Remedy::State { rule: id, fact: limit.clone() })
        }
        Breach::Used(Use { used: Some(used), most, until, .. }) => match most.saturating_sub(*used)
        {
            0 => Some(wait(*until)),
            left => Some(Remedy::Narrow { rule: id, to: left, why }),
        },
        Breach::Closed { opens } => opens.map(wait),
        Breach::Frozen { until } => Some(wait(*until)),
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Narrow { rule, to, why } => {
                write!(f, "{why} (rule `{rule}`): narrow to {to} or fewer")
            }
            Self::Wait { rule, shown, .. } => write!(f, "wait until {shown} (rule `{rule}`)"),
            Self::LeaveOut { rule, changes } => {
                write!(f, "leave out the {} that rule `{rule}` denies", number(*changes))
            }
            Self::Unruled { action, changes } => {
                write!(
                    f,
                    "no rule lets anybody {action}: leave out {}, or write a rule",
                    number(*changes)
                )
            }
            Self::State { rule, fact } => {
                write!(f, "say what `{fact}` is: rule `{rule}` asks for it")
            }
            Self::Approve(ask) => write!(f, "ask {ask}"),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.outcome)?;
        for reason in &self.rules {
            write!(f, "\n  {reason}")?;
        }
        for remedy in &self.remedies {
            write!(f, "\n  → {remedy}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = self.outcome.map_or("notes", Outcome::name);
        write!(f, "rule `{}`: {outcome}, {}", self.rule, number(self.changes))?;
        for note in &self.notes {
            write!(f, "; {note}")?;
        }
        if let Some(when) = &self.when {
            write!(f, "; when {when}")?;
        }
        for (name, value) in &self.facts {
            write!(f, "; {name} = {value}")?;
        }
        self.about.as_ref().map_or(Ok(()), |about| write!(f, " — {about}"))
    }
}

fn number(changes: usize) -> String {
    format!("{changes} change{}", if changes == 1 { "" } else { "s" })
}
