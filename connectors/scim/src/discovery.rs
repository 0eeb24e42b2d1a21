//! What the server can do, as it says itself (RFC 7643 §5, §7).

use std::collections::HashSet;

use serde_json::Value as Json;
use trueup_connector::{Context, Kind, Result};
use trueup_kit::{Client, Request};

/// What the server can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Discovery {
    pub(crate) patch: bool,
    pub(crate) filter: bool,
    pub(crate) sort: bool,
    pub(crate) etag: bool,
    pub(crate) cursor: bool,
    /// The largest page, where it says so.
    pub(crate) most: Option<usize>,
    /// Attributes that cannot be set, in lower case: `username`, `name.givenname`.
    pub(crate) fixed: HashSet<String>,
}

/// Asks the server; one that does not say has pages by index and nothing else.
pub(crate) async fn ask(client: &Client, context: &Context) -> Result<Discovery> {
    let Some(config) = optional(client, context, "ServiceProviderConfig").await? else {
        return Ok(Discovery::default());
    };
    let supported = |name: &str| {
        config.pointer(&format!("/{name}/supported")).and_then(Json::as_bool).unwrap_or(false)
    };
    let pagination = |name: &str| config.pointer(&format!("/pagination/{name}"));
    let most = pagination("maxPageSize").or_else(|| config.pointer("/filter/maxResults"));
    let most = most.and_then(Json::as_u64).filter(|most| *most > 0);
    Ok(Discovery {
        patch: supported("patch"),
        filter: supported("filter"),
        sort: supported("sort"),
        etag: supported("etag"),
        cursor: pagination("cursor").and_then(Json::as_bool).unwrap_or(false),
        most: most.and_then(|most| usize::try_from(most).ok()),
        fixed: fixed(client, context).await?,
    })
}

/// The attributes that the schemas call read-only or write-only.
async fn fixed(client: &Client, context: &Context) -> Result<HashSet<String>> {
    let mut fixed = HashSet::new();
    let Some(list) = optional(client, context, "Schemas").await? else { return Ok(fixed) };
    for schema in list.get("Resources").and_then(Json::as_array).into_iter().flatten() {
        let id = schema.get("id").and_then(Json::as_str).unwrap_or_default();
        let prefix = match id.contains(":extension:") {
            true => format!("{}/", id.to_lowercase()),
            false => format!("{}/", id.rsplit(':').next().unwrap_or_default().to_lowercase()),
        };
        collect(schema.get("attributes"), &prefix, &mut fixed);
    }
    Ok(fixed)
}

fn collect(attributes: Option<&Json>, prefix: &str, fixed: &mut HashSet<String>) {
    for attribute in attributes.and_then(Json::as_array).into_iter().flatten() {
        let text = |name: &str| attribute.get(name).and_then(Json::as_str).unwrap_or_default();
        let name = format!("{prefix}{}", text("name").to_lowercase());
        collect(attribute.get("subAttributes"), &format!("{name}/"), fixed);
        if text("mutability") == "readOnly" {
            fixed.insert(name);
        }
    }
}

/// What a server need not have.
async fn optional(client: &Client, context: &Context, path: &str) -> Result<Option<Json>> {
    match client.json(context, Request::get(path)).await {
        Ok(json) => Ok(Some(json)),
        Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Unsupported) => Ok(None),
        Err(error) => Err(error),
    }
}
