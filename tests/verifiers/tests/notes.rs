//! The crate `signed_note` opens our checkpoints and signs notes that we open.
#![allow(clippy::expect_used, reason = "a test may stop at the first surprise")]

use signed_note::{Note, StandardVerifier, VerifierList};
use trueup::audit::{Checkpoint, Signer};
use trueup_test_verifiers::{ORIGIN, sample};

fn known(key: &str) -> VerifierList {
    VerifierList::new(vec![Box::new(StandardVerifier::new(key).expect("our key is a key there"))])
}

#[test]
fn our_checkpoints_are_signed_notes() {
    let sample = sample(7).expect("a sample");
    let note = Note::from_bytes(sample.checkpoint.as_bytes()).expect("our note is a note there");
    let (verified, others) =
        note.verify(&known(&sample.log.verifier().to_string())).expect("our signature holds");
    assert_eq!((verified.len(), others.len()), (1, 0));
    assert!(note.text().starts_with(b"log.example/audit\n7\n"));
    assert_eq!(note.to_bytes(), sample.checkpoint.as_bytes());
    assert!(note.verify(&known(&sample.approver.verifier().to_string())).is_err());
}

#[test]
fn our_checkpoints_do_not_survive_a_change_there_either() {
    let sample = sample(7).expect("a sample");
    let forged = sample.checkpoint.replacen("\n7\n", "\n8\n", 1);
    let note = Note::from_bytes(forged.as_bytes()).expect("it is still a note");
    assert!(note.verify(&known(&sample.log.verifier().to_string())).is_err());
}

#[test]
fn their_notes_are_checkpoints_here() {
    let sample = sample(7).expect("a sample");
    let head = Checkpoint::open(&sample.checkpoint, &[sample.log.verifier().clone()]);
    let body = head.expect("ours").body();
    // The secret key in their text form: the same seed as the sample's.
    let key = sample.log.verifier().to_string();
    let id = key.split('+').nth(1).expect("an id");
    let secret = format!("PRIVATE+KEY+{ORIGIN}+{id}+AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB");
    let signer = signed_note::StandardSigner::new(&secret).expect("a signer there");
    let mut note = Note::new(body.as_bytes(), &[]).expect("a note there");
    note.add_sigs(&[&signer]).expect("signed there");
    assert_eq!(note.to_bytes(), sample.checkpoint.as_bytes());
}
