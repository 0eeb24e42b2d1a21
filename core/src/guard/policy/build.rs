//! A checked tree turned into rules; what contradicts itself is refused here.

use std::collections::HashSet;

use trueup_connector::Result;

use super::super::condition::Condition;
use super::super::facts::{Catalogue, type_named};
use super::super::moment::{Zone, parse_clock, parse_length, parse_local};
use super::super::outcome::{Ask, Outcome, Risk};
use super::super::window::{DAYS, Freeze, Period, Window};
use super::rule::{Budget, Limit, Matcher, Pattern, PolicyRule, Rate};
use super::shape::parse_share;
use super::tree::{Node, Source, Spot};

const HOUR: i64 = 3_600_000;

/// What a document means.
#[derive(Clone, Debug)]
pub(super) struct Built {
    pub(super) name: String,
    pub(super) valid: i64,
    pub(super) stale_share: u64,
    pub(super) ask: Ask,
    pub(super) break_glass: Vec<String>,
    pub(super) catalogue: Catalogue,
    pub(super) rules: Vec<PolicyRule>,
}

/// Reads a tree that fits its shape.
pub(super) fn build(source: Source<'_>, tree: &Spot) -> Result<Built> {
    let ask = ask(tree.get("ask"), &Ask::new(["owner"], 1, 24 * HOUR));
    let catalogue = catalogue(source, tree.get("facts"))?;
    let builder = Builder { source, ask: &ask, catalogue: &catalogue };
    let spots = tree.get("rule").map(Spot::items).unwrap_or_default();
    let mut rules = spots.iter().map(|spot| builder.rule(spot)).collect::<Result<Vec<_>>>()?;
    unique(source, spots)?;
    // Order never matters, so there is one order.
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Built {
        name: tree.get("name").map(Spot::text).unwrap_or_default().to_owned(),
        valid: length(tree.get("valid")).unwrap_or(HOUR),
        stale_share: tree.get("stale_share").and_then(share).unwrap_or(100_000),
        break_glass: tree.get("break_glass").map_or_else(|| ask.roles.clone(), |r| texts(Some(r))),
        ask,
        catalogue,
        rules,
    })
}

fn catalogue(source: Source<'_>, facts: Option<&Spot>) -> Result<Catalogue> {
    let Some(Node::Table(declared)) = facts.map(|f| &f.node) else { return Ok(Catalogue::new([])) };
    let mut found = Vec::new();
    for (name, spot) in declared {
        if Catalogue::is_built_in(name) {
            return Err(source.wrong(
                spot.at,
                format!("the fact `{name}` is there in every policy; do not declare it"),
            ));
        }
        found.extend(type_named(spot.text()).map(|of| (name.clone(), of)));
    }
    Ok(Catalogue::new(found))
}

fn unique(source: Source<'_>, rules: &[Spot]) -> Result<()> {
    let mut seen =
        HashSet::<&str, std::hash::BuildHasherDefault<std::hash::DefaultHasher>>::default();
    for id in rules.iter().filter_map(|rule| rule.get("id")) {
        if !seen.insert(id.text()) {
            return Err(source.wrong(
                id.at,
                format!("there are two rules `{}`; give one another id", id.text()),
            ));
        }
    }
    Ok(())
}

fn length(spot: Option<&Spot>) -> Option<i64> {
    parse_length(spot?.text())
}

fn share(spot: &Spot) -> Option<u64> {
    parse_share(spot.text()).and_then(|share| u64::try_from(share).ok())
}

fn count(spot: &Spot) -> u64 {
    u64::try_from(spot.int()).unwrap_or(0)
}

fn texts(spot: Option<&Spot>) -> Vec<String> {
    spot.map(Spot::items).unwrap_or_default().iter().map(|item| item.text().to_owned()).collect()
}

fn patterns(spot: Option<&Spot>) -> Vec<Pattern> {
    spot.map(Spot::items).unwrap_or_default().iter().map(|item| Pattern::new(item.text())).collect()
}

fn flag(spot: Option<&Spot>) -> bool {
    spot.is_some_and(|spot| spot.node == Node::Bool(true))
}

/// What is not said is as in `otherwise`.
fn ask(spot: Option<&Spot>, otherwise: &Ask) -> Ask {
    let member = |name| spot.and_then(|spot| spot.get(name));
    let roles = member("roles").map_or_else(|| otherwise.roles.clone(), |roles| texts(Some(roles)));
    let count = member("count").and_then(|count| u32::try_from(count.int()).ok());
    Ask::new(
        roles,
        count.unwrap_or(otherwise.count),
        length(member("within")).unwrap_or(otherwise.within),
    )
}

struct Builder<'a> {
    source: Source<'a>,
    ask: &'a Ask,
    catalogue: &'a Catalogue,
}

