//! Changes that no rule can tell apart, decided once for all of them.

use std::collections::BTreeMap;

use super::super::facts::Origin;
use crate::plan::{Fact, Plan, PlannedChange, operation_name};

/// The changes of a plan in groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// The group of each change.
    pub(super) of: Vec<u32>,
    /// The first change of each group, and how many there are in it.
    pub(super) groups: Vec<(usize, u64)>,
}

/// Groups the changes of a plan by their side, action and by the facts at these origins.
pub(super) fn group(plan: &Plan, seen: &[&Origin]) -> Groups {
    let mut found = Groups { of: Vec::with_capacity(plan.changes().len()), groups: Vec::new() };
    let mut known = BTreeMap::<Vec<u8>, u32>::new();
    let (mut last, mut signature) = (None::<(Vec<u8>, u32)>, Vec::new());
    for (place, change) in plan.changes().iter().enumerate() {
        signature.clear();
        sign(&mut signature, change, seen);
        let group = match &last {
            // Neighbours are alike more often than not.
            Some((before, group)) if *before == signature => *group,
            _ => *known.entry(signature.clone()).or_insert_with(|| found.open(place)),
        };
        found.put(group);
        if last.as_ref().is_none_or(|(_, before)| *before != group) {
            last = Some((signature.clone(), group));
        }
    }
    found
}

impl Groups {
    fn open(&mut self, first: usize) -> u32 {
        self.groups.push((first, 0));
        // A plan has fewer changes than that: each takes more than a byte.
        u32::try_from(self.groups.len() - 1).unwrap_or(u32::MAX)
    }

    fn put(&mut self, group: u32) {
        self.of.push(group);
        let place = usize::try_from(group).ok();
        if let Some((_, size)) = place.and_then(|place| self.groups.get_mut(place)) {
            *size += 1;
        }
    }
}

/// Appends all that rules can see of a change.
fn sign(out: &mut Vec<u8>, change: &PlannedChange, seen: &[&Origin]) {
    text(out, change.target().name());
    text(out, operation_name(change.operation()));
    for origin in seen {
        match origin {
            Origin::Wave => out.extend(change.wave().to_be_bytes()),
            Origin::Fields => texts(out, change.fields()),
            Origin::Flag(name) | Origin::Declared(name, _) => fact(out, change.facts().get(name)),
            _ => {}
        }
    }
}

fn fact(out: &mut Vec<u8>, fact: Option<&Fact>) {
    match fact {
        None => out.push(0),
        Some(Fact::Bool(value)) => out.extend([1, u8::from(*value)]),
        Some(Fact::Int(value)) => bytes(out, 2, &value.to_be_bytes()),
        Some(Fact::Float(value)) => bytes(out, 3, &value.to_bits().to_be_bytes()),
        Some(Fact::Text(value)) => bytes(out, 4, value.as_bytes()),
        Some(Fact::List(values)) => {
            out.push(5);
            texts(out, values.iter().map(String::as_str));
        }
    }
}

fn texts<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = &'a str>) {
    values.for_each(|value| bytes(out, 1, value.as_bytes()));
    out.push(0);
}

fn text(out: &mut Vec<u8>, value: &str) {
    bytes(out, 4, value.as_bytes());
}

fn bytes(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    out.push(tag);
    out.extend((value.len() as u64).to_be_bytes());
    out.extend(value);
}
