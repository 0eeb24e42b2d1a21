//! The book says nothing that is not there: links lead to files, `make` targets exist.

use std::collections::HashSet;

use crate::{Complaint, Page};

const SUMMARY: &str = "docs/SUMMARY.md";

/// Complains about links in Markdown that lead to no file of the repository.
///
/// `exists` answers for a path from the top of the repository: links may lead to folders and to
/// files that are not text.
pub fn check_links(pages: &[Page], exists: impl Fn(&str) -> bool) -> Vec<Complaint> {
    let links = markdown(pages).flat_map(|p| links(p).map(move |(target, line)| (p, target, line)));
    let broken = links.filter(|(page, target, _)| !exists(&from_top(&page.path, target)));
    broken
        .map(|(page, target, line)| {
            let what = format!("`{target}` leads nowhere: write the page or mend the link");
            Complaint::new(&page.path, line, what)
        })
        .collect()
}

/// Complains about pages of the book that its table of contents leaves out.
pub fn check_summary(pages: &[Page]) -> Vec<Complaint> {
    let summary = pages.iter().find(|p| p.path == SUMMARY);
    let listed: HashSet<_> = summary
        .iter()
        .flat_map(|p| links(p))
        .map(|(target, _)| from_top(SUMMARY, target))
        .collect();
    let book = markdown(pages).filter(|p| p.path.starts_with("docs/") && p.path != SUMMARY);
    book.filter(|p| !listed.contains(&p.path))
        .map(|p| {
            Complaint::new(
                &p.path,
                1,
                format!("no reader will find this page: list it in {SUMMARY}"),
            )
        })
        .collect()
}

/// Complains about `make` targets that Markdown names and the Makefile does not have.
pub fn check_targets(pages: &[Page]) -> Vec<Complaint> {
    let makefile = pages.iter().find(|p| p.path == "Makefile").map_or("", |p| &p.text);
    let targets: HashSet<_> = makefile
        .lines()
        .filter(|l| !l.starts_with(['\t', '#', '.']))
        .filter_map(|l| l.split_once(':'))
        .flat_map(|(names, _)| names.split_whitespace())
        .collect();
    let named = markdown(pages).flat_map(|p| {
        p.text.lines().zip(1..).flat_map(move |(l, n)| named_targets(l).map(move |t| (p, t, n)))
    });
    named
        .filter(|(_, target, _)| !targets.contains(target))
        .map(|(p, target, line)| {
            Complaint::new(&p.path, line, format!("the Makefile has no target `{target}`"))
        })
        .collect()
}

fn markdown(pages: &[Page]) -> impl Iterator<Item = &Page> {
    pages.iter().filter(|p| p.path.ends_with(".md"))
}

/// Links to files in a page's prose, without their anchors; code blocks are left out.
fn links(page: &Page) -> impl Iterator<Item = (&str, usize)> {
    let prose = page.text.lines().zip(1..).scan(false, |code, (line, number)| {
        let fence = line.trim_start().starts_with("```");
        *code ^= fence;
        Some((if *code || fence { "" } else { line }, number))
    });
    prose.flat_map(|(line, number)| {
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let files = targets.filter_map(|t| t.split('#').next()).filter(|t| is_file(t));
        files.map(move |target| (target, number))
    })
}

fn is_file(target: &str) -> bool {
    !target.is_empty() && !target.contains(':') && !target.contains(' ')
}

/// A link in the file `from`, as a path from the top.
fn from_top(from: &str, target: &str) -> String {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// The targets in `` `make x` `` and in lines of code that run `make x`.
fn named_targets(line: &str) -> impl Iterator<Item = &str> {
    let at_start = line.trim_start().trim_start_matches("$ ");
    let commands = line.split("`make ").skip(1).chain(at_start.strip_prefix("make "));
    let word = |c: char| c.is_ascii_lowercase() || c == '-';
    commands.filter_map(move |rest| {
        let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
        rest.get(..end).filter(|t| !t.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> Page {
        Page { path: path.into(), text: text.into() }
    }

    #[test]
    fn links_lead_somewhere() {
        let text = "[a](a.md) [b](../b.md#part) [c](https://c.example) [d](#here) [e](gone.md)\n```\n[x](y.md)\n```\n";
        let found = check_links(&[page("docs/x.md", text)], |p| ["docs/a.md", "b.md"].contains(&p));
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn the_book_lists_its_pages() {
        let pages =
            [page(SUMMARY, "- [A](a.md)"), page("docs/a.md", ""), page("docs/spec/b.md", "")];
        assert_eq!(check_summary(&pages).len(), 1);
    }

    #[test]
    fn targets_exist() {
        let makefile = page("Makefile", "VAR := x\ntest: build ## tests\n\tmake other\n");
        let guide = page(
            "a.md",
            "Run `make test` or:\n\n    make test DB=x\n    make all\nmake sure: `make nothing`",
        );
        let found: Vec<_> = check_targets(&[makefile, guide]).into_iter().map(|c| c.line).collect();
        assert_eq!(found, [4, 5, 5]);
    }
}
