//! What a misdeed makes of a page.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow_schema::{ArrowError, DataType, Field as ArrowField, Schema as ArrowSchema};
use arrow_select::concat::concat_batches;
use trueup_connector::{
    Coverage, Error, Kind, Page, Predicate, ReadRequest, Removed, Resource, Result, Role, Schema,
    Value,
};

use super::Misdeed;

/// The field of an answer to another question.
const FIELD: &str = "hostile";

/// Another field for each resource.
pub(super) fn with_field(resource: Resource) -> Result<Resource> {
    let extra = trueup_connector::Field::new(FIELD, trueup_connector::LogicalType::Int);
    let fields = resource.schema.fields().iter().cloned().chain([extra]);
    Ok(Resource::new(resource.name, Schema::new(fields)?))
}

/// The page as the misdeed gives it.
pub(super) fn spoil(misdeed: Misdeed, request: &ReadRequest, mut page: Page) -> Result<Page> {
    let later = request.cursor.is_some();
    page.records = records(misdeed, later, page.records).map_err(unfit)?;
    match misdeed {
        Misdeed::RepeatsCursor if later => page.next.clone_from(&request.cursor),
        Misdeed::Truncates if later => {
            page.records = page.records.slice(0, 0);
            page.next = None;
        }
        Misdeed::RemovesInWhole if request.since.is_none() => {
            page.removed = vec![Removed::Id("hostile".into())];
        }
        Misdeed::HidesRemoved => page.removed.clear(),
        Misdeed::ClaimsComplete => page.coverage = Coverage::Complete,
        Misdeed::ReadsOutside => page.coverage = outside(&page.records)?,
        Misdeed::CoversByMutable => page.coverage = by_mutable(&page.records)?,
        _ => {}
    }
    Ok(page)
}

fn records(misdeed: Misdeed, later: bool, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
    let all: Vec<usize> = (0..batch.num_columns()).collect();
    let rows = batch.num_rows();
    match misdeed {
        Misdeed::DropsColumn if later => batch.project(all.get(1..).unwrap_or(&[])),
        Misdeed::DoublesColumn if later => {
            batch.project(&all.iter().copied().chain([0]).collect::<Vec<_>>())
        }
        Misdeed::ChangesOrder if later => batch.project(&all.into_iter().rev().collect::<Vec<_>>()),
        Misdeed::ChangesType if later => replace(&batch, |i, _| i == 0, |array| other(array)),
        Misdeed::LosesKeys => replace(
            &batch,
            |_, field| field.metadata().values().any(|role| role == "key"),
            |array| new_null_array(array.data_type(), array.len()),
        ),
        Misdeed::LosesRecords => Ok(batch.slice(0, rows.saturating_sub(1))),
        Misdeed::RepeatsRecords => {
            concat_batches(&batch.schema(), [&batch.slice(0, rows.min(1)), &batch])
        }
        _ => Ok(batch),
    }
}

/// The batch with some columns replaced.
fn replace(
    batch: &RecordBatch,
    which: impl Fn(usize, &ArrowField) -> bool,
    with: impl Fn(&ArrayRef) -> ArrayRef,
) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).enumerate();
    let columns = columns.map(|(i, (field, array))| {
        let array = if which(i, field) { with(array) } else { array.clone() };
        let field = ArrowField::new(field.name(), array.data_type().clone(), true)
            .with_metadata(field.metadata().clone());
        (field, array)
    });
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.unzip();
    RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), arrays)
}

/// A column of another type.
fn other(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8 => Arc::new(Int64Array::from(vec![7; array.len()])),
        _ => Arc::new(StringArray::from(vec!["7"; array.len()])),
    }
}

/// A coverage that holds for no record of the batch.
fn outside(batch: &RecordBatch) -> Result<Coverage> {
    let schema = Schema::from_arrow(&batch.schema())?;
    let key = schema.fields().iter().find(|field| field.role == Role::Key);
    let name = key.map(|field| field.name.clone()).unwrap_or_default();
    Ok(Coverage::Within(Predicate::is(name, Value::Null)))
}

fn by_mutable(batch: &RecordBatch) -> Result<Coverage> {
    let schema = Schema::from_arrow(&batch.schema())?;
    let open = schema.fields().iter().find(|field| field.role == Role::Data && !field.immutable);
    let name = open.map(|field| field.name.clone()).unwrap_or_default();
    let null = Predicate::is(name, Value::Null);
    Ok(Coverage::Within(Predicate::Any(vec![null.clone(), null.negated()])))
}

fn unfit(cause: ArrowError) -> Error {
    Error::new(Kind::Internal, format!("the misdeed failed: {cause}"))
}
