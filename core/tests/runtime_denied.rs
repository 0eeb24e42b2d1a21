//! A store that this process may not write, and a disk that takes no more: in a child process that has
//! fewer rights.
#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod runtime_support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use runtime_support::plan;
use trueup::runtime::Store;

/// Who may do nothing.
const NOBODY: u32 = 65_534;

/// Not a test by itself: what the child process does.
#[test]
fn child() {
    let Ok(path) = std::env::var("TRUEUP_DENIED") else { return };
    let outcome = Store::open(&path).and_then(|store| {
        (0..2_000).try_for_each(|i| store.keep_plan(&plan(&format!("r{i}"), 100..120, 10)))
    });
    match outcome {
        Ok(()) => println!("\nSAID ok"),
        Err(error) => println!("\nSAID {}: {error}", error.kind()),
    }
}

/// What the child said; `None` where this machine lets no such child be.
fn said(command: &mut Command, path: &Path) -> Option<String> {
    let command = command.args(["child", "--exact", "--nocapture"]).env("TRUEUP_DENIED", path);
    let output = match command.output() {
        Ok(output) => output,
        Err(cause) => {
            println!("not tried: {cause}");
            return None;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("SAID "));
    Some(line.unwrap_or_else(|| panic!("the child said nothing: {text} {output:?}")).to_owned())
}

fn store() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().join("store.db");
    let store = Store::create(&path).unwrap();
    store.keep_plan(&plan("r", [100], 10)).unwrap();
    (folder, path)
}

#[test]
fn a_store_that_may_not_be_written_says_so() {
    let (_folder, path) = store();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let before = fs::read(&path).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    // Who is root may write whatever the file says.
    child.uid(NOBODY).gid(NOBODY);
    let Some(said) = said(&mut child, &path) else { return };
    assert!(said.starts_with("forbidden: the store is read-only"), "{said}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_disk_that_takes_no_more_leaves_the_store_whole() {
    let (_folder, path) = store();
    let mut child = Command::new("sh");
    let exe = std::env::current_exe().unwrap();
    // Files of 300 blocks of 512 bytes at most; the write fails instead of the process.
    child.args(["-c", "trap '' XFSZ; ulimit -f 300; exec \"$0\" \"$@\""]).arg(exe);
    let Some(said) = said(&mut child, &path) else { return };
    assert!(said.starts_with("limit") || said.starts_with("unavailable"), "{said}");
    assert!(said.contains("the store"), "{said}");
    let store = Store::open(&path).unwrap();
    assert!(store.verify().unwrap().entries > 1);
    store.keep_plan(&plan("later", [100], 10)).unwrap();
}
