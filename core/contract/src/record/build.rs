//! Arrow columns from single values.

use std::sync::Arc;

use arrow_array::types::{TimestampMicrosecondType, TimestampNanosecondType};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array,
    Float64Array, Int64Array, ListArray, NullArray, PrimitiveArray, RecordBatch,
    RecordBatchOptions, StringArray, StructArray, UInt64Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, i256};
use arrow_schema::{Field as ArrowField, Fields, Schema as ArrowSchema};

use super::{Field, LogicalType, Schema, Value};
use crate::error::{Error, Kind, Result};

/// A batch of these rows; each row has one value a field, in the order of the schema.
///
/// # Errors
/// `data`, naming the value that its field's type cannot hold, or a row of the wrong length.
pub fn batch_from_values(schema: &Schema, rows: &[Vec<Value>]) -> Result<RecordBatch> {
    let width = schema.fields().len();
    if let Some((row, cells)) = rows.iter().enumerate().find(|(_, cells)| cells.len() != width) {
        let message = format!("row {row} has {} values, not {width}", cells.len());
        return Err(Error::new(Kind::Data, message));
    }
    let columns = schema.fields().iter().enumerate().map(|(i, field)| {
        let cells: Vec<&Value> = rows.iter().filter_map(|row| row.get(i)).collect();
        let column = column_from_values(&field.ty, &cells);
        column.map_err(|error| masked(field, error).with("column", &field.name))
    });
    let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
    let arrow = schema.to_arrow();
    let fields =
        arrow.fields().iter().zip(&columns).map(|(field, column)| {
            ArrowField::clone(field).with_data_type(column.data_type().clone())
        });
    let arrow = ArrowSchema::new(fields.collect::<Vec<_>>());
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(arrow), columns, &options)
        .map_err(|error| Error::new(Kind::Internal, error.to_string()))
}

/// The error of a field's value, which is not shown where the field is secret.
pub(super) fn masked(field: &Field, error: Error) -> Error {
    if !field.secret {
        return error;
    }
    let message = format!("`‹secret›` does not fit the type {}", field.ty);
    let row = error.context().find(|(name, _)| *name == "row").map(|(_, row)| row.to_owned());
    let hidden = Error::new(error.kind(), message);
    match row {
        Some(row) => hidden.with("row", row),
        None => hidden,
    }
}

/// A column of this type that holds these values.
///
/// # Errors
/// `data`, naming the value that the type cannot hold.
pub fn column_from_values(ty: &LogicalType, values: &[&Value]) -> Result<ArrayRef> {
    match ty {
        LogicalType::Null => nulls(values),
        LogicalType::Bool => collect::<BooleanArray, _>(values, ty, |value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }),
        LogicalType::Int => ints(values),
        LogicalType::Float => collect::<Float64Array, _>(values, ty, float),
        LogicalType::Decimal(precision, scale) => decimals(values, *precision, *scale),
        LogicalType::Text => collect::<StringArray, _>(values, ty, |value| match value {
            Value::Text(value) => Some(value.as_str()),
            _ => None,
        }),
        LogicalType::Bytes => collect::<BinaryArray, _>(values, ty, |value| match value {
            Value::Bytes(value) => Some(value.as_slice()),
            _ => None,
        }),
        LogicalType::Date => collect::<Date32Array, _>(values, ty, |value| match value {
            Value::Date(days) => i32::try_from(*days).ok(),
            _ => None,
        }),
        LogicalType::Datetime => times(values, ty, None),
        LogicalType::Instant => times(values, ty, Some("UTC")),
        LogicalType::List(item) => lists(values, ty, item),
        LogicalType::Struct(members) => structs(values, ty, members),
    }
}

/// Collects values into an array; `get` gives `None` for a value that the type cannot hold.
fn collect<'a, A, T>(
    values: &[&'a Value],
    ty: &LogicalType,
    get: impl Fn(&'a Value) -> Option<T>,
) -> Result<ArrayRef>
where
    A: Array + FromIterator<Option<T>> + 'static,
{
    let cells = values.iter().enumerate().map(|(row, value)| match value {
        Value::Null => Ok(None),
        value => get(value).map(Some).ok_or_else(|| misfit(value, ty, row)),
    });
    Ok(Arc::new(cells.collect::<Result<A>>()?))
}

fn misfit(value: &Value, ty: &LogicalType, row: usize) -> Error {
    let message = format!("the {} `{value}` does not fit the type {ty}", value.type_name());
    Error::new(Kind::Data, message).with("row", row)
}

fn nulls(values: &[&Value]) -> Result<ArrayRef> {
    match values.iter().enumerate().find(|(_, value)| !value.is_null()) {
        Some((row, value)) => Err(misfit(value, &LogicalType::Null, row)),
        None => Ok(Arc::new(NullArray::new(values.len()))),
    }
}

/// Signed where that fits, else unsigned; a decimal where only that holds both.
fn ints(values: &[&Value]) -> Result<ArrayRef> {
    let any = |fits: fn(i128) -> bool| values.iter().any(|value| whole(value).is_some_and(fits));
    let large = any(|value| value > i128::from(i64::MAX));
    match (large, large && any(|value| value < 0)) {
        (false, _) => collect::<Int64Array, _>(values, &LogicalType::Int, |value| {
            i64::try_from(whole(value)?).ok()
        }),
        (true, false) => collect::<UInt64Array, _>(values, &LogicalType::Int, |value| {
            u64::try_from(whole(value)?).ok()
        }),
        (true, true) => decimals(values, 20, 0),
    }
}

fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Int(value) => Some(*value),
        _ => value.number()?.to_unscaled(0)?.to_i128(),
    }
}

