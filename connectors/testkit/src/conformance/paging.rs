//! Promises on reading a resource from the first page to the last.

use std::collections::HashSet;

use trueup_connector::{Coverage, Kind};

use super::described::resources;
use super::reading::{at, refused, request, sizes, told, walk, within};
use super::rows::Row;
use super::{Broken, Promise, Subject};

/// Following the cursors gives every record, exactly once where that is declared, and ends.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn paging(subject: &Subject) -> Result<(), Broken> {
    for (resource, truth) in told(subject).await? {
        for size in sizes(subject) {
            let reading = walk(subject, &resource, request(&resource, size)).await?;
            let context = format!("with the page size {size:?}");
            reading.matches(subject, Promise::Paging, &truth, &context)?;
        }
    }
    Ok(())
}

/// A claimed page size is kept; one that is not claimed is `unsupported`.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn page_size(subject: &Subject) -> Result<(), Broken> {
    for (resource, _) in told(subject).await? {
        if !subject.connector().capability().page_size {
            let asked = request(&resource, Some(2));
            refused(subject, Promise::PageSize, asked, Kind::Unsupported).await?;
            continue;
        }
        for size in sizes(subject).into_iter().flatten() {
            let reading = walk(subject, &resource, request(&resource, Some(size))).await?;
            let largest = reading.pages.iter().map(|page| page.records.num_rows()).max();
            if let Some(largest) = largest.filter(|largest| *largest > size) {
                let detail = format!("a page of {largest} records, where {size} were asked for");
                return Err(at(Promise::PageSize, &resource, &detail));
            }
        }
    }
    Ok(())
}

/// Every page has the columns of the schema, in order, of one encoding.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn schema(subject: &Subject) -> Result<(), Broken> {
    for resource in resources(subject, Promise::Schema).await? {
        for size in sizes(subject) {
            walk(subject, &resource, request(&resource, size)).await?;
        }
    }
    Ok(())
}

/// What a reading says it covers, it covers.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn coverage(subject: &Subject) -> Result<(), Broken> {
    for (resource, truth) in told(subject).await? {
        let reading = walk(subject, &resource, request(&resource, None)).await?;
        let covered = reading.typed_coverage()?;
        let wrong = Promise::Coverage.failed("the coverage");
        covered.check(&resource.schema, &resource.schema.key()).map_err(wrong)?;
        if let Some(row) = outside(&reading.rows, &covered)? {
            let detail = format!("{row} was given, which is outside {covered:?}");
            return Err(at(Promise::Coverage, &resource, &detail));
        }
        let given: HashSet<&[u8]> = reading.rows.iter().map(|row| row.bytes.as_slice()).collect();
        let owed = within(&truth, &covered)?;
        let absent = owed.iter().filter(|row| !given.contains(row.bytes.as_slice())).count();
        if absent > 0 {
            let detail = format!("{absent} of {} records of {covered:?} are not given", owed.len());
            return Err(at(Promise::Coverage, &resource, &detail));
        }
    }
    Ok(())
}

/// Reading changes nothing.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn no_effect(subject: &Subject) -> Result<(), Broken> {
    let before = subject.look().await;
    for (resource, truth) in told(subject).await? {
        for time in ["first", "second", "third"] {
            let reading = walk(subject, &resource, request(&resource, None)).await?;
            let context = format!("in the {time} reading");
            reading.matches(subject, Promise::NoEffect, &truth, &context)?;
        }
    }
    match subject.look().await == before {
        true => Ok(()),
        false => Err(Promise::NoEffect.broken("the source is not what it was before reading")),
    }
}

/// A record that a predicate does not hold for.
fn outside<'a>(rows: &'a [Row], covered: &Coverage) -> Result<Option<&'a Row>, Broken> {
    let Coverage::Within(predicate) = covered else { return Ok(None) };
    for row in rows {
        let held = predicate.holds(&|name| row.field(name));
        if !held.map_err(Promise::Coverage.failed("the predicate"))? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}
