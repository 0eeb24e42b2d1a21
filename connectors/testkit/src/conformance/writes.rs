//! Promises on effects: that there is one, that there is no second, that there is none on what is
//! not as it was.

use std::sync::Arc;

use trueup_connector::{Change, Context, Idempotency, Operation, Receipt, Retry, Value};

use super::rows::Row;
use super::target::{Target, apply_unguarded};
use super::{Broken, Promise, Subject};

/// What was created, updated or deleted is so, exactly, and nothing else is changed.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn writes(subject: &Subject) -> Result<(), Broken> {
    let Some(target) = Target::of(subject, Promise::Writes).await? else { return Ok(()) };
    let before = target.state().await?;
    let creates = all(&target)?.into_iter().map(|row| target.create(row));
    target.does(&creates.collect::<Vec<_>>()).await?;
    let mut made = Vec::new();
    for row in all(&target)? {
        let found = target.read(row).await?;
        is(&target, &found, &target.create(row).after, "created")?;
        made.push(found);
    }
    target.unchanged(&[before.clone(), made.clone()].concat(), "after creates").await?;
    update(&target, &before, &mut made).await?;
    let deletes: Vec<Change> = made.iter().map(|row| target.delete(row)).collect();
    target.does(&deletes).await?;
    target.unchanged(&before, "after everything that was made was deleted").await
}

async fn update(target: &Target<'_>, before: &[Row], made: &mut [Row]) -> Result<(), Broken> {
    let [first, second, others @ ..] = made else { return Ok(()) };
    let after = target.values_of(second, first);
    if after.is_empty() {
        return Ok(());
    }
    target.does(&[target.update(first, after.clone())]).await?;
    let found = target.read(first).await?;
    is(target, &found, &after, "updated")?;
    *first = found;
    let others = others.iter().chain([&*first, &*second]).cloned();
    let want: Vec<Row> = before.iter().cloned().chain(others).collect();
    target.unchanged(&want, "after an update").await
}

/// A change that is sent again, as its declared idempotency allows, has no second effect.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn resend(subject: &Subject) -> Result<(), Broken> {
    let Some(target) = Target::of(subject, Promise::Resend).await? else { return Ok(()) };
    twice(&target, target.create(target.fresh(0)?)).await?;
    let other = target.made(1).await?;
    let row = target.read(target.fresh(0)?).await?;
    let after = target.values_of(&other, &row);
    if !after.is_empty() {
        twice(&target, target.update(&row, after)).await?;
    }
    let row = target.read(target.fresh(0)?).await?;
    twice(&target, target.delete(&row)).await
}

async fn twice(target: &Target<'_>, change: Change) -> Result<(), Broken> {
    target.does(std::slice::from_ref(&change)).await?;
    if !matches!(target.idempotency(&change.operation), Idempotency::Key | Idempotency::Conditional)
    {
        return Ok(());
    }
    let once = target.state().await?;
    for _ in 0..2 {
        target
            .does(std::slice::from_ref(&change))
            .await
            .map_err(|broken| target.broken(&format!("sent again, {}", broken.detail)))?;
        target.unchanged(&once, &format!("after a second {:?}", change.operation)).await?;
    }
    Ok(())
}

/// A change whose precondition does not hold is `stale`, and not carried out.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn stale(subject: &Subject) -> Result<(), Broken> {
    let Some(target) = Target::of(subject, Promise::Stale).await? else { return Ok(()) };
    let (row, other, absent) = (target.made(0).await?, target.made(1).await?, target.fresh(2)?);
    let before = target.state().await?;
    let after = target.values_of(&other, &row);
    let mut wrong =
        vec![("an update of a record that is not there", target.update(absent, after.clone()))];
    if let Some((name, value)) = after.first() {
        let mut create = target.create(&row);
        set(&mut create.after, name, value);
        wrong.push(("a create of a record that is there", create));
        let stand = |mut change: Change| {
            set(&mut change.before, name, value);
            change
        };
        let rest: Vec<_> = target.values_of(absent, &row);
        wrong.push(("an update on values that are others", stand(target.update(&row, rest))));
        wrong.push(("a delete on values that are others", stand(target.delete(&row))));
    }
    let mut version = target.update(&row, after);
    if version.version.replace("no such version".into()).is_some() {
        wrong.push(("an update on another version", version));
    }
    for (what, change) in wrong {
        let receipt = target.apply_one(&change).await?;
        if !matches!(receipt, Receipt::Stale) {
            return Err(target.broken(&format!("{what} is {receipt:?}, not `stale`")));
        }
        target.unchanged(&before, &format!("after {what}")).await?;
    }
    Ok(())
}

