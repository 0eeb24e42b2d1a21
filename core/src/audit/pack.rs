//! Making an evidence pack.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use trueup_connector::{Hash, Result, hex};

use super::canonical::canonical_json;
use super::checkpoint::Checkpoint;
use super::encoding::{invalid, malformed, sha256};
use super::entry::Entry;
use super::key::Signer;
use super::statement::{Envelope, Statement, Subject, is_media_type};
use super::tree::Tree;
use super::zip::{read_zip, write_zip};

pub(super) const MANIFEST: &str = "manifest.dsse.json";
pub(super) const CHECKPOINT: &str = "log/checkpoint";
pub(super) const CONSISTENCY: &str = "log/consistency.json";
pub(super) const ENTRIES: &str = "log/entries.jsonl";
/// Where the caller's files are.
pub(super) const FILES: &str = "files/";

/// The text by which an entry's payload vouches for a file: `sha256:` and the digest in hex.
///
/// A file of a pack is anchored when the payload of an anchored entry has this text somewhere.
///
/// ```
/// let digest = trueup::audit::file_digest(b"");
/// assert!(digest.starts_with("sha256:e3b0c442"));
/// ```
pub fn file_digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&sha256(bytes)))
}

/// An evidence pack in the making: files, log entries and proofs, sealed into one signed zip.
///
/// The same contents give the same bytes. What goes in is shown to everyone who gets the pack:
/// callers redact first.
#[derive(Clone, Debug)]
pub struct Evidence {
    about: Json,
    /// Bytes and media type by name in the pack.
    files: BTreeMap<String, (Vec<u8>, String)>,
}

impl Evidence {
    /// An empty pack about this: a JSON object for whoever opens it, such as tenant and plan.
    ///
    /// # Errors
    /// [`Kind::Invalid`](trueup_connector::Kind::Invalid) for anything but an object; what
    /// [`canonical_json`] says of it.
    pub fn new(about: &Json) -> Result<Self> {
        if !about.is_object() {
            return invalid("what a pack is about is a JSON object, such as {\"plan\": …}");
        }
        canonical_json(about)?;
        Ok(Self { about: about.clone(), files: BTreeMap::new() })
    }

    /// Adds a file: it will be `files/` and this name in the pack.
    ///
    /// # Errors
    /// [`Kind::Invalid`](trueup_connector::Kind::Invalid) for a name that is there already, or for
    /// a media type that is none. [`Evidence::seal`] checks how names fit together.
    pub fn with_file(mut self, name: &str, media_type: &str, bytes: &[u8]) -> Result<Self> {
        if !is_media_type(media_type) {
            return invalid(format!(
                "`{}` is not a media type: use one such as `application/json`",
                media_type.escape_debug()
            ));
        }
        self.put(&format!("{FILES}{name}"), media_type, bytes.to_vec())?;
        Ok(self)
    }

    /// Adds what the log says: a signed checkpoint, these entries with their indexes, and for the
    /// sizes of older checkpoints the proofs that the log has only grown since.
    ///
    /// `tree` is over the log's leaves, as many as the checkpoint's at least. An entry that the
    /// checkpoint does not cover yet goes in without a proof, and will not be anchored. To an erased
    /// entry belongs the entry that erased it.
    ///
    /// # Errors
    /// [`Kind::Invalid`](trueup_connector::Kind::Invalid) if the tree does not have the
    /// checkpoint's root or an entry's leaf, if an index comes twice, if an erased entry comes
    /// without its erasure, or if an older size is larger than the checkpoint's; [`Kind::Data`](trueup_connector::Kind::Data) if the note is no
    /// checkpoint.
    pub fn with_log(
        mut self,
        checkpoint: &str,
        tree: &Tree,
        entries: impl IntoIterator<Item = (u64, Entry)>,
        older: impl IntoIterator<Item = u64>,
    ) -> Result<Self> {
        let head = Checkpoint::unchecked(checkpoint)?;
        if tree.root_at(head.size) != Some(head.root) {
            return invalid(format!(
                "the tree of {} leaves does not lead to the checkpoint of {} entries",
                tree.size(),
                head.size
            ));
        }
        self.put(CHECKPOINT, "text/plain", checkpoint.as_bytes().to_vec())?;
        let entries: Vec<(u64, Entry)> = entries.into_iter().collect();
        check_erased(&entries, head.size)?;
        if let Some(lines) = entry_lines(tree, head.size, entries)? {
            self.put(ENTRIES, "application/jsonl", lines.into_bytes())?;
        }
        if let Some(proofs) = consistency_text(tree, head.size, older)? {
            self.put(CONSISTENCY, "application/json", proofs.into_bytes())?;
        }
        Ok(self)
    }

