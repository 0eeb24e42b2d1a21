//! The plan's digest (`docs/spec/plan.md`).

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use trueup_connector::record::canonical;
use trueup_connector::{Hash, Mapping, Value, hex};

use super::change::{PlannedChange, operation_name};
use super::fact::Fact;
use super::origin::{Impact, Origin};
use super::value::FieldValue;
use crate::reconcile::{Side, canonical_json};

/// The digest of everything that decides what a plan does and what guard sees of it.
pub(super) fn plan(
    origin: &Origin,
    changes: &[PlannedChange],
    mappings: &[Mapping; 2],
    resources: &[String; 2],
    impacts: &[Impact; 2],
) -> Hash {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(b"trueup/plan/1");
    let Origin { tenant, name, resource, expected_read, actual_read, .. } = origin;
    for text in [tenant, name, resource, expected_read, actual_read] {
        part(text.as_bytes());
    }
    let mut bytes = Vec::new();
    for one in changes {
        bytes.clear();
        change(&mut bytes, one);
        part(&bytes);
    }
    for (side, words) in Side::BOTH.into_iter().zip(mappings).filter(|(_, m)| !m.is_empty()) {
        bytes.clear();
        mapping(&mut bytes, side, words);
        part(&bytes);
    }
    bytes.clear();
    canonical::frame(&mut bytes, b"details");
    canonical::frame(&mut bytes, &canonical_json(&details(origin, changes, resources, impacts)));
    part(&bytes);
    hash.finalize().into()
}

/// The key that makes sending a change again recognisable: of the same effect, on the same reading,
/// it is the same in every plan.
pub(super) fn idempotency_key(
    origin: &Origin,
    resource: &str,
    words: &Mapping,
    change: &PlannedChange,
) -> String {
    let mut bytes = Vec::new();
    let (target, operation) = (change.target(), operation_name(change.operation()));
    let Origin { tenant, expected_read, actual_read, .. } = origin;
    let system = canonical_json(&json!(origin.system(target)));
    for text in ["trueup/key/1", tenant, expected_read, actual_read, target.name()] {
        canonical::frame(&mut bytes, text.as_bytes());
    }
    for part in [&*system, resource.as_bytes(), operation.as_bytes()] {
        canonical::frame(&mut bytes, part);
    }
    canonical::frame_with(&mut bytes, |out| fields(out, change.key()));
    canonical::frame_with(&mut bytes, |out| fields(out, change.after()));
    if !words.is_empty() {
        canonical::frame_with(&mut bytes, |out| mapping(out, target, words));
    }
    let mut key = hex(&Sha256::digest(bytes));
    key.truncate(32);
    key
}

fn change(out: &mut Vec<u8>, change: &PlannedChange) {
    canonical::frame(out, change.target().name().as_bytes());
    canonical::frame(out, operation_name(change.operation()).as_bytes());
    canonical::frame_with(out, |out| {
        for field in change.key() {
            canonical::frame_with(out, |out| field.write(out));
        }
    });
    canonical::frame_with(out, |out| optional(out, change.id()));
    canonical::frame_with(out, |out| optional(out, change.version()));
    canonical::frame_with(out, |out| fields(out, change.before()));
    canonical::frame_with(out, |out| fields(out, change.after()));
    canonical::frame(out, change.wave().to_string().as_bytes());
}

fn optional(out: &mut Vec<u8>, value: Option<&Value>) {
    if let Some(value) = value {
        canonical::write_value(out, value);
    }
}

/// The canonical bytes of a struct of these fields; nothing where there are none.
fn fields(out: &mut Vec<u8>, fields: &[FieldValue]) {
    if fields.is_empty() {
        return;
    }
    let mut named: Vec<(&str, &FieldValue)> = fields.iter().map(|f| (f.name(), f)).collect();
    canonical::by_name(&mut named);
    out.push(b'{');
    for (name, field) in named {
        canonical::frame(out, name.as_bytes());
        canonical::frame_with(out, |out| field.write(out));
    }
}

/// What the changes' own parts do not say: which systems were read, what key fields and resources are
/// called, and what guard is told.
fn details(
    origin: &Origin,
    changes: &[PlannedChange],
    resources: &[String; 2],
    impacts: &[Impact; 2],
) -> Json {
    let change = |change: &PlannedChange| {
        let names: Vec<&str> = change.key().iter().map(FieldValue::name).collect();
        let facts = change.facts().iter().map(|(name, known)| (name.clone(), fact(known)));
        json!([names, facts.collect::<Map<_, _>>()])
    };
    let changes: Vec<Json> = changes.iter().map(change).collect();
    let systems = [&origin.expected_system, &origin.actual_system];
    json!({"changes": changes, "impacts": impacts, "resources": resources, "systems": systems})
}

/// Numbers are text: canonical JSON has only such as a double holds.
fn fact(fact: &Fact) -> Json {
    match fact {
        Fact::Bool(value) => json!(value),
        Fact::Int(value) => json!({"int": value.to_string()}),
        Fact::Float(value) => json!({"float": value.to_string()}),
        Fact::Text(value) => json!(value),
        Fact::List(values) => json!(values),
    }
}

fn mapping(out: &mut Vec<u8>, side: Side, mapping: &Mapping) {
    canonical::frame(out, b"mapping");
    canonical::frame(out, side.name().as_bytes());
    // A mapping is plain text tables: it always has a JSON form.
    let json = serde_json::to_value(mapping).unwrap_or_default();
    canonical::frame(out, &canonical_json(&json));
}
