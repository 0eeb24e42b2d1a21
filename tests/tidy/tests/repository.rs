//! The rules of this repository, run on this repository.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::LazyLock;

use trueup_tidy::{
    Complaint, EXCEPTIONS, Page, Source, check_docs, check_exceptions, check_files,
    check_functions, check_links, check_manifests, check_order, check_places, check_pure,
    check_seals, check_summary, check_targets, parse, read_tree,
};

static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| read_tree(&top()).unwrap());

#[test]
fn rust_files_parse() {
    let (sources, complaints) = parse(&PAGES);
    assert!(sources.len() > 10, "the tree was not read");
    tidy(complaints);
}

#[test]
fn modules_use_only_what_stands_before_them() {
    tidy(check_order(&sources()));
}

#[test]
fn pure_modules_read_nothing_of_the_world() {
    tidy(check_pure(&sources()));
}

#[test]
fn exceptions_are_still_needed() {
    tidy(check_exceptions(EXCEPTIONS, &PAGES));
}

#[test]
fn files_are_short() {
    tidy(check_files(&sources()));
}

#[test]
fn functions_are_short() {
    tidy(check_functions(&sources()));
}

#[test]
fn files_say_what_they_are_for() {
    tidy(check_docs(&sources()));
}

#[test]
fn no_file_names_one_machine_or_a_registry() {
    tidy(check_places(&PAGES));
}

#[test]
fn changes_are_sealed_by_the_executor_alone() {
    tidy(check_seals(&PAGES));
}

#[test]
fn crates_build_only_on_what_they_may_know() {
    tidy(check_manifests(&PAGES));
}

#[test]
fn links_lead_somewhere() {
    tidy(check_links(&PAGES, |path| top().join(path).exists()));
}

#[test]
fn the_book_lists_its_pages() {
    tidy(check_summary(&PAGES));
}

#[test]
fn named_make_targets_exist() {
    tidy(check_targets(&PAGES));
}

fn sources() -> Vec<Source> {
    parse(&PAGES).0
}

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn tidy(complaints: Vec<Complaint>) {
    let list: Vec<_> = complaints.iter().map(Complaint::to_string).collect();
    assert!(list.is_empty(), "{} to put right:\n{}", list.len(), list.join("\n"));
}
