//! Writing: the system's own calls, from which the kit makes what a writer owes.

// ANCHOR: writer
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use trueup_connector::{
    Authorised, Change, Context, Error, Idempotency, Kind, Operation, Receipt, Result, Schema,
    Writer, async_trait,
};
use trueup_kit::{Delivery, Found, Request, Sent, Target, apply, encode};

use crate::{ITEMS, Inner};

/// Writes items.
#[derive(Debug)]
pub(crate) struct ShelfWriter(Arc<Inner>);

impl ShelfWriter {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self(inner)
    }
}

#[async_trait]
impl Writer for ShelfWriter {
    fn idempotency(&self, _: &str, operation: &Operation) -> Idempotency {
        match operation {
            // No keys and no versions, but what was written can be read at once.
            Operation::Create | Operation::Update | Operation::Delete => {
                Idempotency::ReadBack { settle: Duration::ZERO }
            }
            _ => Idempotency::AtMostOnce,
        }
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        Ok(apply(self, &context, &changes).await)
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        context.check()?;
        Err(Error::new(Kind::NotFound, format!("`{handle}` is no change of this shelf")))
    }
}

#[async_trait]
impl Target for ShelfWriter {
    fn schema(&self, resource: &str) -> Result<Schema> {
        match resource == ITEMS {
            true => Ok(self.0.shape.schema().clone()),
            false => Err(Error::new(Kind::NotFound, format!("there is no resource `{resource}`"))),
        }
    }

    fn check(&self, change: &Change) -> Result<()> {
        match &change.operation {
            Operation::Create | Operation::Update | Operation::Delete => Ok(()),
            other => Err(Error::new(Kind::Unsupported, format!("a shelf cannot {other:?}"))),
        }
    }

    async fn find(&self, context: &Context, change: &Change) -> Result<Option<Found>> {
        let answer = self.0.client.ask(context, &Request::get(path(change))).await?;
        match answer.status {
            404 => Ok(None),
            _ if answer.is_success() => {
                let values = self.0.shape.values(&answer.json::<Json>()?)?;
                Ok(Some(Found::new(self.0.shape.schema(), values)))
            }
            _ => Err(self.0.client.refusal(&answer)),
        }
    }

    async fn send(&self, context: &Context, change: &Change, _: Option<&Found>) -> Sent {
        let request = self.0.shape.json(&change.after).and_then(|body| match change.operation {
            Operation::Create => Request::put(path(change)).json(&body),
            Operation::Delete => Ok(Request::delete(path(change))),
            _ => Request::patch(path(change)).json(&body),
        });
        let request = match request {
            Ok(request) => request,
            Err(error) => return Sent::NotSent(error),
        };
        match self.0.client.deliver(context, &request).await {
            Delivery::Answered(answer) if answer.is_success() => Sent::Done,
            // It may have been done before the system broke down.
            Delivery::Answered(answer) if answer.status >= 500 => {
                Sent::Lost(self.0.client.refusal(&answer))
            }
            Delivery::Answered(answer) => Sent::Failed(self.0.client.refusal(&answer)),
            Delivery::NotSent(error) => Sent::NotSent(error),
            Delivery::Lost(error) => Sent::Lost(error),
            _ => Sent::Lost(Error::new(Kind::Unknown, "what became of the call is not known")),
        }
    }
}

fn path(change: &Change) -> String {
    let sku = change.key.first().map(ToString::to_string).unwrap_or_default();
    format!("{ITEMS}/{}", encode(&sku))
}
// ANCHOR_END: writer
