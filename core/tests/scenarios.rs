//! The golden scenarios in `tests/scenarios`: what goes in, and exactly what must come out.
//!
//! Each is run as it is written, with its rows reversed, in batches of one and of two rows, and with
//! one to three threads: none of that may show.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use std::num::NonZero;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use serde_json::{Map, Value as Json, json};
use trueup::{
    Column, Coverage, Field, LogicalType, Mapping, Planner, Provenance, Reconciliation, Report,
    Result, Run, Schema, Side, Snapshot, Value, hex, record,
};

/// How a scenario's rows are laid out, and on how many threads it is run.
struct Layout {
    reversed: bool,
    batch: usize,
    threads: usize,
}

const LAYOUTS: [Layout; 4] = [
    Layout { reversed: false, batch: 1000, threads: 1 },
    Layout { reversed: true, batch: 1000, threads: 2 },
    Layout { reversed: false, batch: 1, threads: 3 },
    Layout { reversed: true, batch: 2, threads: 1 },
];

#[test]
fn every_scenario_comes_out_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut wrong = Vec::new();
    for path in &files {
        let scenario: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        for layout in &LAYOUTS {
            if let Err(difference) = check(&scenario, layout) {
                let name = path.file_stem().unwrap().display();
                wrong.push(format!(
                    "{name} (batches of {}, {} threads): {difference}",
                    layout.batch, layout.threads
                ));
                break;
            }
        }
    }
    assert!(files.len() >= 100, "only {} scenarios", files.len());
    assert!(
        wrong.is_empty(),
        "{} of {} scenarios:\n{}",
        wrong.len(),
        files.len(),
        wrong.join("\n")
    );
}

fn check(scenario: &Json, layout: &Layout) -> Result<(), String> {
    let want = &scenario["want"];
    match (run(scenario, layout), want.get("error")) {
        (Ok(got), None) => {
            got.check(want)?;
            scenario.get("plan").map_or(Ok(()), |plan| got.check_plan(plan))
        }
        (Ok(_), Some(error)) => Err(format!("no error, but {error} is wanted")),
        (Err(error), None) => Err(format!("{error:?}")),
        (Err(error), Some(wanted)) => {
            let pieces = wanted["contains"].as_array().into_iter().flatten();
            let missing: Vec<_> =
                pieces.filter(|p| !error.to_string().contains(p.as_str().unwrap())).collect();
            if error.kind().name() == wanted["kind"] && missing.is_empty() {
                return Ok(());
            }
            Err(format!("{error:?} instead of {wanted}"))
        }
    }
}

/// What came out.
struct Got {
    report: Report,
    roots: [String; 2],
}

fn run(scenario: &Json, layout: &Layout) -> Result<Got> {
    let document = document(scenario)?;
    let side = |name: &'static str| {
        let side = snapshot(&scenario[name], layout).map_err(|error| error.with("side", name))?;
        let read_id = scenario["plan"][format!("{name}_read")].as_str().unwrap_or_default();
        Ok(side.with_provenance(Provenance::default().with_read_id(read_id)))
    };
    let (expected, actual) = (side("expected")?, side("actual")?);
    let run = Run::new(NonZero::new(layout.threads).unwrap(), [7, 11, 13, 17]);
    let report = match scenario.get("base") {
        None => document.compare(&run, &expected, &actual)?,
        Some(base) => {
            document.compare_three_way(&run, &expected, &actual, &snapshot(base, layout)?)?
        }
    };
    let root = |snapshot: &Snapshot, side: Side| {
        let system = |name: &'static str| {
            document.mapping(side).map_or(name.to_owned(), |m| m.system_name(name).to_owned())
        };
        let key: Vec<String> =
            document.key().iter().map(|name| system(name.clone().leak())).collect();
        let key: Vec<&str> = key.iter().map(String::as_str).collect();
        snapshot.content(&key).map(|tree| hex(&tree.root()))
    };
    let roots = [root(&expected, Side::Expected)?, root(&actual, Side::Actual)?];
    Ok(Got { report, roots })
}

fn document(scenario: &Json) -> Result<Reconciliation> {
    let document = Reconciliation::from_json(&scenario["reconciliation"].to_string())?;
    let mapping = |side: &str| scenario.get("mapping").and_then(|both| both.get(side));
    let document = match mapping("expected") {
        Some(json) => document.with_expected_mapping(Mapping::from_json(json)?),
        None => document,
    };
    Ok(match mapping("actual") {
        Some(json) => document.with_actual_mapping(Mapping::from_json(json)?),
        None => document,
    })
}

