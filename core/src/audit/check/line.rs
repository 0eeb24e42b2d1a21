//! A line of a pack's entries.

use serde_json::Value as Json;
use trueup_connector::{Hash, Proof, Result};

use super::super::canonical::read_canonical;
use super::super::checkpoint::Checkpoint;
use super::super::encoding::{malformed, unhex};
use super::super::entry::Entry;

/// An entry of a pack with its path to the checkpoint's root.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) index: u64,
    entry: Json,
    path: Option<Vec<Hash>>,
}

impl Line {
    pub(super) fn read(text: &[u8]) -> Result<Self> {
        let json = read_canonical(text)?;
        let members = json.as_object().map_or(0, serde_json::Map::len);
        let index = json.get("index").and_then(Json::as_u64);
        let (index, entry) = index
            .zip(json.get("entry"))
            .filter(|_| members == 2 + usize::from(json.get("proof").is_some()))
            .ok_or_else(|| malformed("this line is not an entry of a pack"))?;
        let path = json.get("proof").map(read_path).transpose()?;
        Ok(Self { index, entry: entry.clone(), path })
    }

    pub(super) fn entry(&self) -> Result<Entry> {
        Entry::from_json(&self.entry)
    }

    /// Whether the checkpoint covers the entry: yes, nobody says so, or the proof is wrong.
    pub(super) fn is_anchored(&self, entry: &Entry, head: Option<&Checkpoint>) -> Result<bool> {
        let Some(path) = &self.path else {
            return Ok(false);
        };
        let Some(head) = head else {
            return Err(malformed("its proof leads to no trusted checkpoint"));
        };
        let proof = Proof::new(self.index, head.size, path.clone());
        match proof.verify(&entry.leaf_data(), &head.root) {
            true => Ok(true),
            false => Err(malformed(
                "it is not the entry that the checkpoint covers, or its proof was changed",
            )),
        }
    }
}

/// Hashes in hex.
pub(super) fn read_path(json: &Json) -> Result<Vec<Hash>> {
    let hashes = json.as_array().into_iter().flatten();
    let path: Option<Vec<Hash>> = hashes.map(|hash| unhex(hash.as_str()?)).collect();
    path.filter(|_| json.is_array()).ok_or_else(|| malformed("this proof is not a list of hashes"))
}
