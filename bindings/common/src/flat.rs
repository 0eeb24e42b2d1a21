//! Reports and plans as plain data, for hosts that have no types of ours.
//!
//! Values that JSON lacks stand in objects of one member, as in [`trueup::Value::to_json`].

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use trueup::guard::{Actor, Decision, Explanation as GuardExplanation, Outcome, Request};
use trueup::{
    Counts, DriftCounts, Error, Explanation, Fact, FieldValue, Impact, Input, Kind, LeftOut,
    Operation, PlannedChange, Result, Side,
};

/// How many keys there are of each kind, and how many of the changed ones were renamed.
pub fn counts(counts: &Counts) -> Json {
    let named = counts.named().into_iter().chain([("renamed", counts.renamed)]);
    Json::Object(named.map(|(name, count)| (name.to_owned(), json!(count))).collect())
}

/// How many findings went which way.
pub fn drift_counts(counts: &DriftCounts) -> Json {
    json!(counts)
}

/// One finding in words.
pub fn explanation(said: &Explanation) -> Json {
    let cells = |cells: &[(String, Option<String>)]| -> Map<String, Json> {
        cells.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
    };
    let row = |(side, row): &(Side, Vec<_>)| json!({"side": side.name(), "row": cells(row)});
    json!({
        "id": said.id.to_string(),
        "kind": said.kind.name(),
        "cause": said.cause.map(|cause| cause.name()),
        "key": cells(&said.key),
        "field": said.field,
        "rule": said.rule,
        "expected": said.expected,
        "actual": said.actual,
        "expected_as": said.expected_as,
        "actual_as": said.actual_as,
        "rows": said.rows.iter().map(row).collect::<Vec<_>>(),
        "remedy": said.remedy,
        "text": said.to_string(),
    })
}

/// Where one side of a report comes from.
///
/// # Errors
/// As [`Input::content_root`].
pub fn input(input: &Input) -> Result<Json> {
    Ok(json!({
        "provenance": input.provenance(),
        "consistency": input.consistency(),
        "rows": input.rows(),
        "content_root": input.content_root_hex()?,
    }))
}

/// What a plan would do to one side.
pub fn impact(impact: &Impact) -> Json {
    json!(impact)
}

/// A finding that a plan leaves out.
pub fn left_out(left: &LeftOut) -> Json {
    json!(left)
}

/// One change of a plan. A secret's value is left out; `secret` names it.
pub fn change(change: &PlannedChange) -> Json {
    let open = |fields: &[FieldValue]| -> Map<String, Json> {
        let shown =
            |f: &FieldValue| (f.name().to_owned(), f.value().map_or(Json::Null, |v| v.to_json()));
        fields.iter().map(shown).collect()
    };
    let fields = change.before().iter().chain(change.after());
    let mut secret: Vec<&str> =
        fields.filter(|field| field.is_secret()).map(FieldValue::name).collect();
    secret.sort_unstable();
    secret.dedup();
    json!({
        "target": change.target().name(),
        "operation": operation(change.operation()),
        "key": open(change.key()),
        "id": change.id().map(trueup::Value::to_json),
        "version": change.version().map(trueup::Value::to_json),
        "before": open(change.before()),
        "after": open(change.after()),
        "secret": secret,
        "wave": change.wave(),
        "facts": change.facts(),
        "findings": change.findings(),
        "text": change.to_string(),
    })
}

/// What a policy decided about a plan, with the places of the changes by outcome.
pub fn decision(decision: &Decision) -> Json {
    let mut said = decision.to_json();
    let places = [Outcome::Deny, Outcome::Ask, Outcome::Allow].map(|outcome| {
        (outcome.name().to_owned(), json!(decision.places(outcome).collect::<Vec<_>>()))
    });
    if let Some(members) = said.as_object_mut() {
        members.insert("places".to_owned(), Json::Object(places.into_iter().collect()));
        members.insert("risk".to_owned(), json!(decision.risk().name()));
        members.insert("score".to_owned(), json!(decision.score()));
        // Whole numbers, which the log writes as text.
        members.insert("at".to_owned(), json!(decision.at()));
        members.insert("valid_until".to_owned(), json!(decision.valid_until()));
        members.insert("timeout".to_owned(), json!(decision.timeout()));
    }
    said
}

/// Why a policy decides a plan as it does.
pub fn guard_explanation(said: &GuardExplanation) -> Json {
    let reasons = said.rules.iter().map(|reason| {
        json!({
            "rule": reason.rule,
            "about": reason.about,
            "outcome": reason.outcome.map(Outcome::name),
            "changes": reason.changes,
            "when": reason.when,
            "facts": reason.facts.iter().cloned().collect::<BTreeMap<_, _>>(),
            "notes": reason.notes,
        })
    });
    json!({
        "outcome": said.outcome.name(),
        "rules": reasons.collect::<Vec<_>>(),
        "remedies": said.remedies.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "text": said.to_string(),
    })
}

