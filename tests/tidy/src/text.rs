//! Nothing in the tree names a place that only one machine has, or where packages are fetched.

use crate::{Complaint, Page};

// Written in two halves so that this file does not break its own rule.
const MACHINE: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("C:\\Us", "ers"),
];
const HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("repo1.maven", ".org"),
    concat!("deb.debian", ".org"),
];

/// Complains about machine paths and registry hosts; lock files may name hosts.
pub fn check_places(pages: &[Page]) -> Vec<Complaint> {
    pages.iter().flat_map(check_page).collect()
}

fn check_page(page: &Page) -> Vec<Complaint> {
    let hosts = if is_lock(&page.path) { &[] } else { HOSTS };
    let numbered = page.text.lines().zip(1..);
    numbered.filter_map(|(line, n)| complaint(&page.path, n, line, hosts)).collect()
}

fn complaint(file: &str, number: usize, line: &str, hosts: &[&str]) -> Option<Complaint> {
    if let Some(path) = MACHINE.iter().find(|p| names_place(line, p)) {
        let what = format!(
            "`{path}` exists on one machine only: use a path from the clone, an argument or a temporary folder"
        );
        return Some(Complaint::new(file, number, what));
    }
    let host = hosts.iter().find(|h| line.contains(*h))?;
    let what = format!("`{host}` is the package client's business: leave the host out");
    Some(Complaint::new(file, number, what))
}

/// Whether `place` begins a path in the line, rather than sitting inside a longer one.
fn names_place(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line.get(..at).and_then(|l| l.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/}*)".contains(c))
    })
}

fn is_lock(path: &str) -> bool {
    path.ends_with(".lock") || path.ends_with("package-lock.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: String, wrong: usize) {
        let page = Page { path: path.into(), text };
        assert_eq!(check_places(std::slice::from_ref(&page)).len(), wrong, "{}", page.text);
    }

    #[test]
    fn machine_paths_are_reported() {
        let [work, .., home, _, _] = MACHINE else { panic!("the table has changed") };
        check("a.md", format!("see {work}main"), 1);
        check("a.md", format!("cd \"{home}me\""), 1);
        check("a.md", format!("frame{work}main and ${{X}}{work}y"), 0);
    }

    #[test]
    fn registry_hosts_are_reported_except_in_lock_files() {
        for host in HOSTS {
            check("a.md", format!("from https://{host}/x"), 1);
            check("Cargo.lock", format!("from https://{host}/x"), 0);
        }
    }
}
