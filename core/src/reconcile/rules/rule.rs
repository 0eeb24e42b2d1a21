//! One field's rule, as a program or a document states it.

use serde_json::Value as Json;
use trueup_connector::Value;

use super::text::TextRule;
use super::words::Words;

/// When two values of a field agree, and what is done to them before.
///
/// Without a rule, values agree when they are exactly equal. A rule is checked against its field
/// when a reconciliation runs: an amount that is no number or a zone that does not exist is an error
/// then.
///
/// ```
/// use trueup::{Owner, Rule};
///
/// let rule = Rule::tolerance("0.01").with_default(0).with_owner(Owner::Actual);
/// assert_eq!(rule.to_json()["tolerance"]["absolute"], "0.01");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    pub(super) compare: Compare,
    pub(super) text: TextRule,
    pub(super) aliases: Vec<(Json, Json)>,
    pub(super) default: Option<Json>,
    pub(super) zone: Option<String>,
    pub(super) owner: Owner,
}

/// When two values agree, as stated.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Compare {
    #[default]
    Exact,
    Ignore,
    Set,
    Subset,
    Tolerance {
        absolute: Option<Amount>,
        relative: Option<Amount>,
    },
    TimeTolerance(String),
}

/// Whose value counts when the two sides differ, and so whose system a change would go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Owner {
    /// The expected side's: the actual side's system is changed.
    #[default]
    Expected,
    /// The actual side's: the expected side's system is changed.
    Actual,
    /// Nobody's: differences are reported and never planned.
    None,
}

/// An amount of a tolerance: a number, or decimal text such as `"0.01"`.
///
/// A float counts as the decimal that it is written as: `0.1` is one tenth.
///
/// ```
/// use trueup::Amount;
///
/// assert_eq!(Amount::from(0.1), Amount::from("0.1"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount(pub(super) String);

pub(super) const OWNERS: &Words<Owner> =
    &[("expected", Owner::Expected), ("actual", Owner::Actual), ("none", Owner::None)];

impl Rule {
    /// Values agree when they are equal.
    pub fn exact() -> Self {
        Self::default()
    }

    /// The field is not compared, and may stand on one side only.
    pub fn ignore() -> Self {
        Self::of(Compare::Ignore)
    }

    /// Lists agree when they have the same elements: order and repeats mean nothing.
    pub fn set() -> Self {
        Self::of(Compare::Set)
    }

    /// Lists agree when every expected element is in the actual list.
    pub fn subset() -> Self {
        Self::of(Compare::Subset)
    }

    /// Numbers agree when they are no further apart than this.
    pub fn tolerance(absolute: impl Into<Amount>) -> Self {
        Self::of(Compare::Tolerance { absolute: Some(absolute.into()), relative: None })
    }

    /// Numbers agree when they are no further apart than this share of the one further from zero.
    pub fn relative_tolerance(relative: impl Into<Amount>) -> Self {
        Self::of(Compare::Tolerance { absolute: None, relative: Some(relative.into()) })
    }

    /// Numbers agree when they are near enough in either way.
    pub fn either_tolerance(absolute: impl Into<Amount>, relative: impl Into<Amount>) -> Self {
        let (absolute, relative) = (Some(absolute.into()), Some(relative.into()));
        Self::of(Compare::Tolerance { absolute, relative })
    }

    /// Times agree when they are no further apart than this: digits and one of
    /// `ns us ms s m h d`, such as `90s`.
    pub fn time_tolerance(amount: impl Into<String>) -> Self {
        Self::of(Compare::TimeTolerance(amount.into()))
    }

    /// Sets what of a text counts.
    #[must_use]
    pub fn with_text(mut self, text: TextRule) -> Self {
        self.text = text;
        self
    }

    /// Adds a value that stands for another; of a list, an element.
    #[must_use]
    pub fn with_alias(mut self, from: impl Into<Value>, to: impl Into<Value>) -> Self {
        self.aliases.push((from.into().to_json(), to.into().to_json()));
        self
    }

    /// Sets the value that null stands for.
    #[must_use]
    pub fn with_default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into().to_json());
        self
    }

    /// Sets the zone, by its IANA name, in which datetimes are instants.
    #[must_use]
    pub fn with_zone(mut self, name: impl Into<String>) -> Self {
        self.zone = Some(name.into());
        self
    }

    /// Sets whose value counts.
    #[must_use]
    pub fn with_owner(mut self, owner: Owner) -> Self {
        self.owner = owner;
        self
    }

    fn of(compare: Compare) -> Self {
        Self { compare, ..Self::default() }
    }
}

impl Compare {
    /// The word for it in a rule's normal form.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Ignore => "ignore",
            Self::Set => "set",
            Self::Subset => "subset",
            Self::Tolerance { .. } => "tolerance",
            Self::TimeTolerance(_) => "time_tolerance",
        }
    }
}

macro_rules! amount_from {
    ($($type:ty),* $(,)?) => {$(
        impl From<$type> for Amount {
            fn from(amount: $type) -> Self {
                Self(amount.to_string())
            }
        }
    )*};
}

amount_from!(i32, i64, u32, u64, f64, &str, String);
