//! The write protocol: changes as a host's writer gets them, receipts as it gives them.
//!
//! A change is data: `{"resource": "devices", "operation": "update", "key": {"serial": "A1"}, "id": null,
//! "version": null, "before": {"os": "13"}, "after": {"os": "14"}, "idempotency_key": "…"}`. A receipt is
//! one of `{"state": "done", "id": …, "version": …}`, `{"state": "pending", "handle": …, "check_after":
//! seconds}`, `{"state": "stale"}`, and `{"state": "refused" | "failed" | "unknown", "message": …, "kind":
//! …, "retry_after": seconds}`; or the state alone, as text.
//!
//! A writer's resources say how sending twice is kept from having two effects:
//! `{"idempotency": "key" | "conditional" | {"read_back": seconds} | "at_most_once"}`, or an object of
//! these by operation. Without a word it is at most once. What a resource can do beside being written is
//! in its `actions`: `["retire"]`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use trueup::{
    Authorised, Change, Context, Error, Field, Idempotency, Kind, LogicalType, Operation, Receipt,
    Resource, Result, Retry, Schema, Standing, Value, Writer, async_trait, record,
};

use crate::{failure, flat};

/// How long to wait before a pending change is asked after, where the writer does not say.
const CHECK_AFTER: f64 = 1.0;

/// What a host implements for its writers: the calls, in plain data.
#[async_trait]
pub trait HostWriter: fmt::Debug + Send + Sync {
    /// Carries out changes; one receipt a change, in their order.
    async fn apply(&self, context: Context, changes: Json) -> Result<Json>;

    /// What became of a pending change: a receipt.
    async fn status(&self, context: Context, handle: String) -> Result<Json>;
}

#[async_trait]
impl HostWriter for Box<dyn HostWriter> {
    async fn apply(&self, context: Context, changes: Json) -> Result<Json> {
        self.as_ref().apply(context, changes).await
    }

    async fn status(&self, context: Context, handle: String) -> Result<Json> {
        self.as_ref().status(context, handle).await
    }
}

/// What a resource says of how sending twice is kept from having two effects.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Declared {
    /// For every operation.
    All(Way),
    /// By operation; what is not named is at most once.
    Each(BTreeMap<String, Way>),
}

/// How sending a change twice is kept from having two effects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The target takes the change's idempotency key.
    Key,
    /// The target checks version or values before.
    Conditional,
    /// The target shows after so many seconds whether the change took place.
    ReadBack(f64),
    /// None of these.
    #[default]
    AtMostOnce,
}

impl Declared {
    fn of(&self, operation: &Operation) -> Idempotency {
        let way = match self {
            Self::All(way) => *way,
            Self::Each(ways) => ways.get(flat::operation(operation)).copied().unwrap_or_default(),
        };
        match way {
            Way::Key => Idempotency::Key,
            Way::Conditional => Idempotency::Conditional,
            Way::ReadBack(seconds) => Idempotency::ReadBack { settle: duration(seconds) },
            Way::AtMostOnce => Idempotency::AtMostOnce,
        }
    }
}

/// A resource that can be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Writable {
    /// The resource.
    pub resource: Resource,
    /// How sending twice is kept from having two effects.
    pub declared: Declared,
    /// What can be done with its records beside creating, updating and deleting them.
    pub actions: Vec<String>,
}

/// Errors that came out of `apply`, by the idempotency keys of the changes they were about.
///
/// The journal keeps their words; the errors themselves, with what the host raised, are here for as
/// long as somebody holds this.
#[derive(Clone, Debug, Default)]
pub struct Mishaps(Arc<Mutex<BTreeMap<String, Arc<Error>>>>);

impl Mishaps {
    /// The last error about the change of this key.
    pub fn of(&self, idempotency_key: &str) -> Option<Arc<Error>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(idempotency_key).cloned()
    }

    fn note(&self, changes: &[Change], error: Error) -> Error {
        let shared = Arc::new(error);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            held.insert(change.idempotency_key.clone(), shared.clone());
        }
        let mut copy = Error::new(shared.kind(), shared.to_string()).with_retry(shared.retry());
        copy = copy.with_source(Shared(shared));
        copy
    }
}

/// An error that several hold.
#[derive(Debug)]
struct Shared(Arc<Error>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Shared {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(self.0.as_ref())
    }
}

/// A host's writer as any other writer.
///
/// It holds the host to the contract: what the resource's fields cannot take is refused or fails
/// before the host sees it, and so is every change of a call that was cancelled.
#[derive(Debug)]
pub struct Writing<H> {
    host: H,
    resources: Vec<Writable>,
    mishaps: Mishaps,
}

impl<H: HostWriter> Writing<H> {
    /// A writer of these resources.
    pub fn new(host: H, resources: Vec<Writable>, mishaps: Mishaps) -> Self {
        Self { host, resources, mishaps }
    }

    fn find(&self, name: &str) -> Result<&Writable> {
        let found = self.resources.iter().find(|writable| writable.resource.name == name);
        found.ok_or_else(|| {
            let known = self.resources.iter().map(|writable| writable.resource.name.as_str());
            let nearest = trueup::suggest(name, known);
            let message = format!("nothing writes the resource `{name}`{nearest}");
            Error::new(Kind::NotFound, message)
        })
    }

