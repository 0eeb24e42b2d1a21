//! Rows in: any serde type, or JSON.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;
use serde::Serialize;
use serde_arrow::schema::{SchemaLike, TracingOptions};
use serde_json::{Map, Value as Json};

use super::build::{batch_from_values, masked};
use super::{Field, LogicalType, Number, Schema, Value, time};
use crate::error::{Error, Kind, Result, suggest};

/// A batch of these rows; the columns are those of the type, and theirs the nearest Arrow types.
///
/// # Errors
/// `data` where rows cannot be columns: a row that is no struct or map, members of mixed types.
pub fn batch_from_rows<T: Serialize>(rows: &[T]) -> Result<RecordBatch> {
    let bad = |cause: serde_arrow::Error| {
        Error::new(Kind::Data, "these rows cannot be made into columns")
            .with_source(cause.to_string())
    };
    let options = TracingOptions::default().allow_null_fields(true);
    let fields = Vec::<arrow_schema::FieldRef>::from_samples(rows, options).map_err(bad)?;
    serde_arrow::to_record_batch(&fields, &rows).map_err(bad)
}

/// A batch of JSON objects read by a declared schema.
///
/// A member that is not there is a null. A decimal, date, datetime, instant or bytes cell may be
/// plain text.
///
/// # Errors
/// `data`, naming row, column and value; a member the schema does not have is an error too.
pub fn batch_from_json(schema: &Schema, rows: &[Map<String, Json>]) -> Result<RecordBatch> {
    let rows = rows
        .iter()
        .enumerate()
        .map(|(i, row)| read_row(schema, row).map_err(|error| error.with("row", i)));
    batch_from_values(schema, &rows.collect::<Result<Vec<_>>>()?)
}

/// The schema of JSON objects: columns in the order in which the rows first give them, each of the
/// narrowest type that holds all its values exactly.
///
/// # Errors
/// `data` where the values of one column have no common type, naming column and row.
pub fn infer_json_schema(rows: &[Map<String, Json>]) -> Result<Schema> {
    let mut names: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for name in rows.iter().flat_map(|row| row.keys()) {
        if seen.insert(name) {
            names.push(name);
        }
    }
    let fields = names.into_iter().map(|name| {
        let cells = rows.iter().map(|row| row.get(name).unwrap_or(&Json::Null));
        infer(cells).map(|ty| Field::new(name, ty)).map_err(|error| error.with("column", name))
    });
    Schema::new(fields.collect::<Result<Vec<_>>>()?)
}

/// Reads a JSON cell as a value of this type.
///
/// # Errors
/// `data`, naming the value.
pub fn read_cell(json: &Json, ty: &LogicalType) -> Result<Value> {
    let bad = || Error::new(Kind::Data, format!("`{json}` does not fit the type {ty}"));
    match (json, ty) {
        (Json::Null, _) => Ok(Value::Null),
        (Json::Array(items), LogicalType::List(item)) => {
            items.iter().map(|cell| read_cell(cell, item)).collect::<Result<_>>().map(Value::List)
        }
        (Json::Object(members), LogicalType::Struct(types)) if !is_tagged(members) => {
            read_struct(members, types)
        }
        (Json::Number(number), LogicalType::Float) if number.is_f64() => {
            number.as_f64().map(Value::Float).ok_or_else(bad)
        }
        (Json::String(text), _) => read_text(text, ty).ok_or_else(bad)?,
        (Json::Array(_), _) => Err(bad()),
        _ => Value::from_json(json).map_err(|_| bad()),
    }
}

fn read_row(schema: &Schema, row: &Map<String, Json>) -> Result<Vec<Value>> {
    if let Some(name) = row.keys().find(|name| schema.index(name).is_none()) {
        let message = format!("unknown field `{name}`{}", suggest(name, schema.names()));
        return Err(Error::new(Kind::Data, message));
    }
    let cells = schema.fields().iter().map(|field| {
        let json = row.get(&field.name).unwrap_or(&Json::Null);
        let cell = read_cell(json, &field.ty);
        cell.map_err(|error| masked(field, error).with("column", &field.name))
    });
    cells.collect()
}

