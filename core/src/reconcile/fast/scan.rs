//! Reading a side once: every row becomes an entry in the partition of its key.

use std::marker::PhantomData;

use trueup_connector::{Column, Context, Result};

use super::super::parallel::{Tasks, each_thread};
use super::super::rules::{FieldRule, Fields};
use super::super::table::{Pieces, Row, Table};
use super::entry::{Entry, KeyCode, WideCode, WordCode};
use super::hash::{ColumnKeys, Seed, Sum, Whiten};
use super::lanes::{BLOCK, Lane};
use super::words::{each_bytes, load, mark_nulls};

/// How many rows a thread takes at a time.
const MORSEL: usize = 32 * 1024;

/// How the fields of both sides become words.
pub(crate) struct Lanes {
    key: Vec<(Lane, ColumnKeys)>,
    compared: Vec<(Lane, ColumnKeys)>,
    whiten: Whiten,
}

/// Turns rows into entries whose keys are coded as `K`; both sides share one.
pub(crate) struct Scanner<'a, K> {
    lanes: &'a Lanes,
    code: PhantomData<K>,
}

/// A side's entries, by thread and partition, and its rows without a key.
pub(super) struct Scanned<K> {
    /// One for each thread: a list of entries a partition.
    pub(super) parts: Vec<Vec<Vec<Entry<K>>>>,
    pub(super) unkeyed: Vec<Row>,
}

#[derive(Clone, Copy)]
pub(super) struct Morsel {
    batch: usize,
    start: usize,
    rows: usize,
}

impl Lanes {
    pub(crate) fn new(fields: &Fields, expected: &Table, actual: &Table, seed: &Seed) -> Self {
        let tables = [expected, actual];
        let key = lanes(&fields.key, |field| field.rule.normalises(), tables);
        let compared = lanes(&fields.compared, |field| field.rule.zone(), tables);
        let key = key.into_iter().zip(seed.columns("key", fields.key.len())).collect();
        let keys = seed.columns("row", fields.compared.len());
        Self { key, compared: compared.into_iter().zip(keys).collect(), whiten: seed.whiten() }
    }

    /// Whether a key is one word.
    pub(crate) fn is_word(&self) -> bool {
        matches!(self.key.as_slice(), [(Lane::Word | Lane::Float, _)])
    }
}

/// Makes the codes of a block of keys.
pub(crate) trait Encode: KeyCode {
    fn encode(lanes: &Lanes, key: &[&Column], start: usize, codes: &mut [Self]);
    const ZERO: Self;
}

impl Encode for WordCode {
    const ZERO: Self = Self(0);

    fn encode(lanes: &Lanes, key: &[&Column], start: usize, codes: &mut [Self]) {
        let mut words = [0; BLOCK];
        let (Some(words), [column]) = (words.get_mut(..codes.len()), key) else { return };
        if load(column.array(), start, words).is_none() {
            // A dictionary, or runs: the value behind each.
            words.iter_mut().enumerate().for_each(|(i, word)| {
                *word = lanes.key.first().map_or(0, |(lane, _)| lane.word(&column.cell(start + i)));
            });
        }
        let Whiten([whiten, ..]) = lanes.whiten;
        codes
            .iter_mut()
            .zip(words)
            .for_each(|(code, word)| *code = Self(mix(*word ^ whiten as u64)));
    }
}

impl Encode for WideCode {
    const ZERO: Self = Self::EMPTY;

    fn encode(lanes: &Lanes, key: &[&Column], start: usize, codes: &mut [Self]) {
        if let ([column], [(Lane::Bytes, keys)]) = (key, lanes.key.as_slice()) {
            return each_bytes(column, start, codes.len(), |i, bytes| {
                if let (Some(code), Some(bytes)) = (codes.get_mut(i), bytes) {
                    *code =
                        Self::of_bytes(bytes, |bytes| keys.bytes(bytes).fingerprint(&lanes.whiten));
                }
            });
        }
        let mut sums = [Sum::default(); BLOCK];
        let Some(sums) = sums.get_mut(..codes.len()) else { return };
        for (column, (lane, keys)) in key.iter().zip(&lanes.key) {
            lane.add(column, start, keys, sums);
        }
        codes
            .iter_mut()
            .zip(sums)
            .for_each(|(code, sum)| *code = Self::of_hash(sum.fingerprint(&lanes.whiten)));
    }
}

impl<'a, K: Encode> Scanner<'a, K> {
    pub(crate) fn new(lanes: &'a Lanes) -> Self {
        Self { lanes, code: PhantomData }
    }

    #[inline]
    pub(crate) fn hash(&self, key: K) -> u64 {
        key.hash(&self.lanes.whiten)
    }

    /// Every row of a table, in `1 << bits` partitions.
    pub(super) fn scan(
        &self,
        table: &Table,
        bits: u32,
        threads: usize,
        context: &Context,
    ) -> Result<Scanned<K>> {
        let morsels: Vec<Morsel> =
            (0..table.batches()).flat_map(|batch| morsels(table, batch)).collect();
        let rows: usize = morsels.iter().map(|morsel| morsel.rows).sum();
        let share = (rows / threads.min(morsels.len()).max(1)) >> bits;
        let capacity = share + 4 * share.isqrt() + 4;
        let threads = each_thread(threads, context, &morsels, |tasks| {
            let mut parts: Vec<Vec<Entry<K>>> = Vec::new();
            parts.resize_with(1 << bits, || Vec::with_capacity(capacity));
            let unkeyed = self.scan_some(table, tasks, bits, &mut parts)?;
            Ok((parts, unkeyed))
        })?;
        let (parts, unkeyed): (Vec<_>, Vec<_>) = threads.into_iter().unzip();
        Ok(Scanned { parts, unkeyed: unkeyed.concat() })
    }

