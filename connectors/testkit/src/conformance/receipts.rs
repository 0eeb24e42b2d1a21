//! Promises on receipts: that there is one a change, and that it is true.

use std::pin::pin;
use std::task::{Context as Task, Waker};
use std::time::Duration;

use trueup_connector::{Change, Context, Kind, Operation, Receipt, Value};

use super::target::{Target, apply_unguarded};
use super::{Broken, Promise, Subject};

/// There is one receipt a change, in order, and a change that fails stops no other.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn receipts(subject: &Subject) -> Result<(), Broken> {
    let Some(target) = Target::of(subject, Promise::Receipts).await? else { return Ok(()) };
    target.apply(&[]).await?;
    let before = target.state().await?;
    let mut unknown = target.create(target.fresh(1)?);
    unknown.after.push((NO_NAME.into(), Value::from("x")));
    let changes = [
        target.create(target.fresh(0)?),
        unknown,
        target.create(target.fresh(2)?),
        target.update(target.fresh(3)?, target.create(target.fresh(3)?).after),
    ];
    let receipts = target.apply(&changes).await?;
    let shown = format!("{receipts:?}");
    let as_due = matches!(
        receipts.as_slice(),
        [Receipt::Done { .. }, Receipt::Refused(_), Receipt::Done { .. }, Receipt::Stale]
    );
    if !as_due {
        let detail = format!(
            "a good create, one of an unknown field, a good one and an update of nothing have the \
             receipts {shown}"
        );
        return Err(target.broken(&detail));
    }
    let made = [target.read(target.fresh(0)?).await?, target.read(target.fresh(2)?).await?];
    target.unchanged(&[before, made.into()].concat(), "after good and bad changes").await
}

/// What is not there is refused by its name, and nothing is changed.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn unknown_writes(subject: &Subject) -> Result<(), Broken> {
    let Some(target) = Target::of(subject, Promise::UnknownWrites).await? else { return Ok(()) };
    let before = target.state().await?;
    let fresh = target.fresh(0)?;
    let change = |bend: &dyn Fn(&mut Change)| {
        let mut change = target.create(fresh);
        bend(&mut change);
        change
    };
    let absent = || (NO_NAME.to_owned(), Value::from("x"));
    let key = target.resource.schema.key().first().map_or("", |name| *name).to_owned();
    let wrong = [
        (NO_NAME, change(&|change| change.resource = NO_NAME.into())),
        (NO_NAME, change(&|change| change.after.push(absent()))),
        (NO_NAME, change(&|change| change.operation = Operation::Action(NO_NAME.into()))),
        (NO_NAME, {
            let mut update = target.update(fresh, target.create(fresh).after);
            update.before.push(absent());
            update
        }),
        (key.as_str(), {
            let mut nameless = target.delete(fresh);
            nameless.key.fill(Value::Null);
            nameless
        }),
        ("key", {
            let mut short = target.delete(fresh);
            short.key.clear();
            short
        }),
    ];
    for (name, change) in wrong {
        let receipt = target.apply_one(&change).await?;
        let as_due = match &receipt {
            Receipt::Refused(error) => error.to_string().contains(name),
            _ => false,
        };
        if !as_due {
            let detail = format!("a change that is to be refused naming `{name}` is {receipt:?}");
            return Err(target.broken(&detail));
        }
    }
    target.unchanged(&before, "after changes of what is not there").await
}

const NO_NAME: &str = "no_such_name";

/// Changes of a cancelled call are refused as `cancelled`; a dropped call leaves nothing half done.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn cancelled_writes(subject: &Subject) -> Result<(), Broken> {
    let Some(target) = Target::of(subject, Promise::CancelledWrites).await? else { return Ok(()) };
    let before = target.state().await?;
    let cancelled = Context::new();
    cancelled.cancel();
    let changes = vec![target.create(target.fresh(0)?), target.create(target.fresh(1)?)];
    let outcome = apply_unguarded(&*target.writer, cancelled, changes).await;
    let refused = |receipt: &Receipt| matches!(receipt, Receipt::Refused(error) if error.kind() == Kind::Cancelled);
    match &outcome {
        Ok(receipts) if receipts.len() == 2 && receipts.iter().all(refused) => {}
        _ => return Err(target.broken(&format!("a cancelled call of two changes is {outcome:?}"))),
    }
    target.unchanged(&before, "after a cancelled call").await?;
    drop_some(&target)?;
    // What was sent may still be under way.
    tokio::time::sleep(Duration::from_millis(100)).await;
    // It is there or it is not; made again, it is there once.
    let fresh = target.fresh(2)?;
    let there = target.state().await?.iter().any(|row| target.same_key(row, fresh));
    if !there {
        target.does(&[target.create(fresh)]).await?;
    }
    let made = target.read(fresh).await?;
    target.unchanged(&[before, vec![made]].concat(), "after a dropped call").await
}

/// Starts a call, and drops it where it first waits.
fn drop_some(target: &Target<'_>) -> Result<(), Broken> {
    let changes = vec![target.create(target.fresh(2)?)];
    let call = pin!(apply_unguarded(&*target.writer, Context::new(), changes));
    let mut task = Task::from_waker(Waker::noop());
    drop(call.poll(&mut task));
    Ok(())
}

/// The status of a handle that was never given is an error.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn status(subject: &Subject) -> Result<(), Broken> {
    let Some(target) = Target::of(subject, Promise::Status).await? else { return Ok(()) };
    for handle in ["", "no such handle", "\u{0}", "🦀"] {
        match target.writer.status(Context::new(), handle.into()).await {
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Invalid) => {}
            other => {
                let detail =
                    format!("the status of `{handle}`, which was never given, is {other:?}");
                return Err(target.broken(&detail));
            }
        }
    }
    Ok(())
}
