//! Plans.

use napi_derive::napi;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use trueup::{
    Effect, Error, Fact, FieldValue, FindingKind, Impact, Kind, Origin, PlannedChange, Planner,
    Provenance, Result, Side, Value,
};
use trueup_bindings::flat;

use crate::errors::OrThrow;
use crate::reconcile::read_side;
use crate::report::Report;
use crate::wire;
use crate::work::Work;

/// An ordered set of changes with a digest.
#[napi]
pub struct Plan(pub(crate) trueup::Plan);

/// How a plan is made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Planning {
    kinds: Option<Vec<String>>,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    stages: Vec<u8>,
}

/// A change that took place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Took {
    place: usize,
    id: Option<String>,
    version: Option<String>,
}

/// A change that somebody proposes: what [`flat::change`] says of one, as far as it can be set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proposed {
    target: Side,
    operation: String,
    #[serde(default)]
    key: Map<String, Json>,
    id: Option<Json>,
    version: Option<Json>,
    #[serde(default)]
    before: Map<String, Json>,
    #[serde(default)]
    after: Map<String, Json>,
    #[serde(default)]
    secret: Vec<String>,
    #[serde(default)]
    wave: u32,
    #[serde(default)]
    facts: Map<String, Json>,
}

#[napi]
impl Plan {
    /// The plan that settles a report's findings.
    #[napi]
    pub fn make(report: &Report, settings: String) -> napi::Result<Work> {
        let settings: Planning = wire::read(&settings, "the planner's settings").or_throw()?;
        let (planner, report) = (planner(settings).or_throw()?, report.0.clone());
        Work::start(move |_| planner.plan(&report).map(Self))
    }

    /// A plan of changes that somebody proposes.
    #[napi]
    pub fn propose(
        name: String,
        reading: String,
        covered_rows: f64,
        changes: String,
    ) -> napi::Result<Plan> {
        let reading: Provenance = wire::read(&reading, "`reading`").or_throw()?;
        let changes: Vec<Proposed> = wire::read(&changes, "`changes`").or_throw()?;
        let changes: Result<Vec<_>> = changes.into_iter().map(Proposed::planned).collect();
        let impacts = Side::BOTH.map(|side| Impact::new(side, covered_rows as u64));
        let origin = Origin::new(name, &reading);
        trueup::Plan::propose(origin, impacts, changes.or_throw()?).or_throw().map(Self)
    }

    /// Reads the JSON form, and holds it to its digest.
    #[napi(factory)]
    pub fn from_json(text: String) -> napi::Result<Self> {
        trueup::Plan::from_json(&text).or_throw().map(Self)
    }

    /// The plan as JSON, with wide integers as decimals.
    #[napi(js_name = "toJSON")]
    pub fn to_json(&self) -> String {
        wire::text(self.0.to_json())
    }

    /// Everything but the changes.
    #[napi]
    pub fn facts(&self) -> String {
        let impacts =
            Side::BOTH.map(|side| (side.name().to_owned(), flat::impact(self.0.impact(side))));
        wire::text(json!({
            "origin": self.0.origin(),
            "digest": trueup::hex(&self.0.digest()),
            "waves": self.0.waves(),
            "impacts": Json::Object(impacts.into_iter().collect()),
            "leftOut": self.0.left_out().iter().map(flat::left_out).collect::<Vec<_>>(),
            "text": self.0.to_string(),
        }))
    }

    /// The changes.
    #[napi]
    pub fn changes(&self) -> String {
        wire::values(self.0.changes().iter().map(flat::change).collect())
    }

    /// The plan of the changes at these places.
    #[napi]
    pub fn narrow(&self, keep: Vec<bool>) -> napi::Result<Plan> {
        let mut keep = keep.into_iter();
        self.0.narrow(|_| keep.next().unwrap_or(false)).or_throw().map(Self)
    }

    /// The plan that undoes these effects.
    #[napi]
    pub fn rollback(&self, effects: String, reading: String) -> napi::Result<Undoing> {
        let effects: Vec<Took> = wire::read(&effects, "`effects`").or_throw()?;
        let reading: Provenance = wire::read(&reading, "`reading`").or_throw()?;
        let effects: Vec<Effect> = effects
            .into_iter()
            .map(|took| Effect::new(took.place).with_id(took.id).with_version(took.version))
            .collect();
        self.0.rollback(&effects, &reading).or_throw().map(Undoing)
    }

    /// What a side's system calls the resource.
    #[napi]
    pub fn resource(&self, side: String) -> napi::Result<String> {
        Ok(self.0.resource(read_side(&side)?).to_owned())
    }
}

/// A plan that undoes another.
#[napi]
pub struct Undoing(trueup::Rollback);

#[napi]
impl Undoing {
    /// The plan.
    #[napi]
    pub fn plan(&self) -> Plan {
        Plan(self.0.plan.clone())
    }

    /// The places of changes that cannot be undone, as JSON.
    #[napi]
    pub fn irreversible(&self) -> String {
        json!(self.0.irreversible).to_string()
    }
}

fn planner(settings: Planning) -> Result<Planner> {
    let mut planner = Planner::new().with_stages(settings.stages);
    if let Some(kinds) = settings.kinds {
        let kinds = kinds.iter().map(|kind| kind.parse::<FindingKind>());
        planner = planner.with_kinds(kinds.collect::<Result<Vec<_>>>()?);
    }
    Ok(settings.references.into_iter().fold(planner, Planner::with_reference))
}

impl Proposed {
    fn planned(self) -> Result<PlannedChange> {
        let optional = |json: &Option<Json>| json.as_ref().map(Value::from_json).transpose();
        let change = PlannedChange::new(self.target, flat::operation_named(&self.operation))
            .with_key(self.fields(&self.key)?)
            .with_before(self.fields(&self.before)?)
            .with_after(self.fields(&self.after)?)
            .with_id(optional(&self.id)?)
            .with_version(optional(&self.version)?)
            .with_wave(self.wave);
        self.facts.into_iter().try_fold(change, |change, (name, json)| {
            let fact: Fact = serde_json::from_value(json).map_err(|_| {
                wrong(&format!("the fact `{name}` must be text, a number, true, false or texts"))
            })?;
            Ok(change.with_fact(name, fact))
        })
    }

    fn fields(&self, members: &Map<String, Json>) -> Result<Vec<FieldValue>> {
        let field = |(name, json): (&String, &Json)| {
            let value = Value::from_json(json)?;
            Ok(match self.secret.contains(name) {
                true => FieldValue::secret(name.as_str(), value),
                false => FieldValue::new(name.as_str(), value),
            })
        };
        members.iter().map(field).collect()
    }
}

fn wrong(message: &str) -> Error {
    Error::new(Kind::Invalid, message)
}
