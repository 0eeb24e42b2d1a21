//! Content roots: one hash that stands for every record of a snapshot (RFC 6962, section 2.1).

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Bytes as lower-case hexadecimal digits: how hashes and identifiers are written everywhere.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| digits(*byte)).map(char::from).collect()
}

/// The Merkle tree over a snapshot's records, sorted by the hash of their key.
///
/// It does not depend on the order of rows, on batches or on encodings; secret fields are not in
/// it. The byte-level spec is `docs/spec/content-root.md`.
#[derive(Clone, Debug)]
pub struct ContentTree {
    /// Every level, leaves first; a level's odd last node is carried up unchanged.
    levels: Vec<Vec<Hash>>,
}

/// Shows that a record is in a snapshot, without showing the others (RFC 6962, section 2.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proof {
    /// Where the record's leaf stands.
    pub index: u64,
    /// How many leaves the tree has.
    pub size: u64,
    /// The audit path, from the leaf up.
    pub path: Vec<Hash>,
}

impl ContentTree {
    /// The tree over leaves whose data is given in the order of the leaves.
    pub(crate) fn new(mut leaves: Vec<Vec<u8>>) -> Self {
        leaves.sort_unstable();
        let leaves = leaves.iter().map(|data| leaf_hash(data)).collect();
        let mut levels: Vec<Vec<Hash>> = vec![leaves];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            levels.push(level.chunks(2).map(parent).collect());
        }
        Self { levels }
    }

    /// The root: `SHA-256("")` of a snapshot without records.
    pub fn root(&self) -> Hash {
        match self.levels.last().and_then(|top| top.first()) {
            Some(root) => *root,
            None => Sha256::digest([]).into(),
        }
    }

    /// How many records it stands for.
    pub fn len(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// Whether it stands for no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A proof that the record with these leaf bytes is in the snapshot; `None` where it is not.
    ///
    /// [`Snapshot::leaf`](crate::Snapshot::leaf) gives a record's leaf bytes.
    pub fn prove(&self, leaf: &[u8]) -> Option<Proof> {
        let leaf = leaf_hash(leaf);
        let index = self.levels.first()?.iter().position(|hash| *hash == leaf)?;
        let siblings = self
            .levels
            .iter()
            .enumerate()
            .map(|(height, level)| level.get((index >> height) ^ 1).copied());
        let path = siblings.flatten().collect();
        Some(Proof { index: index as u64, size: self.len() as u64, path })
    }
}

impl Proof {
    /// A proof from its parts, as they were stored or sent; [`Proof::verify`] says what it is worth.
    pub fn new(index: u64, size: u64, path: Vec<Hash>) -> Self {
        Self { index, size, path }
    }

    /// Whether it shows that the record with these leaf bytes is in the snapshot with this root.
    pub fn verify(&self, leaf: &[u8], root: &Hash) -> bool {
        if self.index >= self.size {
            return false;
        }
        let (mut index, mut last, mut hash) = (self.index, self.size - 1, leaf_hash(leaf));
        for sibling in &self.path {
            if last == 0 {
                return false;
            }
            if index % 2 == 1 || index == last {
                hash = node_hash(sibling, &hash);
                while index % 2 == 0 && index != 0 {
                    (index, last) = (index / 2, last / 2);
                }
            } else {
                hash = node_hash(&hash, sibling);
            }
            (index, last) = (index / 2, last / 2);
        }
        last == 0 && hash == *root
    }
}

/// The two hexadecimal digits of a byte, without a branch.
fn digits(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|nibble| b'0' + nibble + 39 * u8::from(nibble > 9))
}

fn parent(pair: &[Hash]) -> Hash {
    match pair {
        [left, right] => node_hash(left, right),
        [only] => *only,
        _ => [0; 32],
    }
}

/// The hash of a leaf with these bytes (RFC 6962, section 2.1).
pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(data).finalize().into()
}

/// The hash of a node over its two parts (RFC 6962, section 2.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(size: usize) -> ContentTree {
        ContentTree::new((0..size).map(|i| vec![i as u8]).collect())
    }

    /// The definition of RFC 6962, word for word.
    fn naive(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => leaf_hash(one),
            many => {
                let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
                node_hash(&naive(left), &naive(right))
            }
        }
    }

    #[test]
    fn roots_are_those_of_the_rfc() {
        for size in 0..40 {
            let leaves: Vec<Vec<u8>> = (0..size).map(|i| vec![i as u8]).collect();
            assert_eq!(tree(size).root(), naive(&leaves), "{size} leaves");
        }
    }

    #[test]
    fn every_record_can_be_proved_and_no_other() {
        for size in 1..40 {
            let tree = tree(size);
            for i in 0..size {
                let proof = tree.prove(&[i as u8]).unwrap();
                assert!(proof.verify(&[i as u8], &tree.root()), "{i} of {size}");
                assert!(!proof.verify(&[99], &tree.root()));
                let moved = Proof { index: proof.index + 1, ..proof.clone() };
                assert!(!moved.verify(&[i as u8], &tree.root()), "{i} moved in {size}");
            }
            assert!(tree.prove(&[99]).is_none());
        }
    }
}
