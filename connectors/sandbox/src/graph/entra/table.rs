//! Objects of one kind: as the estate has them, until they are changed.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value as Json};

use super::seed;
use crate::estate::Estate;

pub(super) type Members = Map<String, Json>;

/// The kinds of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    User,
    Group,
    Device,
}

impl Kind {
    /// The last word of the type's name.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Device => "device",
        }
    }

    /// The name of the list.
    pub(super) fn list(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Group => "groups",
            Self::Device => "devices",
        }
    }

    /// By the name of a list or type, as calls write them.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.strip_prefix("microsoft.").unwrap_or(name);
        match name.strip_prefix("graph.").unwrap_or(name) {
            "users" | "user" => Some(Self::User),
            "groups" | "group" => Some(Self::Group),
            "devices" | "device" => Some(Self::Device),
            _ => None,
        }
    }
}

/// Whether an object is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    There,
    /// It may come back.
    Deleted,
    Gone,
}

/// An object that is not as the estate has it.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    pub(super) json: Members,
    pub(super) life: Life,
    /// When it was made, deleted or brought back.
    pub(super) moved: u64,
    /// When which property was set.
    pub(super) touched: BTreeMap<String, u64>,
    /// When anything was done to it.
    pub(super) last: u64,
    /// For how many more reads it is seen as it was: `None` where it was not there.
    lag: Option<(u32, Option<Members>)>,
}

/// Objects of one kind by their places.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) kind: Kind,
    estate: Estate,
    objects: Vec<Option<Box<Changed>>>,
    places: HashMap<u128, usize>,
    /// Places whose readers lag behind.
    lagging: Vec<usize>,
}

impl Table {
    /// So many objects of the estate.
    pub(super) fn of(kind: Kind, estate: Estate) -> Self {
        let ids =
            (0..estate.size()).filter_map(|number| number_of(&seed::id(kind, &estate, number)));
        let places: HashMap<u128, usize> = ids.enumerate().map(|(at, id)| (id, at)).collect();
        let objects = (0..places.len()).map(|_| None).collect();
        Self { kind, estate, objects, places, lagging: Vec::new() }
    }

    /// None yet.
    pub(super) fn empty(kind: Kind, estate: Estate) -> Self {
        let (places, lagging) = (HashMap::new(), Vec::new());
        Self { kind, estate, objects: Vec::new(), places, lagging }
    }

