//! Shared by the tests of the log and of packs: a small log, its keys, a pack of it.

mod keys;
mod logs;
mod packs;
mod trees;
mod vectors;

use serde_json::{Value as Json, json};
use trueup_connector::Hash;

use super::{Ed25519Signer, Entry, Evidence, Log, Signer, Stored, Tree, Trust, file_digest};

const ORIGIN: &str = "log.example/audit";
const AT: &str = "2026-11-22T10:00:00Z";
const REPORT: &[u8] = b"{\"matched\":2}\n";

fn log_signer() -> Ed25519Signer {
    Ed25519Signer::new(ORIGIN, [1; 32]).unwrap()
}

fn approver() -> Ed25519Signer {
    Ed25519Signer::new("anna@example", [2; 32]).unwrap()
}

fn trust() -> Trust {
    let (log, anna) = (log_signer(), approver());
    Trust::new().with_log(log.verifier().clone()).with_approver(anna.verifier().clone())
}

fn entry(kind: &str, payload: Json, salt: u8) -> Entry {
    Entry::new(kind, AT, &payload, [salt; 32]).unwrap()
}

/// Five entries: a report, two approvals of which the first is erased, the erasure, and one more.
fn entries() -> Vec<Entry> {
    vec![
        entry("report.made", json!({"report": file_digest(REPORT)}), 10),
        entry("plan.approved", json!({"by": "anna", "plan": "6c91"}), 11).erase(),
        entry("plan.approved", json!({"by": "bert", "plan": "6c91"}), 12),
        Entry::erasure(AT, [1], "retention", "asked for", [13; 32]).unwrap(),
        entry("run.finished", json!({"done": 2}), 14),
    ]
}

fn leaves(entries: &[Entry]) -> Vec<Hash> {
    entries.iter().map(Entry::leaf).collect()
}

fn stored(entries: &[Entry]) -> Vec<Stored> {
    let store = |entry: &Entry| Stored { text: entry.text().into_bytes(), leaf: entry.leaf() };
    entries.iter().map(store).collect()
}

/// The log's signed head after the first entries.
fn note(entries: &[Entry], size: usize) -> String {
    let mut log = Log::new(ORIGIN).unwrap();
    entries.iter().take(size).for_each(|entry| {
        let _ = log.append(entry);
    });
    log.checkpoint(&log_signer()).unwrap()
}

/// The pack of everything: four entries under the checkpoint, one beyond it.
fn evidence() -> Evidence {
    let entries = entries();
    let tree = Tree::from_leaves(leaves(&entries));
    Evidence::new(&json!({"plan": "6c91", "tenant": "acme"}))
        .and_then(|pack| pack.with_file("report.json", "application/json", REPORT))
        .and_then(|pack| pack.with_file("approvals/anna.txt", "text/plain", b"yes\n"))
        .and_then(|pack| pack.with_log(&note(&entries, 4), &tree, (0..).zip(entries), [2, 3]))
        .unwrap()
}

fn pack() -> Vec<u8> {
    evidence().seal(&[&log_signer(), &approver()]).unwrap()
}
