//! What a run must come to.

use trueup::runtime::{ChangeState, RunReport};
use trueup_connector::{Change, Coverage, Idempotency, Operation, Value};

use super::super::Broken;
use super::super::rows::{Row, difference};
use super::stage::Stage;

impl Stage<'_> {
    /// Checks how far each change is.
    pub(super) fn are(
        &self,
        report: &RunReport,
        want: &[ChangeState],
        when: &str,
    ) -> Result<(), Broken> {
        let states: Vec<ChangeState> = report.changes.iter().map(|change| change.state).collect();
        match states == want {
            true => Ok(()),
            false => {
                let errors: Vec<&str> =
                    report.changes.iter().filter_map(|change| change.error.as_deref()).collect();
                let detail = format!(
                    "{when}, the changes are {}, not {} ({})",
                    named(&states),
                    named(want),
                    errors.join("; ")
                );
                Err(self.target.broken(&detail))
            }
        }
    }

    /// Checks that what is called done was found when the system was read back.
    pub(super) fn proved(&self, report: &RunReport, when: &str) -> Result<(), Broken> {
        let done = report.changes.iter().filter(|change| change.state == ChangeState::Done);
        match done.filter(|change| change.verified == Some(false)).count() {
            0 => Ok(()),
            count => {
                let detail = format!("{when}, {count} changes are called done and are not there");
                Err(self.target.broken(&detail))
            }
        }
    }

    /// Checks that these changes took place once and the records are otherwise as before.
    pub(super) async fn took_place(
        &self,
        before: &[Row],
        changes: &[&Change],
        when: &str,
    ) -> Result<(), Broken> {
        let state = self.target.state().await?;
        let touched = |row: &&Row| changes.iter().any(|change| self.is_of(row, change));
        for change in changes {
            let found: Vec<&Row> = state.iter().filter(|row| self.is_of(row, change)).collect();
            let stands = match (&change.operation, found.as_slice()) {
                (Operation::Delete, []) => true,
                (Operation::Create | Operation::Update, [row]) => has(row, &change.after),
                _ => false,
            };
            if !stands {
                let found: Vec<String> = found.iter().map(ToString::to_string).collect();
                let detail = format!(
                    "{when}, a {:?} did not take place exactly once; there is: [{}]",
                    change.operation,
                    found.join(", ")
                );
                return Err(self.target.broken(&detail));
            }
        }
        let rest = |rows: &[Row]| -> Vec<Row> {
            rows.iter().filter(|row| !touched(row)).cloned().collect()
        };
        match difference(&rest(&state), &rest(before), false) {
            None => Ok(()),
            Some(detail) => {
                Err(self.target.broken(&format!("{when}, other records changed: {detail}")))
            }
        }
    }

    /// How far each change must be after an attempt of which nobody knows, and which took place or not.
    pub(super) fn after_doubt(&self, changes: &[Change]) -> Vec<ChangeState> {
        let state = |change: &Change| match self.target.idempotency(&change.operation) {
            Idempotency::AtMostOnce => ChangeState::Unknown,
            _ => ChangeState::Done,
        };
        changes.iter().map(state).collect()
    }

    /// Checks how often each change was sent: never again where the declaration does not allow it.
    pub(super) fn sent_as_declared(
        &self,
        changes: &[Change],
        sent: &[String],
        arrived: bool,
        when: &str,
    ) -> Result<(), Broken> {
        for (place, change) in changes.iter().enumerate() {
            // The first sending was of all of them, in their order.
            let key = sent.get(place);
            let times = sent.iter().filter(|other| Some(*other) == key).count();
            let most = match self.target.idempotency(&change.operation) {
                Idempotency::AtMostOnce => 1,
                Idempotency::ReadBack { .. } if arrived => 1,
                _ => 2,
            };
            if times > most {
                let detail = format!(
                    "{when}, a {:?} was sent {times} times, which was not to be needed more than \
                     {most} times",
                    change.operation
                );
                return Err(self.target.broken(&detail));
            }
        }
        Ok(())
    }

    /// Checks that so many changes had an effect since, where the subject's author counts them.
    pub(super) async fn had_effects(
        &self,
        before: Option<usize>,
        want: usize,
        when: &str,
    ) -> Result<(), Broken> {
        match (before, self.effects().await) {
            (Some(before), Some(now)) if now != before + want => {
                let detail = format!("{when}, {want} changes had {} effects", now - before);
                Err(self.target.broken(&detail))
            }
            _ => Ok(()),
        }
    }

    /// Whether the system can be read back whole, so that absence means something.
    pub(super) async fn is_read_whole(&self) -> Result<bool, Broken> {
        Ok(self.target.coverage().await? == Coverage::Complete)
    }

    fn is_of(&self, row: &Row, change: &Change) -> bool {
        let wished = change.key_after(&self.target.resource.schema);
        let key = self.target.key(row);
        key == wished || key == change.key
    }
}

fn has(row: &Row, values: &[(String, Value)]) -> bool {
    values.iter().all(|(name, value)| row.field(name) == *value)
}

fn named(states: &[ChangeState]) -> String {
    let names: Vec<&str> = states.iter().map(|state| state.name()).collect();
    names.join(", ")
}
