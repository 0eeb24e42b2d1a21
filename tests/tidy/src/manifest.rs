//! Which crate may build on which.

use crate::{Complaint, Page};

/// Shared parts that live among the connectors and that connectors may build on.
const SHARED: &[&str] = &["trueup-kit"];
const ENGINE: &str = "trueup";
/// Tests connectors by carrying out plans, as the engine does; no shipped code builds on it.
const TESTKIT: &str = "trueup-testkit";

/// Complains where a connector builds on the engine or on another connector, where a core crate
/// builds on a connector, and where a crate does not take the workspace's lints.
pub fn check_manifests(pages: &[Page]) -> Vec<Complaint> {
    let manifests: Vec<_> = pages.iter().filter_map(Manifest::of).collect();
    let below = |m: &&Manifest<'_>, folder: &str| m.file.starts_with(folder);
    let connectors: Vec<_> =
        manifests.iter().filter(|m| below(m, "connectors/")).map(|m| m.name).collect();
    let forbidden = |m: &Manifest<'_>, name: &str| {
        name != m.name
            && match m.file.split('/').next() {
                Some("connectors") => {
                    (name == ENGINE && m.name != TESTKIT)
                        || (connectors.contains(&name) && !SHARED.contains(&name))
                }
                Some("core") => connectors.contains(&name),
                _ => false,
            }
    };
    let wrong = manifests.iter().flat_map(|m| {
        m.dependencies.iter().filter(|(name, _)| forbidden(m, name)).map(|(name, line)| {
            let what = format!("`{}` must not build on `{name}`: build on `trueup-connector` alone; tests may use [dev-dependencies]", m.name);
            Complaint::new(m.file, *line, what)
        })
    });
    let lints = manifests.iter().filter(|m| !m.lints);
    let lints = lints.map(|m| {
        Complaint::new(m.file, 1, "take the workspace's lints: `[lints]` and `workspace = true`")
    });
    wrong.chain(lints).collect()
}

/// What this rule needs to know of a Cargo.toml.
struct Manifest<'a> {
    file: &'a str,
    name: &'a str,
    /// What it builds on outside its tests, and where that is said.
    dependencies: Vec<(&'a str, usize)>,
    lints: bool,
}

impl<'a> Manifest<'a> {
    fn of(page: &'a Page) -> Option<Self> {
        let is_manifest = page.path.ends_with("/Cargo.toml");
        if !is_manifest || !page.text.contains("[package]") {
            return None;
        }
        let lines: Vec<_> = sectioned(&page.text).collect();
        let name = lines.iter().find(|(s, l, _)| *s == "package" && key(l) == "name")?;
        let dependencies = lines.iter().filter_map(|(s, l, n)| Some((dependency(s, l)?, *n)));
        let lints =
            lines.iter().any(|(s, l, _)| *s == "lints" && l.starts_with("workspace = true"));
        // A workspace of its own (fuzzing) cannot take ours.
        let own = page.text.contains("[workspace]");
        let dependencies = dependencies.collect();
        Some(Self { file: &page.path, name: quoted(name.1)?, dependencies, lints: lints || own })
    }
}

/// Every line with the section it stands in; a section's own header stands in itself.
fn sectioned(text: &str) -> impl Iterator<Item = (&str, &str, usize)> {
    text.lines().zip(1..).scan("", |section, (line, number)| {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            *section = header.split(']').next().unwrap_or_default();
        }
        Some((*section, line, number))
    })
}

/// The crate that a line in a section makes a dependency of shipped code.
fn dependency<'a>(section: &'a str, line: &'a str) -> Option<&'a str> {
    if line.is_empty() || line.starts_with('#') || section.contains("dev-dependencies") {
        return None;
    }
    if let Some((_, name)) = section.split_once("dependencies.") {
        return line.starts_with('[').then_some(name);
    }
    if !section.ends_with("dependencies") || line.starts_with('[') {
        return None;
    }
    let renamed = line.split_once("package = ").and_then(|(_, rest)| quoted(rest));
    renamed.or_else(|| key(line).split('.').next())
}

fn key(line: &str) -> &str {
    line.split('=').next().unwrap_or_default().trim()
}

fn quoted(text: &str) -> Option<&str> {
    text.split('"').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(folder: &str, name: &str, rest: &str) -> Page {
        let text = format!("[package]\nname = \"{name}\"\n[lints]\nworkspace = true\n{rest}");
        Page { path: format!("{folder}/Cargo.toml"), text }
    }

    fn check(folder: &str, rest: &str, wrong: usize) {
        let testkit = "[dependencies]\ntrueup.workspace = true";
        let all = [
            page(folder, "me", rest),
            page("connectors/sql", "trueup-sql", ""),
            page("connectors/testkit", "trueup-testkit", testkit),
        ];
        assert_eq!(check_manifests(&all).len(), wrong, "{folder}: {rest}");
    }

    #[test]
    fn connectors_build_on_the_contract_alone() {
        let files = "connectors/files";
        check(files, "[dependencies]\ntrueup-connector.workspace = true", 0);
        check(files, "[dependencies]\ntrueup.workspace = true", 1);
        check(files, "[dependencies.trueup]\npath = \"../../core\"", 1);
        check(files, "[dependencies]\nengine = { package = \"trueup\", version = \"0.1\" }", 1);
        check(files, "[target.'cfg(unix)'.dependencies]\ntrueup = \"0.1\"", 1);
        check(files, "[dependencies]\ntrueup-sql = { workspace = true }", 1);
        check(files, "[dependencies]\ntrueup-testkit.workspace = true", 1);
        check(files, "[dev-dependencies]\ntrueup.workspace = true\ntrueup-sql = \"0.1\"", 0);
        check("examples", "[dependencies]\ntrueup.workspace = true\ntrueup-sql = \"0.1\"", 0);
    }

    #[test]
    fn the_core_knows_no_connector() {
        check("core", "[dependencies]\ntrueup-sql.workspace = true", 1);
        check("core", "[dev-dependencies]\ntrueup-sql.workspace = true", 0);
    }

    #[test]
    fn lints_are_shared() {
        let bare = "[package]\nname = \"me\"\n".to_owned();
        let page = Page { path: "core/Cargo.toml".into(), text: bare };
        assert_eq!(check_manifests(&[page]).len(), 1);
    }
}