/// A float, or another number that a float holds exactly.
fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(value) => Some(*value),
        _ => {
            let exact = value.number()?;
            let nearest: f64 = exact.to_string().parse().ok()?;
            (super::Number::from(nearest) == exact).then_some(nearest)
        }
    }
}

fn decimals(values: &[&Value], precision: u8, scale: i8) -> Result<ArrayRef> {
    let ty = LogicalType::Decimal(precision, scale);
    let limit = i256::from_i128(10).checked_pow(precision.into());
    let unscaled = |value: &Value| {
        let unscaled = value.number()?.to_unscaled(scale)?;
        limit.is_none_or(|limit| unscaled.wrapping_abs() < limit).then_some(unscaled)
    };
    let array = collect::<Decimal256Array, _>(values, &ty, unscaled)?;
    narrow(&array, precision, scale)
}

/// As 128 bits where the precision allows.
fn narrow(array: &ArrayRef, precision: u8, scale: i8) -> Result<ArrayRef> {
    use arrow_array::cast::AsArray;
    let wide = array.as_primitive::<arrow_array::types::Decimal256Type>();
    let internal = |error: arrow_schema::ArrowError| Error::new(Kind::Internal, error.to_string());
    if precision > 38 {
        let wide = wide.clone().with_precision_and_scale(precision, scale).map_err(internal)?;
        return Ok(Arc::new(wide));
    }
    let narrow: Decimal128Array = wide.iter().map(|v| v.and_then(i256::to_i128)).collect();
    Ok(Arc::new(narrow.with_precision_and_scale(precision, scale).map_err(internal)?))
}

/// In nanoseconds where all fit, else in microseconds.
fn times(values: &[&Value], ty: &LogicalType, zone: Option<&str>) -> Result<ArrayRef> {
    let counts = values.iter().enumerate().map(|(row, value)| match value {
        Value::Null => Ok(None),
        Value::Datetime(n) if zone.is_none() => Ok(Some(*n)),
        Value::Instant(n) if zone.is_some() => Ok(Some(*n)),
        value => Err(misfit(value, ty, row)),
    });
    let counts = counts.collect::<Result<Vec<Option<i128>>>>()?;
    let zone = zone.map(Arc::from);
    if let Some(nanos) = scaled(&counts, 1) {
        let array = PrimitiveArray::<TimestampNanosecondType>::from(nanos);
        return Ok(Arc::new(array.with_timezone_opt(zone)));
    }
    let micros = scaled(&counts, 1000).ok_or_else(|| {
        let message = format!("this {ty} column mixes nanoseconds with years outside 1677 to 2262");
        Error::new(Kind::Data, message)
    })?;
    Ok(Arc::new(PrimitiveArray::<TimestampMicrosecondType>::from(micros).with_timezone_opt(zone)))
}

fn scaled(counts: &[Option<i128>], unit: i128) -> Option<Vec<Option<i64>>> {
    let one = |count: i128| (count % unit == 0).then(|| i64::try_from(count / unit).ok())?;
    counts.iter().map(|count| count.map_or(Some(None), |count| one(count).map(Some))).collect()
}

fn lists(values: &[&Value], ty: &LogicalType, item: &LogicalType) -> Result<ArrayRef> {
    let mut items = Vec::new();
    let mut lengths = Vec::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        match value {
            Value::Null => lengths.push(0),
            Value::List(list) => {
                lengths.push(list.len());
                items.extend(list.iter());
            }
            value => return Err(misfit(value, ty, row)),
        }
    }
    let items = column_from_values(item, &items)?;
    let field = Arc::new(ArrowField::new("item", items.data_type().clone(), true));
    let offsets = OffsetBuffer::<i32>::from_lengths(lengths);
    Ok(Arc::new(ListArray::new(field, offsets, items, validity(values))))
}

fn structs(
    values: &[&Value],
    ty: &LogicalType,
    members: &[(String, LogicalType)],
) -> Result<ArrayRef> {
    for (row, value) in values.iter().enumerate() {
        let known = |name: &String| members.iter().any(|(member, _)| member == name);
        match value {
            Value::Null => {}
            Value::Struct(cells) if cells.iter().all(|(name, _)| known(name)) => {}
            value => return Err(misfit(value, ty, row)),
        }
    }
    let columns = members.iter().map(|(name, member)| {
        let cells: Vec<&Value> = values.iter().map(|value| member_of(value, name)).collect();
        column_from_values(member, &cells)
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let fields = members
        .iter()
        .zip(&columns)
        .map(|((name, _), column)| ArrowField::new(name, column.data_type().clone(), true));
    let (fields, nulls): (Fields, _) = (fields.collect(), validity(values));
    let array = StructArray::try_new_with_length(fields, columns, nulls, values.len());
    Ok(Arc::new(array.map_err(|error| Error::new(Kind::Internal, error.to_string()))?))
}

fn member_of<'a>(value: &'a Value, name: &str) -> &'a Value {
    let Value::Struct(cells) = value else { return &Value::Null };
    cells.iter().find(|(member, _)| member == name).map_or(&Value::Null, |(_, cell)| cell)
}

fn validity(values: &[&Value]) -> Option<NullBuffer> {
    let valid: Vec<bool> = values.iter().map(|value| !value.is_null()).collect();
    valid.contains(&false).then(|| NullBuffer::from(valid))
}