/// Text as a value of a type that JSON has no form for; `None` where the type takes no text.
fn read_text(text: &str, ty: &LogicalType) -> Option<Result<Value>> {
    Some(match ty {
        LogicalType::Text | LogicalType::Null => Ok(Value::from(text)),
        LogicalType::Date => time::parse_date(text).map(Value::Date),
        LogicalType::Datetime => time::parse_datetime(text).map(Value::Datetime),
        LogicalType::Instant => time::parse_instant(text).map(Value::Instant),
        LogicalType::Decimal(_, scale) => {
            text.parse().map(|n: Number| Value::Decimal(n, (*scale).into()))
        }
        LogicalType::Bytes => tagged_text("bytes", text),
        LogicalType::Float => tagged_text("float", text),
        _ => return None,
    })
}

fn tagged_text(tag: &str, text: &str) -> Result<Value> {
    Value::from_json(&Json::Object(Map::from_iter([(tag.to_owned(), Json::from(text))])))
}

fn is_tagged(members: &Map<String, Json>) -> bool {
    members.len() == 1 && matches!(members.get("struct"), Some(Json::Object(_)))
}

fn read_struct(members: &Map<String, Json>, types: &[(String, LogicalType)]) -> Result<Value> {
    let members = members.iter().map(|(name, json)| {
        let known = types.iter().find(|(member, _)| member == name);
        let (_, ty) = known.ok_or_else(|| {
            let known = suggest(name, types.iter().map(|(name, _)| name.as_str()));
            Error::new(Kind::Data, format!("unknown member `{name}`{known}"))
        })?;
        Ok((name.clone(), read_cell(json, ty)?))
    });
    members.collect::<Result<_>>().map(Value::Struct)
}

fn infer<'a>(cells: impl Iterator<Item = &'a Json>) -> Result<LogicalType> {
    let mut found = LogicalType::Null;
    for (row, cell) in cells.enumerate() {
        let ty = type_of(cell)?;
        found = widen(found, ty).map_err(|(a, b)| {
            let message = format!("`{cell}` is {b}, but the values before it are {a}");
            Error::new(Kind::Data, message).with("row", row)
        })?;
    }
    Ok(found)
}

fn type_of(json: &Json) -> Result<LogicalType> {
    Ok(match json {
        Json::Null => LogicalType::Null,
        Json::Bool(_) => LogicalType::Bool,
        Json::String(_) => LogicalType::Text,
        Json::Number(_) => match Value::from_json(json)? {
            Value::Int(_) => LogicalType::Int,
            _ => LogicalType::Float,
        },
        Json::Array(items) => LogicalType::List(Box::new(infer(items.iter())?)),
        Json::Object(members) => {
            let members = members.iter().map(|(name, cell)| Ok((name.clone(), type_of(cell)?)));
            LogicalType::Struct(members.collect::<Result<_>>()?)
        }
    })
}

/// The type that holds values of both; whole numbers among floats must be floats exactly, which
/// building the column checks.
fn widen(a: LogicalType, b: LogicalType) -> Result<LogicalType, (LogicalType, LogicalType)> {
    use LogicalType as T;
    Ok(match (a, b) {
        (T::Null, b) => b,
        (a, T::Null) => a,
        (T::Int, T::Float) | (T::Float, T::Int) => T::Float,
        (T::List(a), T::List(b)) => T::List(Box::new(widen(*a, *b)?)),
        (T::Struct(a), T::Struct(b)) => T::Struct(widen_members(a, b)?),
        (a, b) if a == b => a,
        (a, b) => return Err((a, b)),
    })
}

type Members = Vec<(String, LogicalType)>;

fn widen_members(mut a: Members, b: Members) -> Result<Members, (LogicalType, LogicalType)> {
    for (name, ty) in b {
        match a.iter_mut().find(|(member, _)| *member == name) {
            Some((_, known)) => *known = widen(known.clone(), ty)?,
            None => a.push((name, ty)),
        }
    }
    Ok(a)
}
