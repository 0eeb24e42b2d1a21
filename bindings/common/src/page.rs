//! The page protocol: a connector that a host language implements, held to the contract.
//!
//! A host's connector is any object that can `describe` itself, `check` its system and `read_page`.
//! What it says of itself is plain data:
//!
//! ```json
//! {"system": "intune", "instance": "https://example.org", "tenant": "acme",
//!  "capability": {"page_size": true},
//!  "resources": [{"name": "devices", "fields": [{"name": "serial", "type": "text", "role": "key"}]}]}
//! ```
//!
//! A resource that says something of `idempotency` can be written, by the host's `apply` and `status`:
//! see [`write`](crate::write).

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use trueup::{
    Capability, Connector, Context, Coverage, Cursor, Error, Field, Identity, Kind, Page,
    ReadRequest, Removed, Resource, Result, Schema, Writer, async_trait, suggest,
};

use crate::write::{Declared, HostWriter, Mishaps, Writable, Writing};

/// What a host implements for its connectors: the calls, answered in plain data.
#[async_trait]
pub trait Host: fmt::Debug + Send + Sync {
    /// What the connector says of itself.
    async fn describe(&self, context: Context) -> Result<Json>;

    /// Whether its system can be read.
    async fn check(&self, context: Context) -> Result<()>;

    /// One page of the resource.
    async fn read_page(
        &self,
        context: Context,
        request: ReadRequest,
        resource: &Resource,
    ) -> Result<Page>;

    /// The way to change its system; asked only where a resource says that it can be written.
    fn writer(&self) -> Option<Box<dyn HostWriter>> {
        None
    }
}

/// What a host's connector says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The system.
    pub identity: Identity,
    /// What it can do beyond reading page after page.
    pub capability: Capability,
    /// The resources there are.
    pub resources: Vec<Resource>,
    /// Those of them that can be written.
    pub writable: Vec<Writable>,
}

impl Description {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// `protocol`, naming what is wrong.
    pub fn from_json(json: Json) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Said {
            system: String,
            #[serde(default)]
            instance: String,
            #[serde(default)]
            tenant: String,
            #[serde(default)]
            capability: Capability,
            resources: Vec<SaidResource>,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct SaidResource {
            name: String,
            fields: Vec<Field>,
            #[serde(default)]
            idempotency: Option<Declared>,
            #[serde(default)]
            actions: Vec<String>,
        }
        let said: Said = serde_json::from_value(json)
            .map_err(|cause| broken(&format!("its description is wrong: {cause}")))?;
        let (mut resources, mut writable) = (Vec::new(), Vec::new());
        for said in said.resources {
            let schema = Schema::new(said.fields).map_err(|cause| {
                broken("a schema in its description is wrong").with_source(cause)
            })?;
            let resource = Resource::new(said.name, schema);
            writable.extend(said.idempotency.map(|declared| Writable {
                resource: resource.clone(),
                declared,
                actions: said.actions,
            }));
            resources.push(resource);
        }
        let identity = Identity::new(said.system, said.instance).with_tenant(said.tenant);
        Ok(Self { identity, capability: said.capability, resources, writable })
    }

    /// A resource by its name.
    ///
    /// # Errors
    /// `not_found`, with the nearest name.
    pub fn resource(&self, name: &str) -> Result<&Resource> {
        self.resources.iter().find(|resource| resource.name == name).ok_or_else(|| {
            let known = suggest(name, self.resources.iter().map(|r| r.name.as_str()));
            Error::new(Kind::NotFound, format!("there is no resource `{name}`{known}"))
        })
    }
}

/// What a page says beside its records.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PageFacts {
    /// Where the next page is.
    pub next: Option<Cursor>,
    /// The token a later delta goes on from.
    pub resume: Option<Cursor>,
    /// In a delta: what is no longer there.
    pub removed: Vec<Removed>,
    /// What the whole reading covers, as far as this page can tell.
    pub coverage: Coverage,
}

impl PageFacts {
    /// Reads the JSON form; members that are null count as left out.
    ///
    /// # Errors
    /// `protocol`, naming what is wrong.
    pub fn from_json(mut json: Json) -> Result<Self> {
        if let Some(members) = json.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        serde_json::from_value(json).map_err(|cause| broken(&format!("a page is wrong: {cause}")))
    }

    /// The page with these records.
    pub fn page(self, records: RecordBatch) -> Page {
        Page::new(records)
            .with_next(self.next)
            .with_resume(self.resume)
            .with_removed(self.removed)
            .with_coverage(self.coverage)
    }
}

/// A host's connector as any other connector.
#[derive(Debug)]
pub struct HostConnector<H> {
    host: H,
    said: Description,
    mishaps: Mishaps,
}

impl<H: Host> HostConnector<H> {
    /// Asks the host what its connector is.
    ///
    /// # Errors
    /// Those of the host; `protocol` where what it says cannot be understood.
    pub async fn open(host: H, context: Context) -> Result<Self> {
        let said = Description::from_json(host.describe(context).await?)?;
        Ok(Self { host, said, mishaps: Mishaps::default() })
    }

