//! Where PostgreSQL's programs are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Where packages put the programs, one folder a version below.
const ROOTS: [&str; 4] =
    ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt", "/usr/local/pgsql"];

/// The folder that has `initdb`, `postgres` and `pg_ctl`.
pub(crate) fn find() -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    // A link leads to the folder where the programs find each other.
    let linked = |folder: PathBuf| fs::canonicalize(folder.join("postgres")).ok();
    let on_path = env::split_paths(&path).filter_map(linked);
    let on_path = on_path.filter_map(|program| program.parent().map(Path::to_path_buf));
    let packaged = ROOTS.iter().flat_map(|root| versions(Path::new(root)));
    on_path.chain(packaged).find(|folder| complete(folder)).ok_or_else(|| {
        "there is no PostgreSQL server here; install it (Debian: apt-get install postgresql, \
         macOS: brew install postgresql)"
            .to_owned()
    })
}

/// The folders of programs below a root, the newest version first.
fn versions(root: &Path) -> Vec<PathBuf> {
    let below = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = below.map(|folder| folder.join("bin")).collect();
    folders.push(root.join("bin"));
    folders.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    folders
}

fn version(folder: &Path) -> u32 {
    let digits: String = folder.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn complete(folder: &Path) -> bool {
    ["initdb", "postgres", "pg_ctl"].iter().all(|program| folder.join(program).is_file())
}
