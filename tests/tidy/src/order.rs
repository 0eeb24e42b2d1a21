//! A module uses only what stands before it.

use std::collections::{HashMap, HashSet};

use crate::paths::{Named, Names};
use crate::source::inner_docs;
use crate::tables::{ORDERS, Order};
use crate::{Complaint, Source};

/// A module: its path below the crate's top.
type Module = Vec<String>;

/// Complains where a module of the core crates uses one that stands after it, is in no order at
/// all, or hides what it uses behind a glob.
pub fn check_order(sources: &[Source]) -> Vec<Complaint> {
    ORDERS.iter().flat_map(|order| check_crate(order, sources)).collect()
}

fn check_crate(order: &Order, sources: &[Source]) -> Vec<Complaint> {
    let tree = Tree::of(order, sources);
    let uses = tree.files.iter().flat_map(|file| {
        file.names.paths.iter().filter_map(|named| tree.complaint_about(file, named))
    });
    let mut complaints: Vec<_> = uses.chain(tree.unordered()).collect();
    complaints.sort();
    complaints.dedup_by(|a, b| a.file == b.file && a.line == b.line && a.what == b.what);
    complaints
}

/// One crate's files, orders and modules.
struct Tree<'a> {
    files: Vec<File<'a>>,
    orders: HashMap<Module, Vec<String>>,
    modules: HashSet<Module>,
}

struct File<'a> {
    source: &'a Source,
    module: Module,
    names: Names,
}

impl<'a> Tree<'a> {
    fn of(order: &Order, sources: &'a [Source]) -> Self {
        let files: Vec<_> = sources.iter().filter_map(|s| File::of(order.root, s)).collect();
        let tests: Vec<Module> = files.iter().flat_map(File::test_modules).collect();
        let shipped = |f: &File<'_>| !tests.iter().any(|t| f.module.starts_with(t));
        let files: Vec<_> = files.into_iter().filter(shipped).collect();
        let modules = files.iter().map(|f| f.module.clone()).collect();
        let mut orders: HashMap<_, _> =
            files.iter().filter_map(|f| Some((f.module.clone(), f.declared_order()?))).collect();
        orders.insert(Vec::new(), order.modules.iter().map(|m| (*m).to_owned()).collect());
        Self { files, orders, modules }
    }

    fn complaint_about(&self, file: &File<'_>, named: &Named) -> Option<Complaint> {
        let target = self.resolve(file, named)?;
        if named.glob {
            let what = "name what you use: a glob hides which module it comes from";
            return Some(Complaint::new(&file.source.path, named.line, what));
        }
        let (user, used, order) = self.against_order(&file.module, &target)?;
        let what = format!(
            "`{user}` uses `{used}`, which stands after it; the order is {}: move what is shared \
             into the earlier module, or pass it in as an argument",
            order.join(" → ")
        );
        Some(Complaint::new(&file.source.path, named.line, what))
    }

    /// The two parts that stand in the wrong order, if `from` uses `target` against one.
    fn against_order(
        &self,
        from: &[String],
        target: &[String],
    ) -> Option<(String, String, &[String])> {
        (0..from.len()).find_map(|depth| {
            let order = self.orders.get(from.get(..depth)?)?;
            if from.get(..depth)? != target.get(..depth)? {
                return None;
            }
            let (user, used) = (from.get(depth)?, target.get(depth)?);
            let place = |name: &String| order.iter().position(|m| m == name);
            let wrong = place(used)? > place(user)?;
            wrong.then(|| (user.clone(), used.clone(), order.as_slice()))
        })
    }

    /// Where a path leads inside the crate, through `use` and re-exports.
    fn resolve(&self, file: &File<'_>, named: &Named) -> Option<Module> {
        let here: Module = file.module.iter().chain(&named.within).cloned().collect();
        let mut path = self.absolute(&here, &file.names.written_out(&named.path))?;
        // Re-exports form no longer chains than this in any sane crate; a cycle ends here too.
        for _ in 0..8 {
            match self.through_reexport(&path) {
                Some(next) if next != path => path = next,
                _ => break,
            }
        }
        Some(path)
    }

    fn absolute(&self, here: &[String], path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let join = |base: &[String]| base.iter().chain(rest).cloned().collect::<Module>();
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some(join(here)),
            "super" => {
                let (_, parent) = here.split_last()?;
                match rest.first().map(String::as_str) {
                    Some("super") => self.absolute(parent, rest),
                    _ => Some(join(parent)),
                }
            }
            _ => {
                let child: Module = here.iter().chain([first]).cloned().collect();
                self.modules.contains(&child).then(|| join(&child))
            }
        }
    }

    fn through_reexport(&self, path: &[String]) -> Option<Module> {
        (0..path.len()).rev().find_map(|depth| {
            let (base, rest) = path.split_at_checked(depth)?;
            let (name, rest) = rest.split_first()?;
            let file = self.files.iter().find(|f| f.module == base)?;
            let import = file.names.imports.get(name)?;
            let target = self.absolute(base, import)?;
            Some(target.into_iter().chain(rest.iter().cloned()).collect())
        })
    }

    /// Modules whose parent has an order that does not name them.
    fn unordered(&self) -> impl Iterator<Item = Complaint> {
        self.files.iter().filter_map(|file| {
            let (name, parent) = file.module.split_last()?;
            let order = self.orders.get(parent)?;
            if order.contains(name) {
                return None;
            }
            let place = match parent {
                [] => "tests/tidy/src/tables.rs".to_owned(),
                _ => format!("the `//! order:` line of `{}`", parent.join("::")),
            };
            let what = format!("`{name}` has no place in the order; add it in {place}");
            Some(Complaint::new(&file.source.path, 1, what))
        })
    }
}

