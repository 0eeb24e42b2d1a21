//! Checking a pack.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use trueup_connector::{Error, Result, hex};

use super::super::canonical::read_canonical;
use super::super::checkpoint::Checkpoint;
use super::super::encoding::{malformed, sha256};
use super::super::entry::Entry;
use super::super::pack::{CHECKPOINT, CONSISTENCY, ENTRIES, FILES, MANIFEST};
use super::super::statement::{Envelope, Statement, Subject};
use super::super::tree::ConsistencyProof;
use super::super::verdict::{FileEvidence, Place, Trust, Verdict};
use super::super::zip::read_zip;
use super::erasures::Erasures;
use super::line::{Line, read_path};

type Files<'a> = BTreeMap<&'a str, &'a [u8]>;

/// Checks an evidence pack, offline: what it shows, what is anchored in the log and what is not,
/// what was erased and at whose word, and what is wrong.
///
/// The bytes may be anything: a hostile pack costs time and memory in proportion to its size, and is
/// a verdict that does not hold. `saved` is a checkpoint that the caller has kept from before: against
/// it, a log that was cut or rewritten is found.
pub fn verify(pack: &[u8], trust: &Trust, saved: Option<&Checkpoint>) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(mut files) = open(pack, &mut verdict) {
        let statement = check_manifest(&mut files, trust, &mut verdict);
        let head = check_head(&files, trust, saved, &mut verdict);
        let digests = check_entries(&files, head.as_ref(), &mut verdict);
        check_files(&files, statement, &digests, &mut verdict);
        verdict.checkpoint = head;
    }
    verdict
}

fn open<'a>(pack: &'a [u8], verdict: &mut Verdict) -> Option<Files<'a>> {
    let zipped = verdict.note(Place::Pack, read_zip(pack))?;
    for file in zipped.iter().filter(|file| !file.intact) {
        let what = "its bytes do not give its checksum: one of them was changed";
        verdict.wrong(Place::File(file.name.to_owned()), what);
    }
    Some(zipped.into_iter().map(|file| (file.name, file.bytes)).collect())
}

/// Takes the manifest out of the files, and checks who has signed it.
fn check_manifest(
    files: &mut Files<'_>,
    trust: &Trust,
    verdict: &mut Verdict,
) -> Option<Statement> {
    let place = || Place::File(MANIFEST.to_owned());
    let Some(bytes) = files.remove(MANIFEST) else {
        verdict.wrong(place(), "the pack has none");
        return None;
    };
    let envelope = verdict.note(place(), Envelope::read(bytes))?;
    check_signatures(&envelope, trust, verdict);
    let statement = verdict.note(place(), Statement::read(&envelope.payload))?;
    verdict.about = Some(statement.about.clone());
    Some(statement)
}

fn check_signatures(envelope: &Envelope, trust: &Trust, verdict: &mut Verdict) {
    let mut known = BTreeSet::new();
    for key in trust.logs.iter().chain(&trust.approvers) {
        if !known.insert(key.label()) {
            continue;
        }
        match envelope.check(key) {
            Some(true) => verdict.signers.push(key.name().to_owned()),
            Some(false) => {
                let what = "it is not this key's signature of this manifest";
                verdict.wrong(Place::Signature(key.name().to_owned()), what);
            }
            None => {}
        }
    }
    let strangers = envelope.signatures.keys().filter(|label| !known.contains(*label));
    verdict.strangers = strangers.cloned().collect();
    if verdict.signers.is_empty() {
        let what = match verdict.strangers.as_slice() {
            [] => "no trusted key has signed it".to_owned(),
            names => format!("no trusted key has signed it, but {}", names.join(", ")),
        };
        verdict.wrong(Place::File(MANIFEST.to_owned()), what);
    }
}

/// The checkpoint of the pack, if it is trusted.
fn check_head(
    files: &Files<'_>,
    trust: &Trust,
    saved: Option<&Checkpoint>,
    verdict: &mut Verdict,
) -> Option<Checkpoint> {
    let note = files.get(CHECKPOINT).map(|note| {
        let note = std::str::from_utf8(note).map_err(|_| malformed("it is not UTF-8"))?;
        Checkpoint::open(note, &trust.logs)
    });
    let head = verdict.note(Place::File(CHECKPOINT.to_owned()), note.transpose())?;
    let proofs = files.get(CONSISTENCY).map(|text| read_proofs(text, head.as_ref()));
    let proofs = verdict.note(Place::File(CONSISTENCY.to_owned()), proofs.transpose());
    let proofs = proofs.flatten().unwrap_or_default();
    if let Some(Err(what)) = saved.map(|saved| follows(saved, head.as_ref(), &proofs)) {
        verdict.wrong(Place::Saved, what);
    }
    head
}

fn read_proofs(text: &[u8], head: Option<&Checkpoint>) -> Result<Vec<ConsistencyProof>> {
    let json = read_canonical(text)?;
    let wrong = || malformed("this is not a list of proofs to the checkpoint, ascending by size");
    let (proofs, head) = json.as_array().zip(head).ok_or_else(wrong)?;
    let proofs = proofs.iter().map(|proof| {
        let two = proof.as_object().is_some_and(|members| members.len() == 2);
        let size =
            proof.get("size").and_then(Json::as_u64).filter(|size| two && *size <= head.size);
        let (size, path) = size.zip(proof.get("path")).ok_or_else(wrong)?;
        Ok(ConsistencyProof::new(size, head.size, read_path(path)?))
    });
    let proofs: Vec<_> = proofs.collect::<Result<_, Error>>()?;
    match proofs.is_sorted_by(|a, b| a.from < b.from) {
        true => Ok(proofs),
        false => Err(wrong()),
    }
}

