//! Finding the rows of a key on either side.

use std::collections::HashMap;
use std::fmt;

use hashbrown::HashTable;
use trueup_connector::{Context, Error, Kind, Result};

use super::super::compare::{Compared, Sides};
use super::super::fast::{Encode, Lanes, Scanner, key_bytes};
use super::super::parallel::each_thread;
use super::super::rules::Side;
use super::super::table::{Row, Table};
use super::state::{KeyRows, State};

/// The rows of a delta: their keys' codes and bytes, and where they will stand.
pub(super) struct Changes(Vec<Change>);

struct Change {
    key: Vec<u8>,
    /// In the delta.
    row: Row,
    /// In the table, once it has the delta's batches.
    place: Row,
}

/// An index, whatever its keys are coded as.
pub(super) trait Index: fmt::Debug + Send + Sync {
    /// Looks at a delta whose first batch will be the table's batch `first`; changes nothing.
    fn prepare(&self, delta: &Table, first: usize) -> Result<Changes>;

    /// Takes changed rows, which the table has by now; returns the rows they replace.
    fn change(&mut self, sides: Sides<'_>, side: Side, changes: &Changes) -> Result<Vec<Row>>;

    /// Takes out the rows of these keys, and returns them.
    fn remove(
        &mut self,
        sides: Sides<'_>,
        side: Side,
        keys: &Table,
        changes: &Changes,
    ) -> Result<Vec<Row>>;

    /// What the two sides disagree on now.
    fn compared(&self) -> Compared;
}

pub(super) struct Indexed<K: Copy> {
    lanes: Lanes,
    expected: HashTable<Place<K>>,
    actual: HashTable<Place<K>>,
    state: State,
    threads: usize,
}

/// Where a key is: packed, as there is one for every row.
#[repr(C, packed(4))]
struct Place<K: Copy> {
    key: K,
    /// Of the row in its table.
    number: u32,
}

impl<K: Copy> Clone for Place<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: Copy> Copy for Place<K> {}

impl<K: Encode> Indexed<K> {
    /// Indexes both sides, each by one thread.
    pub(super) fn new(
        lanes: Lanes,
        sides: Sides<'_>,
        compared: Compared,
        threads: usize,
        context: &Context,
    ) -> Result<Self> {
        let indexed = each_thread(threads, context, &Side::BOTH, |sides_left| {
            let index = |side: &Side| (*side, index(&lanes, sides.table(*side)));
            Ok(sides_left.map(index).collect::<Vec<_>>())
        })?;
        let (mut expected, mut actual) = (HashTable::new(), HashTable::new());
        for (side, rows) in indexed.into_iter().flatten() {
            *(if side == Side::Expected { &mut expected } else { &mut actual }) = rows;
        }
        Ok(Self { lanes, expected, actual, state: State::new(compared), threads })
    }

    fn rows_mut(&mut self, side: Side) -> &mut HashTable<Place<K>> {
        match side {
            Side::Expected => &mut self.expected,
            Side::Actual => &mut self.actual,
        }
    }

    /// The rows of a key on both sides.
    fn find(&self, sides: Sides<'_>, code: K, key: &[u8]) -> KeyRows {
        let hash = Scanner::new(&self.lanes).hash(code);
        let find = |rows: &HashTable<Place<K>>, table: &Table| -> Vec<Row> {
            let places = rows.iter_hash(hash).filter(|place| { place.key } == code);
            let rows = places.map(|place| table.row(place.number));
            rows.filter(|row| code.is_exact() || key_bytes(table, *row) == key).collect()
        };
        KeyRows {
            expected: find(&self.expected, sides.expected),
            actual: find(&self.actual, sides.actual),
        }
    }

    /// Takes out a side's rows of a key.
    fn clear(&mut self, sides: Sides<'_>, side: Side, code: K, rows: &[Row]) {
        let hash = Scanner::new(&self.lanes).hash(code);
        for number in rows.iter().map(|row| sides.table(side).number(*row)) {
            let found = self.rows_mut(side).find_entry(hash, |place| place.number == number);
            if let Ok(place) = found {
                place.remove();
            }
        }
    }

