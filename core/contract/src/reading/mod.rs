//! Reading through a connector to the end, and holding it to its promises.
//!
//! order: pages → delta

mod delta;
mod pages;

#[cfg(test)]
mod tests;

use async_trait::async_trait;

use crate::connector::{Connector, ReadRequest, Resource};
use crate::context::Context;
use crate::error::{Error, Kind, Result, suggest};
use crate::snapshot::Snapshot;
pub use delta::Delta;
use pages::Reading;

/// Conveniences for the callers of a [`Connector`]; every connector has them.
///
/// A connector that breaks the contract (a cursor that stands twice, a page of other columns, no end
/// of empty pages) is an error of kind `protocol`; no part of a reading is ever returned for the
/// whole.
#[async_trait]
pub trait ConnectorExt: Connector {
    /// Reads a whole resource.
    ///
    /// # Errors
    /// Those of [`Connector::read_page`]; `not_found` for an unknown resource, with the nearest name.
    async fn read(&self, context: Context, resource: &str) -> Result<Snapshot> {
        self.read_all(context, ReadRequest::new(resource)).await
    }

    /// Reads a whole resource as a request says, whose page size then holds for every page.
    ///
    /// # Errors
    /// As [`ConnectorExt::read`]; `invalid` where the request has a cursor or asks for a delta.
    async fn read_all(&self, context: Context, request: ReadRequest) -> Result<Snapshot> {
        if request.cursor.is_some() || request.since.is_some() {
            let message =
                "a whole reading starts at the beginning; for what changed since use `read_delta`";
            return Err(Error::new(Kind::Invalid, message).with("resource", &request.resource));
        }
        pages(self, context, request).await?.finish(self)
    }

    /// Reads what changed in a resource since the reading that a request names: the `cursor` in that
    /// one's provenance.
    ///
    /// # Errors
    /// As [`ConnectorExt::read`]; `unsupported` where the connector has no deltas, `invalid` where
    /// the request does not say since when.
    async fn read_delta(&self, context: Context, request: ReadRequest) -> Result<Delta> {
        if !self.capability().delta {
            let message = "the connector has no deltas; read the whole resource";
            return Err(Error::new(Kind::Unsupported, message).with("resource", &request.resource));
        }
        if request.cursor.is_some() || request.since.is_none() {
            let message = "a delta needs `since`, the cursor in the last reading's provenance, and starts at the beginning";
            return Err(Error::new(Kind::Invalid, message).with("resource", &request.resource));
        }
        Delta::new(pages(self, context, request).await?, self)
    }
}

impl<C: Connector + ?Sized> ConnectorExt for C {}

async fn pages<C: Connector + ?Sized>(
    connector: &C,
    context: Context,
    request: ReadRequest,
) -> Result<Reading> {
    let resource = find(connector.describe(context.clone()).await?, &request.resource)?;
    let mut reading = Reading::new(resource, request);
    while let Some(request) = reading.request() {
        context.check()?;
        let page = connector.read_page(context.clone(), request).await?;
        reading.take(page)?;
        context.report("read", reading.rows, None);
    }
    Ok(reading)
}

fn find(resources: Vec<Resource>, name: &str) -> Result<Resource> {
    let names: Vec<String> = resources.iter().map(|resource| resource.name.clone()).collect();
    resources.into_iter().find(|resource| resource.name == name).ok_or_else(|| {
        let known = suggest(name, names.iter().map(String::as_str));
        Error::new(Kind::NotFound, format!("there is no resource `{name}`{known}"))
    })
}
