//! The evidence: written, and verified by us and by a program that is not ours.

use std::fs;
use std::path::{Path, PathBuf};

use trueup::Report;
use trueup::audit::{Signer, Trust, Verdict, add_signature, verify};
use trueup::runtime::{EvidenceFile, Store};

use super::approvals::People;
use super::{openssl, pages};
use crate::Result;
use crate::demo::Settings;
use crate::show::Screen;

/// What was found about a pack.
pub(super) struct Checked {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) verdict: Verdict,
    /// What OpenSSL says of its signatures, where the machine has it.
    pub(super) openssl: Option<String>,
    /// What one flipped bit comes to.
    pub(super) flipped: String,
}

/// Writes the evidence and verifies it: where it is, and how many entries of the log it proves.
pub(super) fn make(
    settings: &Settings,
    screen: &mut Screen<'_>,
    store: &Store,
    people: &People,
    run: &str,
    report: &Report,
) -> Result<(PathBuf, usize)> {
    let step = screen.begin("Write the evidence, and verify it without trueup's store");
    let path = settings.out.join("evidence.zip");
    let pack = pack(store, people, run, report)?;
    fs::write(&path, &pack)?;
    let checked = check(&path, &pack, people)?;
    screen.end(&step)?;
    pages::evidence(screen, &checked)?;
    Ok((checked.path, checked.verdict.anchored.len()))
}

fn pack(store: &Store, people: &People, run: &str, report: &Report) -> Result<Vec<u8>> {
    let digest = trueup::hex(&report.digest()?);
    let counts = report.counts().to_string();
    let about = serde_json::json!({"report": digest, "counts": counts}).to_string();
    let files = vec![EvidenceFile::new("report.json", "application/json", about)];
    let pack = store.evidence(run, files, people.log())?;
    people.signers().try_fold(pack, |pack, signer| Ok(add_signature(&pack, signer)?))
}

fn check(path: &Path, pack: &[u8], people: &People) -> Result<Checked> {
    let trust = Trust::new().with_log(people.log().verifier().clone());
    let trust = people.verifiers().fold(trust, |trust, key| trust.with_approver(key.clone()));
    let verdict = verify(pack, &trust, None);
    if !verdict.holds() {
        return Err(format!("our own evidence does not hold: {verdict}").into());
    }
    let mut altered = pack.to_vec();
    if let Some(byte) = altered.get_mut(pack.len() / 3) {
        *byte ^= 1;
    }
    let altered = verify(&altered, &trust, None);
    let flipped = altered.problems.first().map(ToString::to_string);
    let flipped = flipped.ok_or("a flipped bit was not found")?;
    let (path, size) = (path.to_owned(), pack.len() as u64);
    Ok(Checked { openssl: openssl::verify(&path, people)?, path, size, verdict, flipped })
}
