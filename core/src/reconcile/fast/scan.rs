//! Reading a side: every row becomes an entry in the partition of its key.

use std::marker::PhantomData;

use trueup_connector::Column;

use super::super::rules::{FieldRule, Fields};
use super::super::table::{Pieces, Row, Table};
use super::entry::{Entry, KeyCode, WideCode, WordCode};
use super::hash::{ColumnKeys, Seed, Sum, Whiten, last_words};
use super::lanes::{BLOCK, Lane, Laned, add_all};
use super::words::{self, each_bytes, each_null, load};

/// How many rows are read at a time.
const MORSEL: usize = 16 * 1024;

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

/// Entries by partition, with room that is used again.
pub(super) struct Parts<K: Copy> {
    pub(super) parts: Vec<Vec<Entry<K>>>,
    pub(super) rows: usize,
    bits: u32,
}

impl<K: Copy> Parts<K> {
    /// Room for about as many rows in `1 << bits` partitions.
    pub(super) fn new(bits: u32, rows: usize) -> Self {
        let mut parts = Vec::new();
        parts.resize_with(1 << bits, || Vec::with_capacity(room(rows, bits)));
        Self { parts, rows: 0, bits }
    }

    pub(super) fn clear(&mut self) {
        self.parts.iter_mut().for_each(Vec::clear);
        self.rows = 0;
    }
}

/// How many of a side's rows one of its partitions has, with hardly an exception.
pub(super) fn room(rows: usize, bits: u32) -> usize {
    let share = rows >> bits;
    share + 4 * share.isqrt() + 4
}

/// Rows of one batch.
#[derive(Clone, Copy)]
pub(super) struct Morsel {
    batch: usize,
    start: usize,
    pub(super) rows: usize,
    /// The number in its table of the batch's first row.
    first: u32,
}

impl Morsel {
    /// The number in its table of a row of the batch.
    #[inline]
    fn number(self, row: usize) -> u32 {
        self.first + row as u32
    }
}

/// A table's rows.
pub(super) fn morsels(table: &Table) -> Vec<Morsel> {
    (0..table.batches()).flat_map(|batch| batch_morsels(table, batch)).collect()
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
            return Self::encode_bytes(keys, &lanes.whiten, column, start, codes);
        }
        let mut sums = [Sum::default(); BLOCK];
        let Some(sums) = sums.get_mut(..codes.len()) else { return };
        add_all(laned(key, &lanes.key), start, sums);
        codes
            .iter_mut()
            .zip(sums)
            .for_each(|(code, sum)| *code = Self::of_hash(sum.fingerprint(&lanes.whiten)));
    }
}

impl WideCode {
    fn encode_bytes(
        keys: &ColumnKeys,
        whiten: &Whiten,
        column: &Column,
        start: usize,
        codes: &mut [Self],
    ) {
        let code = |data: &[u8], from: usize, to: usize| match to.wrapping_sub(from) {
            length @ ..16 => Self::of_words(last_words(data, from, length)),
            _ => {
                let bytes = data.get(from..to).unwrap_or_default();
                Self::of_hash(keys.bytes(bytes).fingerprint(whiten))
            }
        };
        let mut spans = [(0, 0); BLOCK];
        let Some(spans) = spans.get_mut(..codes.len()) else { return };
        match words::spans(column.array(), start, spans) {
            Some(data) => {
                let spans = codes.iter_mut().zip(spans);
                spans.for_each(|(to, (begin, end))| *to = code(data, *begin, *end));
            }
            None => each_bytes(column, start, codes.len(), |i, bytes| {
                let code = code(bytes, 0, bytes.len());
                codes.get_mut(i).into_iter().for_each(|to| *to = code);
            }),
        }
    }
}

fn laned<'a>(
    columns: &'a [&'a Column],
    lanes: &'a [(Lane, ColumnKeys)],
) -> impl Iterator<Item = Laned<'a>> {
    columns.iter().copied().zip(lanes)
}

impl<'a, K: Encode> Scanner<'a, K> {
    pub(crate) fn new(lanes: &'a Lanes) -> Self {
        Self { lanes, code: PhantomData }
    }

