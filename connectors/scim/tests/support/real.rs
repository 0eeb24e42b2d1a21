//! A SCIM server that others wrote, from the Python package index.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value as Json;
use trueup_connector::Context;
use trueup_kit::{Client, Endpoint, Fixed, Manners, Request};

/// A running `scim2-server`; it is stopped when this is dropped.
pub(crate) struct Real {
    child: Child,
    port: u16,
}

impl Real {
    /// Starts one; `None`, with a word on the standard error, where it cannot be installed and the
    /// environment does not ask for it (`TRUEUP_REQUIRE_SCIM2`).
    pub(crate) async fn start(cursors: bool) -> Option<Self> {
        let program = programs()?.join("scim2-server");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        std::fs::write(&file, CONFIG).unwrap();
        // A free port may be taken by another before the server has it.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut command = Command::new(&program);
            command.args(["--hostname", "127.0.0.1", "--port", &port.to_string()]);
            if cursors {
                command.arg("--service-provider-config").arg(&file);
            }
            let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let real = Self { child: quiet.spawn().unwrap(), port };
            if real.is_up().await {
                return Some(real);
            }
        }
        panic!("scim2-server does not start");
    }

    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}/v2", self.port)
    }

    pub(crate) fn client(&self) -> Client {
        let (endpoint, secrets) = (Endpoint::new(self.base()), Fixed::default());
        let manners = Manners::default().with_tries(1);
        Client::new(endpoint, manners, std::sync::Arc::new(secrets), |_| None).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Json) -> Json {
        let request = Request::post(path).json_as("application/scim+json", body).unwrap();
        self.client().send(&Context::new(), request).await.unwrap().json().unwrap()
    }

    /// All resources of an endpoint, as the server gives them.
    pub(crate) async fn all(&self, path: &str) -> Vec<Json> {
        let request = Request::get(path).query("count", 1000);
        let list: Json = self.client().json(&Context::new(), request).await.unwrap();
        list["Resources"].as_array().cloned().unwrap_or_default()
    }

    async fn is_up(&self) -> bool {
        for _ in 0..400 {
            let asked = Request::get("ServiceProviderConfig");
            if self.client().send(&Context::new(), asked).await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Everything, and cursors.
const CONFIG: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
    "patch": {"supported": true}, "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
    "filter": {"supported": true, "maxResults": 1000}, "changePassword": {"supported": false},
    "sort": {"supported": true}, "etag": {"supported": true}, "authenticationSchemes": [],
    "pagination": {"cursor": true, "index": true, "defaultPaginationMethod": "cursor",
        "defaultPageSize": 100, "maxPageSize": 1000}}"#;

/// The folder of the programs that others wrote.
fn programs() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scim2.sh");
        let output = Command::new("bash").arg(script).output().ok()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            eprintln!("skipped: scim2-server cannot be installed here: {}", why.trim());
            return None;
        }
        said.lines().last().map(PathBuf::from)
    });
    let wanted = std::env::var_os("TRUEUP_REQUIRE_SCIM2").is_some();
    assert!(found.is_some() || !wanted, "TRUEUP_REQUIRE_SCIM2 asks for scim2-server");
    found.clone()
}
