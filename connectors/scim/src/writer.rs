//! The writer.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use trueup_connector::{
    Authorised, Change, Context, Error, Idempotency, Kind as ErrorKind, Operation, Receipt, Result,
    Schema, Value, Writer, async_trait,
};
use trueup_kit::{Answer, Delivery, Found, Request, Sent, Target, apply, encode};

use crate::connector::{Inner, kind};
use crate::filter::quoted;
use crate::model::{Kind, member};
use crate::page::At;

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const MEDIA: &str = "application/scim+json";

/// Writes users, groups and memberships.
pub(crate) struct ScimWriter {
    inner: Arc<Inner>,
}

impl ScimWriter {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl fmt::Debug for ScimWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScimWriter").field("server", &self.inner.client).finish()
    }
}

#[async_trait]
impl Writer for ScimWriter {
    fn idempotency(&self, resource: &str, operation: &Operation) -> Idempotency {
        let settle = self.inner.settle;
        let versions = self.inner.discovery.etag;
        match (Kind::named(resource), operation) {
            // The server refuses a second user of the name, and takes a member once only.
            (Some(Kind::Users), Operation::Create)
            | (Some(Kind::Members), Operation::Create | Operation::Delete) => {
                Idempotency::Conditional
            }
            (Some(_), Operation::Update | Operation::Delete) if versions => {
                Idempotency::Conditional
            }
            (Some(_), Operation::Create | Operation::Update | Operation::Delete) => {
                Idempotency::ReadBack { settle }
            }
            _ => Idempotency::AtMostOnce,
        }
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        Ok(apply(self, &context, &changes).await)
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        context.check()?;
        let message = format!("`{handle}` is no change of this server: none is ever pending");
        Err(Error::new(ErrorKind::NotFound, message))
    }
}

#[async_trait]
impl Target for ScimWriter {
    fn schema(&self, resource: &str) -> Result<Schema> {
        Ok(self.inner.shapes.of(kind(resource)?).schema().clone())
    }

    fn check(&self, change: &Change) -> Result<()> {
        let refused = |message: String| Err(Error::new(ErrorKind::Unsupported, message));
        match (&change.operation, kind(&change.resource)?) {
            (Operation::Update, Kind::Members) => {
                refused("a membership has nothing to update; create or delete it".into())
            }
            (Operation::Create | Operation::Update | Operation::Delete, _) => Ok(()),
            (Operation::Action(name), _) => refused(format!("SCIM has no action `{name}`")),
            _ => refused("SCIM has no such operation".into()),
        }
    }

    async fn find(&self, context: &Context, change: &Change) -> Result<Option<Found>> {
        let kind = kind(&change.resource)?;
        match kind {
            Kind::Members => self.membership(context, change).await,
            _ => match &change.id {
                Some(id) => self.by_id(context, kind, id, change).await,
                None => self.by_key(context, kind, change).await,
            },
        }
    }

    async fn send(&self, context: &Context, change: &Change, found: Option<&Found>) -> Sent {
        let request = match kind(&change.resource) {
            Ok(Kind::Members) => self.member_request(change),
            Ok(kind) => self.request(context, kind, change, found).await,
            Err(error) => Err(error),
        };
        let request = match request {
            Ok(request) => request.header("accept", MEDIA),
            Err(error) => return Sent::NotSent(error),
        };
        self.outcome(change, self.inner.client.deliver(context, &request).await)
    }
}

impl ScimWriter {
    fn found(&self, kind: Kind, object: &Json) -> Result<Found> {
        let shape = self.inner.shapes.of(kind);
        Ok(Found::new(shape.schema(), shape.values(object)?))
    }

    async fn by_id(
        &self,
        context: &Context,
        kind: Kind,
        id: &str,
        change: &Change,
    ) -> Result<Option<Found>> {
        let Some(object) = self.object(context, kind, id).await? else { return Ok(None) };
        let found = self.found(kind, &object)?;
        let same = self.has_key(kind, &found, change);
        // Another record has the id now: the one that is meant is not there.
        Ok(Some(found).filter(|_| same))
    }

    async fn object(&self, context: &Context, kind: Kind, id: &str) -> Result<Option<Json>> {
        let answer = self.inner.client.ask(context, &Request::get(path(kind, id))).await?;
        match answer.status {
            404 => Ok(None),
            _ if answer.is_success() => answer.json().map(Some),
            _ => Err(self.inner.client.refusal(&answer)),
        }
    }

    fn has_key(&self, kind: Kind, found: &Found, change: &Change) -> bool {
        let names = self.inner.shapes.of(kind).schema().key();
        let values = names.iter().map(|name| found.values.iter().find(|(known, _)| known == name));
        values.map(|value| value.map(|(_, value)| value)).eq(change.key.iter().map(Some))
    }

