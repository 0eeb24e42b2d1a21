//! Every golden scenario through every output.

use std::path::Path;

use serde_json::Value as Json;

use super::{ids, run};
use crate::{Coverage, Mapping, Reconciliation, Report, Result, Schema, Side, Snapshot};

fn read(side: &Json) -> Result<Snapshot> {
    let fields = side["fields"].as_array().unwrap();
    let schema: Schema = serde_json::from_value(side["fields"].clone())
        .map_err(|cause| crate::Error::new(crate::Kind::Invalid, cause.to_string()))?;
    let row = |cells: &Json| {
        let cells = cells.as_array().unwrap().iter().cloned();
        fields.iter().map(|field| field["name"].as_str().unwrap().to_owned()).zip(cells).collect()
    };
    let rows: Vec<_> = side["rows"].as_array().unwrap().iter().map(row).collect();
    let snapshot = Snapshot::from_json_as(&schema, &rows)?;
    Ok(match side.get("coverage") {
        Some(coverage) => snapshot.with_coverage(Coverage::from_json(coverage)?),
        None => snapshot,
    })
}

fn report(scenario: &Json) -> Result<Report> {
    let mut document = Reconciliation::from_json(&scenario["reconciliation"].to_string())?;
    for side in Side::BOTH {
        let Some(json) = scenario.get("mapping").and_then(|both| both.get(side.name())) else {
            continue;
        };
        let mapping = Mapping::from_json(json)?;
        document = match side {
            Side::Expected => document.with_expected_mapping(mapping),
            Side::Actual => document.with_actual_mapping(mapping),
        };
    }
    let (expected, actual) = (read(&scenario["expected"])?, read(&scenario["actual"])?);
    match scenario.get("base") {
        Some(base) => document.compare_three_way(&run(), &expected, &actual, &read(base)?),
        None => document.compare(&run(), &expected, &actual),
    }
}

fn check(name: &str, report: &Report, want: &Json) {
    use trueup_connector::hex;
    if let Some(digest) = want.get("digest").and_then(Json::as_str) {
        assert_eq!(hex(&report.digest().unwrap()), digest, "{name}");
    }
    let inputs = report.inputs().unwrap();
    for (input, root) in [(&inputs.expected, "expected_root"), (&inputs.actual, "actual_root")] {
        if let Some(root) = want.get(root).and_then(Json::as_str) {
            assert_eq!(input.content_root_hex().unwrap(), root, "{name}");
        }
    }
    for id in ids(report) {
        let why = report.explain(id).unwrap();
        assert!(
            !why.remedy.is_empty() && why.to_string().contains(&id.to_string()),
            "{name}: {why}"
        );
    }
    let mut csv = Vec::new();
    report.write_csv(&mut csv).unwrap();
    assert!(report.html().unwrap().ends_with("</html>\n"), "{name}");
    let matched: usize = report.matched().unwrap().map(|batch| batch.unwrap().num_rows()).sum();
    assert!(matched as u64 >= report.counts().matched, "{name}");
    assert!(super::super::drift(report, report).unwrap().is_empty(), "{name}");
    #[cfg(feature = "parquet")]
    super::saved::check_round_trip(report);
}

#[test]
fn every_scenario_goes_through_every_output() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios");
    let mut reports = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let scenario: Json = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let Some(want) = scenario.get("want").filter(|want| want.get("counts").is_some()) else {
            continue;
        };
        let name = path.display().to_string();
        check(&name, &report(&scenario).unwrap_or_else(|error| panic!("{name}: {error}")), want);
        reports += 1;
    }
    assert!(reports >= 30, "{reports} scenarios");
}
