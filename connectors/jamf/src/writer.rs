//! The writer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value as Json, json};
use trueup_connector::{
    Authorised, Change, Context, Cursor, Error, Idempotency, Kind as ErrorKind, Operation, Receipt,
    Result, Schema, Value, Writer, async_trait, suggest,
};
use trueup_kit::{Answer, Delivery, Found, Request, Sent, Target, apply, encode};

use crate::action::{self, Action, Asked, quoted};
use crate::classic::{self, GROUPS, element, escaped};
use crate::connector::{Inner, kind};
use crate::content::{self, Upload};
use crate::model::{Kind, check_values};
use crate::page::{self, At, text};
use crate::policy::{self, text as key};
use crate::prestage::{self, lay};
use crate::reading::{self, COMPUTER, MOBILE, MOBILE_SECTIONS, PACKAGES, SMART, STATIC};

/// What handles are sealed for.
const ACTION: &str = "action";
const UPLOAD: &str = "upload";

/// Writes what Jamf Pro lets be written, one record a call.
pub(crate) struct JamfWriter {
    inner: Arc<Inner>,
}

impl JamfWriter {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl fmt::Debug for JamfWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JamfWriter").field("server", &self.inner.client).finish()
    }
}

#[async_trait]
impl Writer for JamfWriter {
    fn idempotency(&self, resource: &str, operation: &Operation) -> Idempotency {
        let read_back =
            Idempotency::ReadBack { settle: Duration::from_millis(self.inner.config.settle_ms) };
        match (Kind::named(resource), operation) {
            // Each is one more command in the queue.
            (_, Operation::Action(_)) | (None, _) => Idempotency::AtMostOnce,
            // Under the lock that was read with it.
            (Some(Kind::Prestages), Operation::Update) | (Some(Kind::PrestageScopes), _) => {
                Idempotency::Conditional
            }
            _ => read_back,
        }
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        Ok(apply(self, &context, &changes).await)
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        let cursor = Cursor::new(&handle);
        let outcome = match self.inner.cursors.open::<Upload>(UPLOAD, &cursor) {
            Ok(upload) => {
                let path = format!("{PACKAGES}/{}", encode(&upload.package));
                let package = reading::get(&self.inner.client, &context, &path).await?;
                content::outcome(&upload, package.as_ref())
            }
            Err(_) => {
                let asked: Asked = self.inner.cursors.open(ACTION, &cursor)?;
                action::outcome(&self.inner.client, &context, &asked).await?
            }
        };
        let check_after = self.check_after();
        Ok(outcome.unwrap_or(Receipt::Pending { handle, check_after }))
    }
}

#[async_trait]
impl Target for JamfWriter {
    fn schema(&self, resource: &str) -> Result<Schema> {
        let kind = kind(resource)?;
        match kind {
            Kind::Applications => Err(unsupported(format!("`{resource}` can only be read"))),
            _ => Ok(self.inner.shape(kind)?.schema().clone()),
        }
    }

    fn check(&self, change: &Change) -> Result<()> {
        use Operation::{Create, Delete, Update};
        let kind = kind(&change.resource)?;
        check_values(self.inner.shape(kind)?.schema(), change)?;
        match (kind, &change.operation) {
            (Kind::Computers | Kind::MobileDevices, Operation::Action(name)) => {
                check_action(name, change)
            }
            (Kind::Computers, Update | Delete)
            | (Kind::MobileDevices | Kind::Attributes, Update)
            | (Kind::SmartGroups | Kind::Prestages, Create | Update | Delete)
            // Nothing of these can be set, so an update of one is already done, or stale.
            | (Kind::StaticGroups | Kind::GroupMembers | Kind::PrestageScopes, Create | Update | Delete) => {
                Ok(())
            }
            (Kind::Policies | Kind::PolicyPackages, Create | Update | Delete)
            | (Kind::PolicyScopes, Create | Update | Delete) => policy::check(kind, change),
            (Kind::Packages, Create | Update) => content::check(change, &self.inner.config),
            (Kind::Packages, Delete) => Ok(()),
            (kind, operation) => {
                Err(unsupported(format!("{} cannot take {operation:?}", kind.name())))
            }
        }
    }

