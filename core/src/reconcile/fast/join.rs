//! Finding the rows that share a key, partition by partition.

use std::collections::HashMap;

use trueup_connector::record::canonical;
use trueup_connector::{Context, Result};

use super::super::parallel::each_thread;
use super::super::table::{Row, Table};
use super::entry::{Entry, Group, Joined};
use super::scan::{Scanned, Scanner};

/// How many rows of a side a partition should have, so that its table fits the cache.
const PARTITION: usize = 4096;
const MOST_BITS: u32 = 12;

/// Joins the two sides by key.
///
/// # Errors
/// `cancelled` where the context was.
pub(crate) fn join(
    scanner: &Scanner,
    expected: &Table,
    actual: &Table,
    threads: usize,
    context: &Context,
) -> Result<Joined> {
    let rows = expected.snapshot.rows().max(actual.snapshot.rows());
    let bits = (rows / PARTITION).next_power_of_two().ilog2().min(MOST_BITS);
    let e = scanner.scan(expected, bits, threads, context)?;
    context.report("fingerprint", rows as u64, Some(2 * rows as u64));
    let a = scanner.scan(actual, bits, threads, context)?;
    context.report("fingerprint", 2 * rows as u64, Some(2 * rows as u64));
    let parts: Vec<usize> = (0..1 << bits).collect();
    let joined = each_thread(threads, context, &parts, |parts| {
        let mut joiner = Joiner {
            exact: scanner.exact,
            tables: [expected, actual],
            ..Joiner::default_of(expected, actual)
        };
        parts.for_each(|part| joiner.partition(&e, &a, *part));
        Ok(joiner.joined)
    })?;
    let joined = joined.into_iter().fold(Joined::default(), Joined::merge);
    Ok(Joined { unkeyed: [e.unkeyed, a.unkeyed], ..joined })
}

const NONE: u32 = u32::MAX;

/// One key's place in the table of a partition.
#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    /// Indexes of entries; the first of each side.
    expected: u32,
    actual: u32,
}

const EMPTY: Slot = Slot { hash: 0, expected: NONE, actual: NONE };

/// Joins partitions one after the other, using its memory again.
struct Joiner<'a> {
    exact: bool,
    tables: [&'a Table; 2],
    entries: Vec<Entry>,
    slots: Vec<Slot>,
    /// Entries whose key's slot has one of their side already.
    more: Vec<u32>,
    pairs: Vec<(Row, Row, bool)>,
    joined: Joined,
}

impl<'a> Joiner<'a> {
    fn default_of(expected: &'a Table, actual: &'a Table) -> Self {
        let (entries, slots, more, pairs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (joined, tables) = (Joined::default(), [expected, actual]);
        Self { exact: false, tables, entries, slots, more, pairs, joined }
    }

    fn partition(&mut self, expected: &Scanned, actual: &Scanned, part: usize) {
        self.entries.clear();
        self.more.clear();
        gather(expected, part, &mut self.entries);
        let first_actual = self.entries.len();
        gather(actual, part, &mut self.entries);
        self.fill(first_actual);
        let groups = self.take_groups(first_actual);
        self.emit();
        self.confirm();
        for rows in groups {
            split_into(rows, self.tables, &mut self.joined);
        }
    }

    /// Puts every entry into its key's slot.
    #[expect(
        clippy::indexing_slicing,
        reason = "the mask keeps every index below the table's length"
    )]
    fn fill(&mut self, first_actual: usize) {
        let size = (self.entries.len() + self.entries.len() / 4 + 1).next_power_of_two();
        self.slots.clear();
        self.slots.resize(size, EMPTY);
        let mask = size - 1;
        for (index, entry) in self.entries.iter().enumerate() {
            let mut place = place(entry.hash, mask);
            let slot = loop {
                let slot = &mut self.slots[place];
                if slot.hash == entry.hash || (slot.expected & slot.actual) == NONE {
                    break slot;
                }
                place = (place + 1) & mask;
            };
            slot.hash = entry.hash;
            let side = if index < first_actual { &mut slot.expected } else { &mut slot.actual };
            match *side {
                NONE => *side = index as u32,
                _ => self.more.push(index as u32),
            }
        }
    }

    /// Takes the keys with several rows on a side out of the table.
    fn take_groups(&mut self, first_actual: usize) -> Vec<Group> {
        let mut groups: HashMap<u64, Group> = HashMap::new();
        let row = |index: u32| self.entries.get(index as usize).map(|entry| entry.row);
        for index in std::mem::take(&mut self.more) {
            let Some(entry) = self.entries.get(index as usize) else { continue };
            let mask = self.slots.len() - 1;
            let group = groups.entry(entry.hash).or_insert_with(|| {
                let slot = find(&mut self.slots, entry.hash, mask);
                let taken = slot.map_or(EMPTY, |slot| Slot {
                    hash: 0,
                    ..std::mem::replace(slot, Slot { hash: entry.hash, ..TAKEN })
                });
                Group {
                    expected: row(taken.expected).into_iter().collect(),
                    actual: row(taken.actual).into_iter().collect(),
                }
            });
            let side = if (index as usize) < first_actual {
                &mut group.expected
            } else {
                &mut group.actual
            };
            side.push(entry.row);
        }
        groups.into_values().collect()
    }

    /// Sorts the slots into pairs and rows that stand alone.
    fn emit(&mut self) {
        let Self { entries, slots, pairs, joined, .. } = self;
        let entry = |index: u32| entries.get(index as usize);
        for slot in slots.iter() {
            match (entry(slot.expected), entry(slot.actual)) {
                (Some(e), Some(a)) => pairs.push((e.row, a.row, e.fingerprint == a.fingerprint)),
                (Some(e), None) => joined.expected.push(e.row),
                (None, Some(a)) => joined.actual.push(a.row),
                (None, None) => {}
            }
        }
    }

    /// Compares the keys of pairs, and sorts the pairs by their fingerprints.
    fn confirm(&mut self) {
        let [expected, actual] = self.tables;
        for (e, a, equal) in self.pairs.drain(..) {
            if !self.exact && !same_key(expected, actual, e, a) {
                self.joined.expected.push(e);
                self.joined.actual.push(a);
            } else if equal {
                self.joined.matched += 1;
            } else {
                self.joined.suspects.push((e, a));
            }
        }
    }
}