    fn scan_some(
        &self,
        table: &Table,
        tasks: Tasks<'_, Morsel>,
        bits: u32,
        parts: &mut [Vec<Entry<K>>],
    ) -> Result<Vec<Row>> {
        let mut unkeyed = Vec::new();
        for morsel in tasks {
            self.each_entry(table, *morsel, &mut unkeyed, |entry| {
                // A shift by all 64 bits is none.
                let part = self.hash(entry.key).checked_shr(64 - bits).unwrap_or(0) as usize;
                if let Some(part) = parts.get_mut(part) {
                    part.push(entry);
                }
            });
        }
        Ok(unkeyed)
    }

    /// Every row of a batch as an entry, in order; rows without a key are added to `unkeyed`.
    pub(crate) fn entries(
        &self,
        table: &Table,
        batch: usize,
        unkeyed: &mut Vec<Row>,
    ) -> Vec<Entry<K>> {
        let mut entries = Vec::new();
        for morsel in morsels(table, batch) {
            self.each_entry(table, morsel, unkeyed, |entry| entries.push(entry));
        }
        entries
    }

    fn each_entry(
        &self,
        table: &Table,
        morsel: Morsel,
        unkeyed: &mut Vec<Row>,
        mut take: impl FnMut(Entry<K>),
    ) {
        let key = columns(&table.key, morsel.batch);
        let compared = columns(&table.compared, morsel.batch);
        let end = morsel.start + morsel.rows;
        for start in (morsel.start..end).step_by(BLOCK) {
            let mut block = Block::<K>::new(BLOCK.min(end - start));
            block.fill(self.lanes, &key, &compared, start);
            block.each(&self.lanes.whiten, [morsel.batch, start], unkeyed, &mut take);
        }
    }
}

/// The rows that are summed at a time.
struct Block<K> {
    rows: usize,
    codes: [K; BLOCK],
    nulls: [bool; BLOCK],
    sums: [Sum; BLOCK],
}

impl<K: Encode> Block<K> {
    fn new(rows: usize) -> Self {
        let (codes, nulls, sums) = ([K::ZERO; BLOCK], [false; BLOCK], [Sum::default(); BLOCK]);
        Self { rows, codes, nulls, sums }
    }

    fn fill(&mut self, lanes: &Lanes, key: &[&Column], compared: &[&Column], start: usize) {
        let Self { rows, codes, nulls, sums } = self;
        let parts = (codes.get_mut(..*rows), nulls.get_mut(..*rows), sums.get_mut(..*rows));
        let (Some(codes), Some(nulls), Some(sums)) = parts else { return };
        key.iter().for_each(|column| mark_nulls(column, start, nulls));
        K::encode(lanes, key, start, codes);
        for (column, (lane, keys)) in compared.iter().zip(&lanes.compared) {
            lane.add(column, start, keys, sums);
        }
    }

    fn each(
        &self,
        whiten: &Whiten,
        [batch, start]: [usize; 2],
        unkeyed: &mut Vec<Row>,
        take: &mut impl FnMut(Entry<K>),
    ) {
        let rows = self.codes.iter().zip(&self.nulls).zip(&self.sums).take(self.rows);
        for (i, ((key, null), sum)) in rows.enumerate() {
            let row = Row::new(batch, start + i);
            match null {
                true => unkeyed.push(row),
                false => take(Entry { key: *key, fingerprint: sum.fingerprint(whiten), row }),
            }
        }
    }
}

/// The lane of each field, by the types of both sides' schemas: a side may have no batch yet.
///
/// Normalising may give each batch another type, so that only canonical bytes are alike for sure.
fn lanes(
    fields: &[FieldRule],
    rewritten: fn(&FieldRule) -> bool,
    tables: [&Table; 2],
) -> Vec<Lane> {
    let [expected, actual] = tables.map(|table| table.snapshot.arrow_schema().fields());
    let lane = |field: &FieldRule| {
        let both = [expected.get(field.expected), actual.get(field.actual)];
        match Lane::of(both.into_iter().flatten().map(|field| field.data_type())) {
            Lane::Bytes => Lane::Bytes,
            _ if rewritten(field) => Lane::Canonical,
            lane => lane,
        }
    };
    fields.iter().map(lane).collect()
}

fn columns(pieces: &[Pieces], batch: usize) -> Vec<&Column> {
    pieces.iter().filter_map(|pieces| pieces.get(batch)).collect()
}

fn morsels(table: &Table, batch: usize) -> impl Iterator<Item = Morsel> + use<> {
    let rows = table.batch_rows(batch);
    let starts = (0..rows).step_by(MORSEL);
    starts.map(move |start| Morsel { batch, start, rows: MORSEL.min(rows - start) })
}

/// Spreads a word over all bits; two words never become one (every step can be undone: the finaliser
/// of SplitMix64, G. Steele and others, "Fast splittable pseudorandom number generators", 2014).
#[inline]
fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
