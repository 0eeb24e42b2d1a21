//! The settings.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use trueup_connector::LogicalType;
use trueup_kit::{Endpoint, Manners};

/// The settings of a [`Scim`](crate::Scim) connector; secrets stand in them by name only.
///
/// ```
/// let config: trueup_scim::ScimConfig = serde_json::from_str(
///     r#"{"endpoint": {"base_url": "https://idp.example.org/scim/v2"},
///         "within": {"field": "user_name", "starts_with": "svc-"},
///         "extra": [{"name": "badge", "path": "/urn:example:2.0:User/badge"}]}"#)?;
/// assert_eq!(config.page_size, 500);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ScimConfig {
    /// Where the server is, and how it knows us.
    pub endpoint: Endpoint,
    /// What the server asks of those who call.
    #[serde(default)]
    pub manners: Manners,
    /// Whose data it is.
    #[serde(default)]
    pub tenant: String,
    /// How pages are asked for.
    #[serde(default)]
    pub pages: Pages,
    /// The most records to ask for at once.
    #[serde(default = "page_size")]
    pub page_size: usize,
    /// Only users for which this holds: a predicate over `user_name`, as coverage has it.
    #[serde(default)]
    pub within: Option<Json>,
    /// Attributes of users beyond the core and the enterprise extension.
    #[serde(default)]
    pub extra: Vec<Extra>,
    /// How long the server may still be working on a write, in milliseconds, where it has no
    /// versions.
    #[serde(default = "settle")]
    pub settle_ms: u64,
}

/// How pages are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pages {
    /// By cursor where the server says that it has them, else by index.
    #[default]
    Auto,
    /// By index.
    Index,
    /// By cursor.
    Cursor,
}

/// An attribute beyond the core and the enterprise extension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extra {
    /// The field's name.
    pub name: String,
    /// Where it stands: `/urn:example:2.0:User/badge`.
    pub path: String,
    /// What its values mean.
    #[serde(default = "text", rename = "type")]
    pub ty: LogicalType,
    /// A writer may set it.
    #[serde(default)]
    pub writable: bool,
}

impl ScimConfig {
    /// This server, with the settings that suit most.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            manners: Manners::default(),
            tenant: String::new(),
            pages: Pages::Auto,
            page_size: page_size(),
            within: None,
            extra: Vec::new(),
            settle_ms: settle(),
        }
    }
}

fn page_size() -> usize {
    500
}

fn settle() -> u64 {
    5_000
}

fn text() -> LogicalType {
    LogicalType::Text
}
