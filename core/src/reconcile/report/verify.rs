//! Whether the parts of a saved report go together.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::{Array, FixedSizeBinaryArray, RecordBatch, StringArray};
use arrow_schema::DataType;
use trueup_connector::{Column, Error, Hash, Kind, Result, hex};

use super::super::finding::{FindingId, FindingKind};
use super::super::rules::canonical_json;
use super::digest::Framed;
use super::facts::Facts;
use super::stored::Stored;
use super::table_file::EXTRA;
use super::{Head, Report, Source};

/// The report of what a file holds.
///
/// # Errors
/// `data` where findings, counts, rules and digest do not go together.
pub(super) fn stored(head: Head, facts: Facts, full: &RecordBatch, digest: &str) -> Result<Report> {
    let findings = full.num_columns().saturating_sub(EXTRA.len());
    let table =
        full.project(&(0..findings).collect::<Vec<_>>()).map_err(|e| data(e.to_string()))?;
    check_columns(&head, &table)?;
    let extra = |place: usize| full.columns().get(findings + place);
    let states = extra(0).and_then(|column| column.as_fixed_size_binary_opt());
    let states = states.filter(|states| states.value_length() == 32 && states.null_count() == 0);
    let states = states.ok_or_else(|| data("the column `state` is not 32 bytes a finding"))?;
    let marks = marks(text(&table, "finding_id")?, states)?;
    let json = |place: usize| {
        let column = extra(place).and_then(|column| column.as_string_opt().cloned());
        column.ok_or_else(|| data("a column of JSON text is not there"))
    };
    let (members, compared) = (json(1)?, json(2)?);
    check_rules(&head)?;
    check_counts(&head, &table)?;
    let stored = Stored { table, marks, members, compared, facts };
    let report = Report::new(Source::Stored(Box::new(stored)), head);
    if hex(&report.digest()?) != digest {
        return Err(data("the findings do not have the digest that was saved with them"));
    }
    Ok(report)
}

fn check_columns(head: &Head, table: &RecordBatch) -> Result<()> {
    let last: &[&str] = if head.three_way {
        &["field", "expected", "actual", "cause"]
    } else {
        &["field", "expected", "actual"]
    };
    let key = head.key.iter().map(|name| super::render::key_name(name));
    let names = ["finding_id", "kind"].map(String::from).into_iter().chain(key);
    let names: Vec<String> = names.chain(last.iter().map(|name| (*name).to_owned())).collect();
    let schema = table.schema();
    if schema.fields().iter().map(|field| field.name()).ne(&names) {
        return Err(data(format!("the columns are not `{}`", names.join("`, `"))));
    }
    let text = ["finding_id", "kind"].iter().chain(last);
    text.copied().try_for_each(|name| self::text(table, name).map(drop))
}

fn text<'a>(table: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    let column = table.column_by_name(name).filter(|column| *column.data_type() == DataType::Utf8);
    let column = column.and_then(|column| column.as_string_opt());
    column.ok_or_else(|| data(format!("there is no text column `{name}`")))
}

fn marks(ids: &StringArray, states: &FixedSizeBinaryArray) -> Result<Vec<(FindingId, Hash)>> {
    let marks = ids.iter().zip(states.iter()).map(|(id, state)| {
        let id: FindingId =
            id.unwrap_or_default().parse().map_err(|_| data("a finding has no id"))?;
        let state = state.and_then(|state| Hash::try_from(state).ok());
        Ok((id, state.ok_or_else(|| data("a finding has no state"))?))
    });
    marks.collect()
}

fn check_rules(head: &Head) -> Result<()> {
    let digest = Framed::new("trueup/rules/1").part(&canonical_json(&head.rules)).finish();
    match hex(&digest) == head.rules_digest {
        true => Ok(()),
        false => Err(data("the rules do not have the digest that was saved with them")),
    }
}

/// Counts keys and cells again from the rows.
fn check_counts(head: &Head, table: &RecordBatch) -> Result<()> {
    let (kinds, fields) = (text(table, "kind")?, text(table, "field")?);
    let key = table.columns().get(2..2 + head.key.len()).unwrap_or_default();
    let key = key.iter().map(Column::new).collect::<Result<Vec<_>>>()?;
    let same_key = |a: usize, b: usize| key.iter().all(|column| column.cell(a) == column.cell(b));
    let mut keys: BTreeMap<FindingKind, u64> = BTreeMap::new();
    let mut cells: BTreeMap<String, u64> = BTreeMap::new();
    for row in 0..table.num_rows() {
        let kind: FindingKind =
            kinds.value(row).parse().map_err(|_| data("a finding has no known kind"))?;
        // One key's fields stand one after the other.
        let more = fields.is_valid(row)
            && row > 0
            && kinds.value(row - 1) == kind.name()
            && same_key(row - 1, row);
        *keys.entry(kind).or_default() += u64::from(!more);
        if fields.is_valid(row) {
            *cells.entry(fields.value(row).to_owned()).or_default() += 1;
        }
    }
    let named = head.counts.named();
    for kind in FindingKind::ALL {
        let stated =
            named.iter().find(|(name, _)| *name == kind.name()).map_or(0, |(_, count)| *count);
        let counted = keys.get(&kind).copied().unwrap_or_default();
        if stated != counted {
            return Err(data(format!(
                "the report counts {stated} {kind}, and has findings of {counted}"
            )));
        }
    }
    match cells == head.counts_by_field {
        true => Ok(()),
        false => Err(data("the counts by field are not those of the findings")),
    }
}

fn data(message: impl Into<String>) -> Error {
    Error::new(Kind::Data, message)
}
