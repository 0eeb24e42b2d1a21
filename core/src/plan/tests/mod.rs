//! Plans: made, narrowed, written down, undone.

mod digests;
mod documents;
mod findings;
mod order;
mod rollback;

use std::num::NonZero;

use serde_json::{Value as Json, json};
use trueup_connector::{
    Error, Field, Identity, Kind, Mapping, Operation, Provenance, Role, Value, hex,
};

use super::*;
use crate::reconcile::{
    FindingKind, Owner, Reconciliation, Report, Rule, Run, Side, TextCase, TextRule,
};
use crate::{Result, Snapshot};

fn rows(json: Json) -> Snapshot {
    Snapshot::from_json(&serde_json::from_value::<Vec<_>>(json).unwrap()).unwrap()
}

fn read(id: &str, json: Json) -> Snapshot {
    rows(json).with_provenance(Provenance::read("system", "devices").with_read_id(id))
}

fn compare(document: &Reconciliation, expected: &Snapshot, actual: &Snapshot) -> Report {
    let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
    document.compare(&run, expected, actual).unwrap()
}

fn devices() -> Reconciliation {
    Reconciliation::new("fleet").with_tenant("acme").with_resource("devices").with_key(["id"])
}

fn planned(
    document: &Reconciliation,
    expected: serde_json::Value,
    actual: serde_json::Value,
) -> Plan {
    let report = compare(document, &read("e", expected), &read("a", actual));
    Planner::new().plan(&report).unwrap()
}

fn said(plan: &Plan) -> Vec<String> {
    let values = |fields: &[FieldValue]| {
        fields.iter().map(FieldValue::to_string).collect::<Vec<_>>().join(" ")
    };
    let said = plan.changes().iter().map(|change| {
        format!(
            "{}: {change}: {} -> {}",
            change.wave(),
            values(change.before()),
            values(change.after())
        )
    });
    said.collect()
}
