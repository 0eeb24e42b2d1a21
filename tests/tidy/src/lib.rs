//! The rules that keep this repository in order, as plain functions over its text.
//!
//! `tables` says what is ruled; every other module is one rule. `tests/repository.rs` runs them on
//! the real tree; each rule is also tried on small strings, so that it is known to be able to fail.

mod book;
mod manifest;
mod order;
mod paths;
mod pure;
mod seal;
mod size;
mod source;
mod tables;
mod text;

use std::fmt;

pub use book::{check_links, check_summary, check_targets};
pub use manifest::check_manifests;
pub use order::check_order;
pub use pure::check_pure;
pub use seal::check_seals;
pub use size::{check_files, check_functions};
pub use source::{Page, Source, check_docs, parse, read_tree};
pub use tables::{EXCEPTIONS, Exception, Rule, check_exceptions};
pub use text::check_places;

/// One thing to put right: where it stands and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Complaint {
    /// Path from the top of the repository, with `/`.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what to do about it.
    pub what: String,
}

impl Complaint {
    /// A complaint about one line of one file.
    pub fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}
