//! The writer.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use trueup_connector::{
    Authorised, Change, Context, Error, Idempotency, Kind as ErrorKind, Operation, Receipt, Result,
    Schema, Writer, async_trait, suggest,
};
use trueup_kit::{Found, Request, Sent, Target, apply, encode, graph};

use crate::connector::{Inner, kind};
use crate::licence::{self, Given};
use crate::model::Kind;
use crate::send;

/// Writes users, groups, members and licences; brings back what was deleted.
pub(crate) struct EntraWriter {
    inner: Arc<Inner>,
}

impl EntraWriter {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl fmt::Debug for EntraWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntraWriter").field("graph", &self.inner.client).finish()
    }
}

const RESTORE: &str = "restore";

#[async_trait]
impl Writer for EntraWriter {
    fn idempotency(&self, resource: &str, operation: &Operation) -> Idempotency {
        use Operation::{Action, Create, Delete, Update};
        let read_back = Idempotency::ReadBack { settle: Target::settle(self) };
        match (Kind::named(resource), operation) {
            // A unique name made of the change's key: made if missing.
            (Some(Kind::Groups), Create) => Idempotency::Key,
            // The directory refuses a second user of the name, and takes a member once only.
            (Some(Kind::Users), Create) | (Some(Kind::Members), Create | Delete) => {
                Idempotency::Conditional
            }
            (Some(Kind::Users | Kind::Groups), Update | Delete)
            | (Some(Kind::Assigned), Create | Update | Delete)
            | (Some(Kind::DeletedUsers | Kind::DeletedGroups), Delete) => read_back,
            (Some(Kind::DeletedUsers | Kind::DeletedGroups), Action(name)) if name == RESTORE => {
                read_back
            }
            _ => Idempotency::AtMostOnce,
        }
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        Ok(apply(self, &context, &changes).await)
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        context.check()?;
        let message = format!("`{handle}` is no change of this directory: none is ever pending");
        Err(Error::new(ErrorKind::NotFound, message))
    }
}

#[async_trait]
impl Target for EntraWriter {
    fn schema(&self, resource: &str) -> Result<Schema> {
        Ok(self.inner.shape(kind(resource)?)?.schema().clone())
    }

    fn check(&self, change: &Change) -> Result<()> {
        use Operation::{Action, Create, Delete, Update};
        let kind = kind(&change.resource)?;
        match (kind, &change.operation) {
            (Kind::Users, Create | Update | Delete) => send::check_user(change),
            (Kind::Groups, Create | Update | Delete) => Ok(()),
            (Kind::Members, Create | Delete) => send::pair(change).map(drop),
            (Kind::Assigned, Create | Update | Delete) => Given::of(change)?.check(),
            (Kind::DeletedUsers | Kind::DeletedGroups, Delete) => Ok(()),
            (Kind::DeletedUsers | Kind::DeletedGroups, Action(name)) => check_action(name, change),
            (kind, operation) => {
                let message = format!("{} cannot take {operation:?}", kind.name());
                Err(Error::new(ErrorKind::Unsupported, message))
            }
        }
    }

    async fn find(&self, context: &Context, change: &Change) -> Result<Option<Found>> {
        let kind = kind(&change.resource)?;
        let found = match (kind, &change.id) {
            (Kind::Users | Kind::Groups, Some(id)) => self.by_id(context, kind, id, change).await,
            (Kind::Users | Kind::Groups, None) => self.by_key(context, kind, change).await,
            (Kind::Members, _) => self.membership(context, change).await,
            (Kind::Assigned, _) => self.licence(context, change).await,
            _ => self.deleted(context, kind, change).await,
        };
        found.map_err(|error| graph::with_right(error, kind.right(), kind.name()))
    }

    fn settle(&self) -> Duration {
        Duration::from_millis(self.inner.config.settle_ms)
    }

