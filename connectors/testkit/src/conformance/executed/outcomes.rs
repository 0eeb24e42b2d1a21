//! Outcomes are told apart, and what was done is done.

use trueup::runtime::{ChangeState, RunStatus};
use trueup_connector::{Change, Kind, Value};

use super::super::{Broken, Promise, Subject};
use super::stage::Stage;

/// The second run of a plan that was applied writes nothing: the same plan is refused, and one with
/// the same changes, made from another reading, changes no record.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn rerun(subject: &Subject) -> Result<(), Broken> {
    let Some(stage) = Stage::of(subject, Promise::Rerun).await? else { return Ok(()) };
    let creates = [0, 1, 2].map(|number| stage.target.fresh(number));
    let creates = creates.into_iter().map(|row| Ok(stage.target.create(row?)));
    let changes = creates.collect::<Result<Vec<Change>, Broken>>()?;
    let before = stage.target.state().await?;
    let plan = stage.plan(&changes)?;
    let report = stage.execute(&plan).await;
    let report =
        report.map_err(|error| stage.target.broken(&format!("a plan of creates: {error:?}")))?;
    stage.are(&report, &[ChangeState::Done; 3], "carried out")?;
    stage.took_place(&before, &changes.iter().collect::<Vec<_>>(), "carried out").await?;
    let (after, effects) = (stage.target.state().await?, stage.effects().await);
    let sent = stage.courier.sent().len();
    match stage.execute(&plan).await {
        Err(error) if error.kind() == Kind::Conflict && stage.courier.sent().len() == sent => {}
        other => {
            let detail = format!("a plan that was applied is executed again: {other:?}");
            return Err(stage.target.broken(&detail));
        }
    }
    stage.run(&changes).await?;
    stage.target.unchanged(&after, "after the same changes in a second plan").await?;
    stage.had_effects(effects, 0, "the same changes in a second plan").await
}

/// A change that is stale or refused is told apart from those that are done, and stops none of them.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn partial_failure(subject: &Subject) -> Result<(), Broken> {
    let Some(stage) = Stage::of(subject, Promise::PartialFailure).await? else { return Ok(()) };
    let target = &stage.target;
    let there = target.made(0).await?;
    let (before, effects) = (target.state().await?, stage.effects().await);
    let mut unknown = target.create(target.fresh(2)?);
    unknown.after.push(("no_such_name".into(), Value::from("x")));
    let absent = target.fresh(3)?;
    let mut changes = vec![
        target.create(target.fresh(1)?),
        unknown,
        target.update(absent, target.create(absent).after),
    ];
    let mut want = vec![ChangeState::Done, ChangeState::Refused, ChangeState::Stale];
    let others = target.values_of(absent, &there);
    if let Some((name, value)) = others.first() {
        // It is planned on a value that the record has not.
        let mut stale = target.update(&there, others.clone());
        stale.before.retain(|(field, _)| field != name);
        stale.before.push((name.clone(), value.clone()));
        stale.after.retain(|(field, _)| field != name);
        if !stale.after.is_empty() {
            changes.push(stale);
            want.push(ChangeState::Stale);
        }
    }
    let report = stage.run(&changes).await?;
    let when = "of good and bad changes in one plan";
    if report.status != RunStatus::Finished {
        return Err(target.broken(&format!("{when}, the run is {}", report.status)));
    }
    stage.are(&report, &want, when)?;
    stage.proved(&report, when)?;
    let done: Vec<&Change> = changes.iter().take(1).collect();
    stage.took_place(&before, &done, when).await?;
    stage.had_effects(effects, 1, when).await
}

/// What is pending is asked for until it is settled, also by an executor that did not send it, and is
/// never sent again.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn pending_changes(subject: &Subject) -> Result<(), Broken> {
    let Some(stage) = Stage::of(subject, Promise::PendingChanges).await? else { return Ok(()) };
    let changes =
        [stage.target.create(stage.target.fresh(0)?), stage.target.create(stage.target.fresh(1)?)];
    let (before, effects) = (stage.target.state().await?, stage.effects().await);
    let report = stage.run_without_patience(&changes).await?;
    let when = "taken up until nothing is pending";
    stage.are(&report, &[ChangeState::Done; 2], when)?;
    stage.proved(&report, when)?;
    let sent = stage.courier.sent().len();
    if sent != changes.len() {
        let detail = format!("{when}, {sent} changes were sent, not {}", changes.len());
        return Err(stage.target.broken(&detail));
    }
    stage.took_place(&before, &changes.iter().collect::<Vec<_>>(), when).await?;
    stage.had_effects(effects, changes.len(), when).await
}
