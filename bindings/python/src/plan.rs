//! Plans.

use pyo3::prelude::*;
use serde_json::{Value as Json, json};
use trueup::{
    Effect, Error, Fact, FieldValue, FindingKind, Impact, Kind, Origin, PlannedChange, Planner,
    Provenance, Result, Side, Value,
};
use trueup_bindings::flat;

use crate::convert;
use crate::errors::OrRaise;
use crate::reconcile::read_side;
use crate::report::Report;
use crate::work::{Deliver, Work};

/// An ordered set of changes with a digest.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Plan(pub(crate) trueup::Plan);

#[pymethods]
impl Plan {
    /// The plan that settles a report's findings.
    #[staticmethod]
    #[pyo3(signature = (report, kinds, references, stages))]
    fn make(
        py: Python<'_>,
        report: &Report,
        kinds: Option<Vec<String>>,
        references: Vec<String>,
        stages: Vec<u8>,
    ) -> PyResult<Work> {
        let mut planner = Planner::new().with_stages(stages);
        if let Some(kinds) = kinds {
            let kinds = kinds.iter().map(|kind| kind.parse::<FindingKind>().or_raise(py));
            planner = planner.with_kinds(kinds.collect::<PyResult<Vec<_>>>()?);
        }
        let planner = references.into_iter().fold(planner, Planner::with_reference);
        let report = report.0.clone();
        Work::start(py, move |_| planner.plan(&report))
    }

    /// A plan of changes that somebody proposes.
    #[staticmethod]
    fn propose(
        py: Python<'_>,
        name: &str,
        reading: &Bound<'_, PyAny>,
        covered_rows: u64,
        changes: Vec<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let reading = provenance(reading)?;
        let changes =
            changes.iter().map(|data| change(&convert::json(data, "changes")?).or_raise(py));
        let changes = changes.collect::<PyResult<Vec<_>>>()?;
        let impacts = Side::BOTH.map(|side| Impact::new(side, covered_rows));
        trueup::Plan::propose(Origin::new(name, &reading), impacts, changes).or_raise(py).map(Self)
    }

    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        trueup::Plan::from_json(text).or_raise(py).map(Self)
    }

    fn to_json(&self) -> String {
        self.0.to_json().to_string()
    }

    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let impacts =
            Side::BOTH.map(|side| (side.name().to_owned(), flat::impact(self.0.impact(side))));
        let facts = json!({
            "origin": self.0.origin(),
            "digest": trueup::hex(&self.0.digest()),
            "waves": self.0.waves(),
            "changes": self.0.changes().len(),
            "impacts": Json::Object(impacts.into_iter().collect()),
            "left_out": self.0.left_out().iter().map(flat::left_out).collect::<Vec<_>>(),
            "text": self.0.to_string(),
        });
        convert::object(py, &facts)
    }

    fn changes<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.0.changes().iter().map(|change| convert::object(py, &flat::change(change))).collect()
    }

    /// The plan of the changes at these places.
    fn narrow(&self, py: Python<'_>, keep: Vec<bool>) -> PyResult<Self> {
        let mut keep = keep.into_iter();
        self.0.narrow(|_| keep.next().unwrap_or(false)).or_raise(py).map(Self)
    }

    /// The plan that undoes these effects, and the places of those that have no way back.
    fn rollback(
        &self,
        py: Python<'_>,
        effects: Vec<(usize, Option<String>, Option<String>)>,
        reading: &Bound<'_, PyAny>,
    ) -> PyResult<(Self, Vec<usize>)> {
        let effects = effects
            .into_iter()
            .map(|(place, id, version)| Effect::new(place).with_id(id).with_version(version));
        let effects: Vec<Effect> = effects.collect();
        let rollback = self.0.rollback(&effects, &provenance(reading)?).or_raise(py)?;
        Ok((Self(rollback.plan), rollback.irreversible))
    }

    /// What a side's system calls the resource.
    fn resource(&self, py: Python<'_>, side: &str) -> PyResult<String> {
        Ok(self.0.resource(read_side(py, side)?).to_owned())
    }
}

impl Deliver for trueup::Plan {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Plan(self))?.into_any())
    }
}

fn provenance(data: &Bound<'_, PyAny>) -> PyResult<Provenance> {
    let json = convert::json(data, "provenance")?;
    let read: Result<Provenance> = serde_json::from_value(json)
        .map_err(|cause| Error::new(Kind::Invalid, format!("the provenance is wrong: {cause}")));
    read.or_raise(data.py())
}

/// A change from its plain form, that of [`flat::change`].
fn change(data: &Json) -> Result<PlannedChange> {
    let text = |name: &str| data.get(name).and_then(Json::as_str).unwrap_or_default();
    let side = Side::BOTH.into_iter().find(|side| side.name() == text("target"));
    let side = side.ok_or_else(|| wrong("`target` must be `expected` or `actual`"))?;
    let secret: Vec<&str> = data
        .get("secret")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let fields = |name: &str| {
        let members = data.get(name).and_then(Json::as_object).into_iter().flatten();
        let fields = members.map(|(name, json)| {
            let value = literal(json)?;
            Ok(match secret.contains(&name.as_str()) {
                true => FieldValue::secret(name.as_str(), value),
                false => FieldValue::new(name.as_str(), value),
            })
        });
        fields.collect::<Result<Vec<_>>>()
    };
    let optional =
        |name: &str| data.get(name).filter(|v| !v.is_null()).map(Value::from_json).transpose();
    let wave = data.get("wave").and_then(Json::as_u64).and_then(|wave| u32::try_from(wave).ok());
    let change = PlannedChange::new(side, flat::operation_named(text("operation")))
        .with_key(fields("key")?)
        .with_id(optional("id")?)
        .with_version(optional("version")?)
        .with_before(fields("before")?)
        .with_after(fields("after")?)
        .with_wave(wave.unwrap_or_default());
    let facts = facts(data)?.into_iter();
    Ok(facts.fold(change, |change, (name, fact)| change.with_fact(name, fact)))
}

fn facts(data: &Json) -> Result<Vec<(String, Fact)>> {
    let facts = data.get("facts").and_then(Json::as_object).into_iter().flatten();
    let read = |(name, json): (&String, &Json)| {
        let fact: Fact = serde_json::from_value(json.clone()).map_err(|_| {
            wrong(&format!("the fact `{name}` must be text, a number, true, false or texts"))
        })?;
        Ok((name.clone(), fact))
    };
    facts.map(read).collect()
}

/// A value: a list or a struct as plain JSON, everything else in its own form.
fn literal(json: &Json) -> Result<Value> {
    match json {
        Json::Array(items) => items.iter().map(literal).collect::<Result<_>>().map(Value::List),
        other => Value::from_json(other),
    }
}

fn wrong(message: &str) -> Error {
    Error::new(Kind::Invalid, message)
}
