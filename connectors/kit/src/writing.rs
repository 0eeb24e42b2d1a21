//! Writing to systems that take one record a call: checked, looked at, sent, looked at again.

use std::fmt;
use std::time::Duration;

use trueup_connector::record::column_from_values;
use trueup_connector::{
    Authorised, Change, Context, Error, Kind, Operation, Receipt, Result, Role, Schema, Standing,
    Value, async_trait,
};

use crate::shape::same_encoding;

/// A system's own calls, from which [`apply`] makes what a writer owes.
#[async_trait]
pub trait Target: fmt::Debug + Send + Sync {
    /// The schema of a resource that can be written.
    ///
    /// # Errors
    /// `not_found` or `unsupported`, naming the resource.
    fn schema(&self, resource: &str) -> Result<Schema>;

    /// Checks what the schema cannot say: that there is such an operation, fields that go together.
    ///
    /// # Errors
    /// Why the change must not be sent.
    fn check(&self, change: &Change) -> Result<()>;

    /// The record with the key (and the id, where it has one) of a change, as it is now.
    ///
    /// # Errors
    /// Those of the system; `data` where several records have the key.
    async fn find(&self, context: &Context, change: &Change) -> Result<Option<Found>>;

    /// How long the system may take until what was written is read back; zero without this.
    fn settle(&self) -> Duration {
        Duration::ZERO
    }

    /// Sends a change whose precondition holds.
    async fn send(&self, context: &Context, change: &Change, found: Option<&Found>) -> Sent;
}

/// A record as it is now.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// Its values by the names of their fields; a field without one is null.
    pub values: Vec<(String, Value)>,
    /// The system's identifier.
    pub id: Option<String>,
    /// The system's version of it.
    pub version: Option<String>,
}

impl Found {
    /// A record of this schema with these values, in its order; id and version are taken from the
    /// fields of those roles.
    pub fn new(schema: &Schema, values: Vec<Value>) -> Self {
        let named = schema.fields().iter().zip(values);
        let mut found = Self { values: Vec::new(), id: None, version: None };
        for (field, value) in named {
            let text = (!value.is_null()).then(|| value.to_string());
            match field.role {
                Role::Id => found.id = text,
                Role::Version => found.version = text,
                _ => {}
            }
            found.values.push((field.name.clone(), value));
        }
        found
    }

    fn field(&self, name: &str) -> Value {
        let found = self.values.iter().find(|(known, _)| known == name);
        found.map_or(Value::Null, |(_, value)| value.clone())
    }
}

/// What became of a change that was sent.
#[derive(Debug)]
pub enum Sent {
    /// The system says that it did it.
    Done,
    /// The system will do it; the rest of the receipt.
    Receipt(Receipt),
    /// The system says that the record is not as it was.
    Stale,
    /// The system never got it.
    NotSent(Error),
    /// The system said no.
    Failed(Error),
    /// The system may have got it.
    Lost(Error),
}

/// Carries out changes one after the other, with one receipt each.
///
/// A change is checked against the schema; then the record is read, and compared with the values
/// before; then it is sent; then the record is read again, until it has settled: `done` means that the
/// values after stand. Where an answer was lost, that reading decides.
pub async fn apply(target: &dyn Target, context: &Context, changes: &Authorised) -> Vec<Receipt> {
    let mut receipts = Vec::with_capacity(changes.changes().len());
    for change in changes.changes() {
        receipts.push(match context.check() {
            Ok(()) => one(target, context, change).await,
            Err(error) => Receipt::Refused(error),
        });
    }
    receipts
}

async fn one(target: &dyn Target, context: &Context, change: &Change) -> Receipt {
    let ready = target.schema(&change.resource).and_then(|schema| {
        target.check(change)?;
        check(change, &schema)
    });
    if let Err(error) = ready {
        return Receipt::Refused(error.with("resource", &change.resource));
    }
    let found = match target.find(context, change).await {
        Ok(found) => found,
        Err(error) => return Receipt::Refused(error),
    };
    match standing(change, found.as_ref()) {
        Standing::Already => return done(found.as_ref()),
        Standing::Stale => return Receipt::Stale,
        Standing::Holds => {}
    }
    match target.send(context, change, found.as_ref()).await {
        Sent::Done => verified(target, change, None).await,
        Sent::Receipt(receipt) => receipt,
        Sent::Stale => after_stale(target, change).await,
        Sent::NotSent(error) => Receipt::Refused(error),
        Sent::Failed(error) => Receipt::Failed(error),
        Sent::Lost(error) => verified(target, change, Some(error)).await,
    }
}

