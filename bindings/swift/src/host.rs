//! Connectors written in Swift.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use serde_json::{Value as Json, json};
use trueup::{Context, Error, Kind, ReadRequest, Resource, Result, Schema, Snapshot};
use trueup_bindings::page;

use crate::errors::Failure;
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
    one_batch(&given.of_schema(schema).resolve(context)?)
}

fn one_batch(snapshot: &Snapshot) -> Result<RecordBatch> {
    match snapshot.batches() {
        [] => Ok(RecordBatch::new_empty(snapshot.arrow_schema().clone())),
        [batch] => Ok(batch.clone()),
        several => arrow_select::concat::concat_batches(snapshot.arrow_schema(), several)
            .map_err(|cause| Error::new(Kind::Limit, format!("the page is too large: {cause}"))),
    }
}
