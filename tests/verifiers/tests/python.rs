//! `securesystemslib`, `in-toto-attestation` and Python's `zipfile` take our packs.
//!
//! They stand in a virtual environment that `tests/verifiers.sh` makes in the cache folder. Where it is
//! not there the tests say so and pass; with TRUEUP_REQUIRE_VERIFIERS=1 they fail.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::path::PathBuf;
use std::process::{Command, Output};

use trueup::audit::Signer;
use trueup_test_verifiers::{Sample, python, sample};

fn judge(python: &PathBuf, sample: &Sample, pack: &[u8]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pack.zip");
    std::fs::write(&file, pack).expect("written");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/judge.py");
    let keys = [&sample.log, &sample.approver].map(|signer| signer.verifier().to_string());
    Command::new(python).arg(script).arg(&file).args(keys).output().expect("Python runs")
}

#[test]
fn our_packs_are_zip_dsse_and_in_toto() {
    let Some(python) = python() else {
        return;
    };
    let sample = sample(5).expect("a sample");
    assert!(sample.verdict().holds(), "{}", sample.verdict());
    let output = judge(&python, &sample, &sample.pack);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_changed_pack_is_refused_there_too() {
    let Some(python) = python() else {
        return;
    };
    let sample = sample(5).expect("a sample");
    let at = |text: &[u8]| {
        let found = sample.pack.windows(text.len()).position(|window| window == text);
        found.unwrap_or_else(|| panic!("{} is in the pack", String::from_utf8_lossy(text)))
    };
    // A file's content, the base64 of the statement, the base64 of a signature.
    for place in [at(b"matched"), at(b"\"payload\":\"") + 40, at(b"\"sig\":\"") + 30] {
        let mut changed = sample.pack.clone();
        if let Some(byte) = changed.get_mut(place) {
            *byte = if *byte == b'A' { b'B' } else { b'A' };
        }
        assert!(!judge(&python, &sample, &changed).status.success(), "byte {place}");
    }
}