/// Looks whether the values after stand, again and again until the system has settled. It is not
/// cancelled: what was sent was sent.
async fn verified(target: &dyn Target, change: &Change, lost: Option<Error>) -> Receipt {
    let renamed = afterwards(change);
    let (start, mut wait) = (tokio::time::Instant::now(), FIRST_LOOK);
    let last = loop {
        let found = target.find(&Context::new(), &renamed).await;
        if let Ok(found) = &found
            && standing(&renamed, found.as_ref()) == Standing::Already
        {
            return done(found.as_ref());
        }
        let left = target.settle().saturating_sub(start.elapsed());
        if left.is_zero() {
            break found;
        }
        tokio::time::sleep(wait.min(left)).await;
        wait *= 2;
    };
    Receipt::Unknown(match (last, lost) {
        (_, Some(error)) | (Err(error), None) => error,
        (Ok(found), None) => other_value(change, found.as_ref()),
    })
}

/// How long to wait before the second look; later ones wait twice as long each.
const FIRST_LOOK: Duration = Duration::from_millis(20);

/// The system found another version: ours, where the first answer was lost.
async fn after_stale(target: &dyn Target, change: &Change) -> Receipt {
    let renamed = afterwards(change);
    match target.find(&Context::new(), &renamed).await {
        Ok(found) if standing(&renamed, found.as_ref()) == Standing::Already => {
            done(found.as_ref())
        }
        _ => Receipt::Stale,
    }
}

/// The change by the key that the record has afterwards.
fn afterwards(change: &Change) -> Change {
    let mut change = change.clone();
    change.version = None;
    change
}

fn other_value(change: &Change, found: Option<&Found>) -> Error {
    let odd = found
        .and_then(|found| change.after.iter().find(|(name, value)| found.field(name) != *value));
    let message = match odd {
        Some((name, _)) => {
            format!("the system took the change, and keeps another value of `{name}`")
        }
        None => "the system took the change, and the record is not as it should be".to_owned(),
    };
    Error::new(Kind::Unknown, message).with("resource", &change.resource)
}

fn done(found: Option<&Found>) -> Receipt {
    let part = |get: fn(&Found) -> &Option<String>| found.and_then(|found| get(found).clone());
    Receipt::Done { id: part(|found| &found.id), version: part(|found| &found.version) }
}

/// By the values, and by the version where both sides know one.
fn standing(change: &Change, found: Option<&Found>) -> Standing {
    let field = found.map(|found| |name: &str| found.field(name));
    let by_values = change.standing(field.as_ref().map(|field| field as &dyn Fn(&str) -> Value));
    let versions = (&change.version, found.and_then(|found| found.version.as_ref()));
    match (by_values, versions) {
        (Standing::Holds, (Some(known), Some(now))) if known != now => Standing::Stale,
        (by_values, _) => by_values,
    }
}

/// Holds a change against the schema.
fn check(change: &Change, schema: &Schema) -> Result<()> {
    check_key(change, schema)?;
    change.before.iter().try_for_each(|(name, _)| schema.field(name).map(drop))?;
    for (place, (name, value)) in change.after.iter().enumerate() {
        let field = schema.field(name)?;
        if change.after.iter().take(place).any(|(known, _)| known == name) {
            return Err(Error::new(Kind::Invalid, format!("the field `{name}` is set twice")));
        }
        let made = change.operation == Operation::Create && field.role == Role::Key;
        if !field.writable && !made {
            return Err(Error::new(Kind::Forbidden, format!("the field `{name}` cannot be set")));
        }
        let column = column_from_values(&field.ty, &[value]);
        let fits = column.and_then(|column| same_encoding(&column, &field.ty));
        fits.map_err(|error| error.with("field", name))?;
    }
    Ok(())
}

fn check_key(change: &Change, schema: &Schema) -> Result<()> {
    let names = schema.key();
    if change.key.len() != names.len() {
        let message =
            format!("the key has {} values, and {} are needed", change.key.len(), names.len());
        return Err(Error::new(Kind::Invalid, message));
    }
    for (name, key) in names.iter().zip(&change.key) {
        if key.is_null() {
            let message = format!("the key field `{name}` is null, and no record is found by that");
            return Err(Error::new(Kind::Invalid, message));
        }
        let after = change.after.iter().find(|(known, _)| known == name);
        if let Some((_, value)) = after.filter(|(_, value)| value != key) {
            let message = format!(
                "`{name}` is `{key}` in the key, and `{value}` after; a key cannot be changed here"
            );
            return Err(Error::new(Kind::Invalid, message));
        }
    }
    Ok(())
}
