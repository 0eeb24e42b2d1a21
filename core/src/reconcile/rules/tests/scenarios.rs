//! What the golden scenarios in `tests/scenarios` say about documents and rules.

use trueup_connector::{Coverage, Kind, Mapping, Schema, Snapshot};

use super::*;
use trueup_connector::hex;

/// Their errors come from reading rows, or from comparing.
const NOT_ABOUT_RULES: [&str; 5] = [
    "error-base-key-twice",
    "error-decimal-does-not-fit",
    "error-duplicate-columns",
    "error-integer-does-not-fit",
    "error-row-length",
];

fn snapshot(side: &Json) -> Snapshot {
    let schema: Schema = serde_json::from_value(side["fields"].clone()).unwrap();
    let row = |cells: &Json| {
        let cells = cells.as_array().unwrap().iter().cloned();
        schema.names().map(str::to_owned).zip(cells).collect()
    };
    let rows: Vec<_> = side["rows"].as_array().unwrap().iter().map(row).collect();
    let snapshot = Snapshot::from_json_as(&schema, &rows).unwrap();
    match side.get("coverage") {
        Some(coverage) => snapshot.with_coverage(Coverage::from_json(coverage).unwrap()),
        None => snapshot,
    }
}

fn document(scenario: &Json) -> Result<Reconciliation> {
    let mut document = Reconciliation::from_json(&scenario["reconciliation"].to_string())?;
    let mapping = |side: Side| scenario.get("mapping").and_then(|both| both.get(side.name()));
    if let Some(json) = mapping(Side::Expected) {
        document = document.with_expected_mapping(Mapping::from_json(json)?);
    }
    if let Some(json) = mapping(Side::Actual) {
        document = document.with_actual_mapping(Mapping::from_json(json)?);
    }
    Ok(document)
}

fn resolve(scenario: &Json) -> Result<(Fields, [Snapshot; 2])> {
    let document = document(scenario)?;
    assert_eq!(Reconciliation::from_json(&document.to_json().to_string())?, document);
    let expected = document.map(Side::Expected, &snapshot(&scenario["expected"]))?;
    let actual = document.map(Side::Actual, &snapshot(&scenario["actual"]))?;
    let base = scenario.get("base").map(snapshot);
    let fields = Fields::resolve(&document, &expected, &actual, base.as_ref())?;
    Ok((fields, [expected, actual]))
}

fn without_rows(mut scenario: Json) -> Json {
    for side in ["expected", "actual"] {
        scenario[side]["rows"] = Json::Array(Vec::new());
    }
    scenario
}

#[test]
fn every_error_of_a_document_is_refused_as_it_says() {
    let mut seen = 0;
    for (name, scenario) in files("tests/scenarios") {
        let Some(want) = scenario["want"].get("error") else { continue };
        if NOT_ABOUT_RULES.contains(&name.as_str()) {
            continue;
        }
        let error = resolve(&scenario).map(drop).expect_err(&name);
        assert_eq!(error.kind().name(), want["kind"], "{name}: {error}");
        for piece in want["contains"].as_array().unwrap() {
            assert!(error.message().contains(piece.as_str().unwrap()), "{name}: {error}");
        }
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn every_document_that_is_right_has_its_rules_digest() {
    let mut seen = 0;
    for (name, scenario) in files("tests/scenarios") {
        let Some(want) = scenario["want"].get("rules_digest") else { continue };
        let scenario = without_rows(scenario.clone());
        let (fields, _) = resolve(&scenario).expect(&name);
        assert_eq!(hex(&fields.rules_digest), *want, "{name}");
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
}

/// Where no key is on both sides, a row is missing if and only if it is covered.
#[test]
fn coverage_includes_what_the_scenarios_say() {
    for name in ["coverage-predicates", "coverage-under-rules"] {
        let all = files("tests/scenarios");
        let (_, scenario) = all.iter().find(|(other, _)| other == name).unwrap();
        let (fields, [expected, _]) = resolve(scenario).unwrap();
        let batch = &expected.batches()[0];
        let covered = (0..batch.num_rows()).filter(|row| {
            let value = |name: &str| {
                let index = expected.schema().index(name).unwrap();
                Ok(trueup_connector::Column::new(batch.column(index))?.value(*row))
            };
            fields.covers(Side::Actual, &value).unwrap()
        });
        let findings = scenario["want"]["findings"].as_array().unwrap();
        assert_eq!(covered.count(), findings.len(), "{name}");
    }
}

#[test]
fn positions_are_those_of_each_side() {
    let fields = |names: &[&str]| {
        let names = names.iter().map(|name| format!(r#"{{"name":"{name}","type":"int"}}"#));
        let schema = format!("[{}]", names.collect::<Vec<_>>().join(","));
        Snapshot::empty(&serde_json::from_str(&schema).unwrap()).unwrap()
    };
    let document = Reconciliation::new("x").with_key(["id"]).with_alternate_key(["b"]);
    let (expected, actual, base) =
        (fields(&["b", "id", "a"]), fields(&["a", "b", "id"]), fields(&["id", "z", "a", "b"]));
    let fields = Fields::resolve(&document, &expected, &actual, Some(&base)).unwrap();
    let places = |fields: &[FieldRule]| {
        let place = |f: &FieldRule| (f.name.clone(), f.expected, f.actual, f.base);
        fields.iter().map(place).collect::<Vec<_>>()
    };
    assert_eq!(places(&fields.key), [("id".into(), 1, 2, Some(0))]);
    assert_eq!(
        places(&fields.compared),
        [("b".into(), 0, 1, Some(3)), ("a".into(), 2, 0, Some(2))]
    );
    assert_eq!(places(&fields.alternates[0]), [("b".into(), 0, 1, Some(3))]);
    let error = Fields::resolve(&document, &expected, &actual, Some(&actual.clone())).map(drop);
    assert!(error.is_ok());
    let lacking = Snapshot::empty(&Schema::new([]).unwrap()).unwrap();
    let error = Fields::resolve(&document, &expected, &actual, Some(&lacking)).unwrap_err();
    assert_eq!(error.kind(), Kind::Incompatible);
}
