//! Finding the rows of a key on either side.

use std::collections::HashMap;
use std::fmt;

use hashbrown::HashTable;
use trueup_connector::{Error, Kind, Result};

use super::super::compare::{Compared, Sides};
use super::super::fast::{Encode, Entry, Fingerprint, Lanes, Scanner, key_bytes};
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

pub(super) struct Indexed<K> {
    lanes: Lanes,
    expected: HashTable<Entry<K>>,
    actual: HashTable<Entry<K>>,
    state: State,
}

impl<K: Encode> Indexed<K> {
    pub(super) fn new(lanes: Lanes, sides: Sides<'_>, compared: Compared) -> Self {
        let index = |table: &Table| {
            let scanner = Scanner::<K>::new(&lanes);
            let mut rows = HashTable::with_capacity(table.snapshot.rows());
            for batch in 0..table.batches() {
                for entry in scanner.entries(table, batch, &mut Vec::new()) {
                    rows.insert_unique(scanner.hash(entry.key), entry, |entry| {
                        scanner.hash(entry.key)
                    });
                }
            }
            rows
        };
        let (expected, actual) = (index(sides.expected), index(sides.actual));
        Self { lanes, expected, actual, state: State::new(compared) }
    }

    fn rows_mut(&mut self, side: Side) -> &mut HashTable<Entry<K>> {
        match side {
            Side::Expected => &mut self.expected,
            Side::Actual => &mut self.actual,
        }
    }

    /// The rows of a key on both sides.
    fn find(&self, sides: Sides<'_>, code: K, key: &[u8]) -> KeyRows {
        let hash = Scanner::new(&self.lanes).hash(code);
        let find = |rows: &HashTable<Entry<K>>, table: &Table| -> Vec<(Row, Fingerprint)> {
            let same = |entry: &&Entry<K>| {
                entry.key == code && (code.is_exact() || key_bytes(table, entry.row) == key)
            };
            rows.iter_hash(hash).filter(same).map(|entry| (entry.row, entry.fingerprint)).collect()
        };
        KeyRows {
            expected: find(&self.expected, sides.expected),
            actual: find(&self.actual, sides.actual),
        }
    }

    /// Takes out a side's rows of a key.
    fn clear(&mut self, side: Side, code: K, rows: &[(Row, Fingerprint)]) {
        let hash = Scanner::new(&self.lanes).hash(code);
        for (row, _) in rows {
            if let Ok(entry) = self.rows_mut(side).find_entry(hash, |entry| entry.row == *row) {
                entry.remove();
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
            self.clear(side, *code, own);
            gone.extend(own.iter().map(|(row, _)| *row));
        }
        gone
    }

    fn settle(&mut self, sides: Sides<'_>, keys: &HashMap<&[u8], K>) -> Result<()> {
        for (key, code) in keys {
            let rows = self.find(sides, *code, key);
            self.state.put(&sides, &rows)?;
        }
        Ok(())
    }

    fn entries(
        &self,
        table: &Table,
        batches: impl Iterator<Item = usize>,
    ) -> HashMap<Row, Entry<K>> {
        let scanner = Scanner::<K>::new(&self.lanes);
        let entries = batches.flat_map(|batch| scanner.entries(table, batch, &mut Vec::new()));
        entries.map(|entry| (entry.row, entry)).collect()
    }
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
        let entries = self.entries(table, first..table.batches());
        let keyed =
            changes.0.iter().filter_map(|change| Some((change, *entries.get(&change.place)?)));
        let keyed: Vec<(&Change, Entry<K>)> = keyed.collect();
        let keys = keyed.iter().map(|(change, entry)| (change.key.as_slice(), entry.key)).collect();
        let gone = self.clear_all(sides, side, &keys);
        for (_, entry) in keyed {
            let scanner = Scanner::<K>::new(&self.lanes);
            let hash = scanner.hash(entry.key);
            let rows = match side {
                Side::Expected => &mut self.expected,
                Side::Actual => &mut self.actual,
            };
            rows.insert_unique(hash, entry, |entry| scanner.hash(entry.key));
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
        let entries = self.entries(keys, 0..keys.batches());
        let keyed = changes
            .0
            .iter()
            .filter_map(|change| Some((change.key.as_slice(), entries.get(&change.row)?.key)));
        let keys = keyed.collect();
        let gone = self.clear_all(sides, side, &keys);
        self.settle(sides, &keys)?;
        Ok(gone)
    }

    fn compared(&self) -> Compared {
        self.state.compared()
    }
}

impl<K> fmt::Debug for Indexed<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (expected, actual) = (self.expected.len(), self.actual.len());
        f.debug_struct("Indexed")
            .field("expected", &expected)
            .field("actual", &actual)
            .finish_non_exhaustive()
    }
}
