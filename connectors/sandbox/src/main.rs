//! The program: one system on loopback until its input closes.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value as Json, json};
use tokio::io::AsyncReadExt;
use trueup_sandbox::{Estate, Graph, Jamf, Plan, Scim, Server};

const USAGE: &str = "usage: trueup-sandbox <scim|intune|entra|jamf> [--port N] [--seed N] \
    [--size N] [--faults PLAN.toml]; intune and entra also [--tls CA.pem] [--certificate CERT.pem]";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            drop(writeln!(std::io::stderr(), "{message}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let options = Options::parse(std::env::args().skip(1))?;
    let estate = Estate::new(options.seed, options.size);
    let (server, mut ready) = start(&options, &estate).await?;
    if let Json::Object(members) = &mut ready {
        members.insert("system".into(), json!(options.system));
        members.insert("size".into(), json!(options.size));
    }
    writeln!(std::io::stdout(), "{ready}").map_err(|cause| format!("cannot say so: {cause}"))?;
    wait_for_end().await;
    drop(server);
    Ok(())
}

async fn start(options: &Options, estate: &Estate) -> Result<(Server, Json), String> {
    let (port, plan) = (options.port, options.plan.clone());
    let busy = |cause: std::io::Error| format!("cannot listen on port {port}: {cause}");
    match options.system.as_str() {
        "scim" => {
            let server = Server::on(port, Scim::new(estate), plan).await.map_err(busy)?;
            let ready =
                json!({"base_url": format!("{}/v2", server.base_url()), "token": Scim::TOKEN});
            Ok((server, ready))
        }
        "jamf" => {
            let server = Server::on(port, Jamf::new(estate), plan).await.map_err(busy)?;
            let base = server.base_url();
            let ready = json!({"base_url": base, "token_url": format!("{base}/api/v1/oauth/token"),
                "client_id": Jamf::CLIENT, "client_secret": Jamf::SECRET});
            Ok((server, ready))
        }
        _ => {
            let (graph, mut ca) = (graph(options, estate)?, None);
            let server = match &options.tls {
                None => Server::on(port, graph, plan).await.map_err(busy)?,
                Some(path) => {
                    let (server, authority) =
                        Server::on_tls(port, graph, plan).await.map_err(busy)?;
                    write(path, &authority)?;
                    ca = Some(path);
                    server
                }
            };
            let base = server.base_url();
            let ready = json!({"base_url": format!("{base}/v1.0"),
                "token_url": format!("{base}/{}/oauth2/v2.0/token", Graph::TENANT),
                "tenant": Graph::TENANT, "client_id": Graph::CLIENT,
                "client_secret": Graph::SECRET, "scope": format!("{base}/.default"),
                "ca_file": ca});
            Ok((server, ready))
        }
    }
}

fn graph(options: &Options, estate: &Estate) -> Result<Graph, String> {
    let graph = Graph::new(estate);
    match &options.certificate {
        None => Ok(graph),
        Some(path) => graph.with_certificate(&read(path)?).map_err(|why| format!("{path}: {why}")),
    }
}

/// Serves until its input closes, so that it never outlives whoever started it.
async fn wait_for_end() {
    let (mut input, mut bytes) = (tokio::io::stdin(), [0; 1024]);
    while input.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
}

struct Options {
    system: String,
    port: u16,
    seed: u64,
    size: u64,
    plan: Plan,
    /// Where the authority's certificate goes.
    tls: Option<String>,
    /// Whose key may sign assertions.
    certificate: Option<String>,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let system = words.next().ok_or(USAGE)?;
        if !["scim", "intune", "entra", "jamf"].contains(&system.as_str()) {
            return Err(format!("there is no system `{system}`; {USAGE}"));
        }
        let (plan, tls, certificate) = (Plan::default(), None, None);
        let mut options = Self { system, port: 0, seed: 7, size: 1000, plan, tls, certificate };
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("`{word}` needs a value; {USAGE}"))?;
            let number = || value.parse().map_err(|_| format!("`{value}` is not a number"));
            match word.as_str() {
                "--port" => {
                    let port = number()?;
                    options.port = u16::try_from(port)
                        .map_err(|_| format!("no port has the number {port}"))?;
                }
                "--seed" => options.seed = number()?,
                "--size" => options.size = number()?,
                "--faults" => options.plan = faults(&value)?,
                "--tls" => options.tls = Some(value),
                "--certificate" => options.certificate = Some(value),
                _ => return Err(format!("there is no option `{word}`; {USAGE}")),
            }
        }
        Ok(options)
    }
}

fn faults(path: &str) -> Result<Plan, String> {
    Plan::from_toml(&read(path)?).map_err(|cause| format!("{path} is not a plan: {cause}"))
}

fn read(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|cause| format!("cannot read {path}: {cause}"))
}

fn write(path: &str, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|cause| format!("cannot write {path}: {cause}"))
}
