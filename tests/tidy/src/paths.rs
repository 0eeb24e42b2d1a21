//! Every path a file names outside its tests, with `use` names written out in full.

use std::collections::HashMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemMod, ItemUse, Macro, UseTree, Visibility};

use crate::source::{attributes, only_for_tests};

/// One path as written, and where.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    /// Its segments.
    pub path: Vec<String>,
    /// Line, from 1.
    pub line: usize,
    /// Inline modules of the file that surround it.
    pub within: Vec<String>,
    /// Ends in `*`.
    pub glob: bool,
}

/// What a file names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Paths in `use` items, types, expressions and macro arguments.
    pub paths: Vec<Named>,
    /// What each `use` brings in: local name to path as written.
    pub imports: HashMap<String, Vec<String>>,
    /// Macros called, by the last segment.
    pub macros: Vec<(String, usize)>,
    /// Modules that are declared for tests only (`#[cfg(test)] mod tests;`).
    pub test_modules: Vec<String>,
    within: Vec<String>,
}

impl Names {
    /// What `file` names.
    pub(crate) fn of(file: &syn::File) -> Self {
        let mut names = Self::default();
        names.visit_file(file);
        names
    }

    /// `path` with its first segment replaced by what a `use` says it is.
    pub(crate) fn written_out(&self, path: &[String]) -> Vec<String> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let Some(import) = self.imports.get(first) else { return path.to_vec() };
        import.iter().chain(rest).cloned().collect()
    }

    fn add(&mut self, path: Vec<String>, line: usize, glob: bool) {
        self.paths.push(Named { path, line, within: self.within.clone(), glob });
    }

    fn add_tree(&mut self, tree: &UseTree, mut path: Vec<String>) {
        let line = tree.span().start().line;
        match tree {
            UseTree::Path(t) => {
                path.push(t.ident.to_string());
                self.add_tree(&t.tree, path);
            }
            UseTree::Group(t) => t.items.iter().for_each(|t| self.add_tree(t, path.clone())),
            UseTree::Glob(_) => self.add(path, line, true),
            UseTree::Name(t) => self.add_import(path, t.ident.to_string(), None, line),
            UseTree::Rename(t) => {
                self.add_import(path, t.ident.to_string(), Some(t.rename.to_string()), line);
            }
        }
    }

    fn add_import(
        &mut self,
        mut path: Vec<String>,
        name: String,
        new: Option<String>,
        line: usize,
    ) {
        if name != "self" {
            path.push(name);
        }
        let local = new.or_else(|| path.last().cloned()).unwrap_or_default();
        self.imports.insert(local, path.clone());
        self.add(path, line, false);
    }

    fn add_tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut line, mut colons) = (Vec::<String>::new(), 0, 0);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.flush(&mut path, line);
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(p) if p.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.flush(&mut path, line);
                    self.add_tokens(group.stream());
                    colons = 0;
                }
                _ => {
                    self.flush(&mut path, line);
                    colons = 0;
                }
            }
        }
        self.flush(&mut path, line);
    }

    fn flush(&mut self, path: &mut Vec<String>, line: usize) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.add(path, line, false);
        }
    }
}

impl<'a> Visit<'a> for Names {
    fn visit_item(&mut self, item: &'a Item) {
        if !only_for_tests(attributes(item)) {
            return visit::visit_item(self, item);
        }
        if let Item::Mod(module) = item {
            self.test_modules.push(module.ident.to_string());
        }
    }

    fn visit_impl_item(&mut self, item: &'a ImplItem) {
        let tests = matches!(item, ImplItem::Fn(f) if only_for_tests(&f.attrs));
        if !tests {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        self.within.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.within.pop();
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.add_tree(&item.tree, Vec::new());
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.add(segments, path.span().start().line, false);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'a Macro) {
        if let Some(last) = call.path.segments.last() {
            self.macros.push((last.ident.to_string(), last.ident.span().start().line));
        }
        self.add_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, _: &'a Attribute) {}

    fn visit_visibility(&mut self, _: &'a Visibility) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<String> {
        let names = Names::of(&syn::parse_file(text).unwrap());
        let full = |n: &Named| names.written_out(&n.path).join("::");
        names.paths.iter().map(full).filter(|p| p.contains("::")).collect()
    }

    #[test]
    fn uses_groups_renames_and_macros_are_seen() {
        assert_eq!(named("use a::{b, c::{self, d as e}};"), ["a::b", "a::c", "a::c::d"]);
        assert_eq!(
            named("use std::time; fn f() { time::Instant::now(); }")[1..],
            ["std::time::Instant::now"]
        );
        assert_eq!(named("fn f() { vec![a::b(), x.y, c::d::<u8>()]; }"), ["a::b", "c::d"]);
        assert_eq!(named("fn f(x: a::B<c::D>) {}"), ["a::B", "c::D"]);
    }

    #[test]
    fn tests_and_visibility_are_not_seen() {
        assert!(named("#[cfg(test)] mod tests { use a::b; }").is_empty());
        assert!(named("pub(in a::b) struct S;").is_empty());
        let names = Names::of(&syn::parse_file("#[cfg(test)] mod oracle;").unwrap());
        assert_eq!(names.test_modules, ["oracle"]);
    }
}