/// Whether the pack's log is the saved one, grown; if not, why.
fn follows(
    saved: &Checkpoint,
    head: Option<&Checkpoint>,
    proofs: &[ConsistencyProof],
) -> Result<(), String> {
    let head = head.ok_or("the pack has no trusted checkpoint to compare it with")?;
    let (origin, old, new) = (&head.origin, saved.size, head.size);
    if saved.origin != *origin {
        return Err(format!("it is of the log `{}`, the pack's is of `{origin}`", saved.origin));
    }
    if old > new {
        return Err(format!("the log's tail was cut: {new} of {old} entries are left"));
    }
    let same = ConsistencyProof::new(new, new, Vec::new());
    let proof = proofs.iter().chain([&same]).find(|proof| proof.from == old);
    let proof = proof.ok_or_else(|| {
        format!("the pack does not show that the log has only grown since: ask for a proof from {old} to {new} entries")
    })?;
    match proof.verify(&saved.root, &head.root) {
        true => Ok(()),
        false => Err(format!("the log was rewritten: its first {old} entries are others")),
    }
}

/// Checks the entries, and gives the digests that anchored ones vouch for, with the first to do so.
fn check_entries(
    files: &Files<'_>,
    head: Option<&Checkpoint>,
    verdict: &mut Verdict,
) -> BTreeMap<String, u64> {
    let (mut digests, mut erasures) = (BTreeMap::new(), Erasures::default());
    let text = files.get(ENTRIES).copied().unwrap_or_default();
    if !text.is_empty() && !text.ends_with(b"\n") || files.contains_key(ENTRIES) && text.is_empty()
    {
        verdict.wrong(Place::File(ENTRIES.to_owned()), "its last line is cut off");
    }
    let mut next = 0;
    for (line, number) in text.split_inclusive(|byte| *byte == b'\n').zip(1..) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let Some(line) = verdict.note(Place::Line(number), Line::read(line)) else {
            continue;
        };
        if line.index < next {
            verdict.wrong(Place::Line(number), "its index is not above the one before");
            continue;
        }
        next = line.index + 1;
        let Some((index, entry, anchored)) = check_entry(&line, head, verdict) else {
            continue;
        };
        erasures.meet(index, &entry, anchored);
        if let Some(payload) = entry.payload().filter(|_| anchored) {
            vouch(&mut digests, payload, index);
        }
    }
    erasures.judge(verdict);
    digests
}

fn check_entry(
    line: &Line,
    head: Option<&Checkpoint>,
    verdict: &mut Verdict,
) -> Option<(u64, Entry, bool)> {
    let index = line.index;
    let entry = verdict.note(Place::Entry(index), line.entry())?;
    let anchored = verdict.note(Place::Entry(index), line.is_anchored(&entry, head))?;
    match anchored {
        true => verdict.anchored.push(index),
        false => verdict.not_anchored.push(index),
    }
    Some((index, entry, anchored))
}

/// Collects the texts of a payload that name files by digest.
fn vouch(digests: &mut BTreeMap<String, u64>, payload: &str, index: u64) {
    // The payload is canonical JSON; what cannot be read vouches for nothing.
    let mut open: Vec<Json> = serde_json::from_str(payload).into_iter().collect();
    while let Some(json) = open.pop() {
        match json {
            Json::String(text) if text.starts_with("sha256:") => {
                digests.entry(text).or_insert(index);
            }
            Json::Array(items) => open.extend(items),
            Json::Object(members) => open.extend(members.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}

/// Checks that the manifest's files are the pack's, and says what vouches for each.
fn check_files(
    files: &Files<'_>,
    statement: Option<Statement>,
    digests: &BTreeMap<String, u64>,
    verdict: &mut Verdict,
) {
    let Some(statement) = statement else {
        return;
    };
    for name in statement.subjects.keys().filter(|name| !files.contains_key(name.as_str())) {
        verdict
            .wrong(Place::File(name.clone()), "the manifest lists it, and it is not in the pack");
    }
    for (name, bytes) in files {
        check_file(name, bytes, statement.subjects.get(*name), digests, verdict);
    }
}

fn check_file(
    name: &str,
    bytes: &[u8],
    subject: Option<&Subject>,
    digests: &BTreeMap<String, u64>,
    verdict: &mut Verdict,
) {
    let place = || Place::File(name.to_owned());
    let Some(subject) = subject else {
        verdict.wrong(place(), "it is in the pack, and the manifest does not list it");
        return;
    };
    let sha256 = sha256(bytes);
    if sha256 != subject.sha256 {
        let (found, listed) = (hex(&sha256), hex(&subject.sha256));
        verdict.wrong(place(), format!("its SHA-256 is {found}, the manifest says {listed}"));
    }
    if let Some(file) = name.strip_prefix(FILES) {
        let anchored_by = digests.get(&format!("sha256:{}", hex(&sha256))).copied();
        let (name, media_type) = (file.to_owned(), subject.media_type.clone());
        verdict.files.push(FileEvidence { name, media_type, anchored_by });
    } else if ![CHECKPOINT, CONSISTENCY, ENTRIES].contains(&name) {
        verdict.wrong(place(), "a pack has no such file: yours belong under `files/`");
    }
}
