//! Who belongs to a group.

use std::collections::HashSet;

/// Objects in the order they came, each once.
#[derive(Clone, Debug, Default)]
pub(super) struct Crowd {
    list: Vec<u128>,
    set: HashSet<u128>,
    /// What happened: when, who, and whether they came.
    pub(super) events: Vec<(u64, u128, bool)>,
}

impl Crowd {
    /// Those who were there from the start.
    pub(super) fn of(ids: Vec<u128>) -> Self {
        let set = ids.iter().copied().collect();
        Self { list: ids, set, events: Vec::new() }
    }

    pub(super) fn has(&self, id: u128) -> bool {
        self.set.contains(&id)
    }

    pub(super) fn list(&self) -> &[u128] {
        &self.list
    }

    /// Whether they were not there before.
    pub(super) fn add(&mut self, id: u128, moment: u64) -> bool {
        let new = self.set.insert(id);
        if new {
            self.list.push(id);
            self.events.push((moment, id, true));
        }
        new
    }

    /// Whether they were there before.
    pub(super) fn remove(&mut self, id: u128, moment: u64) -> bool {
        let there = self.set.remove(&id);
        if there {
            self.list.retain(|known| *known != id);
            self.events.push((moment, id, false));
        }
        there
    }

    /// The last word on each since a moment.
    pub(super) fn since(&self, moment: u64) -> Vec<(u128, bool)> {
        let mut last: Vec<(u128, bool)> = Vec::new();
        for (_, id, came) in self.events.iter().filter(|(when, ..)| *when > moment) {
            last.retain(|(known, _)| known != id);
            last.push((*id, *came));
        }
        last
    }
}
