//! The settings.

use serde::{Deserialize, Serialize};
use trueup_kit::{Endpoint, Manners, Rate, graph};

/// The settings of an [`Intune`](crate::Intune) connector; secrets stand in them by name only.
///
/// ```
/// let config: trueup_intune::IntuneConfig = serde_json::from_str(
///     r#"{"endpoint": {"base_url": "https://graph.microsoft.com/v1.0",
///          "auth": {"kind": "client_certificate",
///            "token_url": "https://login.microsoftonline.com/contoso.example.com/oauth2/v2.0/token",
///            "client_id": "00000000-0000-0000-0000-000000000000",
///            "scope": "https://graph.microsoft.com/.default",
///            "certificate": "intune-certificate", "key": "intune-key"}},
///         "tenant": "contoso.example.com"}"#)?;
/// assert_eq!(config.page_size, 1000);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct IntuneConfig {
    /// Where Graph is (national clouds have their own), and how it knows us.
    pub endpoint: Endpoint,
    /// Whose data it is.
    #[serde(default)]
    pub tenant: String,
    /// What Graph asks of those who call.
    #[serde(default = "manners")]
    pub manners: Manners,
    /// The most records to ask for at once.
    #[serde(default = "page_size")]
    pub page_size: usize,
    /// How long Intune may take until a write can be read back, in milliseconds.
    #[serde(default = "settle")]
    pub settle_ms: u64,
    /// How long to wait before asking how an action goes, in milliseconds.
    #[serde(default = "check_after")]
    pub check_after_ms: u64,
}

impl IntuneConfig {
    /// The worldwide cloud, by client secret: it is the secret `intune-secret`.
    pub fn new(tenant: impl Into<String>, client_id: impl Into<String>) -> Self {
        let tenant = tenant.into();
        Self {
            endpoint: graph::worldwide(&tenant, &client_id.into(), "intune-secret"),
            tenant,
            manners: manners(),
            page_size: page_size(),
            settle_ms: settle(),
            check_after_ms: check_after(),
        }
    }
}

/// Half of what Intune lets one app ask of one tenant (1,000 calls in 20 seconds for apps, more for
/// devices), so that others may live.
fn manners() -> Manners {
    Manners::default().with_concurrency(4).with_rate(Rate::new(500, 20_000))
}

fn page_size() -> usize {
    1000
}

fn settle() -> u64 {
    30_000
}

fn check_after() -> u64 {
    60_000
}
