//! The rows of one partition: those of the held side in a table, and those of the other that meet
//! them.

use std::collections::HashMap;

use super::super::table::Table;
use super::entry::{Entry, Group, Joined};
use super::hash::Fingerprint;
use super::keys::{same_key, split_into};
use super::scan::{Encode, Scanner, room};
use super::slots::{FREE, Slots};

/// What both sides of a join have in common with all its partitions.
pub(super) struct Both<'a, K> {
    pub(super) scanner: &'a Scanner<'a, K>,
    pub(super) held: &'a Table,
    pub(super) other: &'a Table,
}

/// A partition of the keys.
pub(super) struct Partition<K: Copy> {
    entries: Vec<Entry<K>>,
    /// What each entry has met.
    met: Vec<Met>,
    /// The first entry of each key.
    slots: Slots,
    /// The rows of keys with several on a side, with the hash of their key.
    several: Vec<(u64, Side, u32)>,
    /// The other side's rows whose key is not held, with its hash.
    alone: Vec<(u64, u32)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    Nothing,
    /// One row, and their fingerprints are equal.
    Equal,
    /// One row, and their fingerprints differ.
    Unequal,
    /// Its key's rows are listed under `several`.
    Several,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Held,
    Other,
}

/// Fewer rows than one in so many leave most slots alone.
const WORTH_WARMING: usize = 16;

/// How many rows are looked up at a time.
const AHEAD: usize = 32;

impl<K: Encode> Partition<K> {
    /// One of `1 << bits` for this many rows of the held side.
    pub(super) fn new(bits: u32, rows: usize) -> Self {
        let entries = Vec::with_capacity(room(rows, bits));
        let (met, slots, several, alone) = Default::default();
        Self { entries, met, slots, several, alone }
    }

    /// Adds rows of the held side.
    pub(super) fn hold(&mut self, entries: &[Entry<K>]) {
        self.entries.extend_from_slice(entries);
    }

    /// Finds the held rows that have the keys of these of the other side.
    pub(super) fn meet(&mut self, both: &Both<'_, K>, entries: &[Entry<K>]) {
        self.fill_once(both);
        if entries.len() > self.entries.len() / WORTH_WARMING {
            self.slots.warm();
        }
        for entries in entries.chunks(AHEAD) {
            let likely = self.look_ahead(both, entries);
            for (entry, (hash, likely)) in entries.iter().zip(likely) {
                let found = match self.entries.get(likely as usize) {
                    Some(held) if { held.key } == { entry.key } => Some(likely as usize),
                    Some(_) => self.find(hash, entry.key).1,
                    None => None,
                };
                match found {
                    Some(index) => self.meet_one(both, hash, entry, index),
                    None => self.alone.push((hash, entry.number)),
                }
            }
        }
    }

    /// The hashes of some rows' keys, and the entries that most likely have them; [`FREE`] where none
    /// has.
    ///
    /// It touches these entries all at once: the processor then waits for the memory of many
    /// together, not of one after the other.
    fn look_ahead(&self, both: &Both<'_, K>, entries: &[Entry<K>]) -> [(u64, u32); AHEAD] {
        let mut likely = [(0, FREE); AHEAD];
        for (entry, likely) in entries.iter().zip(&mut likely) {
            let hash = both.scanner.hash(entry.key);
            *likely = (hash, self.slots.likely(hash));
        }
        let touched = likely.iter().filter_map(|(_, index)| self.entries.get(*index as usize));
        let alike = touched.zip(entries).filter(|(a, b)| { a.key } == { b.key });
        std::hint::black_box(alike.count());
        likely
    }

    /// What was found, once every row has been given.
    pub(super) fn finish(mut self, both: &Both<'_, K>, joined: &mut Joined) {
        self.fill_once(both);
        for (entry, met) in self.entries.iter().zip(&self.met) {
            let row = || both.held.row(entry.number);
            match met {
                Met::Nothing => joined.expected.push(row()),
                Met::Equal => joined.matched += 1,
                Met::Unequal => joined.suspects.push((row(), both.other.row(partner(entry)))),
                Met::Several => {}
            }
        }
        self.finish_alone(both, joined);
        let mut groups: HashMap<u64, Group> = HashMap::new();
        for (hash, side, number) in self.several {
            let group = groups.entry(hash).or_default();
            match side {
                Side::Held => group.expected.push(both.held.row(number)),
                Side::Other => group.actual.push(both.other.row(number)),
            }
        }
        for rows in groups.into_values() {
            split_into(rows, [both.held, both.other], joined);
        }
    }

