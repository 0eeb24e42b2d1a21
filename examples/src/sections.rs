//! The report by section: a column of the records, not of the findings.

use std::collections::{BTreeMap, HashMap};

use trueup::{Report, Snapshot};

use crate::Result;
use crate::findings::{Findings, column, text};

/// How many keys of a section disagree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Packages that only the catalogue has.
    pub missing: u64,
    /// Packages that only the inventory has.
    pub unexpected: u64,
    /// Packages that differ.
    pub changed: u64,
}

impl Section {
    /// All keys that disagree.
    pub fn all(&self) -> u64 {
        self.missing + self.unexpected + self.changed
    }
}

/// Counts the keys that disagree by the section of their record, the most first.
///
/// A key that both sides have belongs to the catalogue's section.
///
/// # Errors
/// Those of [`Report::findings`].
pub fn by_section(report: &Report, expected: &Snapshot, actual: &Snapshot) -> Result<Vec<Section>> {
    let (expected, actual) = (Index::new(expected)?, Index::new(actual)?);
    let mut sections: BTreeMap<&str, Section> = BTreeMap::new();
    let mut last = (String::new(), String::new(), String::new());
    for batch in report.findings() {
        let findings = Findings::new(&batch?)?;
        for finding in findings.iter() {
            // A changed key has a finding a field, one after the other.
            let key = (finding.kind, finding.package, finding.architecture);
            if (&*last.0, &*last.1, &*last.2) == key {
                continue;
            }
            last = (key.0.to_owned(), key.1.to_owned(), key.2.to_owned());
            let section = expected.section(key.1, key.2).or_else(|| actual.section(key.1, key.2));
            sections.entry(section.unwrap_or("(none)")).or_default().count(finding.kind);
        }
    }
    let named = |(name, section)| Section { name: str::to_owned(name), ..section };
    let mut sections: Vec<_> = sections.into_iter().map(named).collect();
    sections.sort_by_key(|section| std::cmp::Reverse(section.all()));
    Ok(sections)
}

impl Section {
    fn count(&mut self, kind: &str) {
        match kind {
            "missing" => self.missing += 1,
            "unexpected" => self.unexpected += 1,
            _ => self.changed += 1,
        }
    }
}

/// The section of each key of a side.
struct Index(HashMap<String, Vec<(String, String)>>);

impl Index {
    fn new(snapshot: &Snapshot) -> Result<Self> {
        let mut index: HashMap<String, Vec<_>> = HashMap::with_capacity(snapshot.rows());
        for batch in snapshot.batches() {
            let [package, architecture, section] =
                ["package", "architecture", "section"].map(|name| column(batch, name));
            let (package, architecture, section) = (package?, architecture?, section?);
            let cell = |column, row| text(column, row).unwrap_or_default().to_owned();
            for row in 0..batch.num_rows() {
                let of_package = index.entry(cell(&package, row)).or_default();
                of_package.push((cell(&architecture, row), cell(&section, row)));
            }
        }
        Ok(Self(index))
    }

    fn section(&self, package: &str, architecture: &str) -> Option<&str> {
        let of_package = self.0.get(package)?.iter();
        let mut found = of_package.filter(|(of, _)| of == architecture);
        found.next().map(|(_, section)| &**section)
    }
}