    /// The pack, signed by each: the log's signer and the approvers.
    ///
    /// Somebody who cannot sign now can do it later with [`add_signature`].
    ///
    /// # Errors
    /// [`Kind::Invalid`](trueup_connector::Kind::Invalid) for a file name that a pack cannot have,
    /// if there is nothing in it, and if there is no signer; [`Kind::Limit`](trueup_connector::Kind::Limit) for more than
    /// 10,000 files or 2 GiB; what a signer says.
    pub fn seal(self, signers: &[&dyn Signer]) -> Result<Vec<u8>> {
        if signers.is_empty() {
            return invalid(
                "a pack needs a signature: give the log's signer, an approver's or both",
            );
        }
        if self.files.is_empty() {
            return invalid("a pack needs a file: there is nothing in it to sign for");
        }
        let (mut subjects, mut files) = (BTreeMap::new(), BTreeMap::new());
        for (name, (bytes, media_type)) in self.files {
            subjects.insert(name.clone(), Subject { media_type, sha256: sha256(&bytes) });
            files.insert(name, bytes);
        }
        let statement = Statement { about: self.about, subjects };
        let mut envelope = Envelope::new(statement.to_bytes()?);
        signers.iter().try_for_each(|signer| envelope.sign(*signer))?;
        files.insert(MANIFEST.to_owned(), envelope.to_bytes()?);
        write_zip(&files)
    }

    fn put(&mut self, name: &str, media_type: &str, bytes: Vec<u8>) -> Result<()> {
        match self.files.insert(name.to_owned(), (bytes, media_type.to_owned())) {
            None => Ok(()),
            Some(_) => invalid(format!("`{}` is in this pack already", name.escape_debug())),
        }
    }
}

/// The pack with one more signature; [verify](super::verify) it before you sign.
///
/// # Errors
/// [`Kind::Data`](trueup_connector::Kind::Data) if the bytes are not those of a pack;
/// [`Kind::Invalid`](trueup_connector::Kind::Invalid) if the signer has signed it already; what the
/// signer says.
pub fn add_signature(pack: &[u8], signer: &dyn Signer) -> Result<Vec<u8>> {
    let mut files = BTreeMap::new();
    for file in read_zip(pack)? {
        if !file.intact {
            return Err(malformed(format!("`{}` of this pack is damaged", file.name)));
        }
        files.insert(file.name.to_owned(), file.bytes.to_vec());
    }
    let manifest = files.get(MANIFEST).ok_or_else(|| malformed("this pack has no manifest"))?;
    let mut envelope = Envelope::read(manifest)?;
    if envelope.check(signer.verifier()).is_some() {
        return invalid(format!("`{}` has signed this pack already", signer.verifier().name()));
    }
    envelope.sign(signer)?;
    files.insert(MANIFEST.to_owned(), envelope.to_bytes()?);
    write_zip(&files)
}

/// Refuses an erased entry without one, under the checkpoint, that says so: no verifier would have it.
fn check_erased(entries: &[(u64, Entry)], size: u64) -> Result<()> {
    let anchored = entries.iter().filter(|(index, _)| *index < size);
    let erasures = anchored.filter_map(|(index, entry)| Some((*index, entry.erases()?.entries)));
    let named: BTreeSet<u64> = erasures
        .flat_map(|(index, named)| named.into_iter().filter(move |named| *named < index))
        .collect();
    let unsaid = entries.iter().find(|(index, e)| e.is_erased() && !named.contains(index));
    match unsaid {
        None => Ok(()),
        Some((index, _)) => invalid(format!(
            "entry {index} was erased: add the entry that says so, under a checkpoint that covers it"
        )),
    }
}

/// The lines of the entries, ascending; `None` if there are none.
fn entry_lines(
    tree: &Tree,
    size: u64,
    entries: impl IntoIterator<Item = (u64, Entry)>,
) -> Result<Option<String>> {
    let mut lines = BTreeMap::new();
    for (index, entry) in entries {
        if tree.leaf(index) != Some(entry.leaf()) {
            return invalid(format!("entry {index} is not the one that the tree has there"));
        }
        let text = entry.text();
        let proof = tree.inclusion(index, size).map(|proof| path_text(&proof.path));
        let proof = proof.map_or_else(String::new, |path| format!(",\"proof\":{path}"));
        let line = format!("{{\"entry\":{text},\"index\":{index}{proof}}}\n");
        if lines.insert(index, line).is_some() {
            return invalid(format!("entry {index} is given twice"));
        }
    }
    Ok(Some(lines.into_values().collect::<String>()).filter(|text| !text.is_empty()))
}

/// The proofs from older sizes, ascending; `None` if there are none.
fn consistency_text(
    tree: &Tree,
    size: u64,
    older: impl IntoIterator<Item = u64>,
) -> Result<Option<String>> {
    let mut proofs = BTreeMap::new();
    for from in older {
        let Some(proof) = tree.consistency(from, size) else {
            return invalid(format!(
                "the checkpoint of {size} entries has none of {from} before it"
            ));
        };
        proofs.insert(from, format!("{{\"path\":{},\"size\":{from}}}", path_text(&proof.path)));
    }
    let proofs: Vec<String> = proofs.into_values().collect();
    Ok(Some(format!("[{}]", proofs.join(","))).filter(|_| !proofs.is_empty()))
}

fn path_text(path: &[Hash]) -> String {
    let hashes: Vec<String> = path.iter().map(|hash| format!("\"{}\"", hex(hash))).collect();
    format!("[{}]", hashes.join(","))
}
