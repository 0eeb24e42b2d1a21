//! A tree with all its hashes: proofs between any two of its sizes.

use trueup_connector::snapshot::node_hash;
use trueup_connector::{Hash, Proof};

use super::super::encoding::sha256;
use super::ConsistencyProof;

/// All hashes of a log's tree: proofs for any size that it ever had.
///
/// 64 bytes a leaf. Stores keep the leaf hashes and build one when somebody asks for proofs.
///
/// ```
/// use trueup::audit::Tree;
///
/// let tree = Tree::from_leaves([[1; 32], [2; 32], [3; 32]]);
/// let grown = tree.consistency(2, 3).expect("both sizes are there");
/// assert!(grown.verify(&tree.root_at(2).unwrap(), &tree.root()));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The roots of perfect subtrees by height, leaves first, left to right.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// The tree over leaves given by their hashes ([`Entry::leaf`](super::super::Entry::leaf)), in
    /// the order of their indexes.
    pub fn from_leaves(leaves: impl IntoIterator<Item = Hash>) -> Self {
        let mut tree = Self::default();
        leaves.into_iter().for_each(|leaf| tree.push(leaf));
        tree
    }

    /// Adds a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let (index, mut whole) = (self.size(), leaf);
        let mut levels = self.levels.iter_mut();
        for height in 0..=index.trailing_ones() {
            let Some(level) = levels.next() else {
                self.levels.push(vec![whole]);
                return;
            };
            let left = level.last().copied();
            level.push(whole);
            if let Some(left) = left.filter(|_| index >> height & 1 == 1) {
                whole = node_hash(&left, &whole);
            }
        }
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, Vec::len) as u64
    }

    /// The hash of a leaf.
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.perfect(0, index)
    }

    /// The root; `SHA-256("")` of an empty tree.
    pub fn root(&self) -> Hash {
        self.range(0, self.size()).unwrap_or_else(|| sha256(b""))
    }

    /// The root that the tree had at this size; `None` if it never was as large.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        match size {
            0 => Some(sha256(b"")),
            _ => self.range(0, size).filter(|_| size <= self.size()),
        }
    }

    /// A proof that a leaf was in the tree when it had this size; `None` if it was not.
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Proof> {
        if index >= size || size > self.size() {
            return None;
        }
        let (mut path, mut begin, mut length) = (Vec::new(), 0, size);
        while length > 1 {
            let left = split(length);
            if index - begin < left {
                path.push(self.range(begin + left, length - left)?);
                length = left;
            } else {
                path.push(self.range(begin, left)?);
                (begin, length) = (begin + left, length - left);
            }
        }
        path.reverse();
        Some(Proof::new(index, size, path))
    }

    /// A proof that the tree of one size is the beginning of the tree of another; `None` if it never
    /// was as large, or if the first is larger.
    pub fn consistency(&self, from: u64, to: u64) -> Option<ConsistencyProof> {
        if from > to || to > self.size() {
            return None;
        }
        let path = if from == 0 { Some(Vec::new()) } else { self.subproof(from, to) };
        path.map(|path| ConsistencyProof::new(from, to, path))
    }

    /// SUBPROOF of RFC 6962, 2.1.2, from the root down.
    fn subproof(&self, from: u64, to: u64) -> Option<Vec<Hash>> {
        let (mut path, mut begin, mut length) = (Vec::new(), 0, to);
        while from - begin < length {
            let left = split(length);
            if from - begin <= left {
                path.push(self.range(begin + left, length - left)?);
                length = left;
            } else {
                path.push(self.range(begin, left)?);
                (begin, length) = (begin + left, length - left);
            }
        }
        // Where nothing was split off to the left, the verifier has this hash: the old root.
        if begin > 0 {
            path.push(self.range(begin, length)?);
        }
        path.reverse();
        Some(path)
    }

    /// The root over some leaves; `begin` is a multiple of the power of two that covers `length`.
    fn range(&self, begin: u64, length: u64) -> Option<Hash> {
        if length == 0 {
            return None;
        }
        if length.is_power_of_two() {
            let height = length.trailing_zeros();
            return self.perfect(height as usize, begin >> height);
        }
        let left = split(length);
        Some(node_hash(&self.range(begin, left)?, &self.range(begin + left, length - left)?))
    }

    fn perfect(&self, height: usize, place: u64) -> Option<Hash> {
        self.levels.get(height)?.get(usize::try_from(place).ok()?).copied()
    }
}

/// The largest power of two smaller than a length above one.
fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}
