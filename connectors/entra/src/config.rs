//! The settings.

use serde::{Deserialize, Serialize};
use trueup_kit::{Endpoint, Manners, Rate, graph};

/// The settings of an [`Entra`](crate::Entra) connector; secrets stand in them by name only.
///
/// ```
/// let config: trueup_entra::EntraConfig = serde_json::from_str(
///     r#"{"endpoint": {"base_url": "https://graph.microsoft.com/v1.0",
///          "auth": {"kind": "client_certificate",
///            "token_url": "https://login.microsoftonline.com/contoso.example.com/oauth2/v2.0/token",
///            "client_id": "00000000-0000-0000-0000-000000000000",
///            "scope": "https://graph.microsoft.com/.default",
///            "certificate": "entra-certificate", "key": "entra-key"}},
///         "tenant": "contoso.example.com"}"#)?;
/// assert_eq!(config.page_size, 999);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EntraConfig {
    /// Where Graph is (national clouds have their own), and how it knows us.
    pub endpoint: Endpoint,
    /// Whose data it is.
    #[serde(default)]
    pub tenant: String,
    /// What Graph asks of those who call.
    #[serde(default = "manners")]
    pub manners: Manners,
    /// The most records to ask for at once; the directory gives 999.
    #[serde(default = "page_size")]
    pub page_size: usize,
    /// How long the directory may take until a write can be read back, in milliseconds.
    #[serde(default = "settle")]
    pub settle_ms: u64,
}

impl EntraConfig {
    /// The worldwide cloud, by client secret: it is the secret `entra-secret`.
    pub fn new(tenant: impl Into<String>, client_id: impl Into<String>) -> Self {
        let tenant = tenant.into();
        Self {
            endpoint: graph::worldwide(&tenant, &client_id.into(), "entra-secret"),
            tenant,
            manners: manners(),
            page_size: page_size(),
            settle_ms: settle(),
        }
    }
}

/// A list of users costs two units, and a small tenant has 3,500 for ten seconds: half of that, so that
/// others may live.
fn manners() -> Manners {
    Manners::default().with_concurrency(4).with_rate(Rate::new(800, 10_000))
}

fn page_size() -> usize {
    999
}

fn settle() -> u64 {
    30_000
}
