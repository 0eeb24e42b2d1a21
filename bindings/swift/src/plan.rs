//! Plans.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use trueup::{
    Effect, Error, Fact, FieldValue, FindingKind, Impact, Kind, Origin, PlannedChange, Planner,
    Provenance, Result, Side, Value,
};
use trueup_bindings::flat;

use crate::call::Call;
use crate::errors::Told;
use crate::report::Report;
use crate::wire;

/// An ordered set of changes with a digest.
#[derive(uniffi::Object)]
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

/// The plan that settles a report's findings.
#[uniffi::export]
pub async fn make_plan(report: Arc<Report>, settings: String, call: Arc<Call>) -> Told<Arc<Plan>> {
    let settings: Planning = wire::read(&settings, "the planner's settings")?;
    let planner = planner(settings)?;
    call.start(move |_| planner.plan(&report.0).map(|plan| Arc::new(Plan(plan)))).await
}

#[uniffi::export]
impl Plan {
    /// A plan of changes that somebody proposes.
    #[uniffi::constructor]
    pub fn propose(
        name: String,
        reading: String,
        covered_rows: u64,
        changes: String,
    ) -> Told<Self> {
        let reading: Provenance = wire::read(&reading, "`reading`")?;
        let changes: Vec<Proposed> = wire::read(&changes, "`changes`")?;
        let changes: Result<Vec<_>> = changes.into_iter().map(Proposed::planned).collect();
        let impacts = Side::BOTH.map(|side| Impact::new(side, covered_rows));
        let origin = Origin::new(name, &reading);
        Ok(Self(trueup::Plan::propose(origin, impacts, changes?)?))
    }

    /// Reads the JSON form, and holds it to its digest.
    #[uniffi::constructor]
    pub fn from_json(text: String) -> Told<Self> {
        Ok(Self(trueup::Plan::from_json(&text)?))
    }

    /// The plan as JSON.
    pub fn to_json(&self) -> String {
        self.0.to_json().to_string()
    }

    /// Everything but the changes.
    pub fn facts(&self) -> String {
        let impacts =
            Side::BOTH.map(|side| (side.name().to_owned(), flat::impact(self.0.impact(side))));
        let resources =
            Side::BOTH.map(|side| (side.name().to_owned(), json!(self.0.resource(side))));
        let facts = json!({
            "origin": self.0.origin(),
            "digest": flat::hex(&self.0.digest()),
            "waves": self.0.waves(),
            "impacts": Json::Object(impacts.into_iter().collect()),
            "resources": Json::Object(resources.into_iter().collect()),
            "leftOut": self.0.left_out().iter().map(flat::left_out).collect::<Vec<_>>(),
            "text": self.0.to_string(),
        });
        facts.to_string()
    }

    /// The changes, as JSON.
    pub fn changes(&self) -> String {
        Json::from_iter(self.0.changes().iter().map(flat::change)).to_string()
    }

    /// The plan of the changes at these places.
    pub fn narrow(&self, keep: Vec<bool>) -> Told<Self> {
        let mut keep = keep.into_iter();
        Ok(Self(self.0.narrow(|_| keep.next().unwrap_or(false))?))
    }

    /// The plan that undoes these effects.
    pub fn rollback(&self, effects: String, reading: String) -> Told<Undoing> {
        let effects: Vec<Took> = wire::read(&effects, "`effects`")?;
        let reading: Provenance = wire::read(&reading, "`reading`")?;
        let effects: Vec<Effect> = effects
            .into_iter()
            .map(|took| Effect::new(took.place).with_id(took.id).with_version(took.version))
            .collect();
        let undoing = self.0.rollback(&effects, &reading)?;
        let irreversible = undoing.irreversible.iter().map(|place| *place as u64).collect();
        Ok(Undoing { plan: Arc::new(Self(undoing.plan)), irreversible })
    }
}

/// A plan that undoes another.
#[derive(uniffi::Record)]
pub struct Undoing {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The places of changes that cannot be undone.
    pub irreversible: Vec<u64>,
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
                let what = "must be text, a number, true, false or texts";
                Error::new(Kind::Invalid, format!("the fact `{name}` {what}"))
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