impl Builder<'_> {
    fn rule(&self, spot: &Spot) -> Result<PolicyRule> {
        let text = |name: &str| spot.get(name).map(Spot::text);
        let rule = PolicyRule {
            id: text("id").unwrap_or_default().into(),
            about: text("about").map(str::to_owned),
            matcher: matcher(spot),
            when: spot.get("when").map(|when| self.condition(when)).transpose()?,
            never: flag(spot.get("never")),
            outcome: text("outcome").and_then(Outcome::named),
            ask: ask(spot.get("ask"), self.ask),
            risk: text("risk").and_then(Risk::named),
            score: spot.get("score").and_then(|score| u8::try_from(score.int()).ok()),
            limit: spot.get("limit").map(limit),
            rate: spot.get("rate").map(rate),
            budget: spot.get("budget").map(|budget| self.budget(budget)).transpose()?,
            windows: self.each(spot.get("window"), Self::window)?,
            freezes: self.each(spot.get("freeze"), Self::freeze)?,
            over: text("over").and_then(Outcome::named).unwrap_or(Outcome::Deny),
            timeout: length(spot.get("timeout")),
            evidence: texts(spot.get("evidence")),
        };
        match contradiction(spot, &rule) {
            None => Ok(rule),
            Some((member, what)) => {
                let at = spot.get(member).map_or(spot.at, |m| m.at);
                Err(self.source.wrong(at, format!("rule `{}` {what}", rule.id)))
            }
        }
    }

    fn condition(&self, spot: &Spot) -> Result<Condition> {
        Condition::read(spot.text(), &self.catalogue.scope)
            .map_err(|wrong| self.source.wrong(self.source.inside(spot, wrong.at), wrong.what))
    }

    fn each<T>(
        &self,
        list: Option<&Spot>,
        one: impl Fn(&Self, &Spot) -> Result<T>,
    ) -> Result<Vec<T>> {
        list.map(Spot::items).unwrap_or_default().iter().map(|spot| one(self, spot)).collect()
    }

    fn zone(&self, spot: &Spot) -> Result<Zone> {
        let zone = spot.get("zone").unwrap_or(spot);
        Zone::named(zone.text()).map_err(|what| self.source.wrong(zone.at, what))
    }

    fn budget(&self, spot: &Spot) -> Result<Budget> {
        let per = spot.get("per").and_then(|per| Period::named(per.text()));
        Ok(Budget {
            count: spot.get("count").map_or(0, count),
            per: per.unwrap_or(Period::Hour),
            zone: self.zone(spot)?,
        })
    }

    fn window(&self, spot: &Spot) -> Result<Window> {
        let named = texts(spot.get("days"));
        let clock = |name| spot.get(name).and_then(|clock| parse_clock(clock.text())).unwrap_or(0);
        let window = Window {
            zone: self.zone(spot)?,
            days: DAYS.map(|day| named.is_empty() || named.iter().any(|name| name == day)),
            from: clock("from"),
            to: clock("to"),
            next_day: flag(spot.get("next_day")),
        };
        match window.impossible() {
            None => Ok(window),
            Some(what) => Err(self.source.wrong(spot.at, what)),
        }
    }

    fn freeze(&self, spot: &Spot) -> Result<Freeze> {
        let local =
            |name| spot.get(name).and_then(|local| parse_local(local.text())).unwrap_or_default();
        Freeze::new(self.zone(spot)?, local("from"), local("to"))
            .map_err(|what| self.source.wrong(spot.at, what))
    }
}

fn matcher(spot: &Spot) -> Matcher {
    Matcher {
        actor: patterns(spot.get("actor")),
        on_behalf_of: patterns(spot.get("on_behalf_of")),
        action: patterns(spot.get("action")),
        resource: patterns(spot.get("resource")),
        environment: patterns(spot.get("environment")),
    }
}

fn limit(spot: &Spot) -> Limit {
    Limit {
        at_least: spot.get("at_least").map_or(0, count),
        share: spot.get("share").and_then(share),
        at_most: spot.get("at_most").map(count),
    }
}

fn rate(spot: &Spot) -> Rate {
    Rate { count: spot.get("count").map_or(0, count), per: length(spot.get("per")).unwrap_or(HOUR) }
}

/// What in a rule cannot be meant: the member to point at, and what to say.
fn contradiction(spot: &Spot, rule: &PolicyRule) -> Option<(&'static str, &'static str)> {
    let has = |name: &str| spot.get(name).is_some();
    let says = rule.outcome.is_some() || rule.risk.is_some() || rule.score.is_some();
    let duty = rule.timeout.is_some() || !rule.evidence.is_empty();
    let asks = rule.outcome == Some(Outcome::Ask)
        || rule.risk == Some(Risk::R3)
        || (rule.has_limit() && rule.over == Outcome::Ask);
    let checks = [
        (
            !says && !duty && !rule.has_limit(),
            "id",
            "says nothing: give it an outcome, a risk, a limit or a duty",
        ),
        (has("ask") && !asks, "ask", "says whom to ask but never asks"),
        (
            rule.outcome == Some(Outcome::Allow) && rule.risk == Some(Risk::R3),
            "outcome",
            "allows what it calls R3, and R3 always asks: say `outcome = \"ask\"`",
        ),
        (
            rule.outcome == Some(Outcome::Deny) && rule.has_limit(),
            "outcome",
            "denies everything that it matches, so its limits mean nothing",
        ),
        (has("over") && !rule.has_limit(), "over", "says what holds beyond a limit but has none"),
        (
            rule.never && rule.outcome != Some(Outcome::Deny) && !rule.has_limit(),
            "never",
            "has nothing that break-glass could lift: `never` means nothing",
        ),
    ];
    let found =
        checks.into_iter().find(|(wrong, ..)| *wrong).map(|(_, member, what)| (member, what));
    found.or_else(|| limit_contradiction(rule.limit?, rule.outcome))
}

fn limit_contradiction(
    limit: Limit,
    outcome: Option<Outcome>,
) -> Option<(&'static str, &'static str)> {
    let most = limit.at_most.unwrap_or(u64::MAX);
    let what = match limit {
        Limit { share: None, at_most: None, .. } => "has a limit without `share` and `at_most`",
        Limit { share: None, at_least: 1.., .. } => {
            "has a limit with `at_least` but without the `share` that it softens"
        }
        Limit { at_least, .. } if at_least > most => {
            "has a limit whose `at_least` is above its `at_most`"
        }
        Limit { at_most: Some(0), .. } if outcome.is_some() => {
            "lets through what its limit of 0 denies: say `outcome = \"deny\"`"
        }
        _ => return None,
    };
    Some(("limit", what))
}