    /// What came out of the host's `apply`, for as long as the connector lives.
    pub fn mishaps(&self) -> &Mishaps {
        &self.mishaps
    }

    /// What it said of itself when it was opened.
    pub fn description(&self) -> &Description {
        &self.said
    }
}

#[async_trait]
impl<H: Host> Connector for HostConnector<H> {
    fn identity(&self) -> Identity {
        self.said.identity.clone()
    }

    fn capability(&self) -> Capability {
        self.said.capability.clone()
    }

    /// What the connector said when it was opened.
    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        context.check().map(|()| self.said.resources.clone())
    }

    async fn check(&self, context: Context) -> Result<()> {
        context.check()?;
        self.host.check(context).await
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        context.check()?;
        let able = &self.said.capability;
        if request.page_size.is_some() && !able.page_size {
            return Err(unable("pages of a given size"));
        }
        if request.since.is_some() && !able.delta {
            return Err(unable("deltas"));
        }
        let resource = self.said.resource(&request.resource)?;
        self.host.read_page(context, request, resource).await
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        if self.said.writable.is_empty() {
            return None;
        }
        let host = self.host.writer()?;
        Some(Arc::new(Writing::new(host, self.said.writable.clone(), self.mishaps.clone())))
    }
}

/// What a connector says of itself, in the form in which hosts say it.
///
/// # Errors
/// Those of the connector.
pub async fn describe(connector: &dyn Connector, context: Context) -> Result<Json> {
    let (identity, capability) = (connector.identity(), connector.capability());
    let resources = connector.describe(context).await?;
    let resource = |r: &Resource| json!({"name": r.name, "fields": r.schema.fields()});
    Ok(json!({
        "system": identity.system,
        "instance": identity.instance,
        "tenant": identity.tenant,
        "capability": capability,
        "resources": resources.iter().map(resource).collect::<Vec<_>>(),
    }))
}

fn unable(what: &str) -> Error {
    let message = format!("the connector has no {what}; its capability would say so");
    Error::new(Kind::Unsupported, message)
}

fn broken(what: &str) -> Error {
    Error::new(Kind::Protocol, format!("the connector broke its contract: {what}"))
}

#[cfg(test)]
mod tests {
    use trueup::{ConnectorExt, record};

    use super::*;
    use crate::job::Job;

    /// Two pages of a resource with one field.
    #[derive(Debug)]
    struct Counter;

    #[async_trait]
    impl Host for Counter {
        async fn describe(&self, _: Context) -> Result<Json> {
            let fields = json!([{"name": "n", "type": "int", "role": "key"}]);
            Ok(json!({"system": "counter", "resources": [{"name": "numbers", "fields": fields}]}))
        }

        async fn check(&self, _: Context) -> Result<()> {
            Ok(())
        }

        async fn read_page(
            &self,
            _: Context,
            request: ReadRequest,
            resource: &Resource,
        ) -> Result<Page> {
            let first = request.cursor.is_none();
            let row = vec![trueup::Value::Int(first.into())];
            let records = record::batch_from_values(&resource.schema, &[row])?;
            let facts = json!({"next": first.then_some("2"), "coverage": null});
            Ok(PageFacts::from_json(facts)?.page(records))
        }
    }

    #[test]
    fn a_host_is_read_like_any_connector() {
        let job = Job::read(|context| async move {
            let connector = HostConnector::open(Counter, context.clone()).await?;
            connector.read(context, "numbers").await
        });
        let job = job.unwrap();
        assert!(job.wait(std::time::Duration::from_secs(20)));
        let snapshot = job.take().unwrap().unwrap();
        assert_eq!((snapshot.rows(), snapshot.schema().key()), (2, vec!["n"]));
        assert_eq!(snapshot.provenance().system, "counter");
    }

    #[test]
    fn what_it_does_not_claim_is_refused() {
        let job = Job::read(|context| async move {
            let connector = HostConnector::open(Counter, context.clone()).await?;
            let request = ReadRequest::new("numbers").with_page_size(1);
            connector.read_page(context, request).await.map(drop)
        });
        let job = job.unwrap();
        assert!(job.wait(std::time::Duration::from_secs(20)));
        assert_eq!(job.take().unwrap().unwrap_err().kind(), Kind::Unsupported);
    }

    #[test]
    fn a_wrong_description_is_a_breach_of_the_protocol() {
        for json in [json!({}), json!({"system": "a", "resources": [], "extra": 1}), json!([])] {
            assert_eq!(Description::from_json(json).unwrap_err().kind(), Kind::Protocol);
        }
        let twice = json!([{"name": "a", "type": "int"}, {"name": "a", "type": "int"}]);
        let json = json!({"system": "a", "resources": [{"name": "r", "fields": twice}]});
        assert_eq!(Description::from_json(json).unwrap_err().kind(), Kind::Protocol);
    }
}
