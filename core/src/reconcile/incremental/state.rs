//! What the two sides disagree on now, kept so that one key's part can be taken out and put back.

use std::collections::{HashMap, HashSet};

use super::super::compare::{Compared, Differing};
use super::super::fast::{Group, Joined};
use super::super::table::Row;

/// The rows of one key on both sides.
#[derive(Debug, Default)]
pub(super) struct KeyRows {
    pub(super) expected: Vec<Row>,
    pub(super) actual: Vec<Row>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    matched: u64,
    /// By the row of the expected side.
    differing: HashMap<Row, Differing>,
    expected: HashSet<Row>,
    actual: HashSet<Row>,
    /// By its least row, of the expected side if it has one.
    groups: HashMap<(bool, Row), Group>,
    unkeyed: [Vec<Row>; 2],
}

impl State {
    pub(super) fn new(compared: Compared) -> Self {
        let Compared { joined, differing } = compared;
        Self {
            matched: joined.matched,
            differing: differing.into_iter().map(|pair| (pair.expected, pair)).collect(),
            expected: joined.expected.into_iter().collect(),
            actual: joined.actual.into_iter().collect(),
            groups: joined.groups.into_iter().map(|group| (name(&group), group)).collect(),
            unkeyed: joined.unkeyed,
        }
    }

    /// Everything, as joining and comparing afresh would give it.
    pub(super) fn compared(&self) -> Compared {
        let joined = Joined {
            matched: self.matched,
            suspects: Vec::new(),
            expected: self.expected.iter().copied().collect(),
            actual: self.actual.iter().copied().collect(),
            groups: self.groups.values().cloned().collect(),
            unkeyed: self.unkeyed.clone(),
        };
        Compared { joined, differing: self.differing.values().cloned().collect() }
    }

    /// Takes a key's part out.
    pub(super) fn take(&mut self, rows: &KeyRows) {
        match (rows.expected.as_slice(), rows.actual.as_slice()) {
            ([], []) => {}
            ([e], []) => drop(self.expected.remove(e)),
            ([], [a]) => drop(self.actual.remove(a)),
            ([e], [_]) => {
                if self.differing.remove(e).is_none() {
                    self.matched -= 1;
                }
            }
            _ => drop(self.groups.remove(&name(&group(rows)))),
        }
    }

    /// Puts a key's part in; gives back its pair of rows if it has one, which is to be compared and
    /// then put in by [`State::put_pairs`].
    pub(super) fn put(&mut self, rows: &KeyRows) -> Option<(Row, Row)> {
        match (rows.expected.as_slice(), rows.actual.as_slice()) {
            ([], []) => {}
            ([e], []) => drop(self.expected.insert(*e)),
            ([], [a]) => drop(self.actual.insert(*a)),
            ([e], [a]) => return Some((*e, *a)),
            _ => {
                let group = group(rows);
                self.groups.insert(name(&group), group);
            }
        }
        None
    }

    /// Puts in so many pairs, of which these differ.
    pub(super) fn put_pairs(&mut self, pairs: usize, differing: Vec<Differing>) {
        self.matched += (pairs - differing.len()) as u64;
        self.differing.extend(differing.into_iter().map(|pair| (pair.expected, pair)));
    }
}

fn group(rows: &KeyRows) -> Group {
    Group { expected: rows.expected.clone(), actual: rows.actual.clone() }
}

fn name(group: &Group) -> (bool, Row) {
    let expected = group.expected.iter().min().map(|row| (true, *row));
    let actual = group.actual.iter().min().map(|row| (false, *row));
    expected.or(actual).unwrap_or((false, Row::new(0, 0)))
}
