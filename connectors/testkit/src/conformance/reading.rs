//! Whole readings, held against the truth.

use std::collections::HashSet;

use arrow_schema::DataType;
use trueup_connector::{
    Consistency, Context, Coverage, Error, Kind, Page, ReadRequest, Resource, Schema, Snapshot,
};

use super::described::resources;
use super::rows::{Row, difference, rows_of, truth_of};
use super::{Broken, Promise, Subject};

/// A whole reading.
pub(super) struct Reading {
    pub(super) resource: Resource,
    pub(super) pages: Vec<Page>,
    pub(super) rows: Vec<Row>,
}

impl Reading {
    /// What all pages say together: any disagreement is a part.
    pub(super) fn coverage(&self) -> Coverage {
        let mut said = self.pages.iter().map(|page| &page.coverage);
        match said.next() {
            Some(first) if said.all(|other| other == first) => first.clone(),
            _ => Coverage::Partial,
        }
    }

    /// The same, with literals of the types of their fields.
    pub(super) fn typed_coverage(&self) -> Result<Coverage, Broken> {
        let Coverage::Within(predicate) = self.coverage() else { return Ok(self.coverage()) };
        let typed = predicate.typed(&self.resource.schema);
        typed.map(Coverage::Within).map_err(Promise::Coverage.failed("the predicate"))
    }

    /// Checks that it has the records it owes.
    pub(super) fn matches(
        &self,
        subject: &Subject,
        promise: Promise,
        truth: &[Row],
        context: &str,
    ) -> Result<(), Broken> {
        let repeats = subject.connector().capability().consistency != Consistency::Snapshot;
        let covered = self.typed_coverage()?;
        // A part owes no record: what it gives must be there, and that is all.
        let different = match covered {
            Coverage::Partial => invented(&self.rows, truth),
            _ => difference(&self.rows, &within(truth, &covered)?, repeats),
        };
        match different {
            Some(detail) => Err(at(promise, &self.resource, &format!("{context}, {detail}"))),
            None => Ok(()),
        }
    }
}

/// Reads from this request to the last page, as a careful reader does.
pub(super) async fn walk(
    subject: &Subject,
    resource: &Resource,
    request: ReadRequest,
) -> Result<Reading, Broken> {
    try_walk(subject, resource, request).await?.map_err(|error| {
        at(Promise::Paging, resource, &format!("a page could not be read: {error:?}"))
    })
}

/// As [`walk`], of a source that may fail.
pub(super) async fn try_walk(
    subject: &Subject,
    resource: &Resource,
    request: ReadRequest,
) -> Result<Result<Reading, Error>, Broken> {
    let mut reading = Reading { resource: resource.clone(), pages: Vec::new(), rows: Vec::new() };
    let (mut next, mut seen, mut empty) = (Some(request), HashSet::new(), 0);
    while let Some(request) = next {
        let page = match subject.connector().read_page(Context::new(), request.clone()).await {
            Ok(page) => page,
            Err(error) => return Ok(Err(error)),
        };
        reading.rows.extend(take(resource, &reading.pages, &page)?);
        if request.since.is_none() && !page.removed.is_empty() {
            let detail = "a page of a whole reading names removed records";
            return Err(at(Promise::Paging, resource, detail));
        }
        if let Some(twice) = page.next.iter().find(|cursor| !seen.insert((*cursor).clone())) {
            let detail = format!("the cursor `{}` was given twice", twice.as_str());
            return Err(at(Promise::Paging, resource, &detail));
        }
        empty = if page.records.num_rows() + page.removed.len() == 0 { empty + 1 } else { 0 };
        if empty == Page::MOST_EMPTY && page.next.is_some() {
            let detail = format!("{empty} pages in a row have no record");
            return Err(at(Promise::Paging, resource, &detail));
        }
        next = page.next.clone().map(|cursor| request.with_cursor(cursor));
        reading.pages.push(page);
    }
    Ok(Ok(reading))
}

