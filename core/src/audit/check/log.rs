//! Checking a whole log against its checkpoints.

use std::collections::{BTreeMap, BTreeSet};

use trueup_connector::{Hash, hex};

use super::super::checkpoint::Checkpoint;
use super::super::entry::Entry;
use super::super::tree::Frontier;
use super::super::verdict::{Place, Problem, Trust, Verdict};
use super::erasures::Erasures;

/// An entry as a store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What [`Entry::text`] gave.
    pub text: Vec<u8>,
    /// The hash of its leaf, from [`Appended`](super::super::Appended).
    pub leaf: Hash,
}

/// Checks the whole log of this name: all its entries from the first, every checkpoint ever given
/// out that is still at hand, and one that the caller has saved elsewhere.
///
/// Entries are taken one by one; nothing is kept of them but what is wrong. Without a checkpoint
/// nothing is anchored, and only what an entry says against its stored hash can be found.
///
/// ```
/// use serde_json::json;
/// use trueup::audit::{Ed25519Signer, Entry, Log, Place, Signer, Stored, Trust, verify_log};
///
/// let signer = Ed25519Signer::new("log.example/audit", [1; 32])?;
/// let trust = Trust::new().with_log(signer.verifier().clone());
/// let mut log = Log::new("log.example/audit")?;
/// let entry = Entry::new("run.started", "2026-11-22T10:00:00Z", &json!({"plan": "6c91"}), [7; 32])?;
/// let leaf = log.append(&entry).leaf;
/// let note = log.checkpoint(&signer)?;
///
/// let stored = Stored { text: entry.text().into_bytes(), leaf };
/// let verdict = verify_log("log.example/audit", [stored.clone()], &[&note], &trust, None);
/// assert!(verdict.holds());
///
/// let text = entry.text().replace("6c91", "ffff").into_bytes();
/// let verdict = verify_log("log.example/audit", [Stored { text, leaf }], &[&note], &trust, None);
/// assert_eq!(verdict.problems[0].place, Place::Entry(0));
/// # Ok::<(), trueup::Error>(())
/// ```
pub fn verify_log(
    origin: &str,
    entries: impl IntoIterator<Item = Stored>,
    notes: &[&str],
    trust: &Trust,
    saved: Option<&Checkpoint>,
) -> Verdict {
    let mut verdict = Verdict::default();
    let heads = open_notes(origin, notes, trust, &mut verdict);
    let wanted = heads.iter().map(|(_, head)| head.size).chain(saved.map(|saved| saved.size));
    let walk = Walk::over(entries, wanted.collect(), &mut verdict);
    let mut sound = 0;
    for (place, head) in heads {
        match walk.meets(&head, sound) {
            Ok(()) => sound = head.size,
            Err(what) => {
                verdict.wrong(Place::Checkpoint(place), what);
                continue;
            }
        }
        verdict.checkpoint = Some(head);
    }
    check_saved(origin, &walk, saved, &mut verdict);
    walk.judge(sound, &mut verdict);
    verdict
}

/// The trusted checkpoints of the log with their places among the notes, smallest first.
fn open_notes(
    origin: &str,
    notes: &[&str],
    trust: &Trust,
    verdict: &mut Verdict,
) -> Vec<(usize, Checkpoint)> {
    let mut heads = Vec::new();
    for (place, note) in notes.iter().enumerate() {
        match Checkpoint::open(note, &trust.logs) {
            Ok(head) if head.origin == origin => heads.push((place, head)),
            Ok(head) => {
                let what = format!("it is of the log `{}`, not of `{origin}`", head.origin);
                verdict.wrong(Place::Checkpoint(place), what);
            }
            Err(error) => verdict.wrong(Place::Checkpoint(place), error.to_string()),
        }
    }
    heads.sort_by_key(|(_, head)| head.size);
    heads
}

fn check_saved(origin: &str, walk: &Walk, saved: Option<&Checkpoint>, verdict: &mut Verdict) {
    let Some(saved) = saved else {
        return;
    };
    let what = match walk.roots.get(&saved.size) {
        _ if saved.origin != origin => {
            format!("it is of the log `{}`, not of `{origin}`", saved.origin)
        }
        None => format!("the log's tail was cut: {} of {} entries are left", walk.size, saved.size),
        Some(roots) if !roots.contains(&saved.root) => {
            format!("the log was rewritten: its first {} entries are others", saved.size)
        }
        Some(_) => return,
    };
    verdict.wrong(Place::Saved, what);
}

/// What one pass over the entries leaves.
struct Walk {
    size: u64,
    /// Entries that do not have their stored leaf hash.
    strange: BTreeSet<u64>,
    /// By size: the root over the stored hashes, and over the hashes of the texts.
    roots: BTreeMap<u64, [Hash; 2]>,
    erasures: Erasures,
}

impl Walk {
    fn over(
        entries: impl IntoIterator<Item = Stored>,
        wanted: BTreeSet<u64>,
        verdict: &mut Verdict,
    ) -> Self {
        let (mut stored, mut computed) = (Frontier::new(), Frontier::new());
        let (mut strange, mut roots) = (BTreeSet::new(), BTreeMap::new());
        let mut erasures = Erasures::default();
        let mut look = |stored: &Frontier, computed: &Frontier| {
            if wanted.contains(&stored.size()) {
                roots.insert(stored.size(), [stored.root(), computed.root()]);
            }
        };
        look(&stored, &computed);
        for Stored { text, leaf } in entries {
            let index = stored.push(leaf);
            let entry = verdict.note(Place::Entry(index), Entry::read(&text));
            let of_text = entry.as_ref().map_or(leaf, Entry::leaf);
            computed.push(of_text);
            if of_text != leaf {
                strange.insert(index);
            }
            if let Some(entry) = &entry {
                erasures.meet(index, entry, of_text == leaf);
            }
            look(&stored, &computed);
        }
        Self { size: stored.size(), strange, roots, erasures }
    }

    /// Whether the log has this checkpoint's root; if not, why, and where at the closest.
    fn meets(&self, head: &Checkpoint, sound: u64) -> Result<(), String> {
        match self.roots.get(&head.size) {
            None => Err(format!(
                "the log's tail was cut: {} of {} entries are left",
                self.size, head.size
            )),
            Some(roots) if roots.contains(&head.root) => Ok(()),
            Some([stored, _]) => Err(format!(
                "its root {} is not the log's {}: one of the entries {sound} to {} was changed with its stored hash, \
                 or removed, or put in",
                head.root_text(),
                hex(stored),
                head.size.saturating_sub(1)
            )),
        }
    }

    /// Says which entries are anchored by a sound checkpoint of this size, and which are wrong.
    fn judge(self, sound: u64, verdict: &mut Verdict) {
        let unreadable: BTreeSet<u64> = verdict.problems.iter().filter_map(entry_of).collect();
        for index in &self.strange {
            let what =
                "its text and its stored hash do not belong together: one of them was changed";
            verdict.wrong(Place::Entry(*index), what);
        }
        let wrong = |index: &u64| unreadable.contains(index) || self.strange.contains(index);
        verdict.anchored = (0..sound).filter(|index| !wrong(index)).collect();
        verdict.not_anchored = (sound..self.size).filter(|index| !wrong(index)).collect();
        self.erasures.judge(verdict);
    }
}

fn entry_of(problem: &Problem) -> Option<u64> {
    match problem.place {
        Place::Entry(index) => Some(index),
        _ => None,
    }
}
