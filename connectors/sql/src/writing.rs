//! What the writers have in common: a change held against the columns of its table.

use trueup_connector::{
    Change, Error, Field, Idempotency, Kind, Operation, Receipt, Result, Role, Schema, Standing,
    Value,
};

/// A change that its table can take, as far as the columns tell.
pub(crate) struct Write<'a> {
    pub(crate) change: &'a Change,
    /// The columns that are set, by position, and what to.
    pub(crate) sets: Vec<(usize, &'a Value)>,
    /// The key that the record has afterwards.
    pub(crate) wished: Vec<Value>,
}

/// One record as it stands in the table: a value a field of the schema.
pub(crate) type Row = Vec<Value>;

/// A table takes a change only while its values before hold, and has no other operations.
pub(crate) fn idempotency(operation: &Operation) -> Idempotency {
    match operation {
        Operation::Create | Operation::Update | Operation::Delete => Idempotency::Conditional,
        _ => Idempotency::AtMostOnce,
    }
}

impl<'a> Write<'a> {
    /// Holds a change against the columns; an error says why it is not to be sent.
    pub(crate) fn new(change: &'a Change, schema: &Schema) -> Result<Self> {
        change.check(schema)?;
        if change.version.is_some() {
            let message = "a table has no versions of records; state the values before";
            return Err(Error::new(Kind::Unsupported, message));
        }
        Ok(Self { change, sets: change.sets(schema), wished: change.key_after(schema) })
    }

    /// Whether the record gets another key.
    pub(crate) fn renames(&self) -> bool {
        self.wished != self.change.key
    }

    /// What the record with the change's key means for it.
    pub(crate) fn standing(&self, schema: &Schema, row: Option<&Row>) -> Standing {
        let field = row.map(|row| {
            |name: &str| {
                let value = schema.index(name).and_then(|at| row.get(at));
                value.cloned().unwrap_or(Value::Null)
            }
        });
        self.change.standing(field.as_ref().map(|field| field as &dyn Fn(&str) -> Value))
    }
}

/// The key fields, with their positions.
pub(crate) fn keys(schema: &Schema) -> impl Iterator<Item = (usize, &Field)> {
    schema.fields().iter().enumerate().filter(|(_, field)| field.role == Role::Key)
}

/// Whether a record has this key.
pub(crate) fn has_key(schema: &Schema, row: &Row, key: &[Value]) -> bool {
    keys(schema).map(|(at, _)| row.get(at)).eq(key.iter().map(Some))
}

/// An error without the values of the change: what a trigger says may quote them.
pub(crate) fn without_values(error: Error, change: &Change) -> Error {
    let named = change.before.iter().chain(&change.after).map(|(_, value)| value);
    let texts = named.chain(&change.key).filter(|value| !value.is_null()).map(Value::to_string);
    let mut texts: Vec<String> = texts.filter(|text| text.len() > 1).collect();
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let message = texts.iter().fold(error.message().to_owned(), |said, text| blank(&said, text));
    match message == error.message() {
        true => error,
        false => Error::new(error.kind(), message).with_retry(error.retry()),
    }
}

/// Blanks a text wherever it does not stand inside a longer word.
fn blank(said: &str, text: &str) -> String {
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut out = String::with_capacity(said.len());
    let mut rest = said;
    while let Some((before, after)) = rest.split_once(text) {
        out.push_str(before);
        let within = inside(out.chars().next_back()) || inside(after.chars().next());
        out.push_str(if within { text } else { "‹value›" });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The same error again, for another change.
pub(crate) fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.to_string()).with_retry(error.retry())
}

/// None of the changes was sent.
pub(crate) fn refuse_all(changes: &[Change], error: &Error) -> Vec<Receipt> {
    changes.iter().map(|_| Receipt::Refused(again(error))).collect()
}

/// What was done was not.
pub(crate) fn undo(
    receipts: Vec<Receipt>,
    error: &Error,
    instead: impl Fn(Error) -> Receipt,
) -> Vec<Receipt> {
    let undone = receipts.into_iter().map(|receipt| match receipt {
        Receipt::Done { .. } => instead(again(error)),
        other => other,
    });
    undone.collect()
}

/// It took place; a table gives neither ids nor versions.
pub(crate) fn done() -> Receipt {
    Receipt::Done { id: None, version: None }
}

/// A query has no records of its own.
pub(crate) fn only_read(resource: &str) -> Error {
    let message = format!("`{resource}` is a query, which can only be read; name its table");
    Error::new(Kind::Unsupported, message)
}

/// Checks that the table keeps exactly the values that were set.
pub(crate) fn check_kept(write: &Write<'_>, schema: &Schema, kept: &[Value]) -> Result<()> {
    let pairs = write.sets.iter().zip(kept);
    match pairs.map(|((at, wished), kept)| (at, *wished, kept)).find(|(_, w, k)| w != k) {
        None if kept.len() == write.sets.len() => Ok(()),
        None => Err(Error::new(
            Kind::Data,
            "the table did not keep the record: a trigger or rule prevents it",
        )),
        Some((at, wished, kept)) => Err(misfit(schema, *at, wished, Some(kept))),
    }
}

/// A value that the column cannot hold, or would keep as another one. It is not shown: a change does
/// not say which of its values are secret.
pub(crate) fn misfit(schema: &Schema, at: usize, value: &Value, kept: Option<&Value>) -> Error {
    let field = schema.fields().get(at);
    let ty = field.map_or_else(String::new, |field| format!(" of the type {}", field.ty));
    let what = value.type_name();
    let message = match kept.map(Value::type_name) {
        None => format!("the {what} of the change does not fit the column{ty}"),
        Some(kept) => {
            format!(
                "the {what} of the change does not fit the column{ty}: another {kept} would be kept"
            )
        }
    };
    let error = Error::new(Kind::Data, message);
    match field {
        Some(field) => error.with("column", &field.name),
        None => error,
    }
}