    async fn send(&self, context: &Context, change: &Change, found: Option<&Found>) -> Sent {
        let kind = match kind(&change.resource) {
            Ok(kind) => kind,
            Err(error) => return Sent::NotSent(error),
        };
        let request = match self.request(kind, change, found) {
            Ok(request) => request,
            Err(error) => return Sent::NotSent(error),
        };
        match (self.sent(context, kind, change, &request).await, &change.operation) {
            (Sent::Done, Operation::Action(_)) => Sent::Receipt(Receipt::Done {
                id: send::text(change).ok().map(Into::into),
                version: None,
            }),
            (Sent::Failed(error), _) => {
                Sent::Failed(graph::with_right(error, kind.right_to_write(), kind.name()))
            }
            (sent, _) => sent,
        }
    }
}

impl EntraWriter {
    fn request(&self, kind: Kind, change: &Change, found: Option<&Found>) -> Result<Request> {
        let shape = self.inner.shape(kind)?;
        match kind {
            Kind::Users => send::user(shape, change, found),
            Kind::Groups => send::group(shape, change, found),
            Kind::Members => send::member(change, self.inner.client.base().as_str()),
            Kind::Assigned => Given::of(change)?.request(change),
            _ => send::deleted(change),
        }
    }

    /// What was made a moment ago may not be known everywhere in the directory: a call that refers to
    /// it is sent again for as long as the directory takes to settle.
    async fn sent(
        &self,
        context: &Context,
        kind: Kind,
        change: &Change,
        request: &Request,
    ) -> Sent {
        let (client, start) = (&self.inner.client, std::time::Instant::now());
        loop {
            let sent = graph::write(client, context, request).await;
            let fresh = change.operation == Operation::Create && self.refers_to_fresh(change);
            let sent = match sent {
                Sent::Failed(error) if stands_already(kind, change, &error) => Sent::Done,
                Sent::Failed(error) if error.kind() == ErrorKind::Conflict => Sent::Stale,
                Sent::Stale if kind == Kind::Members && change.operation == Operation::Create => {
                    Sent::Failed(unknown_member(change))
                }
                sent => sent,
            };
            let again = matches!(&sent, Sent::Failed(e) if e.kind() == ErrorKind::NotFound);
            if again && fresh && start.elapsed() < self.settle() && context.check().is_ok() {
                graph::pause(context, SOON).await.unwrap_or_default();
                continue;
            }
            return sent;
        }
    }

    fn refers_to_fresh(&self, change: &Change) -> bool {
        let made = self.inner.made.lock().unwrap_or_else(PoisonError::into_inner);
        change.key.iter().any(|key| made.contains(&key.to_string()))
    }

    fn remember(&self, change: &Change, object: &Json) {
        if change.operation == Operation::Create
            && let Some(id) = object.get("id").and_then(Json::as_str)
        {
            let mut made = self.inner.made.lock().unwrap_or_else(PoisonError::into_inner);
            made.insert(id.to_owned());
            // The first is as good as any to forget: it is long known everywhere, or soon.
            if made.len() > MOST_FRESH {
                made.pop_first();
            }
        }
    }

    fn found(&self, kind: Kind, object: &Json) -> Result<Found> {
        let shape = self.inner.shape(kind)?;
        Ok(Found::new(shape.schema(), shape.values(object)?))
    }

    async fn by_id(
        &self,
        context: &Context,
        kind: Kind,
        id: &str,
        change: &Change,
    ) -> Result<Option<Found>> {
        let request = Request::get(format!("{}/{}", kind.name(), encode(id)));
        let request = request.query("$select", kind.fields());
        let Some(object) = graph::object(&self.inner.client, context, &request).await? else {
            return Ok(None);
        };
        // Another record has the id's key now: the one that is meant is not there.
        Ok(Some(self.found(kind, &object)?).filter(|found| self.has_key(kind, found, change)))
    }

