//! One finding in words.

use std::fmt;

use arrow_array::{Array, RecordBatch};
use serde_json::Value as Json;
use trueup_connector::{Column, Error, Kind, Result};

use super::super::finding::{Cause, FindingId, FindingKind};
use super::super::rules::Side;
use super::Report;
use super::facts::Facts;
use super::remedy::remedy;

/// Fields and their values as shown; `None` is null.
type Cells = Vec<(String, Option<String>)>;

/// What a finding says, by which rule, and what would make both sides agree; from
/// [`Report::explain`]. Shown, it is a few lines of text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// Which finding it is.
    pub id: FindingId,
    /// What kind of disagreement.
    pub kind: FindingKind,
    /// Which side changed, after a three-way comparison.
    pub cause: Option<Cause>,
    /// The key fields and their values as shown; `None` is null.
    pub key: Cells,
    /// The field that differs, if it is about one.
    pub field: Option<String>,
    /// The field's rule in words, if it is about one.
    pub rule: Option<String>,
    /// What the expected side says.
    pub expected: Option<String>,
    /// What the actual side says.
    pub actual: Option<String>,
    /// What the expected value was compared as, where the rule changed it.
    pub expected_as: Option<String>,
    /// What the actual value was compared as, where the rule changed it.
    pub actual_as: Option<String>,
    /// The rows of a finding about several: side, and each field's value as shown.
    pub rows: Vec<(Side, Cells)>,
    /// What would make both sides agree.
    pub remedy: String,
}

impl Report {
    /// Says one finding in words: the rule, the two values, the cause, the rows it is about, and
    /// what would make both sides agree.
    ///
    /// # Errors
    /// `not_found` for an id that is none of the report's.
    ///
    /// ```
    /// # use trueup::*;
    /// # use std::num::NonZero;
    /// # let rows = |json: &str| Snapshot::from_json(&serde_json::from_str::<Vec<_>>(json).unwrap());
    /// let wish = rows(r#"[{"id": 7, "os": "14.2"}]"#)?;
    /// let state = rows(r#"[{"id": 7, "os": "13.9"}]"#)?;
    /// let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
    /// let report = Reconciliation::new("fleet").with_key(["id"]).compare(&run, &wish, &state)?;
    /// let (id, _) = report.states()?[0];
    /// let why = report.explain(id)?;
    /// assert_eq!(why.rule.as_deref(), Some("exact"));
    /// assert_eq!(why.remedy, "set `os` to `14.2` on the actual side");
    /// println!("{why}");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn explain(&self, id: FindingId) -> Result<Explanation> {
        let place = self.find(id)?;
        let row = self.findings_between(place, place + 1)?;
        let facts = self.facts();
        let said = Said::of(&row)?;
        let members = self.members_json(place)?.unwrap_or(Json::Null);
        let compared = self.compared_json(place)?.unwrap_or(Json::Null);
        let text = |side: Side| Some(compared.get(side.name())?.as_str()?.to_owned());
        let kind: FindingKind = said.kind.parse()?;
        let rule = said.field.as_deref().and_then(|field| facts.rule(field)).map(str::to_owned);
        let names = self.key().iter().cloned();
        let mut explanation = Explanation {
            id,
            kind,
            cause: said.cause.as_deref().and_then(cause),
            key: names.zip(said.key).collect(),
            rule,
            field: said.field,
            expected: said.expected,
            actual: said.actual,
            expected_as: text(Side::Expected),
            actual_as: text(Side::Actual),
            rows: rows(&members, &facts),
            remedy: String::new(),
        };
        explanation.remedy = remedy(self, &explanation);
        Ok(explanation)
    }
}

/// The cells of one row of the table of findings.
struct Said {
    kind: String,
    key: Vec<Option<String>>,
    field: Option<String>,
    expected: Option<String>,
    actual: Option<String>,
    cause: Option<String>,
}

impl Said {
    fn of(row: &RecordBatch) -> Result<Self> {
        let cells = row.columns().iter().map(|column| Ok(shown(&Column::new(column)?, 0)));
        let cells = cells.collect::<Result<Vec<_>>>()?;
        let schema = row.schema();
        // Key columns stand between `kind` and `field`, none has one of these names.
        let cell = |name: &str| cells.get(schema.index_of(name).ok()?)?.clone();
        let end = schema.index_of("field").unwrap_or(2);
        let kind = cell("kind").ok_or_else(|| Error::new(Kind::Data, "a finding has no kind"))?;
        Ok(Self {
            kind,
            key: cells.get(2..end).unwrap_or_default().to_vec(),
            field: cell("field"),
            expected: cell("expected"),
            actual: cell("actual"),
            cause: cell("cause"),
        })
    }
}

/// A cell's text form; nothing for null.
pub(super) fn shown(column: &Column, row: usize) -> Option<String> {
    if row >= column.len() || column.array().is_null(row) {
        return None;
    }
    let value = column.value(row);
    (!value.is_null()).then(|| value.to_string())
}

fn cause(name: &str) -> Option<Cause> {
    Cause::ALL.into_iter().find(|cause| cause.name() == name)
}

/// The members of a finding about several rows, as text.
fn rows(members: &Json, facts: &Facts) -> Vec<(Side, Cells)> {
    let side = |side: Side| {
        let rows = members.get(side.name()).and_then(Json::as_array).into_iter().flatten();
        rows.map(move |row| {
            (side, facts.members.iter().map(|f| (f.name.clone(), text(row.get(&f.name)))).collect())
        })
    };
    Side::BOTH.into_iter().flat_map(side).collect()
}

fn text(json: Option<&Json>) -> Option<String> {
    let value = trueup_connector::Value::from_json(json?).ok()?;
    (!value.is_null()).then(|| value.to_string())
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.kind, self.id)?;
        line(f, "key", &pairs(&self.key))?;
        if let Some(field) = &self.field {
            line(f, "field", field)?;
            line(f, "rule", self.rule.as_deref().unwrap_or("exact"))?;
        }
        if self.field.is_some() {
            value(f, "expected", self.expected.as_deref(), self.expected_as.as_deref())?;
            value(f, "actual", self.actual.as_deref(), self.actual_as.as_deref())?;
        }
        for (side, row) in &self.rows {
            line(f, side.name(), &pairs(row))?;
        }
        if let Some(cause) = self.cause {
            line(f, "cause", cause_in_words(cause))?;
        }
        write!(f, "  {:<10}{}", "to agree", self.remedy)
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    writeln!(f, "  {name:<10}{text}")
}

fn value(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    value: Option<&str>,
    compared: Option<&str>,
) -> fmt::Result {
    let value = value.unwrap_or("null");
    match compared {
        Some(compared) => line(f, name, &format!("{value} (compared as {compared})")),
        None => line(f, name, value),
    }
}

fn pairs(pairs: &[(String, Option<String>)]) -> String {
    let pairs = pairs
        .iter()
        .map(|(name, value)| format!("{name} = {}", value.as_deref().unwrap_or("null")));
    pairs.collect::<Vec<_>>().join(", ")
}

fn cause_in_words(cause: Cause) -> &'static str {
    match cause {
        Cause::ExpectedChanged => "the expected side changed since both last agreed",
        Cause::ActualChanged => "the actual side changed since both last agreed",
        Cause::Both => "both sides changed since they last agreed",
        Cause::Unknown => "not known: the base does not tell",
    }
}
