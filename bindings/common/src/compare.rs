//! Comparing as hosts ask for it: sides, runs, the index that takes changes, and reports as data.

use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value as Json, json};
use trueup::{
    Context, Error, Incremental, Kind, Reconciliation, Report, Result, Run, Schema, Side, Snapshot,
    suggest,
};

use crate::flat;
use crate::given::Table;
use trueup::hex;

/// The side that is called so: `expected` or `actual`.
///
/// # Errors
/// `invalid`, with the nearest name.
pub fn side(name: &str) -> Result<Side> {
    Side::BOTH.into_iter().find(|side| side.name() == name).ok_or_else(|| {
        let nearest = suggest(name, Side::BOTH.map(Side::name));
        Error::new(Kind::Invalid, format!("unknown side `{name}`{nearest}"))
    })
}

/// Compares two snapshots, or three with a base, with this many threads or as many as there are.
///
/// # Errors
/// As [`Reconciliation::compare`]; `invalid` for no threads.
pub fn compare(
    document: &Reconciliation,
    context: &Context,
    [expected, actual]: &[Snapshot; 2],
    base: Option<&Snapshot>,
    threads: Option<usize>,
) -> Result<Report> {
    let run = fresh(threads)?.with_context(context.clone());
    match base {
        None => document.compare(&run, expected, actual),
        Some(base) => document.compare_three_way(&run, expected, actual, base),
    }
}

/// Two snapshots side by side, with an index that takes changes; clones share it.
#[derive(Clone)]
pub struct Index {
    held: Arc<Mutex<Incremental>>,
    schemas: Arc<[Schema; 2]>,
}

impl Index {
    /// Compares, and keeps the index.
    ///
    /// # Errors
    /// As [`Incremental::new`]; `invalid` for no threads.
    pub fn new(
        document: Reconciliation,
        sides: &[Snapshot; 2],
        threads: Option<usize>,
    ) -> Result<Self> {
        let [expected, actual] = sides;
        // The index lives on, so it must not keep the context of the call that made it.
        let held = Incremental::new(document, &fresh(threads)?, expected, actual)?;
        let schemas = sides.each_ref().map(|side| side.schema().clone());
        Ok(Self { held: Arc::new(Mutex::new(held)), schemas: Arc::new(schemas) })
    }

    /// The fields of a side.
    pub fn schema(&self, side: Side) -> &Schema {
        let [expected, actual] = self.schemas.as_ref();
        match side {
            Side::Expected => expected,
            Side::Actual => actual,
        }
    }

    /// Works on the index, one call after the other.
    ///
    /// # Errors
    /// Those of the work; `cancelled` where it was given up before its turn.
    pub fn with<T>(
        &self,
        context: &Context,
        work: impl FnOnce(&mut Incremental) -> Result<T>,
    ) -> Result<T> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        context.check()?;
        work(&mut held)
    }
}

/// Everything about a report that is known without computing more.
pub fn facts(report: &Report) -> Json {
    json!({
        "name": report.name(),
        "tenant": report.tenant(),
        "resource": report.resource(),
        "key": report.key(),
        "counts": flat::counts(report.counts()),
        "counts_by_field": report.counts_by_field(),
        "converged": report.converged(),
        "rules_digest": report.rules_digest(),
        "findings": report.len(),
        "text": report.counts().to_string(),
    })
}

/// Every finding's id and the digest of its state.
///
/// # Errors
/// As [`Report::states`].
pub fn states(report: &Report) -> Result<Json> {
    let states = report.states()?;
    let pairs = states.iter().map(|(id, state)| (id.to_string(), json!(hex(state))));
    Ok(Json::Object(pairs.collect()))
}

/// The findings: in one piece, unless a column would be too large for that.
///
/// # Errors
/// As [`Report::findings_table`].
pub fn findings(report: &Report) -> Result<Table> {
    match report.findings_table() {
        Ok(table) => Ok(table.into()),
        Err(error) if error.kind() == Kind::Limit => {
            let batches = report.findings().collect::<Result<Vec<_>>>()?;
            Ok(Table { schema: report.findings_schema(), batches })
        }
        Err(error) => Err(error),
    }
}

/// The expected side's rows of the keys that matched.
///
/// # Errors
/// As [`Report::matched`].
pub fn matched(report: &Report) -> Result<Table> {
    let batches = report.matched()?.collect::<Result<Vec<_>>>()?;
    let schema = batches.first().map(|batch| batch.schema());
    // Nothing matched: then a table without columns says so.
    let schema = schema.unwrap_or_else(|| Arc::new(arrow_schema::Schema::empty()));
    Ok(Table { schema, batches })
}

/// Where both sides of a report come from.
///
/// # Errors
/// As [`flat::input`].
pub fn inputs(report: &Report) -> Result<Json> {
    let inputs = report.inputs()?;
    let [expected, actual] = [flat::input(&inputs.expected)?, flat::input(&inputs.actual)?];
    Ok(json!({"expected": expected, "actual": actual}))
}

/// How findings went from one report to the next, without the findings.
pub fn drift(drift: &trueup::Drift) -> Json {
    json!({
        "counts": flat::drift_counts(&drift.counts()),
        "rules_changed": drift.rules_changed(),
        "coverage_changed": drift.coverage_changed(),
        "is_empty": drift.is_empty(),
        "text": drift.to_string(),
    })
}

fn fresh(threads: Option<usize>) -> Result<Run> {
    let run = Run::fresh()?;
    match threads.map(NonZero::new) {
        None => Ok(run),
        Some(Some(threads)) => Ok(run.with_threads(threads)),
        Some(None) => Err(Error::new(Kind::Invalid, "`threads` must be at least 1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides() -> [Snapshot; 2] {
        [json!([{"id": 1, "os": "14"}]), json!([{"id": 1, "os": "13"}, {"id": 2, "os": "13"}])].map(
            |rows| Snapshot::from_json(&serde_json::from_value::<Vec<_>>(rows).unwrap()).unwrap(),
        )
    }

    #[test]
    fn the_index_says_what_comparing_says() {
        let document = Reconciliation::new("fleet").with_key(["id"]);
        let index = Index::new(document.clone(), &sides(), Some(1)).unwrap();
        let report = index.with(&Context::new(), |index| index.report()).unwrap();
        let whole = compare(&document, &Context::new(), &sides(), None, None).unwrap();
        assert_eq!(report.digest().unwrap(), whole.digest().unwrap());
        assert_eq!(
            (facts(&whole)["findings"].clone(), findings(&whole).unwrap().rows()),
            (json!(2), 2)
        );
        assert_eq!(states(&whole).unwrap().as_object().unwrap().len(), 2);
        assert_eq!(matched(&whole).unwrap().rows(), 0);
        assert_eq!(inputs(&whole).unwrap()["actual"]["rows"], 2);
        assert_eq!(index.schema(Side::Actual).names().count(), 2);
        let error = compare(&document, &Context::new(), &sides(), None, Some(0)).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
        assert_eq!(
            side("actul").unwrap_err().message(),
            "unknown side `actul`; did you mean `actual`?"
        );
    }
}
