//! Plans from plain data: how they are made, proposed and undone.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use trueup::{
    Effect, Error, Fact, FieldValue, FindingKind, Impact, Kind, Origin, Plan, PlannedChange,
    Planner, Report, Result, Rollback, Side, Value,
};

use crate::compare::side;
use crate::{flat, snapshot};

/// How a plan is made of a report.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Planning {
    /// Which findings it settles; the planner's own choice without this.
    pub kinds: Option<Vec<String>>,
    /// Fields that name other records, which order the changes.
    pub references: Vec<String>,
    /// How much of it comes in the first waves, in percent.
    pub stages: Vec<u8>,
}

/// Makes the plan that settles a report's findings.
///
/// # Errors
/// As [`Planner::plan`]; `invalid` for a kind of finding that is none.
pub fn make(report: &Report, planning: Planning) -> Result<Plan> {
    let mut planner = Planner::new().with_stages(planning.stages);
    if let Some(kinds) = planning.kinds {
        let kinds = kinds.iter().map(|kind| kind.parse::<FindingKind>());
        planner = planner.with_kinds(kinds.collect::<Result<Vec<_>>>()?);
    }
    planning.references.into_iter().fold(planner, Planner::with_reference).plan(report)
}

/// Makes a plan of changes that somebody proposes: `changes` are of the form of [`flat::change`].
///
/// # Errors
/// As [`Plan::propose`]; `invalid` for data of another form, naming it.
pub fn propose(name: &str, reading: Json, covered_rows: u64, changes: Json) -> Result<Plan> {
    let origin = Origin::new(name, &snapshot::provenance(reading)?);
    let changes: Vec<Proposed> =
        serde_json::from_value(changes).map_err(|cause| wrong("changes", &cause))?;
    let changes = changes.into_iter().map(Proposed::planned).collect::<Result<_>>()?;
    Plan::propose(origin, Side::BOTH.map(|side| Impact::new(side, covered_rows)), changes)
}

/// Makes the plan that undoes effects: `[{"place": 0, "id": …, "version": …}]`.
///
/// # Errors
/// As [`Plan::rollback`]; `invalid` for data of another form, naming it.
pub fn rollback(plan: &Plan, effects: Json, reading: Json) -> Result<Rollback> {
    let effects: Vec<Took> =
        serde_json::from_value(effects).map_err(|cause| wrong("effects", &cause))?;
    let effect = |it: Took| Effect::new(it.place).with_id(it.id).with_version(it.version);
    let effects: Vec<Effect> = effects.into_iter().map(effect).collect();
    plan.rollback(&effects, &snapshot::provenance(reading)?)
}

/// Everything about a plan but its changes.
pub fn facts(plan: &Plan) -> Json {
    let impacts = Side::BOTH.map(|side| (side.name().to_owned(), flat::impact(plan.impact(side))));
    json!({
        "origin": plan.origin(),
        "digest": trueup::hex(&plan.digest()),
        "waves": plan.waves(),
        "changes": plan.changes().len(),
        "impacts": Json::Object(impacts.into_iter().collect()),
        "left_out": plan.left_out().iter().map(flat::left_out).collect::<Vec<_>>(),
        "text": plan.to_string(),
    })
}

/// The plan of the changes whose place says true.
///
/// # Errors
/// As [`Plan::narrow`].
pub fn narrow(plan: &Plan, keep: Vec<bool>) -> Result<Plan> {
    let mut keep = keep.into_iter();
    plan.narrow(|_| keep.next().unwrap_or(false))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Took {
    place: usize,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    version: Option<String>,
}

/// A change as somebody writes it down. What only a planner can say of one is taken and left aside.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proposed {
    target: String,
    operation: String,
    #[serde(default)]
    key: Map<String, Json>,
    #[serde(default)]
    id: Option<Json>,
    #[serde(default)]
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
    #[serde(default, rename = "findings")]
    _findings: Vec<String>,
    #[serde(default, rename = "text")]
    _text: String,
}

impl Proposed {
    fn planned(self) -> Result<PlannedChange> {
        let optional = |json: &Option<Json>| json.as_ref().map(literal).transpose();
        let change =
            PlannedChange::new(side(&self.target)?, flat::operation_named(&self.operation))
                .with_key(self.fields(&self.key)?)
                .with_before(self.fields(&self.before)?)
                .with_after(self.fields(&self.after)?)
                .with_id(optional(&self.id)?)
                .with_version(optional(&self.version)?)
                .with_wave(self.wave);
        self.facts.into_iter().try_fold(change, |change, (name, json)| {
            let fact: Fact = serde_json::from_value(json).map_err(|_| {
                let message =
                    format!("the fact `{name}` must be text, a number, true, false or texts");
                Error::new(Kind::Invalid, message)
            })?;
            Ok(change.with_fact(name, fact))
        })
    }

    fn fields(&self, members: &Map<String, Json>) -> Result<Vec<FieldValue>> {
        let field = |(name, json): (&String, &Json)| {
            let value = literal(json)?;
            Ok(match self.secret.contains(name) {
                true => FieldValue::secret(name.as_str(), value),
                false => FieldValue::new(name.as_str(), value),
            })
        };
        members.iter().map(field).collect()
    }
}

/// A value: a list as plain JSON, everything else in its own form.
fn literal(json: &Json) -> Result<Value> {
    match json {
        Json::Array(items) => items.iter().map(literal).collect::<Result<_>>().map(Value::List),
        other => Value::from_json(other),
    }
}

fn wrong(what: &str, cause: &serde_json::Error) -> Error {
    Error::new(Kind::Invalid, format!("the {what} are wrong: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposed_plan_is_undone() {
        let reading = json!({"system": "mdm", "resource": "devices", "read_id": "r-1"});
        let change = json!({"target": "actual", "operation": "update", "key": {"id": 1},
            "before": {"os": "13"}, "after": {"os": "14"}, "facts": {"lost": true}});
        let plan = propose("fleet", reading.clone(), 10, json!([change])).unwrap();
        assert_eq!((facts(&plan)["changes"].clone(), plan.waves()), (json!(1), 1));
        let back = rollback(&plan, json!([{"place": 0}]), reading.clone()).unwrap();
        assert_eq!(flat::change(&back.plan.changes()[0])["after"]["os"], "13");
        assert!(narrow(&plan, vec![false]).unwrap().is_empty());
        let error = propose("fleet", reading.clone(), 10, json!([{"target": "actual", "op": "x"}]));
        assert!(error.unwrap_err().message().contains("`op`"));
        let nowhere = propose("fleet", reading, 10, json!([{"target": "actul", "operation": "x"}]));
        assert!(nowhere.unwrap_err().message().ends_with("did you mean `actual`?"));
    }

    #[test]
    fn planning_is_read_strictly() {
        assert!(serde_json::from_value::<Planning>(json!({"stags": [5]})).is_err());
    }
}
