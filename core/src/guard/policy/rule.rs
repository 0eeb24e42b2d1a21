//! One rule of a policy, ready to be held against changes.

use std::sync::Arc;

use super::super::condition::Condition;
use super::super::moment::Zone;
use super::super::outcome::{Ask, Outcome, Risk};
use super::super::window::{Freeze, Period, Window};

/// What a rule matches and what it says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PolicyRule {
    pub(crate) id: Arc<str>,
    pub(crate) about: Option<String>,
    pub(crate) matcher: Matcher,
    pub(crate) when: Option<Condition>,
    pub(crate) never: bool,
    pub(crate) outcome: Option<Outcome>,
    /// Who is asked, where it asks at all.
    pub(crate) ask: Ask,
    pub(crate) risk: Option<Risk>,
    pub(crate) score: Option<u8>,
    pub(crate) limit: Option<Limit>,
    pub(crate) rate: Option<Rate>,
    pub(crate) budget: Option<Budget>,
    pub(crate) windows: Vec<Window>,
    pub(crate) freezes: Vec<Freeze>,
    pub(crate) over: Outcome,
    pub(crate) timeout: Option<i64>,
    pub(crate) evidence: Vec<String>,
}

impl PolicyRule {
    /// Whether it has something that break-glass could lift.
    pub(crate) fn has_limit(&self) -> bool {
        self.counts() || !self.windows.is_empty() || !self.freezes.is_empty()
    }

    /// Whether it counts the changes that it matches.
    pub(crate) fn counts(&self) -> bool {
        self.limit.is_some() || self.rate.is_some() || self.budget.is_some()
    }
}

/// How many changes of one plan may match, on each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) at_least: u64,
    /// Parts of a million.
    pub(crate) share: Option<u64>,
    pub(crate) at_most: Option<u64>,
}

impl Limit {
    /// How many are allowed among so many covered rows.
    pub(crate) fn allowed(self, covered: u64) -> u64 {
        let most = self.at_most.unwrap_or(u64::MAX);
        let Some(share) = self.share else { return most };
        let part = u128::from(covered) * u128::from(share) / 1_000_000;
        u64::try_from(part).unwrap_or(u64::MAX).max(self.at_least).min(most)
    }
}

/// How many there may be in any stretch of so many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) count: u64,
    pub(crate) per: i64,
}

/// How many there may be in a stretch of the calendar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Budget {
    pub(crate) count: u64,
    pub(crate) per: Period,
    pub(crate) zone: Zone,
}

/// What a rule matches; an empty list matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Matcher {
    pub(crate) actor: Vec<Pattern>,
    pub(crate) on_behalf_of: Vec<Pattern>,
    pub(crate) action: Vec<Pattern>,
    pub(crate) resource: Vec<Pattern>,
    pub(crate) environment: Vec<Pattern>,
}

/// Whether a list of patterns has none, or one that fits.
pub(crate) fn fits(patterns: &[Pattern], text: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.fits(text))
}

/// Text in which `*` stands for any text, also none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<String>);

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.split('*').map(str::to_owned).collect())
    }

    /// Whether a text fits.
    pub(crate) fn fits(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.0.as_slice() else {
            return self.0.first().is_some_and(|whole| whole == text);
        };
        let inner =
            text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()));
        // Taking the earliest place for each part leaves the most room for those after it.
        let left = middle.iter().try_fold(inner.unwrap_or_default(), |rest, part| {
            rest.find(part.as_str()).and_then(|at| rest.get(at + part.len()..))
        });
        inner.is_some() && left.is_some()
    }
}
