//! Evidence packs and the log, verified; what was found, as data.

use serde_json::{Value as Json, json};
use trueup::Result;
use trueup::audit::{Checkpoint, Verdict, verify};

use crate::keys;
use trueup::hex;

/// Verifies an evidence pack against trusted keys (see [`keys::trust`]), and against a checkpoint
/// that was kept elsewhere: a signed note.
///
/// # Errors
/// `invalid` for keys that are none, `data` for a note that is none. What is wrong with the pack is in
/// what was found.
pub fn verify_pack(pack: &[u8], trust: Json, saved: Option<&str>) -> Result<Json> {
    let (trust, logs) = keys::trust(trust)?;
    let saved = saved.map(|note| Checkpoint::open(note, &logs)).transpose()?;
    Ok(verdict(&verify(pack, &trust, saved.as_ref())))
}

/// What was found about a pack or a log.
pub fn verdict(found: &Verdict) -> Json {
    let problems = found
        .problems
        .iter()
        .map(|problem| json!({"place": problem.place.to_string(), "what": problem.what}));
    let checkpoint = found.checkpoint.as_ref().map(|checkpoint| {
        json!({"origin": checkpoint.origin, "size": checkpoint.size, "root": hex(&checkpoint.root)})
    });
    let erased = found.erased.iter().map(|erased| {
        json!({"entry": erased.entry, "record": erased.record, "by": erased.by, "reason": erased.reason})
    });
    let files = found.files.iter().map(|file| {
        json!({"name": file.name, "media_type": file.media_type, "anchored_by": file.anchored_by})
    });
    json!({
        "holds": found.holds(),
        "problems": problems.collect::<Vec<_>>(),
        "about": found.about,
        "checkpoint": checkpoint,
        "signers": found.signers,
        "strangers": found.strangers,
        "anchored": found.anchored,
        "not_anchored": found.not_anchored,
        "erased": erased.collect::<Vec<_>>(),
        "files": files.collect::<Vec<_>>(),
        "text": found.to_string(),
    })
}
