//! One record and the change that is to be made of it.

use trueup_connector::{Change, Field, LogicalType, Operation, Role, Schema, Standing, Value};

/// Whether the precondition of a change holds.
pub(super) struct Fit {
    pub(super) standing: Standing,
    pub(super) version_holds: bool,
}

/// Holds a change against the record with its key.
pub(super) fn fit(change: &Change, schema: &Schema, found: Option<&[Value]>) -> Fit {
    let field = found.map(|row| |name: &str| value(schema, row, name));
    let standing = change.standing(field.as_ref().map(|field| field as &dyn Fn(&str) -> Value));
    let version = found.and_then(|row| of_role(schema, row, Role::Version));
    let version_holds = change.version.is_none() || change.version == version;
    Fit { standing, version_holds }
}

/// The record as the change leaves it; `None` where it leaves none.
pub(super) fn make(
    change: &Change,
    schema: &Schema,
    found: Option<&[Value]>,
) -> Option<Vec<Value>> {
    if change.operation == Operation::Delete {
        return None;
    }
    let mut keys = change.key.iter();
    let fields = schema.fields().iter().map(|field| {
        let key = if field.role == Role::Key { keys.next() } else { None };
        let after = change.after.iter().find(|(name, _)| *name == field.name);
        match (after, found) {
            (Some((_, value)), _) => value.clone(),
            (None, Some(row)) if change.operation != Operation::Create => {
                bumped(field, &value(schema, row, &field.name))
            }
            (None, _) => key.cloned().unwrap_or_else(|| first(field)),
        }
    });
    Some(fields.collect())
}

/// The target's identifier and version of a record.
pub(super) fn answer(schema: &Schema, row: Option<&[Value]>) -> (Option<String>, Option<String>) {
    let of = |role| row.and_then(|row| of_role(schema, row, role));
    (of(Role::Id), of(Role::Version))
}

fn of_role(schema: &Schema, row: &[Value], role: Role) -> Option<String> {
    let field = schema.fields().iter().find(|field| field.role == role)?;
    Some(value(schema, row, &field.name).to_string())
}

fn value(schema: &Schema, row: &[Value], name: &str) -> Value {
    let at = schema.index(name);
    at.and_then(|at| row.get(at)).cloned().unwrap_or(Value::Null)
}

/// Every change of a record makes another version of it.
fn bumped(field: &Field, value: &Value) -> Value {
    match (field.role, value) {
        (Role::Version, Value::Int(version)) => Value::Int(version + 1),
        _ => value.clone(),
    }
}

fn first(field: &Field) -> Value {
    match field.role {
        Role::Version if field.ty == LogicalType::Int => Value::Int(1),
        _ => Value::Null,
    }
}
