//! Files and functions stay small enough to read in one sitting.

use std::ops::RangeInclusive;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, ImplItem, Item, Signature, TraitItem};

use crate::source::{attributes, is_shipped, only_for_tests};
use crate::tables::{Rule, excused};
use crate::{Complaint, Source};

const LONGEST_FILE: usize = 600;
const LONG_FILE: usize = 300;
const MEDIAN_FUNCTION: usize = 10;
const LONG_FUNCTION: usize = 40;

/// Complains about files over 600 lines, and about all files over 300 lines of code when they are
/// more than one in ten of the shipped ones.
pub fn check_files(sources: &[Source]) -> Vec<Complaint> {
    let too_long = sources.iter().filter(|s| !excused(&s.path, Rule::Length));
    let too_long = too_long.map(|s| (s, s.text.lines().count())).filter(|(_, n)| *n > LONGEST_FILE);
    let mut complaints: Vec<_> = too_long
        .map(|(s, n)| {
            let what =
                format!("{n} lines, more than {LONGEST_FILE}: split it by what its parts know");
            Complaint::new(&s.path, LONGEST_FILE + 1, what)
        })
        .collect();
    let shipped: Vec<_> = shipped(sources).map(|s| (s, code_lines(s))).collect();
    let long: Vec<_> = shipped.iter().filter(|(_, n)| *n > LONG_FILE).collect();
    if long.len() * 10 > shipped.len() {
        complaints.extend(long.iter().map(|(s, n)| {
            let (few, all) = (long.len(), shipped.len());
            let what = format!("{n} lines of code; {few} of {all} files have more than {LONG_FILE}, and one in ten may: split some");
            Complaint::new(&s.path, 1, what)
        }));
    }
    complaints
}

/// Complains when the median function of the shipped code has 10 lines or more, or when more than
/// one in twenty has over 40; names the longest.
pub fn check_functions(sources: &[Source]) -> Vec<Complaint> {
    let mut functions: Vec<_> = shipped(sources).flat_map(functions).collect();
    functions.sort_by_key(|f| f.lines);
    let at = |share: usize| functions.get(functions.len() * share / 100).map_or(0, |f| f.lines);
    let (median, high) = (at(50), at(95));
    if median < MEDIAN_FUNCTION && high <= LONG_FUNCTION {
        return Vec::new();
    }
    let longest = functions.iter().rev().take(20);
    longest
        .map(|f| {
            let what = format!(
                "`{}` has {} lines; the median of all functions is {median} (below \
                 {MEDIAN_FUNCTION}) and the 95th percentile {high} (at most {LONG_FUNCTION}): split it",
                f.name, f.lines
            );
            Complaint::new(&f.file, f.line, what)
        })
        .collect()
}

fn shipped(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|s| is_shipped(&s.path))
}

/// Lines that are neither blank, comment nor test.
fn code_lines(source: &Source) -> usize {
    let mut tests = TestItems::default();
    tests.visit_file(&source.file);
    let numbered = source.text.lines().zip(1..);
    numbered.filter(|(l, n)| is_code(l) && !tests.ranges.iter().any(|r| r.contains(n))).count()
}

fn is_code(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with("//")
}

/// A function and the lines of code in its body.
struct Function {
    file: String,
    name: String,
    line: usize,
    lines: usize,
}

fn functions(source: &Source) -> Vec<Function> {
    let lines: Vec<_> = source.text.lines().collect();
    let mut found = Functions { file: &source.path, lines: &lines, functions: Vec::new() };
    found.visit_file(&source.file);
    found.functions
}

struct Functions<'a> {
    file: &'a str,
    lines: &'a [&'a str],
    functions: Vec<Function>,
}

impl Functions<'_> {
    fn add(&mut self, signature: &Signature, body: &Block) {
        let (open, close) = (body.span().start().line, body.span().end().line);
        // `open` counts from one, so it is also the index of the line after it.
        let inside = self.lines.get(open..close.saturating_sub(1)).unwrap_or_default();
        let lines = inside.iter().filter(|l| is_code(l)).count().max(1);
        let name = signature.ident.to_string();
        let line = signature.ident.span().start().line;
        self.functions.push(Function { file: self.file.to_owned(), name, line, lines });
    }
}

impl<'a> Visit<'a> for Functions<'_> {
    fn visit_item(&mut self, item: &'a Item) {
        if only_for_tests(attributes(item)) {
            return;
        }
        if let Item::Fn(f) = item {
            self.add(&f.sig, &f.block);
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'a ImplItem) {
        match item {
            ImplItem::Fn(f) if only_for_tests(&f.attrs) => return,
            ImplItem::Fn(f) => self.add(&f.sig, &f.block),
            _ => {}
        }
        visit::visit_impl_item(self, item);
    }

    fn visit_trait_item(&mut self, item: &'a TraitItem) {
        if let TraitItem::Fn(f) = item
            && let Some(body) = &f.default
        {
            self.add(&f.sig, body);
        }
        visit::visit_trait_item(self, item);
    }
}

/// The lines that belong to test items.
#[derive(Default)]
struct TestItems {
    ranges: Vec<RangeInclusive<usize>>,
}

impl<'a> Visit<'a> for TestItems {
    fn visit_item(&mut self, item: &'a Item) {
        if only_for_tests(attributes(item)) {
            self.ranges.push(item.span().start().line..=item.span().end().line);
        } else {
            visit::visit_item(self, item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Page, parse};

    fn sources(path: &str, text: &str, many: usize) -> Vec<Source> {
        let page = |n| Page { path: path.replace('N', &format!("{n}")), text: text.to_owned() };
        parse(&(0..many).map(page).collect::<Vec<_>>()).0
    }

    #[test]
    fn no_file_over_600_lines() {
        let long = "// A line.\n".repeat(601);
        assert_eq!(check_files(&sources("tests/a.rs", &long, 1)).len(), 1);
        assert!(
            check_files(&sources("tests/a.rs", long.trim_end_matches("// A line.\n"), 1))
                .is_empty()
        );
        assert!(check_files(&sources("tests/a.rs", &"// A line.\n".repeat(600), 1)).is_empty());
    }

    #[test]
    fn one_file_in_ten_may_be_long() {
        let long = "const A: u8 = 1;\n".repeat(301);
        let mut files = sources("core/src/N.rs", "", 9);
        files.extend(sources("core/src/long.rs", &long, 1));
        assert!(check_files(&files).is_empty());
        files.extend(sources("core/src/longN.rs", &long, 1));
        assert_eq!(check_files(&files).len(), 2);
    }

    #[test]
    fn comments_blanks_and_tests_are_not_code() {
        let text =
            "//! Docs.\n\n// Why.\nconst A: u8 = 1;\n#[cfg(test)]\nmod tests {\n fn f() {}\n}\n";
        assert_eq!(sources("core/src/a.rs", text, 1).iter().map(code_lines).sum::<usize>(), 1);
    }

    fn function(lines: usize) -> String {
        format!("fn f() {{\n{}}}\n", "    g();\n    // Why.\n\n".repeat(lines))
    }

    #[test]
    fn functions_stay_short() {
        let check = |text: String| check_functions(&sources("core/src/a.rs", &text, 1)).len();
        assert_eq!(check(function(9).repeat(30)), 0);
        assert_eq!(check(function(10).repeat(30)), 20);
        assert_eq!(check(function(1).repeat(99) + &function(41)), 0);
        assert_eq!(check(function(1).repeat(9) + &function(41)), 10);
        assert_eq!(check(format!("#[cfg(test)] mod tests {{ {} }}", function(50))), 0);
    }
}