fn snapshot(side: &Json, layout: &Layout) -> Result<Snapshot> {
    let fields: Vec<Field> = serde_json::from_value(side["fields"].clone()).unwrap();
    let schema = Schema::new(fields)?;
    let cells = side["rows"].as_array().unwrap().iter().map(|row| {
        let cells = row.as_array().unwrap().iter().zip(schema.fields());
        let mut values: Vec<Value> =
            cells.map(|(cell, field)| record::read_cell(cell, &field.ty)).collect::<Result<_>>()?;
        // A row of the wrong length must be seen as such.
        values.resize(row.as_array().unwrap().len(), Value::Null);
        Ok(values)
    });
    let mut rows = cells.collect::<Result<Vec<Vec<Value>>>>()?;
    if layout.reversed {
        rows.reverse();
    }
    let whole = record::batch_from_values(&schema, &rows)?;
    let starts = (0..whole.num_rows()).step_by(layout.batch);
    let slice = |start| whole.slice(start, layout.batch.min(whole.num_rows() - start));
    let snapshot = Snapshot::new(whole.schema(), starts.map(slice).collect())?;
    Ok(match side.get("coverage") {
        Some(coverage) => snapshot.with_coverage(Coverage::from_json(coverage)?),
        None => snapshot,
    })
}

impl Got {
    fn check(&self, want: &Json) -> Result<(), String> {
        let report = &self.report;
        same("counts", &want["counts"], &counts(report))?;
        same("renamed", want.get("renamed").unwrap_or(&json!(0)), &json!(report.counts().renamed))?;
        same("counts_by_field", &want["counts_by_field"], &json!(report.counts_by_field()))?;
        same("rules_digest", &want["rules_digest"], &json!(report.rules_digest()))?;
        self.check_findings(&want["findings"])?;
        same("digest", &want["digest"], &json!(hex(&report.digest().unwrap())))?;
        let [expected, actual] = &self.roots;
        same("expected_root", &want["expected_root"], &json!(expected))?;
        same("actual_root", &want["actual_root"], &json!(actual))
    }

    /// The digest covers every part of a change; its side and operation are named for whoever reads.
    fn check_plan(&self, want: &Json) -> Result<(), String> {
        let plan = Planner::new().plan(&self.report).map_err(|error| error.to_string())?;
        let got: Vec<Json> = plan.to_json()["changes"].as_array().unwrap().clone();
        let wanted = want["changes"].as_array().unwrap();
        same("number of changes", &json!(wanted.len()), &json!(got.len()))?;
        for (place, (wanted, got)) in wanted.iter().zip(&got).enumerate() {
            for member in ["target", "op", "wave"] {
                same(&format!("{member} of change {place}"), &wanted[member], &got[member])?;
            }
        }
        same("digest of the plan", &want["digest"], &json!(hex(&plan.digest())))
    }

    fn check_findings(&self, want: &Json) -> Result<(), String> {
        let table = self.report.findings_table().map_err(|error| error.to_string())?;
        let states: Map<String, Json> = self
            .report
            .states()
            .map_err(|error| error.to_string())?
            .iter()
            .map(|(id, state)| (id.to_string(), json!(hex(state))))
            .collect();
        let want = want.as_array().unwrap();
        same("number of findings", &json!(want.len()), &json!(table.num_rows()))?;
        for (row, wanted) in want.iter().enumerate() {
            for (column, member) in [
                ("finding_id", "id"),
                ("kind", "kind"),
                ("field", "field"),
                ("expected", "expected"),
                ("actual", "actual"),
                ("cause", "cause"),
            ] {
                let wanted = wanted.get(member).unwrap_or(&Json::Null);
                same(&format!("{member} of finding {row}"), wanted, &text(&table, column, row))?;
            }
            self.check_key(&table, row, &wanted["key"])?;
            let id = text(&table, "finding_id", row);
            same(
                &format!("state of finding {row}"),
                &wanted["state"],
                &states[id.as_str().unwrap()],
            )?;
        }
        Ok(())
    }

    fn check_key(&self, table: &RecordBatch, row: usize, want: &Json) -> Result<(), String> {
        for (place, name) in self.report.key().iter().enumerate() {
            let column = Column::new(table.column(2 + place)).unwrap();
            let got = column.value(row);
            let ty = LogicalType::from_arrow(column.array().data_type()).unwrap();
            let wanted = &want[name];
            // Both sides' types may differ: then the key is shown as text.
            let by_value = record::read_cell(wanted, &ty).is_ok_and(|wanted| wanted == got);
            let by_text = ty == LogicalType::Text && format!("{wanted}") == format!("{got}");
            if !by_value && !by_text {
                return Err(format!("key `{name}` of finding {row}: {got} instead of {wanted}"));
            }
        }
        Ok(())
    }
}

fn counts(report: &Report) -> Json {
    Json::Object(
        report
            .counts()
            .named()
            .map(|(name, count)| (name.to_owned(), json!(count)))
            .into_iter()
            .collect(),
    )
}

fn text(table: &RecordBatch, column: &str, row: usize) -> Json {
    // A key column may have the same name with a prefix, never this one.
    let Some(column) = table.column_by_name(column) else { return Json::Null };
    let column = column.as_string::<i32>();
    if column.is_null(row) { Json::Null } else { json!(column.value(row)) }
}

fn same(what: &str, want: &Json, got: &Json) -> Result<(), String> {
    if want == got { Ok(()) } else { Err(format!("{what}: {got} instead of {want}")) }
}