    fn has_key(&self, kind: Kind, found: &Found, change: &Change) -> bool {
        let Ok(shape) = self.inner.shape(kind) else { return false };
        let names = shape.schema().key();
        let values = names.iter().map(|name| found.values.iter().find(|(known, _)| known == name));
        values.map(|value| value.map(|(_, value)| value)).eq(change.key.iter().map(Some))
    }

    async fn by_key(
        &self,
        context: &Context,
        kind: Kind,
        change: &Change,
    ) -> Result<Option<Found>> {
        let (client, name) = (&self.inner.client, send::text(change)?);
        let request = send::named(kind, name);
        let objects = match kind {
            Kind::Users => graph::object(client, context, &request).await?.into_iter().collect(),
            _ => graph::every(client, context, &request, kind.name()).await?.unwrap_or_default(),
        };
        let mut hits: Vec<Found> = Vec::new();
        for object in &objects {
            let found = self.found(kind, object)?;
            // The filter is a help, and not relied on.
            if self.has_key(kind, &found, change) && hits.iter().all(|hit| hit.id != found.id) {
                self.remember(change, object);
                hits.push(found);
            }
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
        let (group, member) = send::pair(change)?;
        let filter = format!("id eq '{}'", member.replace('\'', "''"));
        let request = Request::get(format!("groups/{}/members", encode(group)))
            .query("$select", "id")
            .query("$filter", filter)
            .query("$count", true)
            .header("ConsistencyLevel", "eventual");
        let client = &self.inner.client;
        let Some(members) = graph::every(client, context, &request, "group_members").await? else {
            return match change.operation {
                Operation::Delete => Ok(None),
                _ => Err(Error::new(ErrorKind::NotFound, format!("there is no group `{group}`"))),
            };
        };
        let is_it = |one: &&Json| one.get("id").and_then(Json::as_str) == Some(member);
        let Some(mut object) = members.iter().find(is_it).cloned() else { return Ok(None) };
        if let Json::Object(members) = &mut object {
            members.insert("group_id".into(), group.into());
        }
        self.found(Kind::Members, &object).map(Some)
    }

    async fn licence(&self, context: &Context, change: &Change) -> Result<Option<Found>> {
        let given = Given::of(change)?;
        let request = Request::get(format!("users/{}", encode(given.user)))
            .query("$select", "id,licenseAssignmentStates");
        let Some(user) = graph::object(&self.inner.client, context, &request).await? else {
            let message = format!("there is no user `{}`", given.user);
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        for row in licence::rows(&user)? {
            let found = self.found(Kind::Assigned, &row)?;
            if self.has_key(Kind::Assigned, &found, change) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn deleted(
        &self,
        context: &Context,
        kind: Kind,
        change: &Change,
    ) -> Result<Option<Found>> {
        let path = format!("directory/deletedItems/{}", encode(send::text(change)?));
        let object = graph::object(&self.inner.client, context, &Request::get(path)).await?;
        object.map(|object| self.found(kind, &object)).transpose()
    }
}

/// So many fresh objects are kept in mind.
const MOST_FRESH: usize = 10_000;

/// How long until a call is sent again that refers to something fresh.
const SOON: Duration = Duration::from_millis(250);

/// Graph has one code for many refusals, so here its words have to tell.
fn stands_already(kind: Kind, change: &Change, error: &Error) -> bool {
    let words = match change.operation {
        Operation::Create => "added object references already exist",
        _ => "removed object references do not exist",
    };
    kind == Kind::Members && error.message().contains(words)
}

fn unknown_member(change: &Change) -> Error {
    let (group, member) = send::pair(change).unwrap_or_default();
    let message =
        format!("there is no group `{group}`, or nothing with the id `{member}` to be in it");
    Error::new(ErrorKind::NotFound, message)
}

fn check_action(name: &str, change: &Change) -> Result<()> {
    if name != RESTORE {
        let message = format!("there is no action `{name}`{}", suggest(name, [RESTORE]));
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    match change.after.is_empty() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Invalid, format!("the action `{name}` sets no field"))),
    }
}
