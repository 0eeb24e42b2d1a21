//! Reading a whole resource through a connector, and holding it to its promises.

use std::collections::HashSet;

use arrow_array::RecordBatch;
use arrow_schema::Schema as ArrowSchema;
use async_trait::async_trait;

use crate::connector::{Connector, Cursor, Identity, Page, ReadRequest, Resource};
use crate::context::Context;
use crate::error::{Error, Kind, Result, suggest};
use crate::record::{Column, Schema, batch_from_values};
use crate::snapshot::{Consistency, Coverage, Provenance, Snapshot};

/// Conveniences for the callers of a [`Connector`]; every connector has them.
#[async_trait]
pub trait ConnectorExt: Connector {
    /// Reads a whole resource.
    ///
    /// A connector that breaks the contract (a cursor that stands twice, a page of other columns, no
    /// end of empty pages) is an error of kind `protocol`; no part of a reading is ever returned for
    /// the whole.
    ///
    /// # Errors
    /// Those of [`Connector::read_page`]; `not_found` for an unknown resource, with the nearest name.
    async fn read(&self, context: Context, resource: &str) -> Result<Snapshot> {
        let resource = find(self.describe(context.clone()).await?, resource)?;
        let mut reading = Reading::new(resource);
        while let Some(request) = reading.request() {
            context.check()?;
            let page = self.read_page(context.clone(), request).await?;
            reading.take(page)?;
            context.report("read", reading.rows, None);
        }
        reading.finish(&self.identity(), self.capability().consistency)
    }
}

impl<C: Connector + ?Sized> ConnectorExt for C {}

fn find(resources: Vec<Resource>, name: &str) -> Result<Resource> {
    let names: Vec<String> = resources.iter().map(|resource| resource.name.clone()).collect();
    resources.into_iter().find(|resource| resource.name == name).ok_or_else(|| {
        let known = suggest(name, names.iter().map(String::as_str));
        Error::new(Kind::NotFound, format!("there is no resource `{name}`{known}"))
    })
}

/// A reading under way: it holds the connector to its promises.
struct Reading {
    resource: Resource,
    batches: Vec<RecordBatch>,
    rows: u64,
    empty: usize,
    cursor: Option<Cursor>,
    seen: HashSet<Cursor>,
    coverage: Option<Coverage>,
    resume: Option<Cursor>,
    done: bool,
}

impl Reading {
    fn new(resource: Resource) -> Self {
        let (batches, seen) = (Vec::new(), HashSet::new());
        let (cursor, coverage, resume) = (None, None, None);
        let (rows, empty, done) = (0, 0, false);
        Self { resource, batches, rows, empty, cursor, seen, coverage, resume, done }
    }

    fn request(&self) -> Option<ReadRequest> {
        let mut request = ReadRequest::new(&self.resource.name);
        request.cursor.clone_from(&self.cursor);
        (!self.done).then_some(request)
    }

    fn take(&mut self, page: Page) -> Result<()> {
        self.check_schema(&page.records)?;
        if !page.removed.is_empty() {
            return Err(self.broken("a page of a whole reading names removed records"));
        }
        if let Some(next) = page.next.iter().find(|next| !self.seen.insert(Cursor::clone(next))) {
            return Err(self.broken(&format!("the cursor `{}` was given twice", next.as_str())));
        }
        self.empty = if page.records.num_rows() == 0 { self.empty + 1 } else { 0 };
        if self.empty == Page::MOST_EMPTY && page.next.is_some() {
            let message = format!("{} pages in a row have no record", self.empty);
            return Err(self.broken(&message));
        }
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

    fn broken(&self, message: &str) -> Error {
        Error::new(Kind::Protocol, format!("the connector broke its contract: {message}"))
            .with("resource", &self.resource.name)
    }

    fn finish(self, identity: &Identity, consistency: Consistency) -> Result<Snapshot> {
        let arrow = match self.batches.first() {
            Some(batch) => self.resource.schema.annotate(&batch.schema()),
            None => self.resource.schema.to_arrow(),
        };
        let mut provenance =
            Provenance::read(&identity.system, &self.resource.name).with_tenant(&identity.tenant);
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
