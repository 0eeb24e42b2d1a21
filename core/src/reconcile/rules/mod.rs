//! Equality as data: the reconciliation document, and its rules made ready for two snapshots.

mod aliases;
mod canonical_json;
mod choice;
mod compiled;
mod coverage;
mod describe;
mod document;
mod fields;
mod read;
mod rule;
mod text;
mod tolerance;
mod words;
mod zone;

#[cfg(test)]
mod tests;

pub(crate) use canonical_json::canonical_json;
pub use document::{FieldSelection, Reconciliation};
pub(crate) use fields::{FieldRule, Fields};
pub use rule::{Amount, Owner, Rule};
pub use text::{TextCase, TextRule, TextSpace, UnicodeForm};

/// One of the two sides that are compared.
///
/// ```
/// use trueup::Side;
///
/// assert_eq!(Side::Expected.other(), Side::Actual);
/// assert_eq!(Side::Actual.name(), "actual");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What should be: the wish, the book, the entitlement.
    Expected,
    /// What is: the state, the bank, the use.
    Actual,
}

impl Side {
    /// Both sides, the expected one first.
    pub const BOTH: [Self; 2] = [Self::Expected, Self::Actual];

    /// The side across.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Expected => Self::Actual,
            Self::Actual => Self::Expected,
        }
    }

    /// `expected` or `actual`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Actual => "actual",
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
