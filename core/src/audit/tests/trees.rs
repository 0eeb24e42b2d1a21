//! Roots and proofs against the definitions of RFC 6962, for every size to 70.

use proptest::prelude::*;
use trueup_connector::snapshot::{leaf_hash, node_hash};
use trueup_connector::{Hash, Proof};

use super::super::encoding::sha256;
use super::super::{ConsistencyProof, Frontier, Tree};

const SIZES: u64 = 70;

fn data(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|index| leaf_hash(&data(index))).collect()
}

/// MTH of RFC 6962, 2.1, word for word.
fn naive(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(b""),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
            node_hash(&naive(left), &naive(right))
        }
    }
}

#[test]
fn appending_gives_the_roots_of_the_definition() {
    let (mut frontier, mut tree, all) = (Frontier::new(), Tree::default(), leaves(SIZES));
    for size in 0..=SIZES {
        let root = naive(&all[..size as usize]);
        assert_eq!(frontier.root(), root, "frontier of {size}");
        assert_eq!(tree.root(), root, "tree of {size}");
        assert_eq!(Tree::from_leaves(leaves(SIZES)).root_at(size), Some(root));
        assert_eq!(Frontier::from_bytes(&frontier.to_bytes()).unwrap(), frontier);
        assert_eq!((frontier.size(), tree.size()), (size, size));
        assert_eq!(frontier.push(leaf_hash(&data(size))), size);
        tree.push(leaf_hash(&data(size)));
    }
}

#[test]
fn states_of_the_wrong_length_are_refused() {
    let bytes = {
        let mut frontier = Frontier::new();
        leaves(5).into_iter().for_each(|leaf| {
            let _ = frontier.push(leaf);
        });
        frontier.to_bytes()
    };
    for length in (0..bytes.len()).filter(|length| *length != bytes.len()) {
        assert!(Frontier::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
    }
    assert!(Frontier::from_bytes(&[bytes.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn every_leaf_is_proved_at_every_size_and_no_other() {
    let tree = Tree::from_leaves(leaves(SIZES));
    for size in 0..=SIZES {
        let root = tree.root_at(size).unwrap();
        for index in 0..size {
            let proof = tree.inclusion(index, size).unwrap();
            assert!(proof.verify(&data(index), &root), "{index} of {size}");
            check_altered_inclusion(&proof, &root);
        }
        assert_eq!(tree.inclusion(size, size), None);
    }
    assert_eq!(tree.inclusion(0, SIZES + 1), None);
    assert_eq!(tree.root_at(SIZES + 1), None);
}

fn check_altered_inclusion(proof: &Proof, root: &Hash) {
    let (index, size) = (proof.index, proof.size);
    let refused = |proof: &Proof| assert!(!proof.verify(&data(index), root), "{proof:?}");
    assert!(!proof.verify(&data(index + 1), root));
    assert!(!proof.verify(&data(index), &[0; 32]));
    refused(&Proof::new(index + 1, size, proof.path.clone()));
    refused(&Proof::new(index, size, [proof.path.as_slice(), &[[0; 32]]].concat()));
    for i in 0..proof.path.len() {
        let mut path = proof.path.clone();
        path[i][31] ^= 1;
        refused(&Proof::new(index, size, path.clone()));
        path.remove(i);
        refused(&Proof::new(index, size, path));
    }
}

#[test]
fn growth_is_proved_between_all_sizes_and_nothing_else() {
    let tree = Tree::from_leaves(leaves(SIZES));
    for to in 0..=SIZES {
        for from in 0..=to {
            let proof = tree.consistency(from, to).unwrap();
            let (old, new) = (tree.root_at(from).unwrap(), tree.root_at(to).unwrap());
            assert!(proof.verify(&old, &new), "{from} to {to}");
            check_altered_growth(&proof, &old, &new);
        }
        assert_eq!(tree.consistency(to + 1, to), None);
    }
    assert_eq!(tree.consistency(0, SIZES + 1), None);
}

fn check_altered_growth(proof: &ConsistencyProof, old: &Hash, new: &Hash) {
    let ConsistencyProof { from, to, path } = proof.clone();
    let refused = |path: Vec<Hash>| {
        assert!(!ConsistencyProof::new(from, to, path).verify(old, new), "{from} to {to}");
    };
    assert!(!proof.verify(&[0; 32], new));
    assert!(from == 0 || !proof.verify(old, &[0; 32]));
    refused([path.as_slice(), &[[0; 32]]].concat());
    assert!(from == to || !ConsistencyProof::new(to, from, path.clone()).verify(new, old));
    for i in 0..path.len() {
        let mut other = path.clone();
        other[i][0] ^= 128;
        refused(other.clone());
        other.remove(i);
        refused(other);
    }
}

proptest! {
    #[test]
    fn any_path_is_walked_without_a_panic(
        index: u64,
        size: u64,
        path in prop::collection::vec(any::<[u8; 32]>(), 0..80),
        root: [u8; 32],
    ) {
        prop_assert!(!Proof::new(index, size, path.clone()).verify(b"x", &root));
        let (old, new) = ([1; 32], root);
        prop_assert!(!ConsistencyProof::new(index, size, path.clone()).verify(&old, &new));
        prop_assert!(!ConsistencyProof::new(index % 64, index % 64 + size % 64, path).verify(&old, &new));
    }
}
