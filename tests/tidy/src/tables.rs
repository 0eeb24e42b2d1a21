//! What is ruled, in one place: the order of modules, the pure ones, the bans and the exceptions.

use crate::{Complaint, Page};

/// Modules of one crate in their order: each uses only what stands before it.
///
/// A module below the crate's top gives its own parts an order with a line in its docs:
/// `//! order: first → second → third`.
pub(crate) struct Order {
    /// Folder of the crate's sources.
    pub root: &'static str,
    /// Its top modules, first to last.
    pub modules: &'static [&'static str],
}

/// The order of the two core crates (docs/ARCHITECTURE.md, "One direction").
pub(crate) const ORDERS: &[Order] = &[
    Order {
        root: "core/contract/src",
        modules: &[
            "error",
            "record",
            "snapshot",
            "mapping",
            "context",
            "writer",
            "connector",
            "reading",
        ],
    },
    Order { root: "core/src", modules: &["reconcile", "plan", "guard", "audit", "runtime"] },
];

/// Where the same inputs give the same bytes: nothing here reads the world.
pub(crate) const PURE: &[&str] = &[
    "core/contract/src/",
    "core/src/reconcile.rs",
    "core/src/reconcile/",
    "core/src/plan.rs",
    "core/src/plan/",
    "core/src/guard.rs",
    "core/src/guard/",
    "core/src/audit.rs",
    "core/src/audit/",
];

/// A name that pure modules must not use.
pub(crate) struct Ban {
    /// Path as it would be written out in full.
    pub path: &'static str,
    /// What an exception must name to lift it.
    pub rule: Rule,
    /// What to do instead.
    pub instead: &'static str,
}

/// What pure modules must not use, and what they do instead.
pub(crate) const BANS: &[Ban] = &[
    ban("std::time::Instant", Rule::Clock, "take the moment as an argument from the caller"),
    ban("std::time::SystemTime", Rule::Clock, "take the moment as an argument from the caller"),
    ban("jiff::Timestamp::now", Rule::Clock, "take the moment as an argument from the caller"),
    ban("jiff::Zoned::now", Rule::Clock, "take the moment as an argument from the caller"),
    ban("jiff::tz::TimeZone::system", Rule::Clock, "the rule names its zone"),
    ban("std::env", Rule::Environment, "take it as a setting from the caller"),
    ban("std::fs", Rule::Files, "take bytes or a reader; paths are opened in `files.rs`"),
    ban("std::io::stdin", Rule::Files, "take a reader from the caller"),
    ban("std::io::stdout", Rule::Files, "take a writer from the caller"),
    ban("std::io::stderr", Rule::Files, "take a writer from the caller"),
    ban("tempfile", Rule::Files, "take a path or a writer from the caller"),
    ban("std::net", Rule::Socket, "only connectors open sockets"),
    ban("std::os", Rule::Socket, "keep to what every platform has"),
    ban("std::process", Rule::Process, "return an error; the host decides"),
    ban("std::thread", Rule::Thread, "use `reconcile::parallel`"),
    ban("rayon", Rule::Thread, "use `reconcile::parallel`"),
    ban("tokio", Rule::Thread, "tasks and timers belong to `runtime` and to connectors"),
    ban("std::hash::RandomState", Rule::Chance, "take the seed from the caller's `Run`"),
    ban(
        "std::collections::hash_map::RandomState",
        Rule::Chance,
        "take the seed from the caller's `Run`",
    ),
    ban("rand", Rule::Chance, "take the seed from the caller's `Run`"),
    ban("fastrand", Rule::Chance, "take the seed from the caller's `Run`"),
    ban("getrandom", Rule::Chance, "take the seed from the caller's `Run`"),
    ban("uuid", Rule::Chance, "ids are digests of what they name"),
];

/// Macros that write to the terminal.
pub(crate) const PRINTS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// What a file may be excused from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Reads a clock or the machine's zone.
    Clock,
    /// Reads the environment.
    Environment,
    /// Opens files.
    Files,
    /// Opens sockets.
    Socket,
    /// Starts or ends a process.
    Process,
    /// Starts threads or tasks.
    Thread,
    /// Draws random numbers.
    Chance,
    /// Is longer than 600 lines.
    Length,
}

/// One file excused from one rule.
#[derive(Debug, Clone, Copy)]
pub struct Exception {
    /// Path from the top of the repository.
    pub file: &'static str,
    /// What it may do.
    pub rule: Rule,
    /// Why.
    pub reason: &'static str,
}

/// Every exception there is.
pub const EXCEPTIONS: &[Exception] = &[
    Exception {
        file: "core/contract/src/snapshot/files.rs",
        rule: Rule::Files,
        reason: "saving and loading a snapshot by path is a convenience over readers and writers",
    },
    Exception {
        file: "core/src/reconcile/report/files.rs",
        rule: Rule::Files,
        reason: "saving and loading a report by path is a convenience over readers and writers",
    },
    Exception {
        file: "core/src/reconcile/parallel.rs",
        rule: Rule::Thread,
        reason: "all cores take part; the result does not depend on how many there are",
    },
];

/// Whether `file` is excused from `rule`.
pub(crate) fn excused(file: &str, rule: Rule) -> bool {
    EXCEPTIONS.iter().any(|e| e.file == file && e.rule == rule)
}

/// Complains about exceptions for files that are not there.
pub fn check_exceptions(exceptions: &[Exception], pages: &[Page]) -> Vec<Complaint> {
    let gone = exceptions.iter().filter(|e| !pages.iter().any(|p| p.path == e.file));
    gone.map(|e| Complaint::new(e.file, 1, "this file is excused from a rule but is not there; remove the exception in tests/tidy/src/tables.rs")).collect()
}

const fn ban(path: &'static str, rule: Rule, instead: &'static str) -> Ban {
    Ban { path, rule, instead }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_for_a_missing_file_is_reported() {
        let here = [Page { path: "a.rs".into(), text: String::new() }];
        let rule = |file| Exception { file, rule: Rule::Files, reason: "because" };
        assert!(check_exceptions(&[rule("a.rs")], &here).is_empty());
        assert_eq!(check_exceptions(&[rule("b.rs")], &here).len(), 1);
    }
}
