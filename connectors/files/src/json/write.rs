//! A JSON file with changes: what is not changed stays as it stands, byte for byte.

use std::collections::BTreeMap;
use std::ops::Range;

use trueup_connector::{Error, Kind, LogicalType, Result, Schema, Value};

use super::records::{Form, after_bracket, elements, lines};
use super::token;
use crate::config::Format;
use crate::writing::{Digits, Draft, Edit, text};

/// The text of the file as the draft has its records.
pub(crate) fn rewrite(
    format: Format,
    schema: &Schema,
    old: &[u8],
    draft: &Draft,
    digits: Digits,
) -> Result<Vec<u8>> {
    let columns = &Columns { schema, digits };
    let broken = || Error::new(Kind::Data, "the file changed while it was read; try again");
    let form = Form::of(format);
    let places = match form {
        Form::Lines => lines(old),
        Form::Array => {
            let start = after_bracket(old).ok_or_else(broken)?;
            let body = old.get(start..).unwrap_or_default();
            let found = elements(body, true, true).map_err(|_| broken())?;
            found.into_iter().map(|range| range.start + start..range.end + start).collect()
        }
    };
    let mut records = Vec::with_capacity(places.len());
    for (row, place) in places.iter().enumerate() {
        let text = old.get(place.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let text = text.ok_or_else(broken)?;
        match draft.edit(row) {
            None => records.push(text.to_owned()),
            Some(Edit::Gone) => {}
            Some(Edit::Set(sets)) => records.push(edited(columns, text, sets)?),
        }
    }
    let made = draft.added().map(|record| object(columns, record));
    let made = made.collect::<Result<Vec<_>>>()?;
    Ok(match form {
        Form::Lines => as_lines(old, &places, records, made),
        Form::Array => as_array(old, &places, records, made),
    })
}

/// The columns, and how their decimals stand.
struct Columns<'a> {
    schema: &'a Schema,
    digits: Digits,
}

/// The lines as they stand, blank ones left out where anything is changed.
fn as_lines(
    old: &[u8],
    places: &[Range<usize>],
    records: Vec<String>,
    made: Vec<String>,
) -> Vec<u8> {
    let first = places.first().and_then(|place| old.get(place.clone())).unwrap_or_default();
    let end = if first.ends_with(b"\r") { "\r\n" } else { "\n" };
    let mut new = Vec::new();
    for record in records.iter().chain(&made) {
        new.extend_from_slice(record.trim_end_matches('\r').as_bytes());
        new.extend_from_slice(end.as_bytes());
    }
    new
}

fn as_array(
    old: &[u8],
    places: &[Range<usize>],
    mut records: Vec<String>,
    made: Vec<String>,
) -> Vec<u8> {
    let start = after_bracket(old).unwrap_or_default();
    let end = places.last().map_or_else(|| memchr::memrchr(b']', old), |last| Some(last.end));
    let (head, tail) = (old.get(..start), end.and_then(|end| old.get(end..)));
    // A new record stands as the second does, and what stood after the last stands after it.
    let model = records.get(1).or(records.first()).cloned().unwrap_or_default();
    let before = model.len() - model.trim_start().len();
    let before = model.get(..before).unwrap_or_default().to_owned();
    let after =
        records.last().map_or("", |last| last.get(last.trim_end().len()..).unwrap_or_default());
    let after = after.to_owned();
    let many = made.len();
    for (number, made) in made.into_iter().enumerate() {
        if let Some(last) = records.last_mut() {
            last.truncate(last.trim_end().len());
        }
        let after = if number + 1 == many { after.as_str() } else { "" };
        records.push(format!("{before}{made}{after}"));
    }
    let mut new = head.unwrap_or_default().to_vec();
    new.extend_from_slice(records.join(",").as_bytes());
    new.extend_from_slice(tail.unwrap_or_default());
    new
}

/// A record with some members set.
fn edited(columns: &Columns<'_>, text: &str, sets: &BTreeMap<usize, Value>) -> Result<String> {
    let invalid = |what: String| Error::new(Kind::Data, what);
    let object = text.trim();
    let lead = text.len() - text.trim_start().len();
    let members = token::members(object).map_err(invalid)?.0;
    let mut new = String::with_capacity(text.len());
    let mut at = 0;
    let mut unset = sets.clone();
    for (name, value) in &members {
        let Some(field) = columns.schema.index(name) else { continue };
        let Some(wished) = unset.remove(&field) else { continue };
        // The value is a part of the text.
        let start = lead + (value.as_ptr() as usize).saturating_sub(object.as_ptr() as usize);
        new.push_str(text.get(at..start).unwrap_or_default());
        new.push_str(&json(columns, field, &wished)?);
        at = start + value.len();
    }
    let close = text.rfind('}').unwrap_or(text.len());
    new.push_str(text.get(at..close).unwrap_or_default());
    let mut is_first = members.is_empty();
    for (field, value) in unset.iter().filter(|(_, value)| !value.is_null()) {
        let name = columns.schema.fields().get(*field).map_or("", |field| &field.name);
        let comma = if is_first { "" } else { "," };
        let trimmed = new.trim_end().len();
        let rest = new.split_off(trimmed);
        let name = serde_json::Value::from(name).to_string();
        new.push_str(&format!("{comma}{name}:{}{rest}", json(columns, *field, value)?));
        is_first = false;
    }
    new.push_str(text.get(close..).unwrap_or_default());
    Ok(new)
}

fn object(columns: &Columns<'_>, record: &[Value]) -> Result<String> {
    let members = record.iter().enumerate().map(|(at, value)| {
        let name = columns.schema.fields().get(at).map_or("", |field| &field.name);
        let name = serde_json::Value::from(name).to_string();
        Ok(format!("{name}:{}", json(columns, at, value)?))
    });
    Ok(format!("{{{}}}", members.collect::<Result<Vec<_>>>()?.join(",")))
}

fn json(columns: &Columns<'_>, at: usize, value: &Value) -> Result<String> {
    let field = columns.schema.fields().get(at);
    let ty = field.map_or(&LogicalType::Null, |field| &field.ty);
    written(ty, value, columns.digits).ok_or_else(|| {
        let name = field.map_or("", |field| &field.name);
        let message = format!("JSON has no number `{value}`");
        Error::new(Kind::Data, message).with("column", name)
    })
}

fn written(ty: &LogicalType, value: &Value, digits: Digits) -> Option<String> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    Some(match (ty, value) {
        (_, Value::Null) => "null".to_owned(),
        (_, Value::Float(float)) if !float.is_finite() => return None,
        (_, Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(..)) => {
            text(ty, value, digits)?
        }
        (LogicalType::List(item), Value::List(items)) => {
            let items = items.iter().map(|value| written(item, value, digits));
            format!("[{}]", items.collect::<Option<Vec<_>>>()?.join(","))
        }
        (LogicalType::Struct(types), Value::Struct(members)) => {
            let member = |(name, value): &(String, Value)| {
                let (_, ty) = types.iter().find(|(known, _)| known == name)?;
                Some(format!("{}:{}", quoted(name), written(ty, value, digits)?))
            };
            let members = members.iter().map(member).collect::<Option<Vec<_>>>()?;
            format!("{{{}}}", members.join(","))
        }
        (_, other) => quoted(&text(ty, other, digits)?),
    })
}
