//! The README shows the quickstart's lines, and they run.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use std::process::Command;

const README: &str = include_str!("../../README.md");
const QUICKSTART: &str = include_str!("../src/bin/quickstart.rs");

/// The lines of `main` but the last `Ok`, as they stand in the README.
fn lines() -> String {
    let body = QUICKSTART.split_once("Error>> {\n").unwrap().1;
    let body = body.split_once("\n\n    Ok(())").unwrap().0;
    let lines = body.lines().map(|line| line.strip_prefix("    ").unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_readme_has_the_quickstart() {
    let shown = format!("```rust\n{}\n```", lines());
    assert!(README.contains(&shown), "README.md should have:\n{shown}");
}

#[test]
fn the_quickstart_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut quickstart = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    let output = quickstart.current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.starts_with("matched 0, missing 1, unexpected 1, changed 1\n"), "{shown}");
    assert!(shown.contains("set `site` to `Bern` on the actual side"), "{shown}");
    assert!(folder.path().join("sites.html").is_file());
}
