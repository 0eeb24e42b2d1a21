//! Reading a side once: every row becomes an entry in the partition of its key.

use trueup_connector::{Column, Context, Result};

use super::super::parallel::{Tasks, each_thread};
use super::super::rules::{FieldRule, Fields};
use super::super::table::{Pieces, Row, Table};
use super::entry::Entry;
use super::hash::{ColumnKeys, Seed, Sum};
use super::lanes::{Lane, load, mark_nulls};

/// How many rows are summed at a time: the sums stay in the nearest cache.
pub(super) const BLOCK: usize = 512;

/// How many rows a thread takes at a time.
const MORSEL: usize = 32 * 1024;

/// Turns rows into entries; both sides share one.
pub(crate) struct Scanner {
    key: Vec<(Lane, ColumnKeys)>,
    compared: Vec<(Lane, ColumnKeys)>,
    /// Whether equal hashes mean equal keys.
    pub(super) exact: bool,
    /// What the words of an exact key are mixed with.
    whiten: u64,
}

/// A side's entries, by partition and thread, and its rows without a key.
pub(super) struct Scanned {
    /// One for each thread: a list of entries a partition.
    pub(super) parts: Vec<Vec<Vec<Entry>>>,
    pub(super) unkeyed: Vec<Row>,
}

#[derive(Clone, Copy)]
struct Morsel {
    batch: usize,
    start: usize,
    rows: usize,
}

impl Scanner {
    pub(crate) fn new(fields: &Fields, expected: &Table, actual: &Table, seed: &Seed) -> Self {
        let scanned = |fields: &[FieldRule],
                       rewritten: fn(&FieldRule) -> bool,
                       e: &[Pieces],
                       a: &[Pieces],
                       keys| {
            let lanes = fields
                .iter()
                .zip(e.iter().zip(a))
                .map(|(field, pair)| lane(rewritten(field), pair));
            lanes.zip::<Vec<ColumnKeys>>(keys).collect::<Vec<_>>()
        };
        let keys = seed.columns("key", fields.key.len());
        let key = scanned(&fields.key, |f| f.rule.normalises(), &expected.key, &actual.key, keys);
        let keys = seed.columns("row", fields.compared.len());
        let (e, a) = (&expected.compared, &actual.compared);
        let compared = scanned(&fields.compared, |f| f.rule.zone(), e, a, keys);
        let exact = matches!(key.as_slice(), [(Lane::Word | Lane::Float, _)]);
        let [whiten, ..] = seed.0;
        Self { key, compared, exact, whiten }
    }

