//! In which wave each change is made: what must come first, and how far the first waves reach.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest, Sha256};
use trueup_connector::{Error, Kind, Operation, Result, Value};

use super::change::PlannedChange;
use super::value::FieldValue;

/// What decides the waves.
#[derive(Clone, Debug, Default)]
pub(super) struct Waves {
    /// Fields whose value is the key of another record of the resource.
    pub(super) references: Vec<String>,
    /// Up to which percentage of the records each stage reaches; empty for one stage.
    pub(super) stages: Vec<u8>,
}

impl Waves {
    /// Gives every change its wave. `after` are pairs of places, the second to be made later.
    ///
    /// # Errors
    /// `invalid` where changes wait for each other in a circle.
    pub(super) fn assign(
        &self,
        changes: Vec<PlannedChange>,
        mut after: Vec<(usize, usize)>,
        normal: Normal<'_>,
    ) -> Result<Vec<PlannedChange>> {
        after.extend(self.references(&changes, normal)?);
        let depths = depths(&changes, &after, &vec![0; changes.len()])?;
        let height = depths.iter().max().map_or(1, |deepest| deepest + 1);
        let starts: Vec<u32> = changes.iter().map(|c| self.stage(c) * height).collect();
        let waves = depths_to_waves(depths_from(&changes, &after, &starts, depths)?);
        let changes = changes.into_iter().zip(waves);
        Ok(changes.map(|(change, wave)| change.with_wave(wave)).collect())
    }

    /// The stage of a change: the same for the same record in every plan.
    fn stage(&self, change: &PlannedChange) -> u32 {
        if self.stages.is_empty() {
            return 0;
        }
        let hash = Sha256::digest(key_bytes(change.key()));
        let percent = hash.iter().take(4).fold(0_u64, |n, byte| n << 8 | u64::from(*byte)) * 100;
        let reached = |limit: &u8| percent >> 32 < u64::from(*limit);
        self.stages.iter().position(reached).unwrap_or(self.stages.len()) as u32
    }

    /// The pairs of changes of which one must come first since a record refers to another.
    fn references(
        &self,
        changes: &[PlannedChange],
        normal: Normal<'_>,
    ) -> Result<Vec<(usize, usize)>> {
        let mut pairs = Vec::new();
        if self.references.is_empty() {
            return Ok(pairs);
        }
        let records = Records::of(changes, normal)?;
        for (place, change) in changes.iter().enumerate() {
            for field in &self.references {
                // What is referred to is there before, and removed after.
                let comes = records.find(&records.comes, change, change.after(), field, normal)?;
                let goes = records.find(&records.goes, change, change.before(), field, normal)?;
                pairs.extend(comes.filter(|comes| *comes != place).map(|comes| (comes, place)));
                pairs.extend(goes.filter(|goes| *goes != place).map(|goes| (place, goes)));
            }
        }
        Ok(pairs)
    }
}

/// The value of a key field as its rule compares it; nothing for what can refer to no record.
pub(super) type Normal<'a> = &'a dyn Fn(&Value) -> Result<Option<Vec<u8>>>;

type Keyed = HashMap<(&'static str, Vec<u8>), usize>;

/// Which change brings a key about, and which does away with it.
struct Records {
    comes: Keyed,
    goes: Keyed,
}

impl Records {
    fn of(changes: &[PlannedChange], normal: Normal<'_>) -> Result<Self> {
        let mut records = Self { comes: HashMap::new(), goes: HashMap::new() };
        for (place, change) in changes.iter().enumerate() {
            let [key] = change.key() else { continue };
            let renamed = change.after().iter().find(|field| field.name() == key.name());
            let (keyed, key) = match (change.operation(), renamed) {
                (Operation::Delete, _) => (&mut records.goes, key),
                (Operation::Create, _) => (&mut records.comes, key),
                // A rename brings its new key about.
                (Operation::Update, Some(renamed)) => (&mut records.comes, renamed),
                _ => continue,
            };
            let key = key.value().map_or(Ok(None), normal)?;
            key.map(|key| keyed.insert((change.target().name(), key), place));
        }
        Ok(records)
    }

    /// The change of the record that a field of these refers to.
    fn find(
        &self,
        keyed: &Keyed,
        change: &PlannedChange,
        fields: &[FieldValue],
        name: &str,
        normal: Normal<'_>,
    ) -> Result<Option<usize>> {
        let value = fields.iter().find(|field| field.name() == name).and_then(FieldValue::value);
        let key = value.map_or(Ok(None), normal)?;
        Ok(key.and_then(|key| keyed.get(&(change.target().name(), key)).copied()))
    }
}

/// How many changes each has to wait for, one after the other, from nothing.
fn depths(changes: &[PlannedChange], after: &[(usize, usize)], starts: &[u32]) -> Result<Vec<u32>> {
    let mut waits = vec![0_usize; changes.len()];
    let mut followers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (first, then) in after {
        waits.get_mut(*then).into_iter().for_each(|count| *count += 1);
        followers.entry(*first).or_default().push(*then);
    }
    let mut depths = starts.to_vec();
    let mut ready: Vec<usize> = (0..waits.len()).filter(|n| waits.get(*n) == Some(&0)).collect();
    let mut done = 0;
    while let Some(place) = ready.pop() {
        done += 1;
        let next = depths.get(place).map_or(0, |depth| depth + 1);
        for then in followers.get(&place).into_iter().flatten() {
            depths.get_mut(*then).into_iter().for_each(|depth| *depth = next.max(*depth));
            let Some(left) = waits.get_mut(*then) else { continue };
            *left -= 1;
            if *left == 0 {
                ready.push(*then);
            }
        }
    }
    if done == changes.len() { Ok(depths) } else { Err(circle(changes, &waits)) }
}

/// The same from where each stage starts; without stages that is from nothing, and known.
fn depths_from(
    changes: &[PlannedChange],
    after: &[(usize, usize)],
    starts: &[u32],
    flat: Vec<u32>,
) -> Result<Vec<u32>> {
    match starts.iter().all(|start| *start == 0) {
        true => Ok(flat),
        false => depths(changes, after, starts),
    }
}

/// Numbers the waves without gaps.
fn depths_to_waves(depths: Vec<u32>) -> impl Iterator<Item = u32> {
    let used: BTreeSet<u32> = depths.iter().copied().collect();
    let numbers: BTreeMap<u32, u32> = used.into_iter().zip(0..).collect();
    depths.into_iter().map(move |depth| numbers.get(&depth).copied().unwrap_or(depth))
}

fn key_bytes(key: &[FieldValue]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in key {
        trueup_connector::record::canonical::frame_with(&mut bytes, |out| field.write(out));
    }
    bytes
}

/// How many of the changes in a circle are named.
const NAMED: usize = 5;

fn circle(changes: &[PlannedChange], waits: &[usize]) -> Error {
    let stuck = changes.iter().zip(waits).filter(|(_, waits)| **waits > 0);
    let stuck: Vec<String> = stuck.take(NAMED).map(|(change, _)| change.to_string()).collect();
    let message = format!(
        "these changes wait for each other in a circle: {}; leave the reference out of one, or drop it from the planner",
        stuck.join("; ")
    );
    Error::new(Kind::Invalid, message)
}