    /// Looks for the one record of a key; the server's filter is a help, and is not relied on.
    async fn by_key(
        &self,
        context: &Context,
        kind: Kind,
        change: &Change,
    ) -> Result<Option<Found>> {
        let Some(Value::Text(name)) = change.key.first() else { return Ok(None) };
        let filter = self.inner.discovery.filter;
        let filter = filter.then(|| format!("{} eq {}", kind.label(), quoted(name)));
        let lists = &self.inner.lists;
        let mut at = At { count: lists.count(None), ..At::default() };
        let mut hits: Vec<Found> = Vec::new();
        loop {
            let listed =
                lists.read(&self.inner.client, context, kind, filter.as_deref(), &at).await?;
            for object in &listed.objects {
                let found = self.found(kind, object)?;
                if self.has_key(kind, &found, change) && hits.iter().all(|hit| hit.id != found.id) {
                    hits.push(found);
                }
            }
            let Some(place) = listed.next else { break };
            at.place = Some(place);
        }
        match hits.len() {
            0 | 1 => Ok(hits.pop()),
            several => {
                let message =
                    format!("{several} records are called `{name}`; give all but one another name");
                Err(Error::new(ErrorKind::Data, message).with("resource", kind.name()))
            }
        }
    }

    async fn membership(&self, context: &Context, change: &Change) -> Result<Option<Found>> {
        let (group, who) = pair(change)?;
        let Some(object) = self.object(context, Kind::Groups, group).await? else {
            return match change.operation {
                Operation::Delete => Ok(None),
                _ => Err(Error::new(ErrorKind::NotFound, format!("there is no group `{group}`"))),
            };
        };
        let rows = Kind::Members.expand(object);
        let is_it = |row: &&Json| member(row, "member_id").and_then(Json::as_str) == Some(who);
        rows.iter().find(is_it).map(|row| self.found(Kind::Members, row)).transpose()
    }

    fn member_request(&self, change: &Change) -> Result<Request> {
        let (group, who) = pair(change)?;
        if !self.inner.discovery.patch {
            let message = "the server has no PATCH, and a group's members are not put as a whole";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let operation = match change.operation {
            Operation::Delete => {
                json!({"op": "remove", "path": format!("members[value eq {}]", quoted(who))})
            }
            _ => json!({"op": "add", "path": "members", "value": [{"value": who}]}),
        };
        patch(path(Kind::Groups, group), vec![operation])
    }

    async fn request(
        &self,
        context: &Context,
        kind: Kind,
        change: &Change,
        found: Option<&Found>,
    ) -> Result<Request> {
        let id = found.and_then(|found| found.id.as_deref());
        let request = match (&change.operation, id) {
            (Operation::Create, _) => return self.create(kind, change),
            (_, None) => {
                let message = "the server gave the record no id, so it cannot be changed";
                return Err(Error::new(ErrorKind::Protocol, message));
            }
            (Operation::Delete, Some(id)) => Request::delete(path(kind, id)),
            (_, Some(id)) if self.inner.discovery.patch => {
                patch(path(kind, id), self.operations(kind, change, found)?)?
            }
            (_, Some(id)) => self.put(context, kind, id, change).await?,
        };
        let version = found.and_then(|found| found.version.as_ref());
        Ok(match version.filter(|_| self.inner.discovery.etag) {
            Some(version) => request.header("if-match", version),
            None => request,
        })
    }

    fn create(&self, kind: Kind, change: &Change) -> Result<Request> {
        let shape = self.inner.shapes.of(kind);
        let keys = shape.schema().key().into_iter().map(str::to_owned).zip(change.key.clone());
        let set = change.after.iter().filter(|(_, value)| !value.is_null()).cloned();
        let mut body = shape.json(&keys.chain(set).collect::<Vec<_>>())?;
        let extensions: Vec<Json> = body
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| name.starts_with("urn:"))
            .map(|(name, _)| json!(name))
            .collect();
        let schemas: Vec<Json> = std::iter::once(json!(kind.urn())).chain(extensions).collect();
        insert(&mut body, "schemas", Json::Array(schemas));
        Request::post(kind.endpoint()).json_as(MEDIA, &body)
    }

    /// What differs, as operations; what is to be null is removed.
    fn operations(&self, kind: Kind, change: &Change, found: Option<&Found>) -> Result<Vec<Json>> {
        let shape = self.inner.shapes.of(kind);
        let differs = |name: &str, value: &Value| {
            let now = found.and_then(|found| found.values.iter().find(|(known, _)| known == name));
            now.is_none_or(|(_, now)| now != value)
        };
        let mut operations = Vec::new();
        for (name, value) in change.after.iter().filter(|(name, value)| differs(name, value)) {
            let path = shape.path(name).map(scim_path).unwrap_or_default();
            operations.push(match value.is_null() {
                true => json!({"op": "remove", "path": path}),
                false => {
                    let body = shape.json(&[(name.clone(), value.clone())])?;
                    let value = shape.path(name).and_then(|parts| dig(&body, parts));
                    json!({"op": "replace", "path": path, "value": value})
                }
            });
        }
        Ok(operations)
    }