/// Neither empty (its place in a chain is taken) nor with entries.
const TAKEN: Slot = Slot { hash: 0, expected: NONE - 1, actual: NONE - 1 };

#[inline]
fn place(hash: u64, mask: usize) -> usize {
    // The upper bits chose the partition.
    hash as usize & mask
}

#[expect(clippy::indexing_slicing, reason = "the mask keeps every index below the table's length")]
fn find(slots: &mut [Slot], hash: u64, mask: usize) -> Option<&mut Slot> {
    let mut place = place(hash, mask);
    for _ in 0..=mask {
        let slot = slots[place];
        if slot.hash == hash || (slot.expected & slot.actual) == NONE {
            return slots.get_mut(place);
        }
        place = (place + 1) & mask;
    }
    None
}

fn gather(scanned: &Scanned, part: usize, entries: &mut Vec<Entry>) {
    for parts in &scanned.parts {
        entries.extend_from_slice(parts.get(part).map_or(&[], Vec::as_slice));
    }
}

fn same_key(expected: &Table, actual: &Table, e: Row, a: Row) -> bool {
    (0..expected.key.len()).all(|k| expected.key_cell(k, e) == actual.key_cell(k, a))
}

/// Sorts rows that share a hash by their real keys.
pub(crate) fn split(rows: Group, tables: [&Table; 2]) -> Vec<Group> {
    let mut keys: HashMap<Vec<u8>, Group> = HashMap::new();
    let [expected, actual] = tables;
    for row in rows.expected {
        keys.entry(key_bytes(expected, row)).or_default().expected.push(row);
    }
    for row in rows.actual {
        keys.entry(key_bytes(actual, row)).or_default().actual.push(row);
    }
    keys.into_values().collect()
}

fn split_into(rows: Group, tables: [&Table; 2], joined: &mut Joined) {
    for group in split(rows, tables) {
        match (group.expected.as_slice(), group.actual.as_slice()) {
            ([e], [a]) => joined.suspects.push((*e, *a)),
            ([e], []) => joined.expected.push(*e),
            ([], [a]) => joined.actual.push(*a),
            _ => joined.groups.push(group),
        }
    }
}

/// The canonical bytes of a row's normalised key.
pub(crate) fn key_bytes(table: &Table, row: Row) -> Vec<u8> {
    let mut bytes = Vec::new();
    for k in 0..table.key.len() {
        canonical::frame_with(&mut bytes, |out| {
            canonical::write_cell(out, &table.key_cell(k, row))
        });
    }
    bytes
}
