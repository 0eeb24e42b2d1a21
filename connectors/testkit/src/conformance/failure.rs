//! An error is never data.

use trueup_connector::{Page, ReadRequest, Resource};

use super::reading::{Reading, at, request, small, told, try_walk, walk};
use super::rows::{Row, rows_of};
use super::{Broken, Promise, Subject};

/// A source that cannot be read is an error, never fewer records.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn failure(subject: &Subject) -> Result<(), Broken> {
    let mut begun = Vec::new();
    for (resource, truth) in told(subject).await? {
        let sound = walk(subject, &resource, request(&resource, None)).await?;
        let first = small(subject, &resource);
        let page = subject.connector().read_page(Default::default(), first.clone()).await;
        let page = page.map_err(Promise::Failure.failed("the first page of a sound source"))?;
        begun.push(Begun { resource, truth, sound, first, page });
    }
    if !subject.break_source().await? {
        return Ok(());
    }
    for begun in &begun {
        begun.go_on(subject).await?;
    }
    let mut failed = false;
    for begun in &begun {
        failed |= begun.read_again(subject).await?;
    }
    match failed {
        true => Ok(()),
        false => Err(Promise::Failure.broken("the source is broken, and reading it says nothing")),
    }
}

/// A resource of which a page was read before the source broke.
struct Begun {
    resource: Resource,
    truth: Vec<Row>,
    sound: Reading,
    first: ReadRequest,
    page: Page,
}

impl Begun {
    /// Follows the cursor of the page that was read.
    async fn go_on(&self, subject: &Subject) -> Result<(), Broken> {
        let Some(cursor) = self.page.next.clone() else { return Ok(()) };
        let request = self.first.clone().with_cursor(cursor);
        let Ok(mut rest) = try_walk(subject, &self.resource, request).await? else { return Ok(()) };
        let rows = rows_of(&self.page.records, &self.resource.schema);
        rest.rows.extend(rows.map_err(Promise::Failure.failed("the first page"))?);
        rest.pages.insert(0, self.page.clone());
        self.same(subject, &rest, "after the source broke on the way")
    }

    /// Reads from the beginning; gives whether that is an error.
    async fn read_again(&self, subject: &Subject) -> Result<bool, Broken> {
        let request = request(&self.resource, None);
        match try_walk(subject, &self.resource, request).await? {
            Err(_) => Ok(true),
            Ok(whole) => self.same(subject, &whole, "after the source broke").map(|()| false),
        }
    }

    /// What is no error is as if nothing was: a part in place of the whole is no way out.
    fn same(&self, subject: &Subject, reading: &Reading, when: &str) -> Result<(), Broken> {
        let (before, after) = (self.sound.coverage(), reading.coverage());
        if before != after {
            let detail = format!("{when}, a reading covers {after:?}, not {before:?}");
            return Err(at(Promise::Failure, &self.resource, &detail));
        }
        reading.matches(subject, Promise::Failure, &self.truth, when)
    }
}