    /// Puts the first entry of each key into the table.
    fn fill_once(&mut self, both: &Both<'_, K>) {
        if !self.slots.is_empty() {
            return;
        }
        let entries = self.entries.len();
        self.met.resize(entries, Met::Nothing);
        self.slots = Slots::new(entries);
        for index in 0..entries {
            let Some(entry) = self.entries.get(index).copied() else { return };
            let hash = both.scanner.hash(entry.key);
            match self.find(hash, entry.key) {
                (slot, None) => self.slots.set(slot, hash, index as u32),
                (_, Some(first)) => {
                    self.list(hash, first);
                    self.several.push((hash, Side::Held, entry.number));
                    self.set_met(index, Met::Several);
                }
            }
        }
    }

    fn meet_one(&mut self, both: &Both<'_, K>, hash: u64, other: &Entry<K>, index: usize) {
        let (Some(entry), Some(met)) = (self.entries.get_mut(index), self.met.get_mut(index))
        else {
            return;
        };
        if *met == Met::Nothing && is_same_key(both, entry, other) {
            let equal = { entry.fingerprint } == { other.fingerprint };
            *met = if equal { Met::Equal } else { Met::Unequal };
            set_partner(entry, other.number);
            return;
        }
        self.list(hash, index);
        self.several.push((hash, Side::Other, other.number));
    }

    /// Lists an entry under `several`, and the row it has met.
    fn list(&mut self, hash: u64, index: usize) {
        let Some(entry) = self.entries.get(index).copied() else { return };
        let met = self.met.get(index).copied().unwrap_or(Met::Several);
        if met == Met::Several {
            return;
        }
        self.several.push((hash, Side::Held, entry.number));
        if met != Met::Nothing {
            self.several.push((hash, Side::Other, partner(&entry)));
        }
        self.set_met(index, Met::Several);
    }

    fn set_met(&mut self, index: usize, met: Met) {
        self.met.get_mut(index).into_iter().for_each(|place| *place = met);
    }

    /// The slot of a key, and its first entry if it has one.
    #[inline]
    fn find(&self, hash: u64, key: K) -> (usize, Option<usize>) {
        let mut slot = self.slots.first(hash);
        loop {
            let index = self.slots.at(slot, hash);
            match self.entries.get(index.unwrap_or(FREE) as usize) {
                Some(entry) if { entry.key } == key => return (slot, index.map(|i| i as usize)),
                None if index == Some(FREE) => return (slot, None),
                _ => slot = self.slots.after(slot),
            }
        }
    }

    /// Sorts the other side's rows that met nothing into single ones and groups of one hash.
    fn finish_alone(&mut self, both: &Both<'_, K>, joined: &mut Joined) {
        self.alone.sort_unstable();
        for rows in self.alone.chunk_by(|(a, _), (b, _)| a == b) {
            match rows {
                [(_, number)] => joined.actual.push(both.other.row(*number)),
                rows => {
                    let actual = rows.iter().map(|(_, number)| both.other.row(*number)).collect();
                    let group = Group { expected: Vec::new(), actual };
                    split_into(group, [both.held, both.other], joined);
                }
            }
        }
    }
}

/// Whether two rows whose keys have one code have one key.
#[inline]
fn is_same_key<K: Encode>(both: &Both<'_, K>, entry: &Entry<K>, other: &Entry<K>) -> bool {
    let (e, a) = (entry.number, other.number);
    { entry.key }.is_exact() || same_key(both.held, both.other, both.held.row(e), both.other.row(a))
}

/// An entry that has met a row needs its fingerprint no more: it holds the row's number instead.
fn set_partner<K: Copy>(entry: &mut Entry<K>, number: u32) {
    entry.fingerprint = Fingerprint::of_number(number);
}

fn partner<K: Copy>(entry: &Entry<K>) -> u32 {
    { entry.fingerprint }.number()
}
