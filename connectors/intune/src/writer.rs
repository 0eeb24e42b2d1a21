//! The writer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use trueup_connector::{
    Authorised, Change, Context, Cursor, Error, Idempotency, Kind as ErrorKind, Operation, Receipt,
    Result, Schema, Value, Writer, async_trait, suggest,
};
use trueup_kit::{Found, Request, Sent, Target, apply, encode, graph};

use crate::action::{Action, Asked, outcome, text};
use crate::assignment::{To, intent};
use crate::connector::{Inner, kind};
use crate::model::{APPS, DEVICES, Kind};
use crate::page;

/// What handles of actions are sealed for.
const ACTION: &str = "action";

/// Writes assignments, devices' owners, and asks devices to act.
pub(crate) struct IntuneWriter {
    inner: Arc<Inner>,
}

impl IntuneWriter {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl fmt::Debug for IntuneWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntuneWriter").field("graph", &self.inner.client).finish()
    }
}

#[async_trait]
impl Writer for IntuneWriter {
    fn idempotency(&self, resource: &str, operation: &Operation) -> Idempotency {
        let settle = Duration::from_millis(self.inner.config.settle_ms);
        match (Kind::named(resource), operation) {
            (Some(Kind::Assignments), Operation::Action(_)) => Idempotency::AtMostOnce,
            (Some(Kind::Assignments), _) => Idempotency::ReadBack { settle },
            (Some(Kind::Devices), Operation::Update) => Idempotency::ReadBack { settle },
            (Some(Kind::Devices), Operation::Action(name)) => match Action::named(name) {
                // The device's state shows it.
                Some(Action::Retire | Action::Wipe) => Idempotency::ReadBack { settle },
                _ => Idempotency::AtMostOnce,
            },
            _ => Idempotency::AtMostOnce,
        }
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        Ok(apply(self, &context, &changes).await)
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        let asked: Asked = self.inner.cursors.open(ACTION, &Cursor::new(&handle))?;
        let device = self.device(&context, &asked.device).await?;
        let check_after = Duration::from_millis(self.inner.config.check_after_ms);
        let pending = Receipt::Pending { handle, check_after };
        Ok(outcome(&asked, device.as_ref()).unwrap_or(pending))
    }
}

#[async_trait]
impl Target for IntuneWriter {
    fn schema(&self, resource: &str) -> Result<Schema> {
        let kind = kind(resource)?;
        match kind {
            Kind::Assignments | Kind::Devices => Ok(self.inner.shape(kind)?.schema().clone()),
            _ => {
                let message = format!("`{resource}` can only be read");
                Err(Error::new(ErrorKind::Unsupported, message))
            }
        }
    }

    fn check(&self, change: &Change) -> Result<()> {
        match (kind(&change.resource)?, &change.operation) {
            (Kind::Assignments, Operation::Create) => {
                To::of(change)?.check()?;
                intent(change).map(drop)
            }
            (Kind::Assignments, Operation::Update) => intent(change).map(drop),
            (Kind::Assignments, Operation::Delete) | (Kind::Devices, Operation::Update) => Ok(()),
            (Kind::Devices, Operation::Action(name)) => check_action(name, change),
            (kind, operation) => {
                let message = format!("{} cannot take {operation:?}", kind.name());
                Err(Error::new(ErrorKind::Unsupported, message))
            }
        }
    }

    async fn find(&self, context: &Context, change: &Change) -> Result<Option<Found>> {
        let kind = kind(&change.resource)?;
        let shape = self.inner.shape(kind)?;
        let found = |json: &Json| Ok(Found::new(shape.schema(), shape.values(json)?));
        match kind {
            Kind::Assignments => self.assignment(context, change).await,
            _ => match self.device(context, device_id(change)?).await? {
                Some(device) => found(&device).map(Some),
                None => Ok(None),
            },
        }
    }

    async fn send(&self, context: &Context, change: &Change, found: Option<&Found>) -> Sent {
        let sent = match &change.operation {
            Operation::Action(name) => self.act(context, name, change).await,
            _ => self.write(context, change, found).await,
        };
        sent.unwrap_or_else(Sent::NotSent)
    }
}

