//! What reconciling finds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use trueup_connector::{Error, Kind as ErrorKind, Result, suggest};

use super::rules::Side;
use super::table::Row;

/// What kind of disagreement a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FindingKind {
    /// A key that only the expected side has.
    Missing,
    /// A key that only the actual side has.
    Unexpected,
    /// A field whose values do not agree.
    Changed,
    /// A key with several rows that do not cancel.
    Duplicate,
    /// A row with a null in its key.
    Unkeyed,
    /// Both sides changed since they last agreed.
    Conflict,
    /// A key that meets more than one other on an alternate key.
    Ambiguous,
}

/// Which side changed since both last agreed; only known with a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The expected side changed.
    ExpectedChanged,
    /// The actual side changed.
    ActualChanged,
    /// Both sides changed.
    Both,
    /// The key is not in the base.
    Unknown,
}

impl FindingKind {
    /// Every kind, in the order in which findings of one key stand.
    pub const ALL: [Self; 7] = [
        Self::Missing,
        Self::Unexpected,
        Self::Changed,
        Self::Duplicate,
        Self::Unkeyed,
        Self::Conflict,
        Self::Ambiguous,
    ];

    /// The kind of a key that only this side has.
    pub(super) const fn absence(side: Side) -> Self {
        match side {
            Side::Expected => Self::Missing,
            Side::Actual => Self::Unexpected,
        }
    }

    /// The kind's name, the same in every language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unexpected => "unexpected",
            Self::Changed => "changed",
            Self::Duplicate => "duplicate",
            Self::Unkeyed => "unkeyed",
            Self::Conflict => "conflict",
            Self::Ambiguous => "ambiguous",
        }
    }
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 4] =
        [Self::ExpectedChanged, Self::ActualChanged, Self::Both, Self::Unknown];

    /// The cause's name, the same in every language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExpectedChanged => "expected_changed",
            Self::ActualChanged => "actual_changed",
            Self::Both => "both",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FindingKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let known = suggest(text, Self::ALL.map(Self::name));
            Error::new(ErrorKind::Invalid, format!("unknown kind of finding `{text}`{known}"))
        })
    }
}

/// Identifies a finding in every run: 128 bits, shown as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FindingId(pub(crate) [u8; 16]);

impl FindingId {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<FindingId> for String {
    fn from(id: FindingId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for FindingId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl FromStr for FindingId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bytes =
            (text.len() == 32 && text.is_ascii()).then(|| u128::from_str_radix(text, 16).ok());
        bytes.flatten().map(|bytes| Self(bytes.to_be_bytes())).ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                format!("`{text}` is not a finding id: 32 hexadecimal digits"),
            )
        })
    }
}

/// A finding as it is held: the places of its rows. Its texts and digests are made when asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) kind: FindingKind,
    pub(super) cause: Option<Cause>,
    pub(super) part: Part,
    pub(super) expected: Option<Row>,
    pub(super) actual: Option<Row>,
}

/// Which part of a record a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The record.
    Whole,
    /// A compared field, by its place among them.
    Field(u16),
    /// A key field, by its place in the key (a rename).
    Key(u16),
    /// The rows of a group, by its place among the groups.
    Group(u32),
    /// An unkeyed row: how many equal rows of its side come before it.
    Occurrence(u32),
}

/// How many keys there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Counts {
    /// Keys whose rows agree.
    pub matched: u64,
    /// Keys that only the expected side has.
    pub missing: u64,
    /// Keys that only the actual side has.
    pub unexpected: u64,
    /// Keys with a field that differs.
    pub changed: u64,
    /// Keys with several rows that do not cancel.
    pub duplicate: u64,
    /// Keys that meet several others on an alternate key.
    pub ambiguous: u64,
    /// Keys that both sides changed.
    pub conflict: u64,
    /// Keys on one side that the other side does not cover.
    pub uncovered: u64,
    /// Rows with a null in their key.
    pub unkeyed: u64,
    /// How many of the pairs compared are one record under two keys.
    pub renamed: u64,
}

impl Counts {
    /// Whether both sides agree, as far as can be told: nothing but matched keys.
    pub fn converged(&self) -> bool {
        let Self { missing, unexpected, changed, duplicate, .. } = self;
        let Self { ambiguous, conflict, uncovered, unkeyed, .. } = self;
        let all =
            [missing, unexpected, changed, duplicate, ambiguous, conflict, uncovered, unkeyed];
        all.into_iter().all(|count| *count == 0)
    }

    /// How many keys there are; two that an alternate key joins are one.
    pub fn keys(&self) -> u64 {
        let Self { matched, missing, unexpected, changed, .. } = self;
        let Self { duplicate, ambiguous, conflict, uncovered, .. } = self;
        matched + missing + unexpected + changed + duplicate + ambiguous + conflict + uncovered
    }

    /// Each count that the report's digest covers, by name.
    pub fn named(&self) -> [(&'static str, u64); 9] {
        [
            ("matched", self.matched),
            ("missing", self.missing),
            ("unexpected", self.unexpected),
            ("changed", self.changed),
            ("duplicate", self.duplicate),
            ("ambiguous", self.ambiguous),
            ("conflict", self.conflict),
            ("uncovered", self.uncovered),
            ("unkeyed", self.unkeyed),
        ]
    }
}

impl fmt::Display for Counts {
    /// `matched 5, missing 1`: what is above zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.named();
        let above = named.iter().filter(|(name, count)| *count > 0 || *name == "matched");
        let text: Vec<_> = above.map(|(name, count)| format!("{name} {count}")).collect();
        f.write_str(&text.join(", "))
    }
}