/// What a policy is asked, from plain data: `actor` (the chain, who acts first), `now` (milliseconds
/// since the Unix epoch), and maybe `environment`, `agreed_rows`, `covered_rows` (of what
/// a proposed plan writes, as the host knows it), `facts` and `used`.
///
/// # Errors
/// `invalid`, naming the member that is wrong.
pub fn request(data: &Json) -> Result<Request> {
    let read: Asked = serde_json::from_value(data.clone()).map_err(|cause| {
        Error::new(Kind::Invalid, format!("the question to the policy is wrong: {cause}"))
    })?;
    let mut chain = read.actor.into_iter();
    let first = chain.next().ok_or_else(|| Error::new(Kind::Invalid, "`actor` names nobody"))?;
    let actor = chain.fold(Actor::new(first), Actor::on_behalf_of);
    let mut request = Request::new(actor, read.now).with_environment(read.environment);
    if let Some(rows) = read.agreed_rows {
        request = request.with_agreed_rows(rows);
    }
    if let Some(rows) = read.covered_rows {
        let both = Side::BOTH.into_iter();
        request = both.fold(request, |request, side| request.with_covered_rows(side, rows));
    }
    let request =
        read.facts.into_iter().fold(request, |request, (name, fact)| request.with_fact(name, fact));
    Ok(read
        .used
        .into_iter()
        .fold(request, |request, (limit, count)| request.with_used(limit, count)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    actor: Vec<String>,
    now: i64,
    #[serde(default)]
    environment: String,
    #[serde(default)]
    agreed_rows: Option<u64>,
    #[serde(default)]
    covered_rows: Option<u64>,
    #[serde(default)]
    facts: BTreeMap<String, Fact>,
    #[serde(default)]
    used: BTreeMap<String, u64>,
}

/// What an operation is called: `create`, `update`, `delete`, or the action's name.
pub fn operation(operation: &Operation) -> &str {
    match operation {
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Delete => "delete",
        Operation::Action(name) => name,
        _ => "unknown",
    }
}

/// The operation that is called so.
pub fn operation_named(name: &str) -> Operation {
    match name {
        "create" => Operation::Create,
        "update" => Operation::Update,
        "delete" => Operation::Delete,
        action => Operation::Action(action.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use trueup::{Reconciliation, Snapshot};

    use super::*;

    #[test]
    fn a_report_is_said_as_data() {
        let rows = |json: Json| {
            Snapshot::from_json(&serde_json::from_value::<Vec<_>>(json).unwrap()).unwrap()
        };
        let (wish, state) =
            (rows(json!([{"id": 1, "os": "14"}])), rows(json!([{"id": 1, "os": "13"}])));
        let report = Reconciliation::new("fleet").with_key(["id"]).run(&wish, &state).unwrap();
        assert_eq!(counts(report.counts())["changed"], 1);
        let (id, _) = report.states().unwrap()[0];
        let said = explanation(&report.explain(id).unwrap());
        assert_eq!((&said["kind"], &said["key"]["id"]), (&json!("changed"), &json!("1")));
        assert_eq!(said["remedy"], "set `os` to `14` on the actual side");
        assert_eq!(input(&report.inputs().unwrap().expected).unwrap()["rows"], 1);
    }

    #[test]
    fn a_question_to_a_policy_is_read_strictly() {
        let asked = json!({"actor": ["agent:a", "person:b"], "now": 7, "facts": {"lost": true}});
        assert_eq!(request(&asked).unwrap().actor().to_string(), "agent:a on behalf of person:b");
        for wrong in [json!({"actor": [], "now": 7}), json!({"actor": ["a"], "now": 7, "nwo": 8})] {
            assert_eq!(request(&wrong).unwrap_err().kind(), Kind::Invalid);
        }
    }

    #[test]
    fn secrets_are_named_and_not_shown() {
        let update = PlannedChange::new(Side::Actual, Operation::Update)
            .with_key([FieldValue::new("id", 7)])
            .with_after([FieldValue::secret("pin", "0000")]);
        let said = change(&update);
        assert_eq!((&said["secret"], &said["after"]["pin"]), (&json!(["pin"]), &Json::Null));
        assert_eq!(said["key"]["id"], 7);
        assert_eq!(operation_named(said["operation"].as_str().unwrap()), Operation::Update);
        assert_eq!(operation(&operation_named("retire")), "retire");
    }
}
