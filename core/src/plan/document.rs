//! The JSON form of a plan: what is kept, sent for approval and loaded again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use trueup_connector::{Error, Hash, Kind, Mapping, Operation, Result, Value, hex};

use super::change::{PlannedChange, operation_name};
use super::fact::Fact;
use super::origin::{Impact, Origin};
use super::plan::{LeftOut, Plan};
use super::value::FieldValue;
use crate::reconcile::{FindingId, Side};

const FORMAT: &str = "trueup/plan/1";

/// A plan as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    digest: String,
    origin: Origin,
    resources: [String; 2],
    #[serde(default)]
    mappings: [Mapping; 2],
    impacts: [Impact; 2],
    changes: Vec<Written>,
    #[serde(default)]
    left_out: Vec<LeftOut>,
}

/// A change as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    target: Side,
    op: String,
    key: Fields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Json>,
    #[serde(default)]
    before: Fields,
    #[serde(default)]
    after: Fields,
    wave: u32,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    facts: BTreeMap<String, Fact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    findings: Vec<FindingId>,
}

/// `[name, value]`, or `[name]` for a secret one.
type Fields = Vec<Vec<Json>>;

impl Plan {
    /// The plan as JSON. Secret values are not in it; their fields are.
    ///
    /// A plan that was loaded is the same plan, but one that writes secrets cannot be carried out.
    pub fn to_json(&self) -> Json {
        let inner = self.inner();
        let document = Document {
            format: FORMAT.to_owned(),
            digest: hex(&inner.digest),
            origin: inner.origin.clone(),
            resources: inner.resources.clone(),
            mappings: inner.mappings.clone(),
            impacts: inner.impacts.clone(),
            changes: inner.changes.iter().map(write).collect(),
            left_out: inner.left_out.clone(),
        };
        // Everything in it is text, numbers, lists and objects with text for names.
        serde_json::to_value(document).unwrap_or_default()
    }

    /// Reads the JSON form, and holds it to its digest.
    ///
    /// # Errors
    /// `invalid` for what is no plan, `data` where the digest is another's: the plan was altered.
    pub fn from_json(text: &str) -> Result<Self> {
        let document: Document = serde_json::from_str(text)
            .map_err(|cause| invalid(format!("this is no plan: {cause}")))?;
        if document.format != FORMAT {
            let message =
                format!("the plan is of format `{}`, this reads `{FORMAT}`", document.format);
            return Err(Error::new(Kind::Unsupported, message));
        }
        let changes = document.changes.into_iter().map(read).collect::<Result<_>>()?;
        let Document { origin, resources, mappings, impacts, left_out, digest, .. } = document;
        let plan = Self::new(origin, resources, mappings, impacts, changes, left_out)?;
        match hex(&plan.digest()) == digest {
            true => Ok(plan),
            false => Err(altered(&digest, &plan.digest())),
        }
    }
}

fn write(change: &PlannedChange) -> Written {
    Written {
        target: change.target(),
        op: operation_name(change.operation()).to_owned(),
        key: change.key().iter().map(write_field).collect(),
        id: change.id().map(Value::to_json),
        version: change.version().map(Value::to_json),
        before: change.before().iter().map(write_field).collect(),
        after: change.after().iter().map(write_field).collect(),
        wave: change.wave(),
        facts: change.facts().clone(),
        findings: change.findings().to_vec(),
    }
}

fn read(written: Written) -> Result<PlannedChange> {
    let optional = |json: Option<Json>| json.as_ref().map(Value::from_json).transpose();
    let operation = operation(written.op);
    Ok(PlannedChange::new(written.target, operation)
        .with_key(read_fields(&written.key)?)
        .with_id(optional(written.id)?)
        .with_version(optional(written.version)?)
        .with_before(read_fields(&written.before)?)
        .with_after(read_fields(&written.after)?)
        .with_wave(written.wave)
        .with_facts(written.facts)
        .with_findings(written.findings))
}

pub(super) fn operation(name: String) -> Operation {
    match name.as_str() {
        "create" => Operation::Create,
        "update" => Operation::Update,
        "delete" => Operation::Delete,
        _ => Operation::Action(name),
    }
}

fn write_field(field: &FieldValue) -> Vec<Json> {
    let value = field.value().map(Value::to_json);
    [Json::from(field.name())].into_iter().chain(value).collect()
}

fn read_fields(fields: &Fields) -> Result<Vec<FieldValue>> {
    fields.iter().map(|field| read_field(field)).collect()
}

fn read_field(field: &[Json]) -> Result<FieldValue> {
    match field {
        [Json::String(name)] => Ok(FieldValue::withheld(name.as_str())),
        [Json::String(name), value] => Ok(FieldValue::new(name.as_str(), Value::from_json(value)?)),
        other => Err(invalid(format!("`{}` is no field of a change", json!(other)))),
    }
}

fn altered(said: &str, is: &Hash) -> Error {
    let message = format!(
        "the plan is not the one of its digest `{said}`: it has `{}`; it was altered since",
        hex(is)
    );
    Error::new(Kind::Data, message)
}

fn invalid(message: String) -> Error {
    Error::new(Kind::Invalid, message)
}
