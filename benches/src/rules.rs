//! The rules of `decide` and `mass`, the changes they are held against, and what each change must come to.
//!
//! Rules allow or deny, as every contestant can say that; a denial wins, and what no rule allows is denied. One rule is
//! written three times: as a rule of ours, as a Cedar policy, and as one CEL condition over everything it looks at.

use serde_json::{Map, Value, json};

use crate::cells::mix;
use crate::{Result, case_and_size};

/// Who acts in every request, where, on which resource.
pub const ACTOR: &str = "agent:sync";
/// Where every request is made.
pub const ENVIRONMENT: &str = "production";
/// What every change is of.
pub const RESOURCE: &str = "devices";

const SEED: u64 = 0x7275_6c65_7301;
const ACTIONS: [&str; 3] = ["create", "update", "delete"];
const TEAMS: u64 = 40;

/// What is known of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `create`, `update` or `delete`.
    pub action: &'static str,
    /// A fact: 0 to 99.
    pub size: i64,
    /// A fact: one of forty teams.
    pub owner: String,
    /// A fact: two of twenty tags.
    pub tags: Vec<String>,
    /// A fact.
    pub managed: bool,
}

impl Change {
    /// The change with this number.
    pub fn of(number: u64) -> Change {
        let draw = |what: u64, below: u64| mix(SEED ^ number, what) % below;
        Change {
            action: of_three(draw(1, 3)),
            size: draw(2, 100) as i64,
            owner: team(draw(3, TEAMS)),
            tags: vec![format!("tag-{}", draw(4, 10)), format!("tag-{}", 10 + draw(5, 10))],
            managed: draw(6, 4) > 0,
        }
    }

    /// The facts, by name.
    pub fn facts(&self) -> Value {
        let Change { size, owner, tags, managed, .. } = self;
        json!({ "size": size, "owner": owner, "tags": tags, "managed": managed })
    }
}

/// One rule: whom and what it is for, what it asks of the facts, and whether it denies.
#[derive(Clone, Debug)]
pub struct Rule {
    number: u64,
    actor: &'static str,
    action: &'static str,
    environment: Option<&'static str>,
    test: Test,
    denies: bool,
}

/// What a rule asks of the facts.
#[derive(Clone, Debug)]
enum Test {
    Larger(i64),
    OwnedBy(u64),
    Tagged(u64),
    ManagedAndSmaller(i64),
    TeamsBut(u64, u64),
}

impl Rule {
    /// The rule with this number.
    pub fn of(number: u64) -> Rule {
        let draw = |what: u64, below: u64| mix(SEED ^ number, 100 + what) % below;
        let test = match draw(4, 5) {
            0 => Test::Larger(draw(5, 100) as i64),
            1 => Test::OwnedBy(draw(5, TEAMS)),
            2 => Test::Tagged(draw(5, 20)),
            3 => Test::ManagedAndSmaller(draw(5, 100) as i64),
            _ => Test::TeamsBut(draw(5, 4), draw(6, TEAMS)),
        };
        Rule {
            number,
            actor: if draw(1, 4) == 0 { "agent:import" } else { ACTOR },
            action: of_three(number % 3),
            environment: match draw(3, 4) {
                0 => Some("test"),
                1 => Some(ENVIRONMENT),
                _ => None,
            },
            denies: number % 10 == 9 && matches!(test, Test::OwnedBy(_) | Test::Tagged(_)),
            test,
        }
    }

    /// Whether it matches.
    pub fn matches(&self, change: &Change) -> bool {
        let fits = match &self.test {
            Test::Larger(than) => change.size > *than,
            Test::OwnedBy(owner) => change.owner == team(*owner),
            Test::Tagged(tag) => change.tags.contains(&format!("tag-{tag}")),
            Test::ManagedAndSmaller(than) => change.managed && change.size < *than,
            Test::TeamsBut(few, but) => {
                change.owner.starts_with(&team(*few)) && change.owner != team(*but)
            }
        };
        fits && self.actor == ACTOR
            && self.action == change.action
            && self.environment.is_none_or(|environment| environment == ENVIRONMENT)
    }
}