    /// The whole resource with what changes laid over it, for servers without PATCH.
    async fn put(
        &self,
        context: &Context,
        kind: Kind,
        id: &str,
        change: &Change,
    ) -> Result<Request> {
        let gone = || Error::new(ErrorKind::Conflict, "the record is gone; read again");
        let mut whole = self.object(context, kind, id).await?.ok_or_else(gone)?;
        let shape = self.inner.shapes.of(kind);
        for (name, value) in &change.after {
            let body = shape.json(&[(name.clone(), value.clone())])?;
            overlay(&mut whole, body);
        }
        for read_only in ["meta", "groups"] {
            remove(&mut whole, read_only);
        }
        Request::put(path(kind, id)).json_as(MEDIA, &whole)
    }

    fn outcome(&self, change: &Change, delivery: Delivery) -> Sent {
        let answer = match delivery {
            Delivery::Answered(answer) => answer,
            Delivery::NotSent(error) => return Sent::NotSent(error),
            Delivery::Lost(error) => return Sent::Lost(error),
            _ => return Sent::Lost(Error::new(ErrorKind::Unknown, "the delivery is not known")),
        };
        match (answer.status, &change.operation) {
            _ if answer.is_success() => Sent::Done,
            (404, Operation::Delete) => Sent::Done,
            (412, _) | (409, Operation::Create) => Sent::Stale,
            (404, _) => Sent::Stale,
            (429, _) => Sent::NotSent(self.refusal(&answer)),
            (500..=599, _) if answer.status != 501 => Sent::Lost(self.refusal(&answer)),
            _ => Sent::Failed(self.refusal(&answer)),
        }
    }

    fn refusal(&self, answer: &Answer) -> Error {
        self.inner.client.refusal(answer)
    }
}

fn patch(path: String, operations: Vec<Json>) -> Result<Request> {
    Request::patch(path).json_as(MEDIA, &json!({"schemas": [PATCH], "Operations": operations}))
}

fn path(kind: Kind, id: &str) -> String {
    format!("{}/{}", kind.endpoint(), encode(id))
}

/// Group and member, by their ids.
fn pair(change: &Change) -> Result<(&str, &str)> {
    match change.key.as_slice() {
        [Value::Text(group), Value::Text(member)] => Ok((group, member)),
        _ => Err(Error::new(ErrorKind::Invalid, "a membership's key is two ids: group, member")),
    }
}

/// `name.givenName`, `urn:…:User:department`.
fn scim_path(parts: &[String]) -> String {
    match parts.split_first() {
        Some((urn, rest)) if urn.starts_with("urn:") => format!("{urn}:{}", rest.join(".")),
        _ => parts.join("."),
    }
}

fn dig<'a>(json: &'a Json, parts: &[String]) -> Option<&'a Json> {
    parts.iter().try_fold(json, |json, part| json.get(part))
}

fn insert(json: &mut Json, name: &str, value: Json) {
    if let Json::Object(members) = json {
        members.insert(name.to_owned(), value);
    }
}

fn remove(json: &mut Json, name: &str) {
    if let Json::Object(members) = json {
        members.retain(|known, _| !known.eq_ignore_ascii_case(name));
    }
}

/// Lays one object over another; names have no case, and null takes away.
fn overlay(whole: &mut Json, part: Json) {
    let (Json::Object(whole), Json::Object(part)) = (whole, part) else { return };
    for (name, value) in part {
        let known = whole.keys().find(|known| known.eq_ignore_ascii_case(&name)).cloned();
        let name = known.unwrap_or(name);
        match value {
            Json::Null => drop(whole.remove(&name)),
            Json::Object(_) if whole.get(&name).is_some_and(Json::is_object) => {
                whole.entry(name).and_modify(|inner| overlay(inner, value));
            }
            value => drop(whole.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_laid_over_each_other() {
        let mut whole =
            json!({"UserName": "a", "name": {"givenName": "x", "familyName": "y"}, "title": "t"});
        overlay(&mut whole, json!({"userName": "b", "name": {"givenName": "z"}, "title": null}));
        assert_eq!(whole, json!({"UserName": "b", "name": {"givenName": "z", "familyName": "y"}}));
    }

    #[test]
    fn paths_are_said_as_scim_says_them() {
        let parts =
            |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        assert_eq!(scim_path(&parts(&["name", "givenName"])), "name.givenName");
        assert_eq!(scim_path(&parts(&["urn:x:2.0:User", "badge"])), "urn:x:2.0:User:badge");
    }
}
