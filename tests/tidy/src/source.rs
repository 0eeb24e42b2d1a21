//! Reading the tree: every text file that git knows or would take, and Rust files parsed.

use std::path::Path;
use std::process::Command;

use syn::{AttrStyle, Attribute, Item, Meta};

use crate::Complaint;

/// A text file of the repository.
#[derive(Debug, Clone)]
pub struct Page {
    /// Path from the top of the repository, with `/`.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// A Rust file, parsed.
pub struct Source {
    /// Path from the top of the repository, with `/`.
    pub path: String,
    /// What it says.
    pub text: String,
    /// Its syntax.
    pub file: syn::File,
}

/// Reads every text file under `top` that git tracks, or would if it were added.
///
/// # Errors
/// When git does not run there, in words.
pub fn read_tree(top: &Path) -> Result<Vec<Page>, String> {
    let listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").current_dir(top).args(listing).output();
    let output =
        output.map_err(|e| format!("git does not run: {e}; the tidy tests need a clone"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    let read = |name: &str| {
        let text = std::fs::read_to_string(top.join(name)).ok()?;
        Some(Page { path: name.to_owned(), text })
    };
    Ok(names.split('\0').filter(|n| !n.is_empty()).filter_map(read).collect())
}

/// Parses the Rust files among `pages`; what cannot be parsed comes back as complaints.
pub fn parse(pages: &[Page]) -> (Vec<Source>, Vec<Complaint>) {
    let (mut sources, mut complaints) = (Vec::new(), Vec::new());
    for page in pages.iter().filter(|p| p.path.ends_with(".rs")) {
        match syn::parse_file(&page.text) {
            Ok(file) => {
                sources.push(Source { path: page.path.clone(), text: page.text.clone(), file })
            }
            Err(e) => complaints.push(Complaint::new(
                &page.path,
                e.span().start().line,
                format!("cannot be parsed: {e}"),
            )),
        }
    }
    (sources, complaints)
}

/// Complains about files that do not open by saying what they are for.
pub fn check_docs(sources: &[Source]) -> Vec<Complaint> {
    let documented = |s: &&Source| s.file.attrs.iter().any(|a| a.path().is_ident("doc"));
    let bare = sources.iter().filter(|s| !documented(s));
    bare.map(|s| Complaint::new(&s.path, 1, "open the file with `//!` and say what it is for"))
        .collect()
}

/// The `//!` lines among `attributes`.
pub(crate) fn inner_docs(attributes: &[Attribute]) -> impl Iterator<Item = String> {
    attributes.iter().filter(|a| matches!(a.style, AttrStyle::Inner(_))).filter_map(doc_text)
}

/// Whether the attributes switch an item on for tests only.
pub(crate) fn only_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| match &a.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let words = list.tokens.to_string();
            words.split(|c: char| !c.is_alphanumeric()).any(|w| w == "test")
                && !words.contains("not")
        }
        meta => meta.path().is_ident("test"),
    })
}

/// The attributes of any item that has them.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(i) => &i.attrs,
        Item::Enum(i) => &i.attrs,
        Item::Fn(i) => &i.attrs,
        Item::Impl(i) => &i.attrs,
        Item::Macro(i) => &i.attrs,
        Item::Mod(i) => &i.attrs,
        Item::Static(i) => &i.attrs,
        Item::Struct(i) => &i.attrs,
        Item::Trait(i) => &i.attrs,
        Item::Type(i) => &i.attrs,
        Item::Use(i) => &i.attrs,
        _ => &[],
    }
}

/// Whether a path is shipped code of a published crate, not a test, bench or example.
pub(crate) fn is_shipped(path: &str) -> bool {
    let roots = ["core/", "connectors/", "bindings/"];
    let sources = roots.iter().any(|r| path.starts_with(r)) && path.contains("/src/");
    sources && !path.ends_with("/tests.rs") && !path.contains("/tests/")
}

fn doc_text(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    let syn::Expr::Lit(value) = &pair.value else { return None };
    match &value.lit {
        syn::Lit::Str(text) if pair.path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Vec<Source> {
        parse(&[Page { path: "core/src/a.rs".into(), text: text.into() }]).0
    }

    #[test]
    fn a_file_without_docs_is_reported() {
        assert!(check_docs(&source("//! What it is for.\nfn f() {}")).is_empty());
        assert_eq!(check_docs(&source("/// Of the function.\nfn f() {}")).len(), 1);
    }

    #[test]
    fn what_cannot_be_parsed_is_reported_with_its_line() {
        let page = Page { path: "a.rs".into(), text: "fn f() {}\nfn {".into() };
        assert_eq!(parse(&[page]).1.first().map(|c| c.line), Some(2));
    }

    #[test]
    fn test_items_are_known() {
        let seen = |text: &str| {
            syn::parse_str::<Item>(text).is_ok_and(|item| only_for_tests(attributes(&item)))
        };
        assert!(seen("#[cfg(test)] mod tests {}"));
        assert!(seen("#[cfg(all(test, feature = \"a\"))] mod tests {}"));
        assert!(seen("#[test] fn f() {}"));
        assert!(!seen("#[cfg(not(test))] mod real {}"));
        assert!(!seen("#[cfg(feature = \"parquet\")] mod real {}"));
    }
}