impl<'a> File<'a> {
    fn of(root: &str, source: &'a Source) -> Option<Self> {
        let rest = source.path.strip_prefix(root)?.strip_prefix('/')?.strip_suffix(".rs")?;
        let mut module: Module = rest.split('/').map(str::to_owned).collect();
        if module.last().is_some_and(|m| m == "mod" || m == "lib") {
            module.pop();
        }
        Some(Self { source, module, names: Names::of(&source.file) })
    }

    fn test_modules(&self) -> impl Iterator<Item = Module> {
        let below = |name: &String| self.module.iter().chain([name]).cloned().collect();
        self.names.test_modules.iter().map(below)
    }

    /// The order this module's docs give its parts, if they do.
    fn declared_order(&self) -> Option<Vec<String>> {
        let lines: Vec<_> = inner_docs(&self.source.file.attrs).collect();
        let list = lines.iter().find_map(|l| l.trim().strip_prefix("order:"))?;
        Some(list.split('→').map(|m| m.trim().trim_matches('`').to_owned()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Page, parse};

    fn complaints(files: &[(&str, &str)]) -> Vec<(String, usize)> {
        let page = |(path, text): &(&str, &str)| Page {
            path: format!("core/src/{path}"),
            text: (*text).to_owned(),
        };
        let (sources, _) = parse(&files.iter().map(page).collect::<Vec<_>>());
        check_order(&sources).into_iter().map(|c| (c.file, c.line)).collect()
    }

    const PLAN: (&str, &str) = ("plan/mod.rs", "pub mod change; pub struct Plan;");
    const CHANGE: (&str, &str) = ("plan/change.rs", "pub struct Change;");

    fn check(path: &str, text: &str, wrong: usize) {
        let found = complaints(&[PLAN, CHANGE, ("guard/mod.rs", ""), (path, text)]);
        assert_eq!(found.len(), wrong, "{path}: {text}: {found:?}");
    }

    #[test]
    fn later_modules_are_out_of_reach() {
        check("reconcile/mod.rs", "use crate::plan::Plan;", 1);
        check("reconcile/mod.rs", "use crate::{plan};", 1);
        check("reconcile/mod.rs", "fn f(p: &crate::plan::change::Change) {}", 1);
        check("reconcile/deep/mod.rs", "use super::super::plan;", 1);
        check("reconcile/deep.rs", "fn f() { vec![crate::plan::Plan] }", 1);
        check("guard/deep.rs", "use crate::plan::Plan; use super::Decision;", 0);
        check("reconcile/mod.rs", "#[cfg(test)] mod tests { use crate::plan::Plan; }", 0);
        check("lib.rs", "pub mod plan; pub use plan::Plan;", 0);
    }

    #[test]
    fn reexports_are_looked_through() {
        let root = ("lib.rs", "mod plan; mod reconcile; pub use plan::Plan;");
        let user = ("reconcile/mod.rs", "use crate::Plan;");
        assert_eq!(complaints(&[root, PLAN, CHANGE, user]).len(), 1);
        let twice = ("plan/mod.rs", "mod change; pub use change::Change as Plan;");
        assert_eq!(complaints(&[root, twice, CHANGE, user]).len(), 1);
    }

    #[test]
    fn a_module_may_order_its_parts() {
        let order = ("reconcile/mod.rs", "//! Compares.\n//!\n//! order: `rules` → `kernel`");
        let kernel = ("reconcile/kernel.rs", "use super::rules::Rule;");
        let rules = ("reconcile/rules.rs", "use super::kernel::Run;");
        let stray = ("reconcile/stray.rs", "");
        assert!(complaints(&[order, kernel]).is_empty());
        assert_eq!(
            complaints(&[order, kernel, rules]),
            [("core/src/reconcile/rules.rs".into(), 1)]
        );
        assert_eq!(complaints(&[order, stray]), [("core/src/reconcile/stray.rs".into(), 1)]);
    }

    #[test]
    fn strangers_and_globs_are_reported() {
        assert_eq!(complaints(&[("helpers.rs", "")]), [("core/src/helpers.rs".into(), 1)]);
        check("guard/deep.rs", "use crate::plan::*;", 1);
        check("guard/deep.rs", "use std::fmt::*;", 0);
    }

    #[test]
    fn files_for_tests_are_left_alone() {
        let parent = ("reconcile/mod.rs", "#[cfg(test)] mod oracle;");
        let oracle = ("reconcile/oracle.rs", "use crate::plan::Plan;");
        assert!(complaints(&[PLAN, CHANGE, parent, oracle]).is_empty());
    }
}