    /// What keeps a change from being sent: why it is refused, or fails.
    fn hinders(&self, context: &Context, change: &Change) -> Option<Receipt> {
        if let Err(error) = context.check().and_then(|()| self.check(change)) {
            return Some(Receipt::Refused(error));
        }
        self.fits(change).err().map(Receipt::Failed)
    }

    fn check(&self, change: &Change) -> Result<()> {
        let writable = self.find(&change.resource)?;
        match &change.operation {
            Operation::Action(name) if writable.actions.contains(name) => Ok(()),
            _ => change.check(&writable.resource.schema),
        }
    }

    /// Whether every value that the change sets is one of its field's type.
    fn fits(&self, change: &Change) -> Result<()> {
        let schema = &self.find(&change.resource)?.resource.schema;
        for (name, value) in &change.after {
            if let Ok(field) = schema.field(name) {
                let alone = Schema::new(vec![field.clone()])?;
                record::batch_from_values(&alone, &[vec![value.clone()]])?;
                is_narrow(field, value)?;
            }
        }
        Ok(())
    }

    async fn send(&self, context: Context, changes: &[Change]) -> Result<Vec<Receipt>> {
        let said = changes.iter().map(|change| {
            let writable = self.find(&change.resource).ok();
            said(change, writable.map(|writable| &writable.resource.schema))
        });
        let answer = self.host.apply(context, said.collect()).await?;
        let Json::Array(receipts) = answer else {
            return Err(broken("`apply` gives one receipt a change, in a list"));
        };
        if receipts.len() != changes.len() {
            let (got, want) = (receipts.len(), changes.len());
            return Err(broken(&format!("`apply` gave {got} receipts for {want} changes")));
        }
        receipts.into_iter().map(receipt).collect()
    }
}

#[async_trait]
impl<H: HostWriter> Writer for Writing<H> {
    fn idempotency(&self, resource: &str, operation: &Operation) -> Idempotency {
        let writable = self.find(resource);
        writable.map_or(Idempotency::AtMostOnce, |writable| writable.declared.of(operation))
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        let (mut receipts, mut good) = (Vec::new(), Vec::new());
        for change in changes.changes() {
            let hindered = self.hinders(&context, change);
            if hindered.is_none() {
                good.push(change.clone());
            }
            receipts.push(hindered);
        }
        let mut given = Vec::new();
        if !good.is_empty() {
            let sent = self.send(context, &good).await;
            given = sent.map_err(|error| self.mishaps.note(&good, error))?;
        }
        let mut given = given.into_iter();
        let whole = receipts.into_iter().map(|hindered| hindered.or_else(|| given.next()));
        let whole: Option<Vec<Receipt>> = whole.collect();
        whole.ok_or_else(|| Error::new(Kind::Internal, "a receipt was lost"))
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        context.check()?;
        receipt(self.host.status(context, handle).await?)
    }
}

/// Refuses a whole number beyond 64 bits: beside others it would come back as one of another type.
fn is_narrow(field: &Field, value: &Value) -> Result<()> {
    match value {
        Value::Int(whole) if field.ty == LogicalType::Int && i64::try_from(*whole).is_err() => {
            let message = "a whole number of more than 64 bits does not fit the type int";
            Err(Error::new(Kind::Data, message).with("column", &field.name))
        }
        _ => Ok(()),
    }
}

/// A change as data; `schema` names the fields of its key.
pub fn said(change: &Change, schema: Option<&Schema>) -> Json {
    let names = schema.map(Schema::key).unwrap_or_default();
    let key = names.iter().zip(&change.key).map(|(name, value)| ((*name).to_owned(), value));
    let fields = |fields: &[(String, Value)]| -> Map<String, Json> {
        fields.iter().map(|(name, value)| (name.clone(), value.to_json())).collect()
    };
    json!({
        "resource": change.resource,
        "operation": flat::operation(&change.operation),
        "key": key.map(|(name, value)| (name, value.to_json())).collect::<Map<_, _>>(),
        "id": change.id,
        "version": change.version,
        "before": fields(&change.before),
        "after": fields(&change.after),
        "idempotency_key": change.idempotency_key,
    })
}

