//! The Jamf sandbox under `jamf-pro-sdk`, a client that others wrote, and under the vendor's own
//! description of the Pro API where that is at hand.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

use std::path::Path;
use std::process::Command;

use trueup_sandbox::{Estate, Jamf, Plan, Server};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_others_wrote_is_content() {
    let top = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let installed = Command::new("bash").arg(format!("{top}/tests/jamf.sh")).output().unwrap();
    if !installed.status.success() {
        let why = String::from_utf8_lossy(&installed.stderr);
        let wanted = std::env::var_os("TRUEUP_REQUIRE_JAMF").is_some();
        assert!(!wanted, "TRUEUP_REQUIRE_JAMF asks for jamf-pro-sdk: {why}");
        eprintln!("skipped: jamf-pro-sdk cannot be installed here: {}", why.trim());
        return;
    }
    let said = String::from_utf8(installed.stdout).unwrap();
    let python = format!("{}/python", said.lines().last().unwrap());
    let server = Server::start(Jamf::new(&Estate::new(7, 40)), Plan::default()).await.unwrap();
    let base = server.base_url();
    let port = base.rsplit(':').next().unwrap();
    let mut judge = Command::new(python);
    judge.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jamf_judge.py"));
    judge.args([port, Jamf::CLIENT, Jamf::SECRET]);
    let described = std::env::var("TRUEUP_SPECS").unwrap_or(format!("{top}/../shared/specs"));
    let described = Path::new(&described).join("jamf-pro-api-11.30.1.json");
    match described.exists() {
        true => drop(judge.arg(&described)),
        false => eprintln!(
            "the description {} is not here: answers are not held to it",
            described.display()
        ),
    }
    let judged = tokio::task::spawn_blocking(move || judge.output()).await.unwrap().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&judged.stdout), String::from_utf8_lossy(&judged.stderr));
    // The client prints things of its own before.
    let last = out.lines().last().unwrap_or_default();
    assert!(judged.status.success() && last.starts_with("40 devices"), "{out}{err}");
    eprintln!("{last}");
}
