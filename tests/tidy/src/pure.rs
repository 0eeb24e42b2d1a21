//! Pure modules read nothing of the world.

use crate::paths::{Named, Names};
use crate::tables::{BANS, Ban, PRINTS, PURE, excused};
use crate::{Complaint, Source};

/// Complains where a pure module names a clock, environment, file, socket, process, thread or
/// random source, or prints.
pub fn check_pure(sources: &[Source]) -> Vec<Complaint> {
    let pure = sources.iter().filter(|s| PURE.iter().any(|p| s.path.starts_with(p)));
    let named: Vec<_> = pure.map(|s| (s, Names::of(&s.file))).collect();
    let tests: Vec<_> = named.iter().flat_map(|(s, names)| test_files(&s.path, names)).collect();
    let shipped = named.iter().filter(|(s, _)| !tests.iter().any(|t| s.path.starts_with(t)));
    let mut complaints: Vec<_> = shipped.flat_map(|(s, names)| check_one(&s.path, names)).collect();
    complaints.sort();
    complaints.dedup();
    complaints
}

fn check_one(file: &str, names: &Names) -> Vec<Complaint> {
    let banned = names.paths.iter().filter_map(|named| {
        let ban = BANS.iter().find(|ban| breaks(ban, names, named))?;
        let what = format!("a pure module must not use `{}`: {}", ban.path, ban.instead);
        (!excused(file, ban.rule)).then(|| Complaint::new(file, named.line, what))
    });
    let prints = names.macros.iter().filter(|(name, _)| PRINTS.contains(&name.as_str()));
    let prints = prints.map(|(name, line)| {
        let what = format!("a pure module must not call `{name}!`: return the text instead");
        Complaint::new(file, *line, what)
    });
    banned.chain(prints).collect()
}

fn breaks(ban: &Ban, names: &Names, named: &Named) -> bool {
    let path = names.written_out(&named.path);
    let standard = |s: &str| if s == "core" || s == "alloc" { "std".into() } else { s.to_owned() };
    let path: Vec<_> = path.iter().map(|s| standard(s)).collect();
    let wanted: Vec<_> = ban.path.split("::").map(str::to_owned).collect();
    // A bare word can be a local variable; only `use` brings a whole crate in by one word.
    let is_path = path.len() > 1 || wanted.len() > 1;
    (is_path && path.starts_with(&wanted)) || (named.glob && wanted.starts_with(&path))
}

/// Files that a module declares for tests only, by how their paths begin.
fn test_files(file: &str, names: &Names) -> Vec<String> {
    let folder = match file.rsplit_once('/') {
        Some((folder, "mod.rs" | "lib.rs")) => folder.to_owned(),
        _ => file.trim_end_matches(".rs").to_owned(),
    };
    let paths = |m: &String| [format!("{folder}/{m}.rs"), format!("{folder}/{m}/")];
    names.test_modules.iter().flat_map(paths).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Page, parse};

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let (sources, _) = parse(&[Page { path: path.into(), text: text.into() }]);
        check_pure(&sources).into_iter().map(|c| c.line).collect()
    }

    fn check(text: &str, wrong: &[usize]) {
        assert_eq!(lines("core/src/reconcile/kernel.rs", text), wrong, "{text}");
    }

    #[test]
    fn the_world_is_out_of_reach() {
        check("use std::time::Instant;", &[1]);
        check("use std::time::Duration;", &[]);
        check("use std::time;\nfn f() { time::SystemTime::now(); }", &[2]);
        check("use std::time::*;", &[1]);
        check("use jiff::Timestamp;\nfn f() { Timestamp::now(); }", &[2]);
        check("use jiff::Timestamp;\nfn f() { Timestamp::from_second(0); }", &[]);
        check("fn f() { std::env::var(\"A\"); }", &[1]);
        check("\nuse std::{fs, io::Read};", &[2]);
        check("use std::net::TcpStream;", &[1]);
        check("fn f() { std::process::exit(1) }", &[1]);
        check("use std::thread;", &[1]);
        check("use std::hash::RandomState;", &[1]);
        check("use rand::Rng;", &[1]);
        check("fn f(rand: u8) -> u8 { rand }", &[]);
        check("fn f() { println!(\"a\"); }", &[1]);
        check("fn f() { assert!(std::env::args().count() > 0); }", &[1]);
    }

    #[test]
    fn tests_edges_and_named_exceptions_may() {
        check("#[cfg(test)] mod tests { use std::fs; }", &[]);
        assert!(lines("core/src/runtime/store.rs", "use std::fs;").is_empty());
        assert!(lines("core/src/reconcile/parallel.rs", "use std::thread;").is_empty());
        assert_eq!(lines("core/src/reconcile/parallel.rs", "use std::fs;"), [1]);
        assert!(lines("core/contract/src/snapshot/files.rs", "use std::fs;").is_empty());
        assert_eq!(lines("core/contract/src/snapshot/mod.rs", "use std::fs;"), [1]);
    }
}
