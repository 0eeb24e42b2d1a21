//! The rows of findings that are about several.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use serde_json::{Map, Value as Json, json};
use trueup_connector::record::{column_from_values, read_cell};
use trueup_connector::{Error, Kind, LogicalType, Result, Value};

use super::super::finding::{FindingId, Found};
use super::super::order;
use super::super::rules::{FieldRule, Side};
use super::super::table::Row;
use super::Report;
use super::facts::MemberField;
use super::live::Live;
use super::render::{SECRET, common};

/// Names of columns that a field of a row cannot have.
const RESERVED: [&str; 3] = ["finding_id", "side", "occurrence"];

impl Report {
    /// The rows of a `duplicate` or `ambiguous` finding as a table: `finding_id`, `side`,
    /// `occurrence` (counting from 0 on each side), then the key and compared fields.
    ///
    /// Rows of a side stand in the order of their values. A field with one of the first three names
    /// is called `row.<name>`; secret values are masked.
    ///
    /// # Errors
    /// `not_found` for an id that is none of the report's, `invalid` for a finding of another kind.
    ///
    /// ```
    /// # use trueup::*;
    /// # use std::num::NonZero;
    /// # let rows = |json: &str| Snapshot::from_json(&serde_json::from_str::<Vec<_>>(json).unwrap());
    /// let book = rows(r#"[{"id": 1, "amount": 5}, {"id": 1, "amount": 7}]"#)?;
    /// let bank = rows(r#"[{"id": 1, "amount": 6}]"#)?;
    /// let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
    /// let report = Reconciliation::new("ledger").with_key(["id"]).compare(&run, &book, &bank)?;
    /// let (id, _) = report.states()?[0];
    /// assert_eq!(report.members(id)?.num_rows(), 3);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn members(&self, id: FindingId) -> Result<RecordBatch> {
        let row = self.find(id)?;
        let Some(members) = self.members_json(row)? else {
            let message = format!("the finding `{id}` is not about several rows");
            return Err(Error::new(Kind::Invalid, message));
        };
        table(id, &members, &self.facts().members)
    }
}

/// The fields of a row, and the type that holds both sides' values.
pub(super) fn fields(live: &Live) -> Vec<MemberField> {
    let fields = live.fields.key.iter().chain(&live.fields.compared);
    fields.map(|field| MemberField { name: field.name.clone(), ty: ty(live, field) }).collect()
}

fn ty(live: &Live, field: &FieldRule) -> LogicalType {
    let [expected, actual] = [(&live.expected, field.expected), (&live.actual, field.actual)]
        .map(|(table, place)| table.snapshot.schema().fields().get(place).map(|f| &f.ty));
    match (expected, actual) {
        (Some(expected), Some(actual)) if !field.secret => common(expected, actual),
        _ => LogicalType::Text,
    }
}

impl Live {
    /// The rows of a finding about several, as JSON.
    pub(super) fn members(&self, found: &Found) -> Option<Json> {
        let group = self.group(found)?;
        let fields: Vec<_> = self.fields.key.iter().chain(&self.fields.compared).collect();
        let types: Vec<_> = fields.iter().map(|field| ty(self, field)).collect();
        let rows = |side: Side, rows: &[Row]| -> Json {
            let table = self.sides().table(side);
            let mut rows = rows.to_vec();
            rows.sort_by(|a, b| order::by_all(table, *a, *b));
            rows.iter().map(|row| self.row_json(side, *row, &fields, &types)).collect()
        };
        let expected = rows(Side::Expected, &group.expected);
        Some(json!({"expected": expected, "actual": rows(Side::Actual, &group.actual)}))
    }

    fn row_json(&self, side: Side, row: Row, fields: &[&FieldRule], types: &[LogicalType]) -> Json {
        let members = fields.iter().zip(types).map(|(field, ty)| {
            let json = match self.raw(field, side, row) {
                _ if field.secret => SECRET.into(),
                Value::Null => Json::Null,
                value if *ty == LogicalType::Text => value.to_string().into(),
                value => value.to_json(),
            };
            (field.name.clone(), json)
        });
        Json::Object(members.collect::<Map<_, _>>())
    }
}

fn table(id: FindingId, members: &Json, fields: &[MemberField]) -> Result<RecordBatch> {
    let rows: Vec<(Side, u64, &Json)> =
        Side::BOTH.into_iter().flat_map(|side| numbered(members, side)).collect();
    let ids = StringArray::from_iter_values(rows.iter().map(|_| id.to_string()));
    let sides = StringArray::from_iter_values(rows.iter().map(|(side, ..)| side.name()));
    let occurrences = UInt64Array::from_iter_values(rows.iter().map(|(_, n, _)| *n));
    let mut columns: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(sides), Arc::new(occurrences)];
    let mut schema = vec![
        Field::new("finding_id", DataType::Utf8, false),
        Field::new("side", DataType::Utf8, false),
        Field::new("occurrence", DataType::UInt64, false),
    ];
    for MemberField { name, ty } in fields {
        let cells =
            rows.iter().map(|(.., row)| read_cell(row.get(name).unwrap_or(&Json::Null), ty));
        let cells =
            cells.collect::<Result<Vec<Value>>>().map_err(|error| error.with("field", name))?;
        let column = column_from_values(ty, &cells.iter().collect::<Vec<_>>())?;
        let reserved = RESERVED.contains(&name.as_str());
        let name = if reserved { format!("row.{name}") } else { name.clone() };
        schema.push(Field::new(name, column.data_type().clone(), true));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(schema)), columns)
        .map_err(|cause| Error::new(Kind::Internal, format!("the rows make no table: {cause}")))
}

fn numbered(members: &Json, side: Side) -> impl Iterator<Item = (Side, u64, &Json)> {
    let rows = members.get(side.name()).and_then(Json::as_array).into_iter().flatten();
    rows.zip(0..).map(move |(row, n)| (side, n, row))
}