fn take(resource: &Resource, before: &[Page], page: &Page) -> Result<Vec<Row>, Broken> {
    let got = Schema::from_arrow(&page.records.schema());
    let got = got.map_err(|error| at(Promise::Schema, resource, &format!("{error:?}")))?;
    let columns = |schema: &Schema| {
        let columns = schema.fields().iter().map(|field| format!("{} {}", field.name, field.ty));
        columns.collect::<Vec<_>>().join(", ")
    };
    let (got, want) = (columns(&got), columns(&resource.schema));
    if got != want {
        let detail = format!("a page has the columns {got}, not {want}");
        return Err(at(Promise::Schema, resource, &detail));
    }
    let first = before.first().unwrap_or(page);
    let encoding = |page: &Page| -> Vec<DataType> {
        page.records.columns().iter().map(|column| column.data_type().clone()).collect()
    };
    if encoding(first) != encoding(page) {
        let (first, this) = (encoding(first), encoding(page));
        let detail = format!("one page is encoded as {first:?}, another as {this:?}");
        return Err(at(Promise::Schema, resource, &detail));
    }
    rows_of(&page.records, &resource.schema)
        .map_err(|error| at(Promise::Schema, resource, &format!("{error:?}")))
}

/// The described resources whose truth is told, with it.
pub(super) async fn told(subject: &Subject) -> Result<Vec<(Resource, Vec<Row>)>, Broken> {
    told_as(subject, subject.truth()).await
}

pub(super) async fn told_as(
    subject: &Subject,
    truth: &[(String, Snapshot)],
) -> Result<Vec<(Resource, Vec<Row>)>, Broken> {
    let described = resources(subject, Promise::Describe).await?;
    let mut told = Vec::new();
    for (name, snapshot) in truth {
        let resource = described.iter().find(|resource| resource.name == *name);
        let resource = resource.ok_or_else(|| {
            Promise::Describe.broken(format!("the resource `{name}` is not described"))
        })?;
        let rows = truth_of(snapshot, &resource.schema);
        let rows = rows.map_err(|error| at(Promise::Describe, resource, &error.to_string()))?;
        told.push((resource.clone(), rows));
    }
    match told.iter().any(|(_, rows)| !rows.is_empty()) {
        true => Ok(told),
        false => Err(Promise::Paging.broken("the subject tells no record of truth to check")),
    }
}

/// Every page size worth a try.
pub(super) fn sizes(subject: &Subject) -> Vec<Option<usize>> {
    match subject.connector().capability().page_size {
        true => vec![None, Some(1), Some(2), Some(7), Some(1_000_000), Some(usize::MAX)],
        false => vec![None],
    }
}

pub(super) fn request(resource: &Resource, size: Option<usize>) -> ReadRequest {
    let request = ReadRequest::new(&resource.name);
    match size {
        Some(size) => request.with_page_size(size),
        None => request,
    }
}

/// The smallest pages that it gives.
pub(super) fn small(subject: &Subject, resource: &Resource) -> ReadRequest {
    request(resource, subject.connector().capability().page_size.then_some(2))
}

/// Checks that a request is answered with an error of this kind.
pub(super) async fn refused(
    subject: &Subject,
    promise: Promise,
    request: ReadRequest,
    kind: Kind,
) -> Result<(), Broken> {
    let asked = format!("{request:?}");
    match subject.connector().read_page(Context::new(), request).await {
        Err(error) if error.kind() == kind => Ok(()),
        Err(error) => Err(promise.broken(format!("{asked} is {error:?}, not `{kind}`"))),
        Ok(page) => {
            let rows = page.records.num_rows();
            Err(promise.broken(format!("{asked} gives a page of {rows} records, not `{kind}`")))
        }
    }
}

pub(super) fn at(promise: Promise, resource: &Resource, detail: &str) -> Broken {
    promise.broken(format!("{detail} (resource: {})", resource.name))
}

/// The records of the truth that a reading owes.
pub(super) fn within(truth: &[Row], covered: &Coverage) -> Result<Vec<Row>, Broken> {
    let mut rows = Vec::new();
    for row in truth {
        let included = covered.includes(&|name| row.field(name));
        if included.map_err(Promise::Coverage.failed("the predicate"))? {
            rows.push(row.clone());
        }
    }
    Ok(rows)
}

fn invented(rows: &[Row], truth: &[Row]) -> Option<String> {
    let known: HashSet<&[u8]> = truth.iter().map(|row| row.bytes.as_slice()).collect();
    let invented = rows.iter().find(|row| !known.contains(row.bytes.as_slice()))?;
    Some(format!("{invented} was given, which is not there"))
}
