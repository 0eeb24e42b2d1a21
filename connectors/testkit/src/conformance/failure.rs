//! An error is never data.

use trueup_connector::{Context, ReadRequest, Resource};

use super::reading::{Reading, request, small, told, try_walk};
use super::rows::{Row, rows_of};
use super::{Broken, Promise, Subject};

/// A source that cannot be read is an error, never fewer records.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn failure(subject: &Subject) -> Result<(), Broken> {
    let told = told(subject).await?;
    let mut begun = Vec::new();
    for (resource, truth) in &told {
        let first = small(subject, resource);
        let page = subject.connector().read_page(Context::new(), first.clone()).await;
        let page = page.map_err(Promise::Failure.failed("the first page of a sound source"))?;
        begun.push((resource, truth, page, first));
    }
    if !subject.break_source().await? {
        return Ok(());
    }
    for (resource, truth, page, first) in begun {
        let Some(cursor) = page.next.clone() else { continue };
        let rest = outcome(subject, resource, first.with_cursor(cursor)).await?;
        if let Some(mut rest) = rest {
            rest.pages.insert(0, page.clone());
            let rows = rows_of(&page.records, &resource.schema);
            rest.rows.extend(rows.map_err(Promise::Failure.failed("the first page"))?);
            rest.matches(subject, Promise::Failure, truth, "after the source broke on the way")?;
        }
    }
    read_again(subject, &told).await
}

async fn read_again(subject: &Subject, told: &[(Resource, Vec<Row>)]) -> Result<(), Broken> {
    let mut failed = false;
    for (resource, truth) in told {
        match outcome(subject, resource, request(resource, None)).await? {
            Some(whole) => {
                whole.matches(subject, Promise::Failure, truth, "after the source broke")?;
            }
            None => failed = true,
        }
    }
    match failed {
        true => Ok(()),
        false => Err(Promise::Failure.broken("the source is broken, and reading it says nothing")),
    }
}

/// The reading, or `None` for an error.
async fn outcome(
    subject: &Subject,
    resource: &Resource,
    request: ReadRequest,
) -> Result<Option<Reading>, Broken> {
    try_walk(subject, resource, request).await.map(Result::ok)
}
