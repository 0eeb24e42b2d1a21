//! The report by section: a column of the records, not of the findings.

use std::collections::{BTreeMap, HashMap};

use trueup::{PlannedChange, Report, Snapshot, Value};

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

/// The sections of the packages of both sides. A package belongs to the catalogue's section where the
/// catalogue has it.
#[derive(Debug)]
pub struct Sections {
    expected: Index,
    actual: Index,
}

impl Sections {
    /// Looks the sections up.
    ///
    /// # Errors
    /// Where a side has no sections.
    pub fn new(expected: &Snapshot, actual: &Snapshot) -> Result<Self> {
        Ok(Self { expected: Index::new(expected)?, actual: Index::new(actual)? })
    }

    /// The section of a package.
    pub fn of(&self, package: &str, architecture: &str) -> Option<&str> {
        let found = self.expected.section(package, architecture);
        found
            .or_else(|| self.expected.any_section(package))
            .or_else(|| self.actual.section(package, architecture))
    }

    /// The section of the package that a change is about.
    pub fn of_change(&self, change: &PlannedChange) -> Option<&str> {
        match change.key() {
            [package, architecture] => match (package.value()?, architecture.value()?) {
                (Value::Text(package), Value::Text(architecture)) => self.of(package, architecture),
                _ => None,
            },
            _ => None,
        }
    }

    /// Counts the keys that disagree by section, the most first.
    ///
    /// # Errors
    /// Those of [`Report::findings`].
    pub fn all(&self, report: &Report) -> Result<Vec<Section>> {
        let mut sections: BTreeMap<String, Section> = BTreeMap::new();
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
                let name = self.of(key.1, key.2).unwrap_or("(none)");
                sections.entry(name.to_owned()).or_default().count(finding.kind);
            }
        }
        let named = |(name, section)| Section { name, ..section };
        let mut sections: Vec<_> = sections.into_iter().map(named).collect();
        sections.sort_by_key(|section| std::cmp::Reverse(section.all()));
        Ok(sections)
    }

    /// How many keys of one section disagree.
    ///
    /// # Errors
    /// Those of [`Report::findings`].
    pub fn count(&self, report: &Report, name: &str) -> Result<u64> {
        let all = self.all(report)?;
        Ok(all.iter().find(|section| section.name == name).map_or(0, Section::all))
    }
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
#[derive(Debug)]
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

    /// The section of a package, whatever its architecture.
    fn any_section(&self, package: &str) -> Option<&str> {
        self.0.get(package)?.first().map(|(_, section)| &**section)
    }
}
