//! The crate `ct-merkle` grows the same trees and takes our proofs.
#![allow(clippy::expect_used, reason = "a test may stop at the first surprise")]

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use sha2::Sha256;
use trueup::audit::Tree;
use trueup_test_verifiers::sample;

const SIZE: u8 = 70;

fn root(tree: &Tree, size: u64) -> RootHash<Sha256> {
    RootHash::new(tree.root_at(size).expect("a size that there was").into(), size)
}

#[test]
fn roots_and_proofs_are_the_same() {
    let sample = sample(SIZE).expect("a sample");
    let mut theirs = MemoryBackedTree::<Sha256, [u8; 32]>::new();
    for (entry, size) in sample.entries.iter().zip(1_u64..) {
        theirs.push(entry.leaf_data());
        assert_eq!(
            theirs.root().as_bytes().as_slice(),
            root(&sample.tree, size).as_bytes().as_slice()
        );
        for index in 0..size {
            let ours = sample.tree.inclusion(index, size).expect("a leaf that there is");
            let place = usize::try_from(index).expect("small");
            assert_eq!(theirs.prove_inclusion(place).as_bytes(), ours.path.as_flattened());
        }
    }
}

#[test]
fn our_inclusion_proofs_hold_there() {
    let sample = sample(SIZE).expect("a sample");
    for size in 1..=u64::from(SIZE) {
        let root = root(&sample.tree, size);
        for (entry, index) in sample.entries.iter().zip(0..size) {
            let ours = sample.tree.inclusion(index, size).expect("a leaf that there is");
            let proof = InclusionProof::from_bytes(ours.path.concat());
            root.verify_inclusion(&entry.leaf_data(), index, &proof).expect("our proof");
            assert!(root.verify_inclusion(&[0; 32], index, &proof).is_err());
        }
    }
}

#[test]
fn our_consistency_proofs_hold_there() {
    let sample = sample(SIZE).expect("a sample");
    for to in 1..=u64::from(SIZE) {
        // There, an empty log is not the beginning of anything.
        for from in 1..=to {
            let ours = sample.tree.consistency(from, to).expect("sizes that there were");
            let proof =
                ConsistencyProof::try_from_bytes(ours.path.concat()).expect("a proof there");
            let (old, new) = (root(&sample.tree, from), root(&sample.tree, to));
            new.verify_consistency(&old, &proof).expect("our proof");
            let other = RootHash::new([0; 32].into(), from);
            assert!(new.verify_consistency(&other, &proof).is_err(), "{from} to {to}");
        }
    }
}
