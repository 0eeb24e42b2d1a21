//! Proofs that a log has only grown.

use trueup_connector::Hash;
use trueup_connector::snapshot::node_hash;

use super::super::encoding::sha256;

/// Shows that a log of one size is the beginning of a larger one (RFC 6962, section 2.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsistencyProof {
    /// The size of the smaller log.
    pub from: u64,
    /// The size of the larger log.
    pub to: u64,
    /// The hashes that lead to both roots.
    pub path: Vec<Hash>,
}

impl ConsistencyProof {
    /// A proof from its parts, as they were stored or sent; [`ConsistencyProof::verify`] says what it is
    /// worth.
    pub fn new(from: u64, to: u64, path: Vec<Hash>) -> Self {
        Self { from, to, path }
    }

    /// Whether it shows that the log with the old root is the beginning of the one with the new
    /// root (RFC 9162, section 2.1.4.2).
    pub fn verify(&self, old: &Hash, new: &Hash) -> bool {
        match self.from {
            0 => self.path.is_empty() && *old == sha256(b""),
            from if from == self.to => self.path.is_empty() && old == new,
            from if from > self.to => false,
            _ => self.walk(old, new).unwrap_or(false),
        }
    }

    fn walk(&self, old: &Hash, new: &Hash) -> Option<bool> {
        // A perfect old tree is a node of the new one, and is not in the path.
        let (first, rest) = match self.from.is_power_of_two() {
            true => (old, self.path.as_slice()),
            false => self.path.split_first()?,
        };
        let trailing = (self.from - 1).trailing_ones();
        let (mut index, mut last) = ((self.from - 1) >> trailing, (self.to - 1) >> trailing);
        let (mut left, mut whole) = (*first, *first);
        for hash in rest {
            if last == 0 {
                return None;
            }
            if index % 2 == 1 || index == last {
                (left, whole) = (node_hash(hash, &left), node_hash(hash, &whole));
                while index % 2 == 0 && index != 0 {
                    (index, last) = (index / 2, last / 2);
                }
            } else {
                whole = node_hash(&whole, hash);
            }
            (index, last) = (index / 2, last / 2);
        }
        Some(!self.path.is_empty() && last == 0 && left == *old && whole == *new)
    }
}