    pub(super) fn at(&self, id: &str) -> Option<usize> {
        self.places.get(&number_of(id)?).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    /// An object as it is, whatever readers see.
    pub(super) fn json(&self, at: usize) -> Members {
        match self.changed(at) {
            Some(changed) => changed.json.clone(),
            None => seed::json(self.kind, &self.estate, u64::try_from(at).unwrap_or(0)),
        }
    }

    /// An object as readers see it; `None` where they do not.
    pub(super) fn seen(&self, at: usize) -> Option<Members> {
        match self.changed(at) {
            Some(Changed { lag: Some((_, before)), .. }) => before.clone(),
            Some(changed) => (changed.life == Life::There).then(|| changed.json.clone()),
            None => Some(self.json(at)),
        }
    }

    pub(super) fn is_seen(&self, at: usize) -> bool {
        match self.changed(at) {
            Some(Changed { lag: Some((_, before)), .. }) => before.is_some(),
            Some(changed) => changed.life == Life::There,
            None => at < self.objects.len(),
        }
    }

    pub(super) fn life(&self, at: usize) -> Life {
        self.changed(at).map_or(Life::There, |changed| changed.life)
    }

    pub(super) fn changed(&self, at: usize) -> Option<&Changed> {
        self.objects.get(at)?.as_deref()
    }

    /// What was changed, by place.
    pub(super) fn all_changed(&self) -> impl Iterator<Item = (usize, &Changed)> {
        let all = self.objects.iter().enumerate();
        all.filter_map(|(at, changed)| Some((at, changed.as_deref()?)))
    }

    /// Adds an object.
    pub(super) fn make(&mut self, json: Members, moment: u64, lag: u32) {
        let at = self.objects.len();
        let id = json.get("id").and_then(Json::as_str).and_then(number_of);
        self.objects.push(Some(Box::new(Changed {
            json,
            life: Life::There,
            moved: moment,
            touched: BTreeMap::new(),
            last: moment,
            lag: (lag > 0).then_some((lag, None)),
        })));
        id.map(|id| self.places.insert(id, at));
        self.lagging.extend((lag > 0).then_some(at));
    }

    /// Sets properties of an object.
    pub(super) fn set(&mut self, at: usize, members: Members, moment: u64, lag: u32) {
        let names: Vec<String> = members.keys().cloned().collect();
        self.change(at, moment, lag, |changed| {
            changed.json.extend(members);
            changed.touched.extend(names.into_iter().map(|name| (name, moment)));
        });
    }

    /// What belongs to an object, and stands beside it, was changed.
    pub(super) fn touch(&mut self, at: usize, name: &str, moment: u64) {
        let named = [(name.to_owned(), moment)];
        self.change(at, moment, 0, |changed| changed.touched.extend(named));
    }

    /// Deletes an object or brings it back.
    pub(super) fn move_to(&mut self, at: usize, life: Life, moment: u64, lag: u32) {
        self.change(at, moment, lag, |changed| (changed.life, changed.moved) = (life, moment));
    }

    fn change(&mut self, at: usize, moment: u64, lag: u32, change: impl FnOnce(&mut Changed)) {
        let (seen, json) = (self.seen(at), self.json(at));
        let Some(place) = self.objects.get_mut(at) else { return };
        let fresh = || {
            let (touched, lag) = (BTreeMap::new(), None);
            Box::new(Changed { json, life: Life::There, moved: 0, touched, last: 0, lag })
        };
        let changed = place.get_or_insert_with(fresh);
        change(changed);
        changed.last = moment;
        if lag > 0 {
            changed.lag = Some((lag, seen));
            self.lagging.push(at);
        }
    }

    /// Somebody has read: what lags behind comes nearer.
    pub(super) fn tick(&mut self) {
        let objects = &mut self.objects;
        self.lagging.retain(|at| {
            let Some(Some(changed)) = objects.get_mut(*at) else { return false };
            match &mut changed.lag {
                Some((left, _)) if *left > 0 => *left -= 1,
                lag => *lag = None,
            }
            changed.lag.is_some()
        });
    }
}

/// A GUID as a number.
pub(super) fn number_of(guid: &str) -> Option<u128> {
    let digits: String = guid.chars().filter(|c| *c != '-').collect();
    (digits.len() == 32 && guid.len() == 36).then(|| u128::from_str_radix(&digits, 16).ok())?
}

/// A number as a GUID.
pub(super) fn guid_of(number: u128) -> String {
    let digits = format!("{number:032x}");
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default().to_owned();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_numbers() {
        let guid = "5b1f6d2e-0000-4000-8000-00000000000a";
        assert_eq!(guid_of(number_of(guid).unwrap()), guid);
        assert_eq!(number_of("5b1f6d2e"), None);
    }

    #[test]
    fn readers_lag_behind() {
        let mut table = Table::of(Kind::User, Estate::new(7, 3));
        let set = |name: &str| Members::from_iter([("displayName".to_owned(), name.into())]);
        let before = table.seen(1);
        table.set(1, set("Ada"), 1, 2);
        for wanted in [true, true, false] {
            table.tick();
            assert_eq!(table.seen(1) == before, wanted);
        }
        table.make(Members::from_iter([("id".to_owned(), guid_of(1).into())]), 2, 1);
        table.tick();
        assert!(!table.is_seen(3));
        table.tick();
        assert!(table.is_seen(3) && table.at(&guid_of(1)) == Some(3));
    }
}
