//! The settings.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use trueup_kit::{Auth, Endpoint, Manners};

/// The settings of a [`Jamf`](crate::Jamf) connector; secrets stand in them by name only.
///
/// ```
/// let config: trueup_jamf::JamfConfig = serde_json::from_str(
///     r#"{"endpoint": {"base_url": "https://acme.jamfcloud.example", "cookies": true,
///          "auth": {"kind": "client_secret",
///            "token_url": "https://acme.jamfcloud.example/api/v1/oauth/token",
///            "client_id": "00000000-0000-0000-0000-000000000000", "secret": "jamf-secret"}}}"#)?;
/// assert_eq!(config.page_size, 500);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct JamfConfig {
    /// Where the server is, without `/api`, and how it knows us.
    pub endpoint: Endpoint,
    /// Whose data it is.
    #[serde(default)]
    pub tenant: String,
    /// What the server asks of those who call.
    #[serde(default = "manners")]
    pub manners: Manners,
    /// The most records to ask for at once; the server gives 2,000 at most.
    #[serde(default = "page_size")]
    pub page_size: usize,
    /// The version of the inventory to ask for, 1 to 4; the newest that the server speaks without
    /// this.
    #[serde(default)]
    pub inventory_version: Option<u8>,
    /// How long the cluster may take until a write can be read back, in milliseconds.
    #[serde(default = "settle")]
    pub settle_ms: u64,
    /// How long to wait before asking how a command or an upload goes, in milliseconds.
    #[serde(default = "check_after")]
    pub check_after_ms: u64,
    /// The folder with the files of packages, by their `file_name`; without it none is uploaded.
    #[serde(default)]
    pub content: Option<PathBuf>,
    /// The largest file that is uploaded, in bytes: it is held in memory.
    #[serde(default = "largest")]
    pub max_upload_bytes: u64,
}

impl JamfConfig {
    /// This server, by an API client whose secret is the secret `jamf-secret`.
    pub fn new(base_url: impl Into<String>, client_id: impl Into<String>) -> Self {
        let base_url = base_url.into();
        let auth = Auth::ClientSecret {
            token_url: format!("{}/api/v1/oauth/token", base_url.trim_end_matches('/')),
            client_id: client_id.into(),
            scope: String::new(),
            secret: "jamf-secret".into(),
        };
        let mut endpoint = Endpoint::new(base_url).with_auth(auth);
        // Without them a read straight after a write may see how it was.
        endpoint.cookies = true;
        Self {
            endpoint,
            tenant: String::new(),
            manners: manners(),
            page_size: page_size(),
            inventory_version: None,
            settle_ms: settle(),
            check_after_ms: check_after(),
            content: None,
            max_upload_bytes: largest(),
        }
    }
}

/// No more than five connections, as the vendor asks.
fn manners() -> Manners {
    Manners::default().with_concurrency(4)
}

fn page_size() -> usize {
    500
}

fn settle() -> u64 {
    60_000
}

fn check_after() -> u64 {
    30_000
}

fn largest() -> u64 {
    1 << 30
}
