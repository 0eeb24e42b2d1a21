//! What was compared: where the records come from, how many they are, their content roots.

use std::sync::OnceLock;

use arrow_array::BooleanArray;
use arrow_select::filter::filter_record_batch;
use trueup_connector::{Consistency, Error, Hash, Kind, Provenance, Result, Snapshot, hex};

use super::super::rules::Side;
use super::super::table::Table;
use super::facts::Origin;
use super::live::Live;
use super::{Report, Source};

/// What a report compared, the expected side first; from [`Report::inputs`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inputs {
    /// What should be.
    pub expected: Input,
    /// What is.
    pub actual: Input,
}

/// The records of one side of a report.
#[derive(Clone, Debug)]
pub struct Input {
    origin: Origin,
    /// The records as their system gave them, and the fields of the key in its names.
    records: Option<(Snapshot, Vec<String>)>,
    root: OnceLock<Hash>,
}

impl Report {
    /// Where the records of both sides come from and how many they are, and their content roots,
    /// which are computed when they are asked for.
    ///
    /// A loaded report has them as they were when it was saved.
    ///
    /// # Errors
    /// `internal` only.
    ///
    /// ```
    /// # use trueup::*;
    /// # use std::num::NonZero;
    /// # let wish = Snapshot::from_json(&serde_json::from_str::<Vec<_>>(r#"[{"id": 1}]"#).unwrap())?;
    /// # let state = wish.clone();
    /// let wish = wish.with_provenance(Provenance::read("book", "devices").with_read_id("r-17"));
    /// let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
    /// let report = Reconciliation::new("fleet").with_key(["id"]).compare(&run, &wish, &state)?;
    /// let inputs = report.inputs()?;
    /// assert_eq!(inputs.expected.provenance().read_id, "r-17");
    /// assert_eq!(inputs.expected.content_root()?, wish.content(&["id"])?.root());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn inputs(&self) -> Result<Inputs> {
        let [expected, actual] = match self.source() {
            Source::Live(live) => [live.input(Side::Expected)?, live.input(Side::Actual)?],
            Source::Stored(stored) => stored.facts.sides.clone().map(Input::stored),
        };
        Ok(Inputs { expected, actual })
    }
}

impl Input {
    /// Where the records come from.
    pub fn provenance(&self) -> &Provenance {
        &self.origin.provenance
    }

    /// Whether they were read at one moment.
    pub fn consistency(&self) -> Consistency {
        self.origin.consistency
    }

    /// How many records there are.
    pub fn rows(&self) -> u64 {
        self.origin.rows
    }

    /// The content root of the records as their system gave them, before any mapping
    /// (`docs/spec/content-root.md`). It takes a hash a record, the first time.
    ///
    /// # Errors
    /// `unsupported` for a loaded report that was saved without it.
    pub fn content_root(&self) -> Result<Hash> {
        if let Some(root) = self.root.get() {
            return Ok(*root);
        }
        let Some((records, key)) = &self.records else {
            let message =
                "the report was saved without content roots; reconcile the snapshots again";
            return Err(Error::new(Kind::Unsupported, message));
        };
        let key: Vec<&str> = key.iter().map(String::as_str).collect();
        let root = records.content(&key)?.root();
        Ok(*self.root.get_or_init(|| root))
    }

    /// [`Input::content_root`] in hexadecimal digits.
    ///
    /// # Errors
    /// As [`Input::content_root`].
    pub fn content_root_hex(&self) -> Result<String> {
        self.content_root().map(|root| hex(&root))
    }

    fn stored(origin: Origin) -> Self {
        let root = OnceLock::new();
        if let Some(hash) = origin.content_root.as_deref().and_then(super::digest::hash) {
            root.get_or_init(|| hash);
        }
        Self { origin, records: None, root }
    }
}

impl Live {
    /// Where both sides' records come from.
    pub(super) fn origins(&self) -> [Origin; 2] {
        Side::BOTH.map(|side| {
            let source = self.source(side);
            Origin {
                provenance: source.provenance().clone(),
                consistency: source.consistency(),
                rows: self.sides().table(side).rows().count() as u64,
                content_root: None,
            }
        })
    }

    fn input(&self, side: Side) -> Result<Input> {
        let [expected, actual] = self.origins();
        let (origin, table) = match side {
            Side::Expected => (expected, &self.expected),
            Side::Actual => (actual, &self.actual),
        };
        let source = self.source(side);
        let names: Vec<&str> = source.schema().names().collect();
        let key = self.fields.key.iter().filter_map(|field| {
            let place = if side == Side::Expected { field.expected } else { field.actual };
            // Mapping renames columns and leaves them where they are.
            names.get(place).map(|name| (*name).to_owned())
        });
        let records = Some((remaining(source, table)?, key.collect()));
        Ok(Input { origin, records, root: OnceLock::new() })
    }
}

/// The records of a snapshot that are still in the table made of it.
fn remaining(source: &Snapshot, table: &Table) -> Result<Snapshot> {
    if table.rows().count() == source.rows() {
        return Ok(source.clone());
    }
    let mut stays: Vec<Vec<bool>> =
        source.batches().iter().map(|b| vec![false; b.num_rows()]).collect();
    for row in table.rows() {
        if let Some(stay) = stays.get_mut(row.batch()).and_then(|batch| batch.get_mut(row.row())) {
            *stay = true;
        }
    }
    let batches = source.batches().iter().zip(stays);
    let batches =
        batches.map(|(batch, stays)| filter_record_batch(batch, &BooleanArray::from(stays)));
    let batches = batches.collect::<Result<Vec<_>, _>>();
    let batches = batches.map_err(|cause| Error::new(Kind::Internal, cause.to_string()))?;
    Snapshot::new(source.arrow_schema().clone(), batches)
}