    #[inline]
    pub(crate) fn hash(&self, key: K) -> u64 {
        key.hash(&self.lanes.whiten)
    }

    /// Adds rows of a table to their partitions; those without a key to `unkeyed`.
    pub(super) fn scan(
        &self,
        table: &Table,
        morsel: Morsel,
        unkeyed: &mut Vec<Row>,
        into: &mut Parts<K>,
    ) {
        let Parts { parts, rows, bits } = into;
        *rows += morsel.rows;
        let (key, compared) =
            (columns(&table.key, morsel.batch), columns(&table.compared, morsel.batch));
        let mut keys = Keys::new();
        for (start, rows) in blocks(morsel) {
            keys.fill(self.lanes, &key, start, rows);
            let mut sums = [Sum::default(); BLOCK];
            let Some(sums) = sums.get_mut(..rows) else { return };
            add_all(laned(&compared, &self.lanes.compared), start, sums);
            for ((i, (key, null)), sum) in keys.each().zip(sums) {
                if null {
                    unkeyed.push(Row::new(morsel.batch, start + i));
                    continue;
                }
                let fingerprint = sum.fingerprint(&self.lanes.whiten);
                let number = morsel.number(start + i);
                // A shift by all 64 bits is none.
                let part = self.hash(key).checked_shr(64 - *bits).unwrap_or(0) as usize;
                if let Some(part) = parts.get_mut(part) {
                    part.push(Entry { key, fingerprint, number });
                }
            }
        }
    }

    /// Gives the number and the key of every row of a batch that has one, in order.
    pub(crate) fn each_key(&self, table: &Table, batch: usize, mut take: impl FnMut(u32, K)) {
        let columns = columns(&table.key, batch);
        let mut keys = Keys::new();
        for morsel in batch_morsels(table, batch) {
            for (start, rows) in blocks(morsel) {
                keys.fill(self.lanes, &columns, start, rows);
                for (i, (key, _)) in keys.each().filter(|(_, (_, null))| !null) {
                    take(morsel.number(start + i), key);
                }
            }
        }
    }
}

/// The keys of the rows that are read at a time.
struct Keys<K> {
    rows: usize,
    codes: [K; BLOCK],
    nulls: [bool; BLOCK],
}

impl<K: Encode> Keys<K> {
    fn new() -> Self {
        Self { rows: 0, codes: [K::ZERO; BLOCK], nulls: [false; BLOCK] }
    }

    fn fill(&mut self, lanes: &Lanes, key: &[&Column], start: usize, rows: usize) {
        let Self { codes, nulls, .. } = self;
        nulls.fill(false);
        for column in key {
            each_null(column, start, rows, |i| {
                nulls.get_mut(i).into_iter().for_each(|null| *null = true);
            });
        }
        if let Some(codes) = codes.get_mut(..rows) {
            K::encode(lanes, key, start, codes);
        }
        self.rows = rows;
    }

    /// Each key's code, and whether a part of it is null.
    fn each(&self) -> impl Iterator<Item = (usize, (K, bool))> {
        let keys = self.codes.iter().copied().zip(self.nulls.iter().copied());
        keys.take(self.rows).enumerate()
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

fn batch_morsels(table: &Table, batch: usize) -> impl Iterator<Item = Morsel> + use<> {
    let (rows, first) = (table.batch_rows(batch), table.number(Row::new(batch, 0)));
    let starts = (0..rows).step_by(MORSEL);
    starts.map(move |start| Morsel { batch, start, rows: MORSEL.min(rows - start), first })
}

/// Where each block of a morsel begins, and how many rows it has.
fn blocks(Morsel { start, rows, .. }: Morsel) -> impl Iterator<Item = (usize, usize)> {
    let end = start + rows;
    (start..end).step_by(BLOCK).map(move |start| (start, BLOCK.min(end - start)))
}

/// Spreads a word over all bits; two words never become one (every step can be undone: the finaliser
/// of SplitMix64, G. Steele and others, "Fast splittable pseudorandom number generators", 2014).
#[inline]
fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
