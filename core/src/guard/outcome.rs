//! What a policy says: outcomes, risks, and who is asked.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// What may be done about a change or a plan. The greater one wins: `deny` > `ask` > `allow`.
///
/// ```
/// use trueup::guard::Outcome;
///
/// assert_eq!(Outcome::Allow.max(Outcome::Deny), Outcome::Deny);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It may be done.
    Allow,
    /// It may be done once people have approved.
    Ask,
    /// It may not be done.
    Deny,
}

impl Outcome {
    /// `allow`, `ask` or `deny`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Allow, Self::Ask, Self::Deny].into_iter().find(|o| o.name() == name)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How much could go wrong, in three classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Risk {
    /// May run by itself.
    R1,
    /// Asks when the policy says so.
    R2,
    /// Always asks; no rule lowers that.
    R3,
}

impl Risk {
    /// `R1`, `R2` or `R3`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::R1 => "R1",
            Self::R2 => "R2",
            Self::R3 => "R3",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::R1, Self::R2, Self::R3].into_iter().find(|r| r.name() == name)
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who is asked, how many, within what time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Ask {
    /// People with one of these roles may answer; sorted.
    pub roles: Vec<String>,
    /// So many different people must approve.
    pub count: u32,
    /// The question stays open so long, in milliseconds.
    pub within: i64,
}

impl Ask {
    /// So many people with one of these roles, within so many milliseconds.
    pub fn new<S: Into<String>>(
        roles: impl IntoIterator<Item = S>,
        count: u32,
        within: i64,
    ) -> Self {
        let mut roles: Vec<String> = roles.into_iter().map(Into::into).collect();
        roles.sort_unstable();
        roles.dedup();
        Self { roles, count, within }
    }

    pub(crate) fn to_json(&self) -> Json {
        json!({ "count": self.count, "roles": self.roles, "within": self.within })
    }
}

impl fmt::Display for Ask {
    /// ``2 people with role `owner` ``
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let people = if self.count == 1 { "person" } else { "people" };
        let roles: Vec<String> = self.roles.iter().map(|role| format!("`{role}`")).collect();
        write!(f, "{} {people} with role {}", self.count, roles.join(" or "))
    }
}

/// All asks at once: those of the same roles are one, of the greatest count and the shortest time.
pub(crate) fn unite<'a>(asks: impl IntoIterator<Item = &'a Ask>) -> Vec<Ask> {
    let mut united: Vec<Ask> = Vec::new();
    for ask in asks {
        match united.iter_mut().find(|one| one.roles == ask.roles) {
            Some(one) => {
                one.count = one.count.max(ask.count);
                one.within = one.within.min(ask.within);
            }
            None => united.push(ask.clone()),
        }
    }
    united.sort_unstable();
    united
}
