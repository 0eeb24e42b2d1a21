//! The Graph sandbox under Microsoft's own clients, and against Microsoft's own description.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value as Json, json};
use trueup_sandbox::{Estate, Graph, Plan, Server};

const SIZE: u64 = 25;

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests")
}

/// The folder with the clients; `None`, with a word why, where they cannot be installed.
fn clients() -> Option<PathBuf> {
    let made = Command::new("bash").arg(tests().join("graph_clients.sh")).output().unwrap();
    if made.status.success() {
        let said = String::from_utf8(made.stdout).unwrap();
        return Some(PathBuf::from(said.lines().last().unwrap()));
    }
    let why = String::from_utf8_lossy(&made.stderr).into_owned();
    let wanted = std::env::var_os("TRUEUP_REQUIRE_GRAPH_CLIENTS").is_some();
    assert!(!wanted, "TRUEUP_REQUIRE_GRAPH_CLIENTS asks for Microsoft's clients: {why}");
    eprintln!("skipped: Microsoft's clients cannot be installed here: {}", why.trim());
    None
}

/// A server by TLS, and what it says when it is ready.
async fn serve(folder: &Path) -> (Server, Json) {
    let mut graph = Graph::new(&Estate::new(7, SIZE));
    let signer = signer(folder);
    if signer.is_some() {
        let pem = std::fs::read_to_string(folder.join("cert.pem")).unwrap();
        graph = graph.with_certificate(&pem).unwrap();
    }
    let (server, authority) = Server::on_tls(0, graph, Plan::default()).await.unwrap();
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, authority).unwrap();
    let base = server.base_url();
    let mut ready = json!({"base_url": format!("{base}/v1.0"), "ca_file": ca, "size": SIZE,
        "token_url": format!("{base}/{}/oauth2/v2.0/token", Graph::TENANT),
        "tenant": Graph::TENANT, "client_id": Graph::CLIENT, "client_secret": Graph::SECRET,
        // Microsoft's clients ask for nothing else, wherever they are pointed.
        "scope": "https://graph.microsoft.com/.default"});
    if let Some(thumbprint) = signer {
        ready["certificate"] = json!(folder.join("cert.pem"));
        ready["key"] = json!(folder.join("key.pem"));
        ready["thumbprint"] = json!(thumbprint);
    }
    (server, ready)
}

/// A certificate made by the machine's OpenSSL, and its SHA-1; `None` where it has none.
fn signer(folder: &Path) -> Option<String> {
    let in_folder =
        |words: &[&str]| Command::new("openssl").current_dir(folder).args(words).output();
    let made = in_folder(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=trueup",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
    ]);
    made.ok().filter(|made| made.status.success())?;
    let print = in_folder(&["x509", "-in", "cert.pem", "-noout", "-fingerprint", "-sha1"]).ok()?;
    let print = String::from_utf8(print.stdout).ok()?;
    Some(print.split('=').nth(1)?.trim().replace(':', ""))
}

#[track_caller]
fn all_hold(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("all hold"), "{said}\n{complained}");
}

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_for_python_work() {
    let Some(place) = clients() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (_server, ready) = serve(folder.path()).await;
    let mut python = Command::new(place.join("bin/python"));
    // They would be taken before the authority that is named.
    python.env_remove("REQUESTS_CA_BUNDLE").env_remove("CURL_CA_BUNDLE");
    python.arg(tests().join("graph/clients.py")).arg(ready.to_string());
    all_hold(&run(python).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_for_node_work() {
    let Some(place) = clients() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (_server, ready) = serve(folder.path()).await;
    let mut node = Command::new("node");
    node.current_dir(&place).env("NODE_EXTRA_CA_CERTS", folder.path().join("ca.pem"));
    node.arg(tests().join("graph/clients.mjs")).arg(ready.to_string());
    all_hold(&run(node).await);
}

/// Paths of the description that the sandbox serves.
const SERVED: &[&str] = &[
    "/auditLogs/directoryAudits",
    "/deviceAppManagement/mobileApps",
    "/deviceAppManagement/mobileApps/{mobileApp-id}",
    "/deviceAppManagement/mobileApps/{mobileApp-id}/assignments",
    "/deviceManagement/detectedApps",
    "/deviceManagement/detectedApps/{detectedApp-id}/managedDevices",
    "/deviceManagement/deviceCompliancePolicies",
    "/deviceManagement/managedDevices",
    "/deviceManagement/managedDevices/$count",
    "/deviceManagement/managedDevices/{managedDevice-id}",
    "/deviceManagement/managedDevices/{managedDevice-id}/deviceCompliancePolicyStates",
    "/devices",
    "/devices/{device-id}",
    "/directory/deletedItems/graph.group",
    "/directory/deletedItems/graph.user",
    "/directoryObjects/{directoryObject-id}",
    "/groups",
    "/groups/$count",
    "/groups/delta()",
    "/groups/{group-id}",
    "/groups/{group-id}/memberOf",
    "/groups/{group-id}/members",
    "/groups/{group-id}/members/$count",
    "/groups/{group-id}/members/graph.user",
    "/groups/{group-id}/membersWithLicenseErrors",
    "/groups/{group-id}/owners",
    "/groups/{group-id}/owners/graph.user",
    "/groups/{group-id}/transitiveMemberOf",
    "/groups/{group-id}/transitiveMembers",
    "/groups/{group-id}/transitiveMembers/$count",
    "/groups/{group-id}/transitiveMembers/graph.device",
    "/groups/{group-id}/transitiveMembers/graph.group",
    "/groups/{group-id}/transitiveMembers/graph.user",
    "/organization",
    "/subscribedSkus",
    "/users",
    "/users/$count",
    "/users/delta()",
    "/users/{user-id}",
    "/users/{user-id}/licenseDetails",
    "/users/{user-id}/managedDevices",
    "/users/{user-id}/memberOf",
    "/users/{user-id}/transitiveMemberOf",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_described() {
    let Some(place) = clients() else { return };
    let specs = tests().join("../../shared/specs/msgraph-intune-entra.openapi.json");
    if !specs.exists() {
        eprintln!("skipped: Microsoft's description of Graph is not in ../shared/specs");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (_server, ready) = serve(folder.path()).await;
    let mut python = Command::new(place.join("bin/python"));
    python.arg(tests().join("graph/described.py")).arg(specs);
    python.arg(ready.to_string()).arg(json!(SERVED).to_string());
    all_hold(&run(python).await);
}
