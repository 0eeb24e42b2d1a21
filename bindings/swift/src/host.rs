//! Connectors written in Swift.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use serde_json::{Value as Json, json};
use trueup::{Context, Error, Kind, ReadRequest, Resource, Result, Schema};
use trueup_bindings::write::{self, HostWriter};
use trueup_bindings::{given, page};

use crate::errors::{Failure, Told};
use crate::records::{Given, Records};
use crate::wire;

/// What the Swift half calls a connector by: data in and out as JSON text. Whatever the connector
/// throws is told as a [`Failure`]; where nobody waits for an answer any more, its task is cancelled.
#[uniffi::export(rust, foreign)]
#[async_trait]
pub trait Host: Send + Sync {
    /// What the connector says of itself.
    async fn describe(&self) -> Result<String, Failure>;

    /// Whether its system can be read.
    async fn check(&self) -> Result<(), Failure>;

    /// One page.
    async fn read_page(&self, request: String) -> Result<HostPage, Failure>;

    /// Carries out changes; one receipt a change.
    async fn apply(&self, changes: String) -> Result<String, Failure>;

    /// What became of a pending change: a receipt.
    async fn status(&self, handle: String) -> Result<String, Failure>;
}

/// One page of a connector.
#[derive(uniffi::Record)]
pub struct HostPage {
    /// What it says beside its records.
    pub facts: String,
    /// The records.
    pub records: Arc<Records>,
}

/// A connector of Swift.
#[derive(Clone)]
pub(crate) struct SwiftHost(pub(crate) Arc<dyn Host>);

impl fmt::Debug for SwiftHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SwiftHost")
    }
}

#[async_trait]
impl page::Host for SwiftHost {
    async fn describe(&self, _: Context) -> Result<Json> {
        let said = self.0.describe().await?;
        wire::read(&said, "the connector's description")
    }

    async fn check(&self, _: Context) -> Result<()> {
        Ok(self.0.check().await?)
    }

    async fn read_page(
        &self,
        context: Context,
        request: ReadRequest,
        resource: &Resource,
    ) -> Result<trueup::Page> {
        let answer = self.0.read_page(said(&request)).await?;
        let facts = wire::read(&answer.facts, "the connector's page")?;
        let facts = page::PageFacts::from_json(facts)?;
        let (given, schema) = (answer.records.given(), resource.schema.clone());
        // Building columns would hold up a worker of the runtime.
        let built = tokio::task::spawn_blocking(move || records(given, &schema, &context)).await;
        let records = built.map_err(|cause| {
            Error::new(Kind::Internal, format!("a page cannot be taken over: {cause}"))
        })?;
        Ok(facts.page(records?))
    }

    fn writer(&self) -> Option<Box<dyn HostWriter>> {
        Some(Box::new(self.clone()))
    }
}

/// A call is never dropped half-way: what a write did would be lost with it. The executor waits.
#[async_trait]
impl HostWriter for SwiftHost {
    async fn apply(&self, _: Context, changes: Json) -> Result<Json> {
        let receipts = self.0.apply(changes.to_string()).await?;
        wire::read(&receipts, "the connector's receipts")
    }

    async fn status(&self, _: Context, handle: String) -> Result<Json> {
        let receipt = self.0.status(handle).await?;
        wire::read(&receipt, "the connector's receipt")
    }
}

fn said(request: &ReadRequest) -> String {
    let said = json!({
        "resource": request.resource,
        "cursor": request.cursor,
        "since": request.since,
        "pageSize": request.page_size,
    });
    said.to_string()
}

fn records(given: Given, schema: &Schema, context: &Context) -> Result<RecordBatch> {
    given::one_batch(&given.of_schema(schema).resolve(context)?)
}

/// What the record as it is now means for a change: `holds`, `already` or `stale`; both as JSON.
#[uniffi::export]
pub fn change_standing(change: String, record: Option<String>) -> Told<String> {
    let change: Json = wire::read(&change, "the change")?;
    let record = record.map(|record| wire::read::<Json>(&record, "the record")).transpose()?;
    Ok(write::standing(change, record.as_ref(), None)?.to_owned())
}