    async fn find(&self, context: &Context, change: &Change) -> Result<Option<Found>> {
        let kind = kind(&change.resource)?;
        let shape = self.inner.shape(kind)?;
        let found = self.object(context, kind, change).await?;
        found.map(|json| Ok(Found::new(shape.schema(), shape.values(&json)?))).transpose()
    }

    async fn send(&self, context: &Context, change: &Change, found: Option<&Found>) -> Sent {
        let sent = match (&change.operation, kind(&change.resource)) {
            (_, Err(error)) => Err(error),
            (Operation::Action(name), Ok(kind)) => self.act(context, kind, name, change).await,
            (_, Ok(Kind::Packages)) => self.package(context, change, found).await,
            (_, Ok(kind)) => self.write(context, kind, change, found).await,
        };
        sent.unwrap_or_else(|error| match error.kind() {
            // Found out before anything was sent.
            ErrorKind::Conflict => Sent::Stale,
            _ => Sent::NotSent(error),
        })
    }
}

impl JamfWriter {
    fn check_after(&self) -> Duration {
        Duration::from_millis(self.inner.config.check_after_ms)
    }

    /// The record of a change, as the server shows it now.
    async fn object(&self, context: &Context, kind: Kind, change: &Change) -> Result<Option<Json>> {
        let client = &self.inner.client;
        match kind {
            Kind::Computers => self.computer(context, key(change, 0)?, &COMPUTER).await,
            Kind::Attributes => self.attribute(context, change).await,
            Kind::MobileDevices => self.mobile(context, key(change, 0)?).await,
            Kind::PrestageScopes => prestage::find(client, context, change).await,
            Kind::Packages | Kind::SmartGroups | Kind::StaticGroups | Kind::Prestages => {
                self.by_name(context, kind, change).await
            }
            _ => policy::find(client, context, kind, change).await,
        }
    }

    async fn computer(
        &self,
        context: &Context,
        id: &str,
        sections: &[&str],
    ) -> Result<Option<Json>> {
        let version = self.inner.version(context).await?;
        let request = Request::get(format!("api/v{version}/computers-inventory/{}", encode(id)));
        let request = reading::with_sections(request, sections);
        reading::ask(&self.inner.client, context, request).await
    }

