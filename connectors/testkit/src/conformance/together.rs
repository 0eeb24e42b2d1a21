//! Promises on calls that meet others, or do not end.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as Task, Waker};

use trueup_connector::{Context, Error, Kind, ReadRequest, Resource};

use super::reading::{Reading, at, small, told, walk};
use super::rows::{Row, rows_of};
use super::{Broken, Promise, Subject};

/// Two readings at the same time do not touch each other.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn concurrency(subject: &Subject) -> Result<(), Broken> {
    let told = told(subject).await?;
    for (resource, truth) in &told {
        for (other, other_truth) in &told {
            let (a, b) = in_turn(subject, resource, other).await?;
            a.matches(subject, Promise::Concurrency, truth, "read in turn with another reading")?;
            b.matches(subject, Promise::Concurrency, other_truth, "read in turn with another")?;
        }
        at_once(subject, resource, truth).await?;
    }
    Ok(())
}

/// A cancelled call is `cancelled`, and a dropped one does no harm.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn cancellation(subject: &Subject) -> Result<(), Broken> {
    let (promise, connector) = (Promise::Cancellation, subject.connector());
    let told = told(subject).await?;
    let cancelled = Context::new();
    cancelled.cancel();
    is_cancelled("describe", connector.describe(cancelled.clone()).await)?;
    is_cancelled("check", connector.check(cancelled.clone()).await)?;
    for (resource, truth) in &told {
        let request = small(subject, resource);
        is_cancelled("read_page", connector.read_page(cancelled.clone(), request).await)?;
        drop_some(subject, resource);
        let reading = walk(subject, resource, small(subject, resource)).await;
        let reading = reading.map_err(|broken| {
            at(promise, resource, &format!("after dropped calls, {}", broken.detail))
        })?;
        reading.matches(subject, promise, truth, "after dropped calls")?;
    }
    Ok(())
}

/// Two readings, a page of each in turn.
async fn in_turn(
    subject: &Subject,
    a: &Resource,
    b: &Resource,
) -> Result<(Reading, Reading), Broken> {
    let start = |resource: &Resource| {
        let reading = Reading { resource: resource.clone(), pages: Vec::new(), rows: Vec::new() };
        (reading, Some(small(subject, resource)))
    };
    let (mut a, mut b) = (start(a), start(b));
    for _ in 0..MOST_PAGES {
        step(subject, &mut a).await?;
        step(subject, &mut b).await?;
        if a.1.is_none() && b.1.is_none() {
            return Ok((a.0, b.0));
        }
    }
    Err(at(Promise::Concurrency, &a.0.resource, "two readings in turn come to no end"))
}

const MOST_PAGES: usize = 100_000;

async fn step(
    subject: &Subject,
    (reading, request): &mut (Reading, Option<ReadRequest>),
) -> Result<(), Broken> {
    let Some(asked) = request.take() else { return Ok(()) };
    let wrong = |resource: &Resource, error: Error| {
        let detail = format!("while another reading goes on, a page is {error:?}");
        at(Promise::Concurrency, resource, &detail)
    };
    let page = subject.connector().read_page(Context::new(), asked.clone()).await;
    let page = page.map_err(|error| wrong(&reading.resource, error))?;
    let rows = rows_of(&page.records, &reading.resource.schema);
    reading.rows.extend(rows.map_err(|error| wrong(&reading.resource, error))?);
    *request = page.next.clone().map(|cursor| asked.with_cursor(cursor));
    reading.pages.push(page);
    Ok(())
}

/// Several readings on several threads.
async fn at_once(subject: &Subject, resource: &Resource, truth: &[Row]) -> Result<(), Broken> {
    let readings: Vec<_> = (0..4)
        .map(|_| {
            let one = Subject::shared(Arc::clone(subject.connector()));
            let resource = resource.clone();
            let request = small(subject, &resource);
            tokio::spawn(async move { walk(&one, &resource, request).await })
        })
        .collect();
    for reading in readings {
        let reading = reading.await.map_err(|error| {
            at(Promise::Concurrency, resource, &format!("a reading ended badly: {error}"))
        })?;
        let reading = reading.map_err(|broken| {
            at(Promise::Concurrency, resource, &format!("of readings at once, {}", broken.detail))
        })?;
        reading.matches(subject, Promise::Concurrency, truth, "of readings at once")?;
    }
    Ok(())
}

fn is_cancelled<T>(call: &str, outcome: Result<T, Error>) -> Result<(), Broken> {
    let promise = Promise::Cancellation;
    match outcome {
        Err(error) if error.kind() == Kind::Cancelled => Ok(()),
        Err(error) => Err(promise.broken(format!("a cancelled `{call}` is {error:?}"))),
        Ok(_) => Err(promise.broken(format!("a cancelled `{call}` goes on as if nothing was"))),
    }
}

/// Starts some calls and drops them where they first wait.
fn drop_some(subject: &Subject, resource: &Resource) {
    for _ in 0..5 {
        let request = small(subject, resource);
        let call = pin!(subject.connector().read_page(Context::new(), request));
        let mut task = Task::from_waker(Waker::noop());
        if call.poll(&mut task).is_ready() {
            break;
        }
    }
}