/// What the record as it is now means for a change: `holds`, `already` or `stale`; the change and the
/// record as data, no record where there is none.
///
/// # Errors
/// `invalid` for data of another form.
pub fn standing(
    change: Json,
    record: Option<&Json>,
    schema: Option<&Schema>,
) -> Result<&'static str> {
    let said: Said = serde_json::from_value(change)
        .map_err(|cause| Error::new(Kind::Invalid, format!("the change is wrong: {cause}")))?;
    let values = |members: &Map<String, Json>| -> Result<Vec<(String, Value)>> {
        let value = |(name, json): (&String, &Json)| {
            let ty = schema.and_then(|schema| schema.field(name).ok()).map(|field| &field.ty);
            let value =
                ty.map_or_else(|| Value::from_json(json), |ty| record::read_literal(json, ty));
            Ok((name.clone(), value?))
        };
        members.iter().map(value).collect()
    };
    let mut change = Change::new(said.resource, flat::operation_named(&said.operation), Vec::new());
    (change.before, change.after) = (values(&said.before)?, values(&said.after)?);
    let record = record.and_then(Json::as_object).map(values).transpose()?;
    let field = |name: &str| {
        let found = record.iter().flatten().find(|(field, _)| field == name);
        found.map_or(Value::Null, |(_, value)| value.clone())
    };
    let standing = change.standing(record.is_some().then_some(&field as &dyn Fn(&str) -> Value));
    Ok(match standing {
        Standing::Holds => "holds",
        Standing::Already => "already",
        Standing::Stale => "stale",
    })
}

#[derive(Deserialize)]
struct Said {
    resource: String,
    operation: String,
    #[serde(default)]
    before: Map<String, Json>,
    #[serde(default)]
    after: Map<String, Json>,
}

#[derive(Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
enum Given {
    Done {
        #[serde(default)]
        id: Option<String>,
        #[serde(default)]
        version: Option<String>,
    },
    Pending {
        handle: String,
        #[serde(default)]
        check_after: Option<f64>,
    },
    Stale {},
    Refused(Why),
    Failed(Why),
    Unknown(Why),
}

#[derive(Deserialize)]
struct Why {
    #[serde(default)]
    message: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    retry_after: Option<f64>,
}

impl Why {
    fn error(self, otherwise: Kind) -> Result<Error> {
        let kind = self.kind.as_deref().map_or(Ok(otherwise), failure::kind)?;
        let words = Some(self.message).filter(|words| !words.is_empty());
        let error =
            Error::new(kind, words.unwrap_or_else(|| "the writer gave no reason".to_owned()));
        Ok(match self.retry_after {
            Some(seconds) => error.with_retry(Retry::After(duration(seconds))),
            None => error,
        })
    }
}

/// A receipt from its data.
fn receipt(json: Json) -> Result<Receipt> {
    let mut json = if json.is_string() { json!({ "state": json }) } else { json };
    if let Some(members) = json.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    let given: Given = serde_json::from_value(json)
        .map_err(|cause| broken(&format!("a receipt is wrong: {cause}")))?;
    Ok(match given {
        Given::Done { id, version } => Receipt::Done { id, version },
        Given::Pending { handle, check_after } => {
            Receipt::Pending { handle, check_after: duration(check_after.unwrap_or(CHECK_AFTER)) }
        }
        Given::Stale {} => Receipt::Stale,
        Given::Refused(why) => Receipt::Refused(why.error(Kind::Invalid)?),
        Given::Failed(why) => Receipt::Failed(why.error(Kind::Invalid)?),
        Given::Unknown(why) => Receipt::Unknown(why.error(Kind::Unknown)?),
    })
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn broken(what: &str) -> Error {
    Error::new(Kind::Protocol, format!("the writer broke its contract: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_read_strictly() {
        assert!(matches!(receipt(json!("done")).unwrap(), Receipt::Done { id: None, .. }));
        assert!(matches!(receipt(json!({"state": "stale", "id": null})).unwrap(), Receipt::Stale));
        let throttled =
            json!({"state": "refused", "kind": "throttled", "message": "slow", "retry_after": 2});
        let Receipt::Refused(error) = receipt(throttled).unwrap() else { panic!("not refused") };
        assert_eq!(
            (error.kind(), error.retry()),
            (Kind::Throttled, Retry::After(Duration::from_secs(2)))
        );
        for wrong in [
            json!("doen"),
            json!({"state": "pending"}),
            json!({"state": "done", "key": 1}),
            json!(7),
        ] {
            assert_eq!(receipt(wrong).unwrap_err().kind(), Kind::Protocol);
        }
    }

    #[test]
    fn a_resource_says_how_it_is_sent_twice() {
        let read = |json| serde_json::from_value::<Declared>(json).unwrap();
        let update = Operation::Update;
        assert_eq!(read(json!("conditional")).of(&update), Idempotency::Conditional);
        let settle = Duration::from_millis(500);
        assert_eq!(read(json!({"read_back": 0.5})).of(&update), Idempotency::ReadBack { settle });
        let each = read(json!({"update": "key"}));
        assert_eq!(each.of(&update), Idempotency::Key);
        assert_eq!(each.of(&Operation::Delete), Idempotency::AtMostOnce);
        assert!(serde_json::from_value::<Declared>(json!("sometimes")).is_err());
    }

    #[test]
    fn a_change_stands_as_the_record_says() {
        let change =
            json!({"resource": "r", "operation": "update", "before": {"n": 1}, "after": {"n": 2}});
        let at = |record: Option<Json>| standing(change.clone(), record.as_ref(), None).unwrap();
        assert_eq!(at(Some(json!({"n": 1.0}))), "holds");
        assert_eq!(at(Some(json!({"n": 2}))), "already");
        assert_eq!((at(Some(json!({"n": 3}))), at(None)), ("stale", "stale"));
    }
}
