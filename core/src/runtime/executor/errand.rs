//! What is done beside each other: sending batches of changes, and asking after pending ones.

use std::sync::Arc;

use trueup_connector::{Change, Context, Error, Kind, Receipt, Result};

use super::super::clock::Entropy;
use super::super::names;
use super::super::store::{ChangeState, Settled};
use super::desk::Desk;
use super::hooks::Point;
use super::judge::{Judge, Judged, Sent};
use super::limit::Limit;
use super::settings::ExecutorSettings;
use super::work::Work;

/// One call to a writer, and what it is about.
#[derive(Clone, Debug)]
pub(super) enum Errand {
    /// Sends changes of one target.
    Send(Vec<Sent>),
    /// Asks what became of a pending change.
    Ask(Sent, String),
}

/// What every errand needs.
#[derive(Debug)]
pub(super) struct Kit {
    pub(super) desk: Desk,
    pub(super) work: Work,
    pub(super) settings: ExecutorSettings,
    pub(super) limit: Limit,
}

impl Errand {
    /// The changes it is about.
    pub(super) fn places(&self) -> Vec<Sent> {
        match self {
            Self::Send(sent) => sent.clone(),
            Self::Ask(sent, _) => vec![*sent],
        }
    }

    /// Runs it. What it says is on disk; an error means that the store failed, and that nothing was
    /// sent, or that what was sent is still an intent in the journal.
    pub(super) async fn run(self, kit: Arc<Kit>) -> Result<Vec<Judged>> {
        let judged = match self {
            Self::Send(sent) => kit.send(sent).await?,
            Self::Ask(sent, handle) => vec![kit.ask(sent, handle).await?],
        };
        kit.write(&judged).await?;
        Ok(judged)
    }
}

impl Kit {
    pub(super) fn judge(&self) -> Judge<'_> {
        let entropy: &dyn Entropy = self.desk.store().entropy();
        Judge { schedule: &self.settings.retry, entropy }
    }

    /// Writes down what came of changes.
    pub(super) async fn write(&self, judged: &[Judged]) -> Result<()> {
        let clean = |one: &Judged| {
            let error = one.settled.error.as_deref().map(|text| self.work.without_secrets(text));
            Settled { error, ..one.settled.clone() }
        };
        let settled: Vec<Settled> = judged.iter().map(clean).collect();
        for one in &settled {
            metrics::counter!(names::CHANGES, "state" => one.state.name()).increment(1);
            match one.state {
                ChangeState::Doubt => metrics::counter!(names::DOUBTS).increment(1),
                ChangeState::Retry => metrics::counter!(names::RETRIES).increment(1),
                _ => {}
            }
        }
        self.desk.settle(settled).await
    }

    async fn send(&self, mut sent: Vec<Sent>) -> Result<Vec<Judged>> {
        let changes = sent.iter().map(|one| self.work.change(one.place).cloned());
        let changes = changes.collect::<Result<Vec<Change>>>()?;
        let Some(first) = sent.first() else { return Ok(Vec::new()) };
        let target = self.work.target(self.work.target_at(first.place)?)?;
        let places = sent.iter().map(|one| one.place).collect();
        let authorised = self.desk.intend(places, changes).await?;
        self.desk.check_held()?;
        let clock = self.desk.store().clock();
        let began = clock.elapsed();
        let outcome = tokio::select! {
            outcome = target.writer.apply(Context::new(), authorised) => outcome,
            error = self.out_of_time() => Err(error),
        };
        metrics::histogram!(names::APPLY).record(clock.elapsed().saturating_sub(began));
        self.desk.at(Point::AfterSend);
        let now = self.desk.now();
        sent.iter_mut().for_each(|one| one.at = now);
        self.judge_all(&sent, outcome)
    }

    /// Resolves when the run's time is over, if it has an end.
    async fn out_of_time(&self) -> Error {
        let clock = self.desk.store().clock();
        match self.limit.left(clock.as_ref()) {
            Some(left) => clock.sleep(left).await,
            None => std::future::pending().await,
        }
        self.limit.error()
    }

    /// One receipt a change, in their order; anything else says nothing about any of them.
    fn judge_all(&self, sent: &[Sent], outcome: Result<Vec<Receipt>>) -> Result<Vec<Judged>> {
        let judge = self.judge();
        let error = match outcome {
            Ok(receipts) if receipts.len() == sent.len() => {
                let pairs = sent.iter().zip(receipts);
                return pairs.map(|(one, receipt)| judge.receipt(*one, receipt)).collect();
            }
            Ok(receipts) => broken(receipts.len(), sent.len()),
            Err(error) => error,
        };
        sent.iter().map(|one| judge.doubt(*one, &error)).collect()
    }

    async fn ask(&self, mut sent: Sent, handle: String) -> Result<Judged> {
        self.desk.at(Point::BeforeStatus);
        let target = self.work.target(self.work.target_at(sent.place)?)?;
        let answer = target.writer.status(Context::new(), handle.clone()).await;
        self.desk.at(Point::AfterStatus);
        sent.at = self.desk.now();
        match answer {
            Ok(receipt) => self.judge().receipt(sent, receipt),
            // It stays pending: the question failed, not the change.
            Err(error) => {
                let wait = self.judge().doubt(Sent { attempts: 1, ..sent }, &error)?.wait;
                let check_after = wait.max(std::time::Duration::from_millis(1));
                let again = Receipt::Pending { handle, check_after };
                let mut judged = self.judge().receipt(sent, again)?;
                judged.settled.error = Some(error.to_string());
                Ok(judged)
            }
        }
    }
}

fn broken(got: usize, want: usize) -> Error {
    let message =
        format!("the writer gave {got} receipts for {want} changes: which is whose is not known");
    Error::new(Kind::Protocol, message)
}
