//! Facts that a change's own values give away, whoever proposes it.

use std::collections::BTreeSet;

use trueup_connector::{Operation, Value};

use super::change::PlannedChange;
use super::value::FieldValue;

/// Says of changes what can be seen of them: `renamed` where the key is given another value, and
/// `shares_id` where a record to delete and one to create have one identifier.
pub(super) fn state(changes: &mut [PlannedChange]) {
    let made = ids(changes, &Operation::Create);
    let mut shared = ids(changes, &Operation::Delete);
    shared.retain(|id| made.contains(id));
    for change in changes {
        if renames(change) {
            change.state("renamed");
        }
        if whole(change) && id(change).is_some_and(|id| shared.contains(&id)) {
            change.state("shares_id");
        }
    }
}

type Id = (&'static str, Vec<u8>);

fn ids(changes: &[PlannedChange], operation: &Operation) -> BTreeSet<Id> {
    changes.iter().filter(|change| change.operation() == operation).filter_map(id).collect()
}

fn id(change: &PlannedChange) -> Option<Id> {
    let id = change.id().filter(|id| !id.is_null())?;
    Some((change.target().name(), id.canonical()))
}

/// Whether a record is made or removed.
fn whole(change: &PlannedChange) -> bool {
    matches!(change.operation(), Operation::Create | Operation::Delete)
}

fn renames(change: &PlannedChange) -> bool {
    let other = |field: &FieldValue| {
        let now = change.key().iter().find(|key| key.name() == field.name());
        now.is_some_and(|now| {
            now.value().map(Value::canonical) != field.value().map(Value::canonical)
        })
    };
    *change.operation() == Operation::Update && change.after().iter().any(other)
}
