//! The SCIM sandbox under `scim2-tester`, a checker that others wrote.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

use std::process::Command;

use trueup_sandbox::{Estate, Plan, Scim, Server};

#[tokio::test(flavor = "multi_thread")]
async fn the_checker_finds_no_fault() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scim2.sh");
    let installed = Command::new("bash").arg(script).output().unwrap();
    if !installed.status.success() {
        let why = String::from_utf8_lossy(&installed.stderr);
        let wanted = std::env::var_os("TRUEUP_REQUIRE_SCIM2").is_some();
        assert!(!wanted, "TRUEUP_REQUIRE_SCIM2 asks for scim2-tester: {why}");
        eprintln!("skipped: scim2-tester cannot be installed here: {}", why.trim());
        return;
    }
    let said = String::from_utf8(installed.stdout).unwrap();
    let program = format!("{}/scim2", said.lines().last().unwrap());
    let server = Server::start(Scim::new(&Estate::new(7, 20)), Plan::default()).await.unwrap();
    let checked = Command::new(program)
        .args(["--url", &format!("{}/v2", server.base_url())])
        .args(["--header", &format!("Authorization: Bearer {}", Scim::TOKEN), "test"])
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&checked.stdout).into_owned();
    let errors: Vec<&str> = report.lines().filter(|line| line.contains("ERROR")).collect();
    let successes = report.lines().filter(|line| line.contains("SUCCESS")).count();
    assert!(
        checked.status.success() && errors.is_empty() && successes > 50,
        "{successes}\n{report}"
    );
}
