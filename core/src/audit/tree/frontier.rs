//! What appending needs of a tree: a hash for each one in the binary form of its size.

use trueup_connector::snapshot::node_hash;
use trueup_connector::{Hash, Result};

use super::super::encoding::{malformed, sha256};

/// The right edge of a tree: appends and gives roots in O(log n), without the leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the perfect subtrees that the size's binary digits name, largest first.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of an empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a leaf by its hash, and gives its index.
    pub fn push(&mut self, leaf: Hash) -> u64 {
        let (index, mut whole) = (self.size, leaf);
        for _ in 0..index.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                whole = node_hash(&left, &whole);
            }
        }
        self.peaks.push(whole);
        self.size += 1;
        index
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root; `SHA-256("")` of an empty tree.
    pub fn root(&self) -> Hash {
        let peaks = self.peaks.iter().rev().copied();
        peaks.reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(|| sha256(b""))
    }

    /// The state to store: 8 bytes and 32 for each perfect subtree, 2,056 at most.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        bytes.extend(self.peaks.as_flattened());
        bytes
    }

    /// Reads what [`Frontier::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Kind::Data`](trueup_connector::Kind::Data) if it is of another length than its size says.
    /// A changed byte is not found here but by the root.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = || malformed("the stored state of this log is damaged");
        let (size, peaks) = bytes.split_first_chunk().ok_or_else(damaged)?;
        let size = u64::from_be_bytes(*size);
        let (peaks, rest) = peaks.as_chunks::<32>();
        match rest.is_empty() && peaks.len() == size.count_ones() as usize {
            true => Ok(Self { size, peaks: peaks.to_vec() }),
            false => Err(damaged()),
        }
    }
}