impl IntuneWriter {
    /// The one assignment of a key among all of its app's, which are read each time: what others
    /// assigned meanwhile is not to be lost.
    async fn assignment(&self, context: &Context, change: &Change) -> Result<Option<Found>> {
        let to = To::of(change)?;
        let Some(all) = page::assignments(&self.inner.client, context, to.app).await? else {
            let message = format!("there is no app `{}`", to.app);
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        let shape = self.inner.shape(Kind::Assignments)?;
        let mut hits = Vec::new();
        for json in &all {
            let values = shape.values(json)?;
            if values.iter().take(change.key.len()).eq(&change.key) {
                hits.push(Found::new(shape.schema(), values));
            }
        }
        match hits.len() {
            0 | 1 => Ok(hits.pop()),
            several => {
                let message = format!("the app has {several} assignments to one target");
                Err(Error::new(ErrorKind::Data, message).with("app_id", to.app))
            }
        }
    }

    /// A device by itself, with what lists leave out.
    async fn device(&self, context: &Context, id: &str) -> Result<Option<Json>> {
        let request = Request::get(format!("{DEVICES}/{}", encode(id)));
        graph::object(&self.inner.client, context, &request).await
    }

    async fn write(
        &self,
        context: &Context,
        change: &Change,
        found: Option<&Found>,
    ) -> Result<Sent> {
        let request = match kind(&change.resource)? {
            Kind::Assignments => assignment_request(change, found)?,
            _ => self.device_request(change)?,
        };
        Ok(graph::write(&self.inner.client, context, &request).await)
    }

    fn device_request(&self, change: &Change) -> Result<Request> {
        let body = self.inner.shape(Kind::Devices)?.json(&change.after)?;
        Request::patch(format!("{DEVICES}/{}", encode(device_id(change)?))).json(&body)
    }

    async fn act(&self, context: &Context, name: &str, change: &Change) -> Result<Sent> {
        let id = device_id(change)?;
        let unknown = || Error::new(ErrorKind::NotFound, format!("there is no device `{id}`"));
        let action = Action::named(name).ok_or_else(unknown)?;
        let device = self.device(context, id).await?.ok_or_else(unknown)?;
        let heard = Some(text(&device, "lastSyncDateTime").to_owned());
        let asked = Asked { device: id.to_owned(), action, heard };
        let handle = self.inner.cursors.seal(ACTION, &asked)?.as_str().to_owned();
        let check_after = Duration::from_millis(self.inner.config.check_after_ms);
        let pending = || Sent::Receipt(Receipt::Pending { handle, check_after });
        // Asked again it would be queued again.
        if action.is_under_way(&device) {
            return Ok(pending());
        }
        Ok(match graph::write(&self.inner.client, context, &action.request(id)?).await {
            Sent::Done => pending(),
            Sent::Lost(error) => match self.device(&Context::new(), id).await {
                Ok(Some(now)) if action.is_under_way(&now) => pending(),
                _ => Sent::Receipt(Receipt::Unknown(error)),
            },
            sent => sent,
        })
    }
}

fn assignment_request(change: &Change, found: Option<&Found>) -> Result<Request> {
    let to = To::of(change)?;
    let all = format!("{APPS}/{}/assignments", encode(to.app));
    let one = || {
        let id = found
            .and_then(|found| found.id.as_deref())
            .ok_or_else(|| Error::new(ErrorKind::Protocol, "Graph gave the assignment no id"))?;
        Ok::<_, Error>(format!("{all}/{}", encode(id)))
    };
    match change.operation {
        Operation::Create => Request::post(&all).json(&to.body(intent(change)?)),
        Operation::Delete => Ok(Request::delete(one()?)),
        _ => Request::patch(one()?).json(&to.body(intent(change)?)),
    }
}

fn check_action(name: &str, change: &Change) -> Result<()> {
    if Action::named(name).is_none() {
        let message = format!("there is no action `{name}`{}", suggest(name, Action::NAMES));
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    match change.after.is_empty() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Invalid, format!("the action `{name}` sets no field"))),
    }
}

fn device_id(change: &Change) -> Result<&str> {
    match change.key.first() {
        Some(Value::Text(id)) => Ok(id),
        _ => Err(Error::new(ErrorKind::Invalid, "a device's key is its id, a text")),
    }
}
