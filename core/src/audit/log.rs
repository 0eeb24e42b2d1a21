//! The log as a state machine: entries go in, indexes and checkpoints come out.

use trueup_connector::{Hash, Result};

use super::checkpoint::Checkpoint;
use super::encoding::invalid;
use super::entry::Entry;
use super::key::{Signer, check_name};
use super::tree::Frontier;

/// A log that grows at its end and remembers only what it needs for that.
///
/// The store keeps each entry's [text](Entry::text) and leaf hash, and the [state](Log::state),
/// all in the transaction that the entry is about; after a restart it goes on where it was.
///
/// ```
/// use serde_json::json;
/// use trueup::audit::{Checkpoint, Ed25519Signer, Entry, Log, Signer};
///
/// let mut log = Log::new("log.example/audit")?;
/// let entry = Entry::new("run.started", "2026-11-22T10:00:00Z", &json!({"plan": "6c91"}), [7; 32])?;
/// let appended = log.append(&entry);
/// assert_eq!(appended.index, 0);
///
/// // Later, elsewhere: the same log goes on from its stored state.
/// let mut log = Log::resume("log.example/audit", &log.state())?;
/// let entry = Entry::new("run.finished", "2026-11-22T10:00:03Z", &json!({"done": 2}), [8; 32])?;
/// assert_eq!(log.append(&entry).index, 1);
///
/// let signer = Ed25519Signer::new("log.example/audit", [1; 32])?;
/// let note = log.checkpoint(&signer)?;
/// let checkpoint = Checkpoint::open(&note, &[signer.verifier().clone()])?;
/// assert_eq!(checkpoint.size, 2);
/// # Ok::<(), trueup::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    origin: String,
    frontier: Frontier,
}

/// Where an entry went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// The entry's index, from 0 without gaps.
    pub index: u64,
    /// The hash of its leaf, to be stored beside it.
    pub leaf: Hash,
}

impl Log {
    /// An empty log of this name, a key name such as `log.example/audit`.
    ///
    /// # Errors
    /// [`Kind::Invalid`](trueup_connector::Kind::Invalid) for a name that cannot be a key's.
    pub fn new(origin: &str) -> Result<Self> {
        check_name(origin)?;
        Ok(Self { origin: origin.to_owned(), frontier: Frontier::new() })
    }

    /// The log of this name that had this [state](Log::state).
    ///
    /// # Errors
    /// As [`Log::new`]; [`Kind::Data`](trueup_connector::Kind::Data) if the state is damaged.
    pub fn resume(origin: &str, state: &[u8]) -> Result<Self> {
        Ok(Self { frontier: Frontier::from_bytes(state)?, ..Self::new(origin)? })
    }

    /// Adds an entry: O(log n), and cannot fail.
    pub fn append(&mut self, entry: &Entry) -> Appended {
        let leaf = entry.leaf();
        Appended { index: self.frontier.push(leaf), leaf }
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries there are.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root of the tree over all entries.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// What to store, to go on from here: 8 bytes and 32 for each binary digit one of the size.
    pub fn state(&self) -> Vec<u8> {
        self.frontier.to_bytes()
    }

    /// The head as a signed note, by a signer with the log's own name.
    ///
    /// # Errors
    /// [`Kind::Invalid`](trueup_connector::Kind::Invalid) for a signer of another name; what
    /// [`Checkpoint::sign`] says.
    pub fn checkpoint(&self, signer: &dyn Signer) -> Result<String> {
        let name = signer.verifier().name();
        if name != self.origin {
            return invalid(format!(
                "a checkpoint of `{}` is signed by a key of this name, not of `{name}`",
                self.origin
            ));
        }
        Checkpoint::new(&self.origin, self.size(), self.root())?.sign(&[signer])
    }
}
