//! Promises on cursors.

use trueup_connector::{Context, Cursor, Kind, Page, ReadRequest, Resource};

use super::reading::{at, refused, small, told};
use super::rows::{difference, rows_of};
use super::{Broken, Promise, Subject};

/// A cursor that the connector did not give for this resource is `invalid`.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn foreign_cursor(subject: &Subject) -> Result<(), Broken> {
    let promise = Promise::ForeignCursor;
    let told = told(subject).await?;
    let mut given = Vec::new();
    for (resource, _) in &told {
        let page = page(subject, promise, resource, small(subject, resource)).await?;
        given.extend(page.next.map(|cursor| (resource.name.clone(), cursor)));
    }
    for (resource, _) in &told {
        let mut foreign: Vec<Cursor> = FOREIGN.map(Cursor::new).into();
        for (owner, cursor) in &given {
            match *owner == resource.name {
                true => foreign.push(Cursor::new(format!("{}x", cursor.as_str()))),
                false => foreign.push(cursor.clone()),
            }
        }
        for cursor in foreign {
            let request = small(subject, resource).with_cursor(cursor);
            refused(subject, promise, request, Kind::Invalid).await?;
        }
    }
    Ok(())
}

const FOREIGN: [&str; 5] = ["", "\u{0}", "no cursor", "ffffffff-ffff", "🦀"];

/// The same request may be made again.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn repeat(subject: &Subject) -> Result<(), Broken> {
    let promise = Promise::Repeat;
    for (resource, _) in told(subject).await? {
        let mut request = Some(small(subject, &resource));
        let mut pages = 0;
        while let Some(asked) = request.take().filter(|_| pages < 10) {
            let first = page(subject, promise, &resource, asked.clone()).await?;
            let again = page(subject, promise, &resource, asked.clone()).await?;
            let rows = |page: &Page| {
                let rows = rows_of(&page.records, &resource.schema);
                rows.map_err(|error| at(Promise::Schema, &resource, &format!("{error:?}")))
            };
            if let Some(detail) = difference(&rows(&again)?, &rows(&first)?, false) {
                let detail = format!("page {pages} was another page when asked again: {detail}");
                return Err(at(promise, &resource, &detail));
            }
            request = first.next.map(|cursor| asked.with_cursor(cursor));
            pages += 1;
        }
    }
    Ok(())
}

async fn page(
    subject: &Subject,
    promise: Promise,
    resource: &Resource,
    request: ReadRequest,
) -> Result<Page, Broken> {
    let page = subject.connector().read_page(Context::new(), request).await;
    page.map_err(|error| at(promise, resource, &format!("a page could not be read: {error:?}")))
}
