//! Reads the devices of one sandbox through the connector, by bare calls and, where Microsoft's own
//! clients are installed, through those; in turn, each the best of three, and shows them all.
//!
//! `cargo run --profile demo -p trueup-intune --example throughput -- 3000 "$(tests/graph_clients.sh)"`; without the
//! folder of clients, which take minutes for more, `-- 100000` is soon done.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement may stop at the first surprise"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value as Json, json};
use trueup_connector::{Connector, ConnectorExt, Context, ReadRequest};
use trueup_intune::{Intune, IntuneConfig};
use trueup_kit::{Auth, Endpoint, Fixed, Manners, Secret};
use trueup_sandbox::{Estate, Graph, Plan, Server};

const ROUNDS: u32 = 3;

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let size = words.first().map_or(10_000, |size| size.parse().expect("a number of devices"));
    if words.get(1).is_some_and(|word| word == "serve") {
        return serve(size).await;
    }
    let (mut server, ready) = start(size);
    let clients = words.get(1).map(Path::new);
    let mut best: Vec<(&str, f64)> = Vec::new();
    for _ in 0..ROUNDS {
        keep(&mut best, "connector", ours(&ready).await);
        keep(&mut best, "bare calls", by_hand(&ready).await);
        if let Some(folder) = clients {
            let python = folder.join("bin/python");
            keep(&mut best, "msgraph-sdk (Python)", theirs(&python, "read.py", folder, &ready));
            keep(
                &mut best,
                "graph client (Node)",
                theirs("node".as_ref(), "read.mjs", folder, &ready),
            );
        }
    }
    let ours = best[0].1;
    for (who, seconds) in &best {
        println!(
            "{size} devices, {who}: {seconds:.2} s; the connector is {:.2} times as fast",
            seconds / ours
        );
    }
    flat(&ready).await;
    drop(server.stdin.take());
    server.wait().expect("the server ends");
}

fn keep(best: &mut Vec<(&'static str, f64)>, who: &'static str, seconds: f64) {
    match best.iter_mut().find(|(known, _)| *known == who) {
        Some((_, least)) => *least = least.min(seconds),
        None => best.push((who, seconds)),
    }
}

/// The server is another process, so that nobody shares with it.
fn start(size: u64) -> (Child, Json) {
    let own = std::env::current_exe().expect("this program");
    let mut server = Command::new(own)
        .args([&size.to_string(), "serve"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program again");
    let mut line = String::new();
    let said = server.stdout.take().expect("its output");
    BufReader::new(said).read_line(&mut line).expect("a line");
    (server, serde_json::from_str(&line).expect("JSON"))
}

async fn serve(size: u64) {
    let folder = std::env::temp_dir().join(format!("trueup-throughput-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let graph = Graph::new(&Estate::new(7, size));
    let (server, authority) = Server::on_tls(0, graph, Plan::default()).await.expect("a port");
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, authority).expect("a file");
    let base = server.base_url();
    let ready = json!({"base_url": format!("{base}/v1.0"), "ca_file": ca, "size": size,
        "token_url": format!("{base}/{}/oauth2/v2.0/token", Graph::TENANT),
        "tenant": Graph::TENANT, "client_id": Graph::CLIENT, "client_secret": Graph::SECRET,
        "scope": "https://graph.microsoft.com/.default", "fields": FIELDS});
    writeln!(std::io::stdout(), "{ready}").expect("output");
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()).expect("input"))
        .await
        .expect("an end");
    std::fs::remove_dir_all(folder).expect("the folder goes");
}

fn text<'a>(ready: &'a Json, name: &str) -> &'a str {
    ready[name].as_str().expect("a text")
}

fn connector(ready: &Json) -> Intune {
    let mut config = IntuneConfig::new(Graph::TENANT, Graph::CLIENT);
    let auth = Auth::ClientSecret {
        token_url: text(ready, "token_url").into(),
        client_id: Graph::CLIENT.into(),
        scope: text(ready, "scope").into(),
        secret: "intune-secret".into(),
    };
    config.endpoint = Endpoint::new(text(ready, "base_url")).with_auth(auth);
    config.endpoint.ca_file = Some(text(ready, "ca_file").into());
    config.manners = Manners::default();
    let secrets = Fixed::new([("intune-secret", Secret::new(Graph::SECRET))]);
    Intune::new(config, Arc::new(secrets)).expect("settings")
}

