//! Finding the rows that share a key, partition by partition.

use std::sync::{Mutex, PoisonError};

use trueup_connector::{Context, Result};

use super::super::parallel::each_thread;
use super::super::table::{Row, Table};
use super::entry::{Joined, WideCode, WordCode};
use super::partition::{Both, Partition};
use super::scan::{Encode, Lanes, Morsel, Parts, Scanner, morsels};

/// How much is in memory at a time.
#[derive(Clone, Copy)]
struct Sizes {
    /// How many rows of the held side a partition should have: few enough that its table stays in the
    /// cache, so many that there are few partitions to write to at once.
    partition: usize,
    /// How many rows of the held side a thread reads before it gives them to their partitions.
    held: usize,
    /// How many rows of the other side are read in a round, at least: only its entries are in memory.
    round: usize,
}

const SIZES: Sizes = Sizes { partition: 8 * 1024, held: 256 * 1024, round: 1024 * 1024 };

/// More partitions than `1 << MOST_BITS` are too many to write to at once.
const MOST_BITS: u32 = 10;

/// The other side is read in so many rounds at most.
const ROUNDS: usize = 5;

/// Joins the two sides by key.
///
/// The side with fewer rows is held: all its entries are in memory.
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
    join_sized(lanes, [expected, actual], threads, context, SIZES)
}

fn join_sized(
    lanes: &Lanes,
    [expected, actual]: [&Table; 2],
    threads: usize,
    context: &Context,
    sizes: Sizes,
) -> Result<Joined> {
    if actual.snapshot.rows() < expected.snapshot.rows() {
        let flipped = join_sized(lanes, [actual, expected], threads, context, sizes);
        return flipped.map(Joined::flip);
    }
    let work = Work { sizes, held: expected, other: actual, threads, context };
    match lanes.is_word() {
        true => work.join(&Scanner::<WordCode>::new(lanes)),
        false => work.join(&Scanner::<WideCode>::new(lanes)),
    }
}

struct Work<'a> {
    sizes: Sizes,
    held: &'a Table,
    other: &'a Table,
    threads: usize,
    context: &'a Context,
}

type Partitions<K> = Vec<Mutex<Partition<K>>>;

impl Work<'_> {
    fn join<K: Encode>(&self, scanner: &Scanner<'_, K>) -> Result<Joined> {
        let (held, other) = (self.held.snapshot.rows(), self.other.snapshot.rows());
        let bits = (held / self.sizes.partition).next_power_of_two().ilog2().min(MOST_BITS);
        let partitions = (0..1 << bits).map(|_| Mutex::new(Partition::new(bits, held))).collect();
        let both = Both { scanner, held: self.held, other: self.other };
        let all = Some((held + other) as u64);
        let of_held = self.hold(&both, &partitions, bits)?;
        self.context.report("fingerprint", held as u64, all);
        let of_other = self.meet(&both, &partitions, bits)?;
        self.context.report("fingerprint", (held + other) as u64, all);
        let joined = self.finish(&both, partitions)?;
        Ok(Joined { unkeyed: [of_held, of_other], ..joined })
    }

    /// Reads the held side; returns its rows without a key.
    fn hold<K: Encode>(
        &self,
        both: &Both<'_, K>,
        partitions: &Partitions<K>,
        bits: u32,
    ) -> Result<Vec<Row>> {
        let morsels = morsels(self.held);
        let most = self.sizes.held.min(self.held.snapshot.rows().div_ceil(self.threads));
        let unkeyed = each_thread(self.threads, self.context, &morsels, |morsels| {
            let (mut parts, mut unkeyed) = (Parts::new(bits, most), Vec::new());
            for morsel in morsels {
                both.scanner.scan(self.held, *morsel, &mut unkeyed, &mut parts);
                if parts.rows >= most {
                    hold_all(&mut parts, partitions);
                }
            }
            hold_all(&mut parts, partitions);
            Ok(unkeyed)
        })?;
        Ok(unkeyed.concat())
    }

    /// Reads the other side, round by round; returns its rows without a key.
    fn meet<K: Encode>(
        &self,
        both: &Both<'_, K>,
        partitions: &Partitions<K>,
        bits: u32,
    ) -> Result<Vec<Row>> {
        let (morsels, rows) = (morsels(self.other), self.other.snapshot.rows());
        let round = (rows / ROUNDS).max(self.sizes.round).min(rows);
        let spare = Mutex::new(Vec::new());
        let mut unkeyed = Vec::new();
        for morsels in rounds(&morsels, round) {
            let read = each_thread(self.threads, self.context, morsels, |morsels| {
                let known = locked(&spare, Vec::pop);
                let mut parts = known.unwrap_or_else(|| Parts::new(bits, round / self.threads));
                let mut unkeyed = Vec::new();
                morsels.for_each(|morsel| {
                    both.scanner.scan(self.other, *morsel, &mut unkeyed, &mut parts);
                });
                Ok((parts, unkeyed))
            })?;
            let (mut read, without): (Vec<_>, Vec<_>) = read.into_iter().unzip();
            unkeyed.extend(without.into_iter().flatten());
            let places: Vec<usize> = (0..partitions.len()).collect();
            each_thread(self.threads, self.context, &places, |places| {
                for place in places {
                    let Some(partition) = partitions.get(*place) else { continue };
                    locked(partition, |partition| {
                        let parts = read.iter().filter_map(|parts| parts.parts.get(*place));
                        parts.for_each(|entries| partition.meet(both, entries));
                    });
                }
                Ok(())
            })?;
            read.iter_mut().for_each(Parts::clear);
            locked(&spare, |spare| spare.append(&mut read));
        }
        Ok(unkeyed)
    }

    fn finish<K: Encode>(&self, both: &Both<'_, K>, partitions: Partitions<K>) -> Result<Joined> {
        let places: Vec<_> = partitions.into_iter().map(|place| Mutex::new(Some(place))).collect();
        let joined = each_thread(self.threads, self.context, &places, |places| {
            let mut joined = Joined::default();
            for partition in places.filter_map(|place| locked(place, Option::take)) {
                let partition = partition.into_inner().unwrap_or_else(PoisonError::into_inner);
                partition.finish(both, &mut joined);
            }
            Ok(joined)
        })?;
        Ok(joined.into_iter().fold(Joined::default(), Joined::merge))
    }
}

fn hold_all<K: Encode>(parts: &mut Parts<K>, partitions: &Partitions<K>) {
    for (entries, partition) in parts.parts.iter().zip(partitions) {
        locked(partition, |partition| partition.hold(entries));
    }
    parts.clear();
}

/// Morsels of about so many rows together.
fn rounds(morsels: &[Morsel], rows: usize) -> impl Iterator<Item = &[Morsel]> {
    let mut left = morsels;
    std::iter::from_fn(move || {
        let mut taken = 0;
        let morsels = left.iter().take_while(|morsel| {
            let more = taken < rows;
            taken += morsel.rows;
            more
        });
        let (round, rest) = left.split_at_checked(morsels.count())?;
        left = rest;
        (!round.is_empty()).then_some(round)
    })
}

/// A thread that panics takes the whole run with it, so that no lock is left poisoned.
fn locked<T, R>(lock: &Mutex<T>, work: impl FnOnce(&mut T) -> R) -> R {
    work(&mut lock.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests;
