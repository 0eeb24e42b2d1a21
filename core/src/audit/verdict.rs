//! What verifying says, and whose keys it trusts.

use std::fmt;

use serde_json::Value as Json;
use trueup_connector::Error;

use super::checkpoint::Checkpoint;
use super::key::Verifier;

/// The keys that a verifier trusts, and for what.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    pub(super) logs: Vec<Verifier>,
    pub(super) approvers: Vec<Verifier>,
}

impl Trust {
    /// Trusts nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts this key to sign checkpoints of the log with its name, and manifests.
    #[must_use]
    pub fn with_log(mut self, key: Verifier) -> Self {
        self.logs.push(key);
        self
    }

    /// Trusts this key to sign manifests; never a checkpoint.
    #[must_use]
    pub fn with_approver(mut self, key: Verifier) -> Self {
        self.approvers.push(key);
        self
    }
}

/// What a pack or a log was found to show.
///
/// Whatever is wrong is in `problems`; the rest says what was shown nevertheless. Ask
/// [`Verdict::holds`] first: where it does not, the rest is for finding the fault.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Verdict {
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
    /// What the pack says it is about.
    pub about: Option<Json>,
    /// The largest checkpoint that holds and that a trusted key has signed.
    pub checkpoint: Option<Checkpoint>,
    /// Whose signatures of the manifest hold, of the trusted keys. Whoever hands the pack on can leave
    /// a signature out: look here for those that you need.
    pub signers: Vec<String>,
    /// Who else is said to have signed the manifest; their keys are not trusted, so nobody checked.
    pub strangers: Vec<String>,
    /// Entries that the checkpoint covers, ascending.
    pub anchored: Vec<u64>,
    /// Entries that no checkpoint covers, ascending: they may still be rewritten.
    pub not_anchored: Vec<u64>,
    /// Entries whose payloads are gone.
    pub erased: Vec<Erased>,
    /// The caller's files of a pack.
    pub files: Vec<FileEvidence>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What, in words.
    pub what: String,
}

/// Where something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The pack as a whole.
    Pack,
    /// The log as a whole.
    Log,
    /// A file of the pack, by its name there.
    File(String),
    /// An entry, by its index.
    Entry(u64),
    /// A line of the pack's entries whose index cannot be read, from 1.
    Line(usize),
    /// A checkpoint, as the one among those given, from 0.
    Checkpoint(usize),
    /// The signature of this key on the manifest.
    Signature(String),
    /// The saved checkpoint.
    Saved,
}

/// An entry whose payload is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erased {
    /// Its index.
    pub entry: u64,
    /// The entry that says so; `None` is a problem too.
    pub record: Option<u64>,
    /// Who allowed it, by that entry's word.
    pub by: Option<String>,
    /// Why, by that entry's word.
    pub reason: Option<String>,
}

/// A file of a pack, and what vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileEvidence {
    /// Its name, without the pack's `files/`.
    pub name: String,
    /// Its media type, as the manifest says.
    pub media_type: String,
    /// The first anchored entry that names its digest; without one, the signers alone vouch for it.
    pub anchored_by: Option<u64>,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn holds(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn wrong(&mut self, place: Place, what: impl Into<String>) {
        self.problems.push(Problem { place, what: what.into() });
    }

    /// The value, or a problem at this place and no value.
    pub(super) fn note<T>(&mut self, place: Place, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.wrong(place, error.to_string())).ok()
    }
}

impl fmt::Display for Verdict {
    /// One line if it holds; else one for each problem.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.holds() {
            let lines: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
            return f.write_str(&lines.join("\n"));
        }
        let (anchored, open) = (self.anchored.len(), self.not_anchored.len());
        write!(f, "holds: {anchored} entries anchored, {open} not, {} erased", self.erased.len())?;
        match self.signers.as_slice() {
            [] => Ok(()),
            signers => write!(f, "; signed by {}", signers.join(", ")),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pack => f.write_str("pack"),
            Self::Log => f.write_str("log"),
            Self::File(name) => write!(f, "file `{}`", name.escape_debug()),
            Self::Entry(index) => write!(f, "entry {index}"),
            Self::Line(number) => write!(f, "line {number} of the entries"),
            Self::Checkpoint(place) => write!(f, "checkpoint {place}"),
            Self::Signature(name) => write!(f, "signature of `{}`", name.escape_debug()),
            Self::Saved => f.write_str("saved checkpoint"),
        }
    }
}