async fn ours(ready: &Json) -> f64 {
    let (start, cpu) = (Instant::now(), busy());
    let read = connector(ready).read(Context::new(), "managed_devices").await.expect("devices");
    assert_eq!(Some(read.rows() as u64), ready["size"].as_u64());
    let each = (busy() - cpu) * 1e6 / read.rows() as f64;
    println!("  the connector's own time: {each:.1} microseconds a device");
    start.elapsed().as_secs_f64()
}

/// Page after page, each let go before the next.
async fn flat(ready: &Json) {
    let intune = connector(ready);
    let (mut request, mut rows) = (ReadRequest::new("managed_devices"), 0);
    let mut marks = Vec::new();
    loop {
        let page = intune.read_page(Context::new(), request).await.expect("a page");
        rows += page.records.num_rows();
        marks.push(memory());
        let Some(next) = page.next else { break };
        request = ReadRequest::new("managed_devices").with_cursor(next);
    }
    let (first, last) = (marks[marks.len() / 10], marks[marks.len() - 1]);
    println!("{rows} devices page by page: {first} MB in use after a tenth, {last} MB at the end");
}

/// Seconds of processor time that this process has had, by Linux's count of hundredths.
fn busy() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let parts: Vec<f64> = after.split_whitespace().filter_map(|part| part.parse().ok()).collect();
    // The state stands first and is no number.
    parts.get(10).zip(parts.get(11)).map_or(0.0, |(user, system)| (user + system) / 100.0)
}

/// Memory in use, in megabytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

const FIELDS: &str = "id,azureADDeviceId,deviceName,serialNumber,udid,imei,manufacturer,model,\
    operatingSystem,osVersion,managedDeviceOwnerType,managementAgent,managementState,\
    complianceState,deviceEnrollmentType,enrolledDateTime,lastSyncDateTime,\
    complianceGracePeriodExpirationDateTime,userId,userPrincipalName,isEncrypted,isSupervised,\
    jailBroken,totalStorageSpaceInBytes,freeStorageSpaceInBytes";

/// The same pages as JSON, and no more.
async fn by_hand(ready: &Json) -> f64 {
    drop(rustls::crypto::ring::default_provider().install_default());
    let start = Instant::now();
    let authority = std::fs::read(text(ready, "ca_file")).expect("the authority");
    let authority = reqwest::Certificate::from_pem(&authority).expect("a certificate");
    let http =
        reqwest::Client::builder().add_root_certificate(authority).build().expect("a client");
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope=x%2F.default",
        Graph::CLIENT,
        Graph::SECRET
    );
    let answer = http.post(text(ready, "token_url")).body(form).send().await.expect("a token");
    let token: Json = serde_json::from_slice(&answer.bytes().await.expect("it")).expect("JSON");
    let bearer = format!("Bearer {}", text(&token, "access_token"));
    let first = format!(
        "{}/deviceManagement/managedDevices?$select={FIELDS}&$top=1000",
        text(ready, "base_url")
    );
    let (mut next, mut rows) = (Some(first), Vec::new());
    while let Some(url) = next {
        let answer = http.get(url).header("authorization", &bearer).send().await;
        let bytes = answer.expect("an answer").bytes().await.expect("a body");
        let mut page: Json = serde_json::from_slice(&bytes).expect("JSON");
        next = page.get("@odata.nextLink").and_then(Json::as_str).map(str::to_owned);
        if let Some(Json::Array(page)) = page.get_mut("value").map(Json::take) {
            rows.extend(page);
        }
    }
    assert_eq!(Some(rows.len() as u64), ready["size"].as_u64());
    start.elapsed().as_secs_f64()
}

/// A client that others wrote; it says itself how long the reading took, without its own start.
fn theirs(program: &Path, script: &str, folder: &Path, ready: &Json) -> f64 {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/graph");
    let output = Command::new(program)
        .arg(scripts.join(script))
        .arg(ready.to_string())
        .current_dir(folder)
        .env("NODE_EXTRA_CA_CERTS", text(ready, "ca_file"))
        .env_remove("REQUESTS_CA_BUNDLE")
        .env_remove("CURL_CA_BUNDLE")
        .output()
        .expect("a client");
    let said = String::from_utf8_lossy(&output.stdout);
    let seconds = said.lines().last().and_then(|line| line.parse().ok());
    seconds.unwrap_or_else(|| {
        let why = String::from_utf8_lossy(&output.stderr);
        panic!("{script} did not come to its end: {said}{why}")
    })
}
