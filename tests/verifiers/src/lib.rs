//! What tests put before verifiers that others wrote: a log and a pack of it; and where those verifiers are.

use std::env;
use std::path::PathBuf;

use serde_json::json;
use trueup::Result;
use trueup::audit::{
    Ed25519Signer, Entry, Evidence, Log, Signer, Tree, Trust, Verdict, file_digest, verify,
};

/// The log's name.
pub const ORIGIN: &str = "log.example/audit";
const REPORT: &[u8] = b"{\"matched\":2}\n";

/// A log, its signed checkpoint, and a pack with all of it.
#[derive(Debug)]
pub struct Sample {
    /// The log's key.
    pub log: Ed25519Signer,
    /// An approver's key.
    pub approver: Ed25519Signer,
    /// The entries in their order.
    pub entries: Vec<Entry>,
    /// The tree over them.
    pub tree: Tree,
    /// The checkpoint over all of them, as a signed note.
    pub checkpoint: String,
    /// The pack, signed by both.
    pub pack: Vec<u8>,
}

/// A sample with this many entries; keys and salts are for tests only.
///
/// # Errors
/// What making a log or a pack says; it should say nothing.
pub fn sample(size: u8) -> Result<Sample> {
    let log_key = Ed25519Signer::new(ORIGIN, [1; 32])?;
    let approver = Ed25519Signer::new("anna@example", [2; 32])?;
    let entries: Vec<Entry> = (0..size).map(entry).collect::<Result<_>>()?;
    let mut log = Log::new(ORIGIN)?;
    let tree = Tree::from_leaves(entries.iter().map(|entry| log.append(entry).leaf));
    let checkpoint = log.checkpoint(&log_key)?;
    let pack = Evidence::new(&json!({"plan": "6c91"}))?
        .with_file("report.json", "application/json", REPORT)?
        .with_log(&checkpoint, &tree, (0..).zip(entries.iter().cloned()), 1..u64::from(size))?
        .seal(&[&log_key, &approver])?;
    Ok(Sample { log: log_key, approver, entries, tree, checkpoint, pack })
}

/// The Python that has the verifiers' packages, or nothing and a message.
///
/// # Panics
/// Where there is none and TRUEUP_REQUIRE_VERIFIERS is 1.
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
pub fn python() -> Option<PathBuf> {
    let given = env::var_os("TRUEUP_CACHE").map(PathBuf::from);
    let cache = || env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = given.or_else(|| Some(cache().or_else(home)?.join("trueup")))?;
    let python = cache.join("verifiers/bin/python");
    if python.is_file() {
        return Some(python);
    }
    let missing = "the verifiers' Python packages are not here; run tests/verifiers.sh";
    assert!(env::var_os("TRUEUP_REQUIRE_VERIFIERS").is_none_or(|v| v != "1"), "{missing}");
    eprintln!("skipped: {missing}");
    None
}

impl Sample {
    /// What our own verifier says of the pack.
    pub fn verdict(&self) -> Verdict {
        let trust = Trust::new()
            .with_log(self.log.verifier().clone())
            .with_approver(self.approver.verifier().clone());
        verify(&self.pack, &trust, None)
    }
}

fn entry(number: u8) -> Result<Entry> {
    let payload = json!({"number": number, "report": file_digest(REPORT)});
    Entry::new("test.entry", "2026-11-22T10:00:00Z", &payload, [number; 32])
}
