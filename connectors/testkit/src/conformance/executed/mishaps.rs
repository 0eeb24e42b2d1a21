//! What nobody knows is found out as the connector declared, and nothing is done twice.

use tokio::sync::oneshot;
use trueup::runtime::ChangeState;
use trueup_connector::{Change, Idempotency};

use super::super::rows::Row;
use super::super::{Broken, Promise, Subject};
use super::courier::Mishap;
use super::stage::Stage;

/// A mishap that says when it has happened.
type Death = fn(oneshot::Sender<()>) -> Mishap;

/// A run whose executor died between sending changes and writing their receipts down is resumed as
/// the connector declared, and every change takes place once, or is a question to a person.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn crash(subject: &Subject) -> Result<(), Broken> {
    let Some(stage) = Stage::of(subject, Promise::Crash).await? else { return Ok(()) };
    let deaths: [(Death, bool); 2] = [(Mishap::DiesBefore, false), (Mishap::DiesAfter, true)];
    for (death, arrived) in deaths {
        let (first, second) = (stage.target.made(0).await?, stage.target.made(1).await?);
        let changes = [
            stage.target.create(stage.target.fresh(2)?),
            update(&stage, &first, &second)?,
            stage.target.delete(&second),
        ];
        let trial = Trial::new(&stage, &changes, arrived).await?;
        let plan = stage.plan(&changes)?;
        let report = stage.execute_with_a_crash(&plan, death).await.map_err(|error| {
            stage.target.broken(&format!("a run that is resumed after a crash fails: {error:?}"))
        })?;
        let when = match arrived {
            true => "after a crash before the receipts were on disk",
            false => "after a crash before the changes arrived",
        };
        trial.ends(&report, when).await?;
        clean_up(&stage).await?;
    }
    Ok(())
}

/// A call that is an error, panics, or answers for fewer changes than it was asked, has each change
/// carried out once, or makes it a question to a person, as the connector declared.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn lost_answers(subject: &Subject) -> Result<(), Broken> {
    let Some(stage) = Stage::of(subject, Promise::LostAnswers).await? else { return Ok(()) };
    for mishap in [Mishap::Lost, Mishap::Unanswered, Mishap::Short, Mishap::Unsure, Mishap::Panics]
    {
        let (when, arrived) = (mishap.to_string(), !matches!(mishap, Mishap::Lost));
        let changes = [
            stage.target.create(stage.target.fresh(0)?),
            stage.target.create(stage.target.fresh(1)?),
        ];
        let trial = Trial::new(&stage, &changes, arrived).await?;
        stage.courier.expect(mishap);
        let report = stage.run(&changes).await?;
        trial.ends(&report, &format!("when {when}")).await?;
        clean_up(&stage).await?;
    }
    Ok(())
}

/// Changes that meet a mishap, and how everything was before.
struct Trial<'a> {
    stage: &'a Stage<'a>,
    changes: &'a [Change],
    before: Vec<Row>,
    sent: usize,
    effects: Option<usize>,
    /// Whether they arrive at the first sending.
    arrived: bool,
}

impl<'a> Trial<'a> {
    async fn new(
        stage: &'a Stage<'a>,
        changes: &'a [Change],
        arrived: bool,
    ) -> Result<Self, Broken> {
        let (before, effects) = (stage.target.state().await?, stage.effects().await);
        let sent = stage.courier.sent().len();
        Ok(Self { stage, changes, before, sent, effects, arrived })
    }

    async fn ends(&self, report: &trueup::runtime::RunReport, when: &str) -> Result<(), Broken> {
        let Self { stage, changes, .. } = self;
        let mut want = stage.after_doubt(changes);
        let whole = stage.is_read_whole().await?;
        for (want, change) in want.iter_mut().zip(&report.changes) {
            // What is not read whole cannot show that a record is not there.
            if !whole && change.state == ChangeState::Unknown && self.is_read_back(change.place) {
                *want = ChangeState::Unknown;
            }
        }
        stage.are(report, &want, when)?;
        stage.proved(report, when)?;
        let sent = stage.courier.sent();
        let sent = sent.get(self.sent..).unwrap_or_default();
        stage.sent_as_declared(changes, sent, self.arrived, when)?;
        let there = changes.iter().zip(&want);
        let there = there.filter(|(_, state)| self.arrived || **state == ChangeState::Done);
        let there: Vec<&Change> = there.map(|(change, _)| change).collect();
        stage.took_place(&self.before, &there, when).await?;
        stage.had_effects(self.effects, there.len(), when).await
    }

    fn is_read_back(&self, place: usize) -> bool {
        let change = self.changes.get(place);
        change.is_some_and(|change| {
            let declared = self.stage.target.idempotency(&change.operation);
            matches!(declared, Idempotency::ReadBack { .. })
        })
    }
}

/// An update of a record to the values of another; a delete where it has nothing that can be set.
fn update(stage: &Stage<'_>, row: &Row, other: &Row) -> Result<Change, Broken> {
    let after = stage.target.values_of(other, row);
    Ok(match after.is_empty() {
        true => stage.target.delete(row),
        false => stage.target.update(row, after),
    })
}

/// Removes what the suite made.
async fn clean_up(stage: &Stage<'_>) -> Result<(), Broken> {
    let state = stage.target.state().await?;
    let made = state.iter().filter(|row| stage.target.is_fresh(row));
    let deletes: Vec<Change> = made.map(|row| stage.target.delete(row)).collect();
    stage.target.does(&deletes).await
}
