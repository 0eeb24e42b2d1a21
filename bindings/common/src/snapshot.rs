//! Snapshots as plain data: their facts, in and out.

use serde_json::{Value as Json, json};
use trueup::{Consistency, Coverage, Error, Field, Kind, Provenance, Result, Snapshot};

use trueup::hex;

/// The fields, the coverage, the provenance and the consistency.
pub fn facts(snapshot: &Snapshot) -> Json {
    json!({
        "fields": snapshot.schema().fields(),
        "coverage": snapshot.coverage().to_json(),
        "provenance": snapshot.provenance(),
        "consistency": snapshot.consistency(),
    })
}

/// The snapshot with other facts, those of [`facts`] but for the fields; what is not named stays.
///
/// # Errors
/// `invalid`, naming what is wrong.
pub fn with_facts(snapshot: Snapshot, facts: &Json) -> Result<Snapshot> {
    let mut snapshot = snapshot;
    if let Some(coverage) = facts.get("coverage") {
        snapshot = snapshot.with_coverage(Coverage::from_json(coverage)?);
    }
    if let Some(provenance) = facts.get("provenance") {
        let whole = merged(json!(snapshot.provenance()), provenance);
        snapshot = snapshot.with_provenance(self::provenance(whole)?);
    }
    if let Some(consistency) = facts.get("consistency") {
        let consistency: Result<Consistency, _> = serde_json::from_value(consistency.clone());
        snapshot =
            snapshot.with_consistency(consistency.map_err(|cause| wrong("consistency", &cause))?);
    }
    Ok(snapshot)
}

/// The snapshot with other facts of a field: `role`, `writable`, `immutable`, `secret`.
///
/// # Errors
/// `not_found` for a field that is not there, with the nearest name; `invalid` for what it cannot be.
pub fn with_field(snapshot: Snapshot, name: &str, facts: &Json) -> Result<Snapshot> {
    let whole = merged(json!(snapshot.schema().field(name)?), facts);
    let field: Field = serde_json::from_value(whole).map_err(|cause| wrong("field", &cause))?;
    snapshot.with_field(name, |_| field)
}

/// Where a snapshot comes from, from its plain form.
///
/// # Errors
/// `invalid`, naming what is wrong.
pub fn provenance(data: Json) -> Result<Provenance> {
    serde_json::from_value(data).map_err(|cause| wrong("provenance", &cause))
}

/// The root of the tree over all records, in hexadecimal digits.
///
/// # Errors
/// As [`Snapshot::content`].
pub fn content_root(snapshot: &Snapshot, key: &[String]) -> Result<String> {
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    snapshot.content(&key).map(|tree| hex(&tree.root()))
}

/// Data with the members of another in the place of its own.
fn merged(mut below: Json, above: &Json) -> Json {
    if let (Some(below), Some(above)) = (below.as_object_mut(), above.as_object()) {
        below.extend(above.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    below
}

fn wrong(what: &str, cause: &serde_json::Error) -> Error {
    Error::new(Kind::Invalid, format!("the {what} is wrong: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_go_in_and_come_out() {
        let rows: Vec<_> = serde_json::from_value(json!([{"id": 1}])).unwrap();
        let plain = Snapshot::from_json(&rows).unwrap();
        let known = json!({"provenance": {"read_id": "r-1"}, "coverage": "partial"});
        let made = with_facts(plain, &known).unwrap();
        let made = with_field(made, "id", &json!({"role": "key"})).unwrap();
        let said = facts(&made);
        assert_eq!(
            (&said["provenance"]["read_id"], &said["coverage"]),
            (&json!("r-1"), &json!("partial"))
        );
        assert_eq!(said["fields"][0]["role"], "key");
        assert_eq!(content_root(&made, &["id".to_owned()]).unwrap().len(), 64);
        let error = with_facts(made, &json!({"provenance": {"reed_id": "r"}})).unwrap_err();
        assert!(error.message().contains("reed_id"), "{error}");
    }
}
