//! Changes are sealed for a writer in two places only: by the executor, and by those who test writers.

use crate::{Complaint, Page};

// Written in two halves so that this file does not break its own rule.
const SEAL: &str = concat!("writer::", "executor");
const ALLOWED: &[&str] = &[
    "core/contract/src/writer.rs",
    "core/src/runtime.rs",
    "core/src/runtime/",
    "connectors/testkit/src/",
];

/// Complains about whoever else seals changes: a write reaches a system through the executor alone.
pub fn check_seals(pages: &[Page]) -> Vec<Complaint> {
    let others = pages.iter().filter(|page| page.path.ends_with(".rs") && !is_allowed(&page.path));
    others.flat_map(check_page).collect()
}

fn is_allowed(path: &str) -> bool {
    ALLOWED.iter().any(|allowed| path.starts_with(allowed))
}

fn check_page(page: &Page) -> Vec<Complaint> {
    let lines = page.text.lines().zip(1..).filter(|(line, _)| line.contains(SEAL));
    let complaint = |(_, number)| {
        let what = "only the executor hands changes to a writer: make a plan and have it executed; \
            tests of a writer alone use `trueup_testkit::conformance::apply_unguarded`";
        Complaint::new(&page.path, number, what)
    };
    lines.map(complaint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_executor_and_the_testkit_seal_changes() {
        let page = |path: &str| Page { path: path.into(), text: format!("\nuse x::{SEAL}::y;") };
        let found = |path| check_seals(&[page(path)]).len();
        assert_eq!(found("core/src/runtime/execute.rs"), 0);
        assert_eq!(found("connectors/testkit/src/conformance/target.rs"), 0);
        assert_eq!(found("connectors/sql/src/writing.rs"), 1);
        assert_eq!(found("core/src/plan/mod.rs"), 1);
    }
}