    /// Every row of a table, in `1 << bits` partitions.
    pub(super) fn scan(
        &self,
        table: &Table,
        bits: u32,
        threads: usize,
        context: &Context,
    ) -> Result<Scanned> {
        let morsels: Vec<Morsel> = morsels(table).collect();
        let rows: usize = morsels.iter().map(|morsel| morsel.rows).sum();
        let share = rows / threads.min(morsels.len()).max(1) >> bits;
        let capacity = share + 4 * share.isqrt() + 4;
        let threads = each_thread(threads, context, &morsels, |tasks| {
            let mut parts: Vec<Vec<Entry>> = Vec::new();
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
        parts: &mut [Vec<Entry>],
    ) -> Result<Vec<Row>> {
        let mut unkeyed = Vec::new();
        for morsel in tasks {
            self.each_entry(table, *morsel, &mut unkeyed, |entry| {
                // A shift by all 64 bits is none.
                let part = entry.hash.checked_shr(64 - bits).unwrap_or(0) as usize;
                if let Some(part) = parts.get_mut(part) {
                    part.push(entry);
                }
            })?;
        }
        Ok(unkeyed)
    }

    /// Every row of a table as an entry, in order; rows without a key are added to `unkeyed`.
    pub(crate) fn entries(
        &self,
        table: &Table,
        batch: usize,
        unkeyed: &mut Vec<Row>,
    ) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for morsel in morsels(table).filter(|morsel| morsel.batch == batch) {
            self.each_entry(table, morsel, unkeyed, |entry| entries.push(entry))?;
        }
        Ok(entries)
    }

    /// The hashes of the keys of a batch, in order; `None` for a row without a key.
    pub(crate) fn key_hashes(
        &self,
        key: &[Pieces],
        batch: usize,
        rows: usize,
    ) -> Result<Vec<Option<u64>>> {
        let mut hashes = Vec::with_capacity(rows);
        let key = columns(key, batch);
        for start in (0..rows).step_by(BLOCK) {
            let length = BLOCK.min(rows - start);
            let (mut block, mut nulls) = ([0; BLOCK], [false; BLOCK]);
            let (Some(block), Some(nulls)) = (block.get_mut(..length), nulls.get_mut(..length))
            else {
                continue;
            };
            self.hash_keys(&key, start, block, nulls)?;
            hashes.extend(block.iter().zip(nulls).map(|(hash, null)| (!*null).then_some(*hash)));
        }
        Ok(hashes)
    }

    fn each_entry(
        &self,
        table: &Table,
        morsel: Morsel,
        unkeyed: &mut Vec<Row>,
        mut take: impl FnMut(Entry),
    ) -> Result<()> {
        let key = columns(&table.key, morsel.batch);
        let compared = columns(&table.compared, morsel.batch);
        let end = morsel.start + morsel.rows;
        for start in (morsel.start..end).step_by(BLOCK) {
            let length = BLOCK.min(end - start);
            let (mut hashes, mut nulls) = ([0; BLOCK], [false; BLOCK]);
            let mut sums = [Sum::default(); BLOCK];
            let (Some(hashes), Some(nulls)) = (hashes.get_mut(..length), nulls.get_mut(..length))
            else {
                continue;
            };
            let Some(sums) = sums.get_mut(..length) else { continue };
            self.hash_keys(&key, start, hashes, nulls)?;
            for (column, (lane, keys)) in compared.iter().zip(&self.compared) {
                lane.add(column, start, keys, sums);
            }
            let rows = hashes.iter().zip(nulls.iter()).zip(sums.iter()).enumerate();
            for (i, ((hash, null), sum)) in rows {
                let row = Row::new(morsel.batch, start + i);
                match null {
                    true => unkeyed.push(row),
                    false => take(Entry { hash: *hash, fingerprint: sum.fingerprint(), row }),
                }
            }
        }
        Ok(())
    }

    fn hash_keys(
        &self,
        key: &[&Column],
        start: usize,
        hashes: &mut [u64],
        nulls: &mut [bool],
    ) -> Result<()> {
        for column in key {
            mark_nulls(column, start, nulls)?;
        }
        if let ([column], true) = (key, self.exact) {
            if load(column.array(), start, hashes).is_some() {
                hashes.iter_mut().for_each(|hash| *hash = mix(*hash ^ self.whiten));
                return Ok(());
            }
        }
        let mut sums = [Sum::default(); BLOCK];
        let Some(sums) = sums.get_mut(..hashes.len()) else { return Ok(()) };
        for (column, (lane, keys)) in key.iter().zip(&self.key) {
            lane.add(column, start, keys, sums);
        }
        hashes.iter_mut().zip(sums).for_each(|(hash, sum)| *hash = sum.hash());
        Ok(())
    }
}

/// The lane of a field; normalising may give each batch another type, so that only canonical bytes
/// are alike for sure.
fn lane(rewritten: bool, (expected, actual): (&Pieces, &Pieces)) -> Lane {
    match Lane::of(expected.iter().chain(actual).map(|column| column.array().data_type())) {
        Lane::Bytes => Lane::Bytes,
        _ if rewritten => Lane::Canonical,
        lane => lane,
    }
}

fn columns(pieces: &[Pieces], batch: usize) -> Vec<&Column> {
    pieces.iter().filter_map(|pieces| pieces.get(batch)).collect()
}

fn morsels(table: &Table) -> impl Iterator<Item = Morsel> {
    table.lengths().enumerate().flat_map(|(batch, rows)| {
        let starts = (0..rows).step_by(MORSEL);
        starts.map(move |start| Morsel { batch, start, rows: MORSEL.min(rows - start) })
    })
}

/// Spreads a word over all bits; two words never become one (every step can be undone: the finaliser
/// of SplitMix64, G. Steele and others, "Fast splittable pseudorandom number generators", 2014).
#[inline]
fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}
