//! The program: one line when it is ready, and an end when its input closes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value as Json;

fn start(arguments: &[&str]) -> (Child, Json) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trueup-sandbox"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

/// The status of a call, without a client in between.
fn get(url: &str, header: &str) -> String {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {host}\r\n{header}connection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn it_says_where_it_is_and_ends_with_its_input() {
    for system in ["scim", "intune", "entra", "jamf"] {
        let (mut child, ready) = start(&[system, "--port", "0", "--seed", "7", "--size", "20"]);
        assert_eq!((ready["system"].as_str(), ready["size"].as_u64()), (Some(system), Some(20)));
        let base = ready["base_url"].as_str().unwrap();
        assert!(base.starts_with("http://127.0.0.1:"), "{base}");
        assert_eq!(get(&format!("{base}/Users"), ""), "401");
        if system == "scim" {
            let known = format!("authorization: Bearer {}\r\n", ready["token"].as_str().unwrap());
            assert_eq!(get(&format!("{base}/Users"), &known), "200");
        } else {
            let tokens = ready["token_url"].as_str().unwrap();
            assert!(tokens.ends_with("/token") && tokens.contains("oauth"), "{tokens}");
            assert!(ready["client_id"].is_string() && ready["client_secret"].is_string());
        }
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn a_plan_of_faults_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.toml");
    std::fs::write(&file, "[[fault]]\nkind = \"error\"\nstatus = 500\n").unwrap();
    let (mut child, ready) = start(&["scim", "--faults", file.to_str().unwrap()]);
    assert_eq!(get(&format!("{}/Users", ready["base_url"].as_str().unwrap()), ""), "500");
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[test]
fn what_is_wrong_is_said() {
    for arguments in [
        &["jamf2"][..],
        &["scim", "--prot", "0"],
        &["scim", "--port", "x"],
        &["scim", "--port"],
        &["scim", "--faults", "no-such-plan.toml"],
    ] {
        let said = Command::new(env!("CARGO_BIN_EXE_trueup-sandbox")).args(arguments).output();
        let said = said.unwrap();
        assert!(!said.status.success() && !said.stderr.is_empty(), "{arguments:?}");
    }
}
