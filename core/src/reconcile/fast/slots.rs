//! A hash table of indexes, by open addressing.

/// No index: a table has fewer.
pub(super) const FREE: u32 = u32::MAX;

/// Each slot has an index in its lower bits, and in those above as much of its key's hash as there is
/// room for: hardly any index of another key is ever followed.
#[derive(Default)]
pub(super) struct Slots {
    slots: Vec<u32>,
    /// The bits of an index.
    mask: u32,
}

impl Slots {
    /// For this many indexes, counted from zero.
    pub(super) fn new(indexes: usize) -> Self {
        let slots = vec![FREE; indexes + indexes / 2 + 1];
        // All ones are no index, so that a slot with one is never taken for a free one.
        let mask = (indexes as u64 + 1).next_power_of_two() - 1;
        Self { slots, mask: mask as u32 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Where the search for a hash begins.
    #[inline]
    pub(super) fn first(&self, hash: u64) -> usize {
        // The lower half of the hash as a fraction; the upper bits chose the partition.
        ((u64::from(hash as u32) * self.slots.len() as u64) >> 32) as usize
    }

    #[inline]
    pub(super) fn after(&self, slot: usize) -> usize {
        if slot + 1 < self.slots.len() { slot + 1 } else { 0 }
    }

    /// The index in a slot, if it may be of this hash; [`FREE`] where the search ends.
    #[inline]
    pub(super) fn at(&self, slot: usize, hash: u64) -> Option<u32> {
        match self.slots.get(slot) {
            None | Some(&FREE) => Some(FREE),
            Some(held) => ((held ^ mark(hash)) & !self.mask == 0).then_some(held & self.mask),
        }
    }

    /// The first index that may be of this hash, else [`FREE`].
    #[inline]
    pub(super) fn likely(&self, hash: u64) -> u32 {
        let mut slot = self.first(hash);
        loop {
            match self.at(slot, hash) {
                Some(index) => return index,
                None => slot = self.after(slot),
            }
        }
    }

    /// Looks at all slots, one after the other, so that they are in the cache for what follows.
    pub(super) fn warm(&self) {
        std::hint::black_box(self.slots.iter().step_by(16).fold(0, |all, slot| all ^ slot));
    }

    pub(super) fn set(&mut self, slot: usize, hash: u64, index: u32) {
        let held = mark(hash) & !self.mask | index;
        self.slots.get_mut(slot).into_iter().for_each(|slot| *slot = held);
    }
}

/// Bits of a hash of which the upper ones have no part in where it stands, but in huge partitions.
#[inline]
fn mark(hash: u64) -> u32 {
    (hash >> 20) as u32
}