    async fn attribute(&self, context: &Context, change: &Change) -> Result<Option<Json>> {
        let (computer, definition) = (key(change, 0)?, key(change, 1)?);
        let sections = reading::attribute_sections();
        let Some(found) = self.computer(context, computer, &sections).await? else {
            let message = format!("there is no computer `{computer}`");
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        let all = reading::attributes(&found, computer);
        Ok(all.into_iter().find(|one| text(one, "definitionId") == Some(definition)))
    }

    async fn mobile(&self, context: &Context, id: &str) -> Result<Option<Json>> {
        let request = Request::get(format!("{MOBILE}/detail"));
        let request = reading::with_sections(request, &MOBILE_SECTIONS)
            .query("exception-handling", "LENIENT")
            .query("filter", format!("mobileDeviceId=={}", quoted(id)));
        let body: Json = self.inner.client.json(context, request).await?;
        let all = body.get("results").and_then(Json::as_array);
        let all = all.ok_or_else(|| {
            Error::new(ErrorKind::Protocol, "a list of mobile devices has no `results`")
        })?;
        Ok(all.iter().find(|device| text(device, "mobileDeviceId") == Some(id)).cloned())
    }

    /// The one entry of this name, looked at by itself.
    async fn by_name(
        &self,
        context: &Context,
        kind: Kind,
        change: &Change,
    ) -> Result<Option<Json>> {
        let name = key(change, 0)?;
        let member = match kind {
            Kind::Packages => "packageName",
            Kind::Prestages => "displayName",
            _ => "name",
        };
        let mut list = reading::list(kind, 0);
        // PreStages ignore it.
        if kind != Kind::Prestages {
            list.request = list.request.query("filter", format!("{member}=={}", quoted(name)));
        }
        let mut hits = Vec::new();
        let mut at = Some(At { size: 100, ..At::default() });
        while let Some(place) = at {
            let (entries, next) = page::read(&self.inner.client, context, &list, place).await?;
            // The server ignores case, and takes `*` for anything.
            hits.extend(entries.into_iter().filter(|entry| text(entry, member) == Some(name)));
            at = next;
        }
        match (hits.len(), hits.pop()) {
            (0, _) | (_, None) => Ok(None),
            (1, Some(entry)) => self.alone(context, kind, entry).await,
            (several, _) => {
                let message = format!("{several} of `{}` have the name `{name}`", kind.name());
                Err(Error::new(ErrorKind::Data, message))
            }
        }
    }

    /// What the list does not say, or says late.
    async fn alone(&self, context: &Context, kind: Kind, entry: Json) -> Result<Option<Json>> {
        let Some(id) = text(&entry, "id").map(str::to_owned) else { return Ok(Some(entry)) };
        let list = match kind {
            Kind::SmartGroups => SMART,
            Kind::Packages => PACKAGES,
            _ => return Ok(Some(entry)),
        };
        let path = format!("{list}/{}", encode(&id));
        let found = reading::get(&self.inner.client, context, &path).await?;
        Ok(found.map(|found| reading::with(&found, "id", &id)))
    }

    async fn write(
        &self,
        context: &Context,
        kind: Kind,
        change: &Change,
        found: Option<&Found>,
    ) -> Result<Sent> {
        let (client, id) = (&self.inner.client, found.and_then(|found| found.id.as_deref()));
        let request = match kind {
            Kind::Computers | Kind::Attributes => {
                self.computer_request(context, kind, change).await?
            }
            Kind::MobileDevices => mobile_request(change)?,
            Kind::SmartGroups => self.smart_request(change, found)?,
            Kind::StaticGroups => static_request(change, id)?,
            Kind::Prestages => {
                let shape = self.inner.shape(kind)?;
                prestage::request(client, context, shape, change, found).await?
            }
            Kind::PrestageScopes => match prestage::scope_request(client, context, change).await? {
                Some(request) => request,
                None => return Ok(Sent::Done),
            },
            _ => policy::request(client, context, kind, change, id).await?,
        };
        Ok(match self.deliver(context, change, &request).await {
            Ok(_) => Sent::Done,
            Err(sent) => sent,
        })
    }

    async fn computer_request(
        &self,
        context: &Context,
        kind: Kind,
        change: &Change,
    ) -> Result<Request> {
        let (id, version) = (encode(key(change, 0)?), self.inner.version(context).await?);
        if change.operation == Operation::Delete {
            return Ok(Request::delete(format!("api/v{version}/computers-inventory/{id}")));
        }
        let body = match kind {
            Kind::Attributes => {
                let values = change.after.iter().find(|(name, _)| name == "values");
                let values = match values {
                    Some((_, Value::List(values))) => {
                        values.iter().map(ToString::to_string).collect()
                    }
                    _ => Vec::new(),
                };
                json!({"extensionAttributes": [{"definitionId": key(change, 1)?, "values": values}]})
            }
            _ => self.inner.shape(kind)?.json(&not_null(change))?,
        };
        Request::patch(format!("api/v{version}/computers-inventory-detail/{id}")).json(&body)
    }

    /// The whole group: a PUT replaces it.
    fn smart_request(&self, change: &Change, found: Option<&Found>) -> Result<Request> {
        let id = found.and_then(|found| found.id.as_deref());
        let path = match (&change.operation, id) {
            (Operation::Create, _) => SMART.to_owned(),
            (_, Some(id)) => format!("{SMART}/{}", encode(id)),
            (_, None) => return Err(without_id("the group")),
        };
        if change.operation == Operation::Delete {
            return Ok(Request::delete(path));
        }
        let shape = self.inner.shape(Kind::SmartGroups)?;
        let set = |(name, _): &&(String, Value)| {
            ["description", "criteria", "site_id"].contains(&name.as_str())
        };
        let before = found.into_iter().flat_map(|found| found.values.iter().filter(set)).cloned();
        let told = before.chain(change.after.iter().filter(set).cloned());
        let mut body = shape.json(&told.collect::<Vec<_>>())?;
        lay(&mut body, &json!({"name": key(change, 0)?}));
        for (member, none) in
            [("criteria", json!([])), ("description", json!("")), ("siteId", json!("-1"))]
        {
            if body.get(member).is_none_or(Json::is_null) {
                lay(&mut body, &json!({member: none}));
            }
        }
        match change.operation {
            Operation::Create => Request::post(path).json(&body),
            _ => Request::put(path).json(&body),
        }
    }

    /// What is said of a package, and then its file.
    async fn package(
        &self,
        context: &Context,
        change: &Change,
        found: Option<&Found>,
    ) -> Result<Sent> {
        let (client, shape) = (&self.inner.client, self.inner.shape(Kind::Packages)?);
        // Before anything is sent: a file that is not there must leave no package behind.
        let file = content::file(&self.inner.config, change, found).await?;
        let mut id = found.and_then(|found| found.id.clone());
        let request = content::request(client, context, shape, change, id.as_deref()).await?;
        if let Some(request) = request {
            let answer = match self.deliver(context, change, &request).await {
                Ok(answer) => answer,
                Err(sent) => return Ok(sent),
            };
            if change.operation == Operation::Create {
                id = answer
                    .json::<Json>()
                    .ok()
                    .and_then(|made| text(&made, "id").map(str::to_owned));
            }
        }
        let Some(file) = file else { return Ok(Sent::Done) };
        let Some(package) = id else { return Ok(Sent::Lost(without_id("the new package"))) };
        match self.deliver(context, change, &file.request(&package)).await {
            Ok(_) => self.pending(UPLOAD, &Upload { package, sha3_512: file.sha3_512 }),
            // Uploads time out and succeed: the hash decides.
            Err(Sent::Lost(_)) => {
                self.pending(UPLOAD, &Upload { package, sha3_512: file.sha3_512 })
            }
            // The package was written, and its file was not.
            Err(Sent::Failed(error) | Sent::NotSent(error)) => {
                Ok(Sent::Receipt(Receipt::Unknown(error)))
            }
            Err(sent) => Ok(sent),
        }
    }

    fn pending(&self, what: &str, handle: &impl Serialize) -> Result<Sent> {
        let handle = self.inner.cursors.seal(what, handle)?.as_str().to_owned();
        Ok(Sent::Receipt(Receipt::Pending { handle, check_after: self.check_after() }))
    }

    async fn act(
        &self,
        context: &Context,
        kind: Kind,
        name: &str,
        change: &Change,
    ) -> Result<Sent> {
        let id = key(change, 0)?;
        let unknown = || Error::new(ErrorKind::NotFound, format!("there is no device `{id}`"));
        let action = Action::named(name).ok_or_else(unknown)?;
        let device = self.object(context, kind, change).await?.ok_or_else(unknown)?;
        let management = device.pointer("/general/managementId").and_then(Json::as_str);
        let management = management.ok_or_else(|| {
            unsupported("the device has no management id, so no command reaches it".to_owned())
        })?;
        let intel = device.pointer("/hardware/appleSilicon") == Some(&json!(false));
        if action == Action::Erase && intel {
            return Err(unsupported(
                "an Intel Mac is erased with a pin; do it at the console".into(),
            ));
        }
        let client = &self.inner.client;
        let device = id.to_owned();
        // Asked again it would be queued again.
        if let Some(command) = action::under_way(client, context, action, management).await? {
            return self.pending(ACTION, &Asked { device, command });
        }
        match self.deliver(context, change, &action.request(kind, id, management)?).await {
            Ok(answer) => {
                let body: Result<Json> = answer.json();
                match body.as_ref().ok().and_then(action::command).map(str::to_owned) {
                    Some(command) => self.pending(ACTION, &Asked { device, command }),
                    None => Ok(Sent::Receipt(Receipt::Unknown(without_id("the command")))),
                }
            }
            Err(Sent::Lost(error)) => {
                match action::under_way(client, &Context::new(), action, management).await {
                    Ok(Some(command)) => self.pending(ACTION, &Asked { device, command }),
                    _ => Ok(Sent::Receipt(Receipt::Unknown(error))),
                }
            }
            Err(sent) => Ok(sent),
        }
    }

    async fn deliver(
        &self,
        context: &Context,
        change: &Change,
        request: &Request,
    ) -> Result<Answer, Sent> {
        let answer = match self.inner.client.deliver(context, request).await {
            Delivery::Answered(answer) => answer,
            Delivery::NotSent(error) => return Err(Sent::NotSent(error)),
            Delivery::Lost(error) => return Err(Sent::Lost(error)),
            _ => {
                let error = Error::new(ErrorKind::Unknown, "the delivery is not known");
                return Err(Sent::Lost(error));
            }
        };
        if answer.is_success() {
            return Ok(answer);
        }
        let refusal = self.inner.client.refusal(&answer);
        Err(match (answer.status, &change.operation) {
            (404, Operation::Delete) => Sent::Done,
            (404, _) => Sent::Stale,
            (429, _) => Sent::NotSent(refusal),
            (500..=599, _) => Sent::Lost(refusal),
            // A name that is taken, or a lock: looked at again before it counts.
            _ if refusal.kind() == ErrorKind::Conflict => self.conflict(change, refusal),
            _ => Sent::Failed(refusal),
        })
    }

    /// The Classic API says 409 for whatever it does not like; only a create may have met itself.
    fn conflict(&self, change: &Change, refusal: Error) -> Sent {
        let locked = matches!(kind(&change.resource), Ok(Kind::Prestages | Kind::PrestageScopes));
        match locked || change.operation == Operation::Create {
            true => Sent::Stale,
            false => Sent::Failed(refusal),
        }
    }
}

fn mobile_request(change: &Change) -> Result<Request> {
    let mut body = json!({});
    for (name, value) in &not_null(change) {
        let (part, member) = match name.as_str() {
            "name" => ("", "name"),
            "asset_tag" => ("", "assetTag"),
            "real_name" => ("location", "realName"),
            "email" => ("location", "emailAddress"),
            "phone" => ("location", "phoneNumber"),
            other => ("location", other),
        };
        let told = json!({member: value.to_string()});
        let told = if part.is_empty() { told } else { json!({part: told}) };
        lay(&mut body, &told);
    }
    Request::patch(format!("{MOBILE}/{}", encode(key(change, 0)?))).json(&body)
}

/// An empty group is made by the Classic API: the newer one was seen to fail at that.
fn static_request(change: &Change, id: Option<&str>) -> Result<Request> {
    match (&change.operation, id) {
        (Operation::Create, _) => {}
        (Operation::Delete, Some(id)) => {
            return Ok(Request::delete(format!("{STATIC}/{}", encode(id))));
        }
        (Operation::Delete, None) => return Err(without_id("the group")),
        _ => return Err(unsupported("nothing of a static group can be set".to_owned())),
    }
    let inside = element("name", &escaped(key(change, 0)?)) + &element("is_smart", "false");
    let body = element("computer_group", &inside);
    Ok(classic::send(Request::post(format!("{GROUPS}/id/0")), body))
}

/// What is to be null is empty text.
fn not_null(change: &Change) -> Vec<(String, Value)> {
    let told = change.after.iter().map(|(name, value)| match (value.is_null(), name.as_str()) {
        (true, "department_id" | "building_id") => (name.clone(), "-1".into()),
        (true, _) => (name.clone(), "".into()),
        (false, _) => (name.clone(), value.clone()),
    });
    told.collect()
}

fn check_action(name: &str, change: &Change) -> Result<()> {
    if Action::named(name).is_none() {
        let message = format!("there is no action `{name}`{}", suggest(name, Action::NAMES));
        return Err(unsupported(message));
    }
    match change.after.is_empty() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Invalid, format!("the action `{name}` sets no field"))),
    }
}

fn unsupported(message: String) -> Error {
    Error::new(ErrorKind::Unsupported, message)
}

fn without_id(what: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("{what} came without an id"))
}
