//! Which payloads are gone, and who said so.

use std::collections::BTreeMap;

use super::super::entry::{Entry, Erasure};
use super::super::verdict::{Erased, Place, Verdict};

/// The erased entries met so far, and what erasures say.
#[derive(Debug, Default)]
pub(super) struct Erasures {
    erased: Vec<(u64, bool)>,
    /// By the erased entry: the first erasure that names it.
    records: BTreeMap<u64, (u64, Erasure)>,
}

impl Erasures {
    /// Takes down an entry; only one that `counts` can say that others were erased.
    pub(super) fn meet(&mut self, index: u64, entry: &Entry, counts: bool) {
        if entry.is_erased() {
            self.erased.push((index, entry.is_erasure()));
        }
        let Some(erasure) = entry.erases().filter(|_| counts) else {
            return;
        };
        for named in erasure.entries.iter().take_while(|named| **named < index) {
            self.records.entry(*named).or_insert_with(|| (index, erasure.clone()));
        }
    }

    pub(super) fn judge(self, verdict: &mut Verdict) {
        for (entry, is_erasure) in self.erased {
            let record = self.records.get(&entry);
            if is_erasure {
                verdict
                    .wrong(Place::Entry(entry), "it said what was erased, and was erased itself");
            } else if record.is_none() {
                verdict.wrong(Place::Entry(entry), "it was erased, and no entry says by whom");
            }
            verdict.erased.push(Erased {
                entry,
                record: record.map(|(index, _)| *index),
                by: record.map(|(_, erasure)| erasure.by.clone()),
                reason: record.map(|(_, erasure)| erasure.reason.clone()),
            });
        }
    }
}