    /// Takes out a side's rows of each key, and its part of the state; returns the rows.
    fn clear_all(&mut self, sides: Sides<'_>, side: Side, keys: &HashMap<&[u8], K>) -> Vec<Row> {
        let mut gone = Vec::new();
        for (key, code) in keys {
            let rows = self.find(sides, *code, key);
            self.state.take(&rows);
            let own = if side == Side::Expected { &rows.expected } else { &rows.actual };
            self.clear(sides, side, *code, own);
            gone.extend(own);
        }
        gone
    }

    fn settle(&mut self, sides: Sides<'_>, keys: &HashMap<&[u8], K>) -> Result<()> {
        let mut pairs = Vec::new();
        for (key, code) in keys {
            let rows = self.find(sides, *code, key);
            pairs.extend(self.state.put(&rows));
        }
        let differing = sides.compare(&pairs, self.threads, &Context::new())?;
        self.state.put_pairs(pairs.len(), differing);
        Ok(())
    }

    /// The keys of the rows of some batches.
    fn codes(&self, table: &Table, batches: impl Iterator<Item = usize>) -> HashMap<Row, K> {
        let scanner = Scanner::<K>::new(&self.lanes);
        let mut codes = HashMap::new();
        for batch in batches {
            scanner.each_key(table, batch, |number, key| {
                codes.insert(table.row(number), key);
            });
        }
        codes
    }
}

fn index<K: Encode>(lanes: &Lanes, table: &Table) -> HashTable<Place<K>> {
    let scanner = Scanner::<K>::new(lanes);
    let mut rows = HashTable::with_capacity(table.snapshot.rows());
    for batch in 0..table.batches() {
        scanner.each_key(table, batch, |number, key| {
            let place = Place { key, number };
            rows.insert_unique(scanner.hash(key), place, |place| scanner.hash(place.key));
        });
    }
    rows
}

impl<K: Encode> Index for Indexed<K> {
    fn prepare(&self, delta: &Table, first: usize) -> Result<Changes> {
        let changes = delta.rows().map(|row| {
            if (0..delta.key.len()).any(|k| delta.key_cell(k, row).is_null()) {
                let message = "a changed or removed record has a null in its key";
                return Err(Error::new(Kind::Data, message).with("row", row.row()));
            }
            let place = Row::new(first + row.batch(), row.row());
            Ok(Change { key: key_bytes(delta, row), row, place })
        });
        changes.collect::<Result<_>>().map(Changes)
    }

    fn change(&mut self, sides: Sides<'_>, side: Side, changes: &Changes) -> Result<Vec<Row>> {
        let table = sides.table(side);
        let first = changes.0.first().map_or(table.batches(), |change| change.place.batch());
        let codes = self.codes(table, first..table.batches());
        let keyed = changes.0.iter();
        let keyed = keyed.filter_map(|change| Some((change, *codes.get(&change.place)?)));
        let keyed: Vec<(&Change, K)> = keyed.collect();
        let keys = keyed.iter().map(|(change, key)| (change.key.as_slice(), *key)).collect();
        let gone = self.clear_all(sides, side, &keys);
        for (change, key) in keyed {
            let scanner = Scanner::<K>::new(&self.lanes);
            let place = Place { key, number: table.number(change.place) };
            let rows = match side {
                Side::Expected => &mut self.expected,
                Side::Actual => &mut self.actual,
            };
            rows.insert_unique(scanner.hash(key), place, |place| scanner.hash(place.key));
        }
        self.settle(sides, &keys)?;
        Ok(gone)
    }

    fn remove(
        &mut self,
        sides: Sides<'_>,
        side: Side,
        keys: &Table,
        changes: &Changes,
    ) -> Result<Vec<Row>> {
        let codes = self.codes(keys, 0..keys.batches());
        let keyed = changes
            .0
            .iter()
            .filter_map(|change| Some((change.key.as_slice(), *codes.get(&change.row)?)));
        let keys = keyed.collect();
        let gone = self.clear_all(sides, side, &keys);
        self.settle(sides, &keys)?;
        Ok(gone)
    }

    fn compared(&self) -> Compared {
        self.state.compared()
    }
}

impl<K: Copy> fmt::Debug for Indexed<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (expected, actual) = (self.expected.len(), self.actual.len());
        f.debug_struct("Indexed")
            .field("expected", &expected)
            .field("actual", &actual)
            .finish_non_exhaustive()
    }
}