impl Rule {
    /// As a rule of our policies.
    pub fn policy(&self) -> Value {
        let mut rule = Map::new();
        rule.insert("id".into(), format!("r{}", self.number).into());
        rule.insert("actor".into(), self.actor.into());
        rule.insert("action".into(), self.action.into());
        rule.extend(self.environment.map(|environment| ("environment".into(), environment.into())));
        rule.insert("when".into(), self.condition().into());
        rule.insert("outcome".into(), if self.denies { "deny" } else { "allow" }.into());
        rule.into()
    }

    /// As a Cedar policy; the facts and the environment are in its context.
    pub fn cedar(&self) -> String {
        let effect = if self.denies { "forbid" } else { "permit" };
        let place = self.environment.map(|e| format!("context.environment == \"{e}\" && "));
        let facts = match &self.test {
            Test::Larger(than) => format!("context.size > {than}"),
            Test::OwnedBy(owner) => format!("context.owner == \"{}\"", team(*owner)),
            Test::Tagged(tag) => format!("context.tags.contains(\"tag-{tag}\")"),
            Test::ManagedAndSmaller(than) => format!("context.managed && context.size < {than}"),
            Test::TeamsBut(few, but) => {
                format!("context.owner like \"team-{few}*\" && context.owner != \"{}\"", team(*but))
            }
        };
        format!(
            "{effect} (principal == Actor::\"{}\", action == Action::\"{}\", resource == Resource::\"{RESOURCE}\") \
             when {{ {}{facts} }};",
            self.actor,
            self.action,
            place.unwrap_or_default()
        )
    }

    /// As one CEL condition.
    pub fn cel(&self) -> String {
        let place = self.environment.map(|e| format!(" && request.environment == '{e}'"));
        format!(
            "request.actor == '{}' && change.action == '{}'{} && {}",
            self.actor,
            self.action,
            place.unwrap_or_default(),
            self.condition()
        )
    }

    /// Whether it denies what it matches; else it allows it.
    pub fn denies(&self) -> bool {
        self.denies
    }

    fn condition(&self) -> String {
        match &self.test {
            Test::Larger(than) => format!("facts.size > {than}"),
            Test::OwnedBy(owner) => format!("facts.owner == '{}'", team(*owner)),
            Test::Tagged(tag) => format!("'tag-{tag}' in facts.tags"),
            Test::ManagedAndSmaller(than) => format!("facts.managed && facts.size < {than}"),
            Test::TeamsBut(few, but) => {
                format!("facts.owner.startsWith('team-{few}') && facts.owner != '{}'", team(*but))
            }
        }
    }
}

/// Rules, and the changes to hold against them.
#[derive(Debug)]
pub struct Trial {
    /// The rules.
    pub rules: Vec<Rule>,
    /// The changes.
    pub changes: Vec<Change>,
}

impl Trial {
    /// That of a case's name: `decide100` has a hundred rules and 1,000 changes, each to be decided by itself;
    /// `mass100k` has a hundred rules and 100,000 changes, to be decided together where that can be done.
    pub fn of_case(case: &str) -> Result<Trial> {
        let (rules, changes) = match case_and_size(case)? {
            ("decide", rules) => (rules, 1_000),
            ("mass", changes) => (100, changes),
            _ => return Err(format!("`{case}` has no rules").into()),
        };
        Ok(Trial {
            rules: (0..rules as u64).map(Rule::of).collect(),
            changes: (0..changes as u64).map(Change::of).collect(),
        })
    }

    /// Whether a change is allowed.
    pub fn allows(&self, change: &Change) -> bool {
        let mut matching = self.rules.iter().filter(|rule| rule.matches(change)).peekable();
        matching.peek().is_some() && matching.all(|rule| !rule.denies)
    }

    /// What every contestant must count.
    pub fn truth(&self) -> Value {
        let allowed = self.changes.iter().filter(|change| self.allows(change)).count();
        let counts = json!({ "allowed": allowed, "denied": self.changes.len() - allowed });
        json!({ "rules": self.rules.len(), "rows": self.changes.len(), "counts": counts })
    }
}

fn team(number: impl std::fmt::Display) -> String {
    format!("team-{number}")
}

fn of_three(number: u64) -> &'static str {
    ACTIONS.get(number as usize).copied().unwrap_or_default()
}
