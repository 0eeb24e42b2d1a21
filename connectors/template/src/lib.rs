//! A whole connector to a small REST system, to start a new one from.
//!
//! The system is made up: a shelf of items. `GET items?page=1` answers
//! `{"items": [{"sku": …, "name": …, "count": …}], "pages": 3}`; one item is at `items/{sku}`, where
//! `PATCH` sets members, `PUT` makes it and `DELETE` removes it. The guide in `docs/connectors` walks
//! through this file.

// ANCHOR: config
mod writer;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use trueup_connector::{
    Capability, Connector, Consistency, Context, Error, Identity, Kind, LogicalType, Page,
    ReadRequest, Resource, Result, Writer, async_trait, suggest,
};
use trueup_kit::{
    Answer, Client, Cursors, Detail, Endpoint, Item, Manners, Paging, Place, Request, Secrets,
    Shape,
};

/// The settings of a [`Shelf`].
///
/// ```
/// let wrong = serde_json::from_str::<trueup_template::ShelfConfig>(
///     r#"{"endpoint": {"base_url": "https://shelf.example.org/api"}, "tenent": "x"}"#);
/// assert!(wrong.unwrap_err().to_string().contains("unknown field `tenent`"));
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShelfConfig {
    /// Where the system is, and how it knows us.
    pub endpoint: Endpoint,
    /// What the vendor asks of those who call.
    #[serde(default)]
    pub manners: Manners,
    /// Whose data it is.
    #[serde(default)]
    pub tenant: String,
}
// ANCHOR_END: config

// ANCHOR: connector
/// Reads and writes the items of a shelf.
#[derive(Clone, Debug)]
pub struct Shelf(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    identity: Identity,
    cursors: Cursors,
    shape: Shape,
    paging: Paging,
}

const ITEMS: &str = "items";

impl Shelf {
    /// A connector with these settings; nothing is sent yet.
    ///
    /// # Errors
    /// `invalid`, naming the setting.
    pub fn new(config: ShelfConfig, secrets: Arc<dyn Secrets>) -> Result<Self> {
        let client = Client::new(config.endpoint, config.manners, secrets, detail)?;
        let identity = Identity::new("shelf", client.base().as_str()).with_tenant(config.tenant);
        let cursors = Cursors::new(&identity);
        let shape = Shape::new([
            Item::text("sku", "/sku").key().immutable(),
            Item::text("name", "/name").writable(),
            Item::new("count", LogicalType::Int, "/count").writable(),
        ])?;
        let paging = Paging::number("page", 1).with_total("/pages");
        Ok(Self(Arc::new(Inner { client, identity, cursors, shape, paging })))
    }
}

/// The vendor's form of errors: `{"error": "…"}`.
fn detail(answer: &Answer) -> Option<Detail> {
    let body: Json = answer.json().ok()?;
    Some(Detail::new(body.get("error")?.as_str()?))
}
// ANCHOR_END: connector

// ANCHOR: reading
#[async_trait]
impl Connector for Shelf {
    fn identity(&self) -> Identity {
        self.0.identity.clone()
    }

    fn capability(&self) -> Capability {
        // No page size, no deltas, and no moment that a whole reading sees: all as it starts.
        let mut capability = Capability::default();
        capability.consistency = Consistency::BestEffort;
        capability
    }

    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        context.check()?;
        Ok(vec![Resource::new(ITEMS, self.0.shape.schema().clone())])
    }

    async fn check(&self, context: Context) -> Result<()> {
        self.0.client.send(&context, Request::get(ITEMS)).await.map(drop)
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        check(&request)?;
        let place = match &request.cursor {
            Some(cursor) => Some(self.0.cursors.open::<Place>(ITEMS, cursor)?),
            None => None,
        };
        let call = self.0.paging.request(Request::get(ITEMS), place.as_ref());
        let take = |answer: &Answer| {
            let body: Json = answer.json()?;
            let items = body.get("items").and_then(Json::as_array).cloned().ok_or_else(|| {
                // An answer without a list must not be a list without items.
                Error::new(Kind::Protocol, "the answer has no list `items`")
            })?;
            let next = self.0.paging.next(&body, place.as_ref(), items.len())?;
            Ok((items, next))
        };
        let (items, next) = self.0.client.read(&context, call, take).await?;
        let next = next.map(|next| self.0.cursors.seal(ITEMS, &next)).transpose()?;
        Ok(Page::new(self.0.shape.batch(&items)?).with_next(next))
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        Some(Arc::new(writer::ShelfWriter::new(self.0.clone())))
    }
}

fn check(request: &ReadRequest) -> Result<()> {
    if request.resource != ITEMS {
        let known = suggest(&request.resource, [ITEMS]);
        let message = format!("there is no resource `{}`{known}", request.resource);
        return Err(Error::new(Kind::NotFound, message));
    }
    if request.since.is_some() || request.page_size.is_some() {
        let message = "a shelf has neither deltas nor page sizes; leave them out";
        return Err(Error::new(Kind::Unsupported, message));
    }
    Ok(())
}
// ANCHOR_END: reading
