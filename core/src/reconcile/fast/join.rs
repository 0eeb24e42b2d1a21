//! Finding the rows that share a key, partition by partition.

use std::collections::HashMap;

use trueup_connector::record::canonical;
use trueup_connector::{Context, Result};

use super::super::parallel::each_thread;
use super::super::table::{Row, Table};
use super::entry::{Entry, Group, Joined, WideCode, WordCode};
use super::scan::{Encode, Lanes, Scanned, Scanner};

/// How many rows of a side a partition should have: few enough that its table stays in the cache, so
/// many that there are few partitions to write to at once.
const PARTITION: usize = 32 * 1024;
const MOST_BITS: u32 = 10;

/// Joins the two sides by key.
///
/// # Errors
/// `cancelled` where the context was.
pub(crate) fn join(
    lanes: &Lanes,
    expected: &Table,
    actual: &Table,
    threads: usize,
    context: &Context,
) -> Result<Joined> {
    let work = Work { expected, actual, threads, context };
    match lanes.is_word() {
        true => work.join(&Scanner::<WordCode>::new(lanes)),
        false => work.join(&Scanner::<WideCode>::new(lanes)),
    }
}

struct Work<'a> {
    expected: &'a Table,
    actual: &'a Table,
    threads: usize,
    context: &'a Context,
}

impl Work<'_> {
    fn join<K: Encode>(&self, scanner: &Scanner<'_, K>) -> Result<Joined> {
        let Self { expected, actual, threads, context } = *self;
        let (of_e, of_a) = (expected.snapshot.rows(), actual.snapshot.rows());
        let (rows, all) = (of_e.max(of_a), Some((of_e + of_a) as u64));
        let bits = (rows / PARTITION).next_power_of_two().ilog2().min(MOST_BITS);
        let e = scanner.scan(expected, bits, threads, context)?;
        context.report("fingerprint", of_e as u64, all);
        let a = scanner.scan(actual, bits, threads, context)?;
        context.report("fingerprint", (of_e + of_a) as u64, all);
        let parts: Vec<usize> = (0..1 << bits).collect();
        let joined = each_thread(threads, context, &parts, |parts| {
            let mut joiner = Joiner::new(scanner, [expected, actual]);
            parts.for_each(|part| joiner.partition(&e, &a, *part));
            Ok(joiner.joined)
        })?;
        let joined = joined.into_iter().fold(Joined::default(), Joined::merge);
        Ok(Joined { unkeyed: [e.unkeyed, a.unkeyed], ..joined })
    }
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
struct Joiner<'a, K> {
    scanner: &'a Scanner<'a, K>,
    tables: [&'a Table; 2],
    entries: Vec<Entry<K>>,
    slots: Vec<Slot>,
    /// Entries whose key's slot has one of their side already.
    more: Vec<u32>,
    pairs: Vec<Pair>,
    joined: Joined,
}

/// Two rows whose keys have one code.
struct Pair {
    expected: Row,
    actual: Row,
    /// Whether their fingerprints are equal.
    equal: bool,
    /// Whether their keys are equal for sure.
    exact: bool,
}

impl<'a, K: Encode> Joiner<'a, K> {
    fn new(scanner: &'a Scanner<'a, K>, tables: [&'a Table; 2]) -> Self {
        let (entries, slots, more, pairs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { scanner, tables, entries, slots, more, pairs, joined: Joined::default() }
    }

    fn partition(&mut self, expected: &Scanned<K>, actual: &Scanned<K>, part: usize) {
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
            let hash = self.scanner.hash(entry.key);
            let mut place = place(hash, mask);
            let slot = loop {
                let slot = &mut self.slots[place];
                if slot.hash == hash || (slot.expected & slot.actual) == NONE {
                    break slot;
                }
                place = (place + 1) & mask;
            };
            slot.hash = hash;
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
            let (hash, mask) = (self.scanner.hash(entry.key), self.slots.len() - 1);
            let group = groups.entry(hash).or_insert_with(|| {
                let slot = find(&mut self.slots, hash, mask);
                let taken = slot.map_or(EMPTY, |slot| Slot {
                    hash: 0,
                    ..std::mem::replace(slot, Slot { hash, ..TAKEN })
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
                (Some(e), Some(a)) => pairs.push(Pair {
                    expected: e.row,
                    actual: a.row,
                    equal: e.fingerprint == a.fingerprint,
                    exact: e.key.is_exact() && e.key == a.key,
                }),
                (Some(e), None) => joined.expected.push(e.row),
                (None, Some(a)) => joined.actual.push(a.row),
                (None, None) => {}
            }
        }
    }

    /// Compares the keys of pairs, and sorts the pairs by their fingerprints.
    fn confirm(&mut self) {
        let [expected, actual] = self.tables;
        for Pair { expected: e, actual: a, equal, exact } in self.pairs.drain(..) {
            if !exact && !same_key(expected, actual, e, a) {
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

fn gather<K: Copy>(scanned: &Scanned<K>, part: usize, entries: &mut Vec<Entry<K>>) {
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
