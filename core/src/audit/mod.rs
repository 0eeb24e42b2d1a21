//! The audit log and the evidence pack: what happened, in a form that nobody can rewrite and anybody
//! can check.
//!
//! A [`Log`] takes [`Entry`]s: their salted commitments are the leaves of an RFC 6962 Merkle tree,
//! whose head goes out as a signed [`Checkpoint`]. An [`Evidence`] pack is one zip file with reports,
//! decisions and receipts, the entries about them and the proofs. [`verify`] and [`verify_log`] check
//! both without a network; `docs/spec/audit.md` and `docs/spec/evidence.md` say every byte, so that
//! others can too.
//!
//! # Promises
//! - **Pure.** No clock, no file, no chance: times, salts and signatures come in as arguments. The
//!   same arguments give the same bytes.
//! - **Append only.** Whoever keeps one checkpoint finds any later change of what it covers.
//! - **Erasable.** A payload can be forgotten; its commitment stays, and [`verify`] says what is gone
//!   and who said so.
//!
//! # What it does not do
//! It hides nothing: a payload goes into the log and into packs as it comes. Callers build payloads
//! from values that have been redacted; a secret has no place in one.
//!
//! ```
//! use serde_json::json;
//! use trueup::audit::{Ed25519Signer, Entry, Evidence, Log, Signer, Tree, Trust, file_digest, verify};
//!
//! // The host draws salts and keeps keys; these are for the example only.
//! let signer = Ed25519Signer::new("log.example/audit", [1; 32])?;
//! let anna = Ed25519Signer::new("anna@example", [2; 32])?;
//!
//! let report = b"2 devices differ";
//! let made = json!({"report": file_digest(report)});
//! let entry = Entry::new("report.made", "2026-11-22T10:00:00Z", &made, [7; 32])?;
//!
//! let mut log = Log::new("log.example/audit")?;
//! let appended = log.append(&entry);
//! let checkpoint = log.checkpoint(&signer)?;
//!
//! let tree = Tree::from_leaves([appended.leaf]);
//! let pack = Evidence::new(&json!({"plan": "6c91"}))?
//!     .with_file("report.txt", "text/plain", report)?
//!     .with_log(&checkpoint, &tree, [(appended.index, entry)], [])?
//!     .seal(&[&signer, &anna])?;
//!
//! let trust = Trust::new()
//!     .with_log(signer.verifier().clone())
//!     .with_approver(anna.verifier().clone());
//! let verdict = verify(&pack, &trust, None);
//! assert!(verdict.holds(), "{verdict}");
//! assert_eq!(verdict.anchored, [0]);
//! assert_eq!(verdict.files[0].anchored_by, Some(0));
//! # Ok::<(), trueup::Error>(())
//! ```
//!
//! order: encoding → canonical → entry → tree → key → note → checkpoint → log → statement → zip → pack → verdict → check

mod canonical;
mod check;
mod checkpoint;
mod encoding;
mod entry;
mod key;
mod log;
mod note;
mod pack;
mod statement;
#[cfg(test)]
mod tests;
mod tree;
mod verdict;
mod zip;

pub use canonical::canonical_json;
pub use check::{Stored, verify, verify_log};
pub use checkpoint::Checkpoint;
pub use entry::{Entry, Erasure};
pub use key::{Ed25519Signer, Signer, Verifier};
pub use log::{Appended, Log};
pub use pack::{Evidence, add_signature, file_digest};
pub use tree::{ConsistencyProof, Frontier, Tree};
pub use verdict::{Erased, FileEvidence, Place, Problem, Trust, Verdict};
