//! A reading under way: the pages as they come in, held to what the connector promises.

use std::collections::HashSet;

use arrow_array::RecordBatch;
use arrow_schema::Schema as ArrowSchema;

use crate::connector::{Connector, Cursor, Page, ReadRequest, Removed, Resource};
use crate::error::{Error, Kind, Result};
use crate::record::{Column, Schema, batch_from_values};
use crate::snapshot::{Coverage, Provenance, Snapshot};

/// A reading under way: it holds the connector to its promises.
pub(super) struct Reading {
    pub(super) resource: Resource,
    /// What every request of it says beside the cursor.
    first: ReadRequest,
    pub(super) batches: Vec<RecordBatch>,
    /// What is gone, and how many pages of records came before.
    pub(super) removed: Vec<(usize, Removed)>,
    pub(super) rows: u64,
    empty: usize,
    cursor: Option<Cursor>,
    seen: HashSet<Cursor>,
    coverage: Option<Coverage>,
    resume: Option<Cursor>,
    done: bool,
}

impl Reading {
    pub(super) fn new(resource: Resource, first: ReadRequest) -> Self {
        let (batches, removed, seen) = (Vec::new(), Vec::new(), HashSet::new());
        let (cursor, coverage, resume) = (None, None, None);
        let (rows, empty, done) = (0, 0, false);
        Self {
            resource,
            first,
            batches,
            removed,
            rows,
            empty,
            cursor,
            seen,
            coverage,
            resume,
            done,
        }
    }

    pub(super) fn request(&self) -> Option<ReadRequest> {
        let mut request = self.first.clone();
        request.cursor.clone_from(&self.cursor);
        (!self.done).then_some(request)
    }

    pub(super) fn take(&mut self, page: Page) -> Result<()> {
        self.check_schema(&page.records)?;
        if !page.removed.is_empty() && self.first.since.is_none() {
            return Err(self.broken("a page of a whole reading names removed records"));
        }
        if let Some(next) = page.next.iter().find(|next| !self.seen.insert(Cursor::clone(next))) {
            return Err(self.broken(&format!("the cursor `{}` was given twice", next.as_str())));
        }
        self.empty = if page.records.num_rows() == 0 && page.removed.is_empty() {
            self.empty + 1
        } else {
            0
        };
        if self.empty == Page::MOST_EMPTY && page.next.is_some() {
            let message = format!("{} pages in a row have no record", self.empty);
            return Err(self.broken(&message));
        }
        // On a page, what is gone is gone before its records come.
        let place = self.batches.len();
        self.removed.extend(page.removed.into_iter().map(|removed| (place, removed)));
        self.rows += page.records.num_rows() as u64;
        self.batches.push(page.records);
        self.coverage = Some(weaker(self.coverage.take(), page.coverage));
        self.done = page.next.is_none();
        (self.cursor, self.resume) = (page.next, page.resume);
        Ok(())
    }

    fn check_schema(&self, records: &RecordBatch) -> Result<()> {
        let got = Schema::from_arrow(&records.schema())
            .map_err(|error| self.broken("a page cannot be read").with_source(error))?;
        let (want, got) = (self.resource.schema.fields(), got.fields());
        let same = want.len() == got.len()
            && want.iter().zip(got).all(|(want, got)| want.name == got.name && want.ty == got.ty);
        if same {
            return Ok(());
        }
        let list = |fields: &[crate::record::Field]| {
            let fields: Vec<_> = fields.iter().map(|f| format!("{} {}", f.name, f.ty)).collect();
            fields.join(", ")
        };
        let message = format!("a page has the columns {}, not {}", list(got), list(want));
        Err(self.broken(&message))
    }

    pub(super) fn broken(&self, message: &str) -> Error {
        Error::new(Kind::Protocol, format!("the connector broke its contract: {message}"))
            .with("resource", &self.resource.name)
    }

    /// Everything that was read, as one snapshot.
    pub(super) fn finish(self, connector: &(impl Connector + ?Sized)) -> Result<Snapshot> {
        let (identity, consistency) = (connector.identity(), connector.capability().consistency);
        let arrow = match self.batches.first() {
            Some(batch) => self.resource.schema.annotate(&batch.schema()),
            None => self.resource.schema.to_arrow(),
        };
        let mut provenance = Provenance::read(&identity.system, &self.resource.name)
            .with_instance(&identity.instance)
            .with_tenant(&identity.tenant);
        provenance.cursor = self.resume.map(|cursor| cursor.as_str().to_owned());
        let batches = match self.batches.iter().all(|batch| same_encoding(batch, &arrow)) {
            true => self.batches,
            false => vec![one_encoding(&self.resource.schema, &self.batches)?],
        };
        let arrow =
            batches.first().map_or(arrow, |batch| self.resource.schema.annotate(&batch.schema()));
        let batches = batches.into_iter().map(|batch| batch.with_schema(arrow.clone()));
        let batches = batches.collect::<Result<Vec<_>, _>>();
        let batches = batches.map_err(|cause| {
            Error::new(
                Kind::Protocol,
                format!("the pages of a reading do not fit together: {cause}"),
            )
        })?;
        let snapshot = Snapshot::new(arrow, batches)?.with_provenance(provenance);
        let coverage = self.coverage.unwrap_or(Coverage::Partial);
        Ok(snapshot.with_coverage(coverage).with_consistency(consistency))
    }
}

/// What two pages cover together: what both say, or only some records.
fn weaker(a: Option<Coverage>, b: Coverage) -> Coverage {
    match a {
        None => b,
        Some(a) if a == b => a,
        Some(_) => Coverage::Partial,
    }
}

fn same_encoding(batch: &RecordBatch, arrow: &ArrowSchema) -> bool {
    let types = |schema: &ArrowSchema| {
        schema.fields().iter().map(|f| f.data_type().clone()).collect::<Vec<_>>()
    };
    types(&batch.schema()) == types(arrow)
}

/// Pages of one logical type may come in different encodings: they are rebuilt in one.
fn one_encoding(schema: &Schema, batches: &[RecordBatch]) -> Result<RecordBatch> {
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
        let row = |i| columns.iter().map(|column| column.value(i)).collect();
        rows.extend((0..batch.num_rows()).map(row));
    }
    batch_from_values(schema, &rows)
}
