//! The policy document: read, checked, hashed (`docs/spec/policy.md`).
//!
//! order: tree → shape → members → rule → build

mod build;
mod members;
mod rule;
mod shape;
mod tree;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use trueup_connector::record::canonical::frame;
use trueup_connector::{Hash, Result};

use super::facts::Catalogue;
use super::outcome::Ask;
use build::{Built, build};
pub(crate) use rule::{PolicyRule, fits};
use tree::{Source, Spot};

/// A policy: rules that say what may be done, by whom, when, how much of it, and who is asked.
///
/// Cheap to clone. A policy that was read is whole: unknown members, unknown facts, conditions of
/// the wrong type, windows that never open and rules that contradict themselves were refused.
///
/// ```
/// use trueup::guard::Policy;
///
/// let policy = Policy::from_toml(r#"
///     version = 1
///     name = "nights only"
///     [[rule]]
///     id = "updates"
///     action = "update"
///     outcome = "allow"
///     window = [{ zone = "Europe/Rome", from = "18:00", to = "06:00", next_day = true }]
/// "#)?;
/// assert_eq!(policy.name(), "nights only");
///
/// let error = Policy::from_toml("version = 1\nname = \"x\"\nruel = []").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "unknown member `ruel` of the policy; did you mean `rule`? (line: 3, column: 8)",
/// );
/// # Ok::<(), trueup::Error>(())
/// ```
#[derive(Clone)]
pub struct Policy(Arc<Inner>);

struct Inner {
    built: Built,
    normal: Json,
    hash: Hash,
}

impl Policy {
    /// Reads a TOML document.
    ///
    /// # Errors
    /// `invalid`, with line and column, for what is no TOML or no policy.
    pub fn from_toml(text: &str) -> Result<Self> {
        Self::read(Source(text), &tree::from_toml(text)?)
    }

    /// Reads a JSON document.
    ///
    /// # Errors
    /// `invalid`, with line and column, for what is no JSON or no policy.
    pub fn from_json(text: &str) -> Result<Self> {
        Self::read(Source(text), &tree::from_json(text)?)
    }

    /// The policy that holds where nobody wrote one; [`Policy::STANDARD`] is its document.
    ///
    /// # Errors
    /// `internal` only: the document is part of this library.
    pub fn standard() -> Result<Self> {
        Self::from_toml(Self::STANDARD)
    }

    /// The document of the standard policy: read it, copy it, change it.
    pub const STANDARD: &'static str = include_str!("standard.toml");

    /// The JSON Schema of the document, as it is published in `docs/spec/policy.schema.json`.
    pub fn schema() -> Json {
        let mut schema = shape::schema(&members::POLICY);
        if let Json::Object(members) = &mut schema {
            members.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
            members.insert("title".into(), json!("trueup policy"));
        }
        schema
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.0.built.name
    }

    /// Its hash: two documents that mean the same have the same (`docs/spec/policy.md`).
    pub fn hash(&self) -> Hash {
        self.0.hash
    }

    /// The document in its normal form, which the hash is of.
    pub fn to_json(&self) -> &Json {
        &self.0.normal
    }

    /// The ids of its rules, sorted.
    pub fn rule_ids(&self) -> impl Iterator<Item = &str> {
        self.rules().iter().map(|rule| &*rule.id)
    }

    /// How long a decision holds at most, in milliseconds.
    pub fn valid(&self) -> i64 {
        self.0.built.valid
    }

    /// More stale changes than this share of a plan stop its run; in parts of a million.
    pub fn stale_share(&self) -> u64 {
        self.0.built.stale_share
    }

    /// Who is asked where no rule says who.
    pub(crate) fn ask(&self) -> &Ask {
        &self.0.built.ask
    }

    /// Whose two yes open break-glass.
    pub(crate) fn break_glass_roles(&self) -> &[String] {
        &self.0.built.break_glass
    }

    pub(crate) fn rules(&self) -> &[PolicyRule] {
        &self.0.built.rules
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.0.built.catalogue
    }

    fn read(source: Source<'_>, tree: &Spot) -> Result<Self> {
        shape::check(source, tree, &members::POLICY, "")?;
        let built = build(source, tree)?;
        let normal = shape::normal(tree, &members::POLICY);
        let hash = hash(&normal);
        Ok(Self(Arc::new(Inner { built, normal, hash })))
    }
}

fn hash(normal: &Json) -> Hash {
    let mut bytes = Vec::new();
    frame(&mut bytes, b"trueup/policy/1");
    frame(&mut bytes, &crate::reconcile::canonical_json(normal));
    Sha256::digest(&bytes).into()
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = trueup_connector::hex(&self.0.hash);
        f.debug_struct("Policy")
            .field("name", &self.name())
            .field("hash", &hash)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Policy {
    /// Whether both mean the same.
    fn eq(&self, other: &Self) -> bool {
        self.0.hash == other.0.hash
    }
}

impl Eq for Policy {}