/// Of conditional changes that exclude each other, sent at the same time, one is carried out.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn race(subject: &Subject) -> Result<(), Broken> {
    let Some(target) = Target::of(subject, Promise::Race).await? else { return Ok(()) };
    if target.idempotency(&Operation::Update) != Idempotency::Conditional {
        return Ok(());
    }
    target.made(0).await?;
    for _ in 0..ROUNDS {
        let row = target.read(target.fresh(0)?).await?;
        let values = all(&target)?.into_iter().map(|other| target.values_of(other, &row));
        let changes =
            values.filter(|after| !after.is_empty()).map(|after| target.update(&row, after));
        let changes: Vec<Change> = changes.collect();
        let receipts = at_once(&target, &changes).await?;
        let won: Vec<_> = receipts.iter().zip(&changes).filter(|(r, _)| is_done(r)).collect();
        let lost = receipts.iter().filter(|receipt| !is_done(receipt));
        if let Some(odd) = lost.into_iter().find(|receipt| !may_lose(receipt)) {
            return Err(target.broken(&format!("a change that came too late is {odd:?}")));
        }
        match won.as_slice() {
            [] if changes.is_empty() => return Ok(()),
            [(_, change)] => {
                is(&target, &target.read(&row).await?, &change.after, "updated in a race")?;
            }
            won => {
                let detail = format!(
                    "{} of {} changes that exclude each other were done",
                    won.len(),
                    changes.len()
                );
                return Err(target.broken(&detail));
            }
        }
    }
    Ok(())
}

const ROUNDS: usize = 4;

async fn at_once(target: &Target<'_>, changes: &[Change]) -> Result<Vec<Receipt>, Broken> {
    let calls = changes.iter().cloned().map(|change| {
        let writer = Arc::clone(&target.writer);
        tokio::spawn(async move { apply_unguarded(&*writer, Context::new(), vec![change]).await })
    });
    let mut receipts = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        let ended =
            call.await.map_err(|error| target.broken(&format!("a call ended badly: {error}")))?;
        let given =
            ended.map_err(|error| target.broken(&format!("a call in a race is {error:?}")))?;
        receipts.extend(given);
    }
    match receipts.len() == changes.len() {
        true => Ok(receipts),
        false => Err(target.broken("a change in a race has not one receipt")),
    }
}

fn is_done(receipt: &Receipt) -> bool {
    matches!(receipt, Receipt::Done { .. })
}

/// Too late, or kept waiting too long: that may be sent again.
fn may_lose(receipt: &Receipt) -> bool {
    match receipt {
        Receipt::Stale => true,
        Receipt::Refused(error) | Receipt::Failed(error) => error.retry() != Retry::Never,
        _ => false,
    }
}

fn all<'a>(target: &'a Target<'_>) -> Result<Vec<&'a Row>, Broken> {
    (0..super::target::FRESH).map(|number| target.fresh(number)).collect()
}

/// Checks that a record has these values.
fn is(target: &Target<'_>, row: &Row, want: &[(String, Value)], how: &str) -> Result<(), Broken> {
    match want.iter().find(|(name, value)| row.field(name) != *value) {
        None => Ok(()),
        Some((name, _)) => {
            Err(target
                .broken(&format!("a record was {how}, and `{name}` has another value: {row}")))
        }
    }
}

fn set(values: &mut [(String, Value)], name: &str, value: &Value) {
    let found = values.iter_mut().find(|(known, _)| known == name);
    if let Some((_, old)) = found {
        *old = value.clone();
    }
}
