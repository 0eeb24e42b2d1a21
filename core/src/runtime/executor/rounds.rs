//! The rounds of a wave: what can be done now is done beside each other, then what is due next.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use trueup_connector::{Error, Kind, Result};

use super::super::store::{ChangeState, Item};
use super::course::Course;
use super::errand::Errand;
use super::judge::{Judged, Sent};

impl Course {
    /// Rounds over one wave, until all of it is settled, or nothing more is to be done now.
    pub(super) async fn wave(&mut self, wave: u32) -> Result<()> {
        let clock = self.kit.desk.store().clock().clone();
        let patience = Duration::from_millis(self.kit.settings.pending_ms);
        let patience = clock.elapsed().saturating_add(patience);
        while !self.halted() {
            self.settle_doubts(wave).await?;
            self.decide_again().await?;
            let now = clock.elapsed();
            let due = self.open(wave).map(|item| self.due_of(item)).min();
            let Some(due) = due else { return Ok(()) };
            let only_pending = self.open(wave).all(|item| item.state == ChangeState::Pending);
            // However short the patience, each is asked after once by whoever takes the run up.
            let asked = self.open(wave).all(|item| self.polls.contains_key(&item.place));
            if only_pending && (due > patience || now > patience && asked) {
                return Ok(());
            }
            if self.halted() {
                return Ok(());
            }
            let errands = self.errands(wave, now)?;
            if !errands.is_empty() {
                self.run_errands(errands).await?;
                continue;
            }
            self.pause("to try again", due.saturating_sub(now)).await?;
        }
        Ok(())
    }

    /// What can be done now: batches of one target, and questions after pending changes.
    fn errands(&self, wave: u32, now: Duration) -> Result<VecDeque<Errand>> {
        let (mut errands, mut batches) = (VecDeque::new(), HashMap::<usize, Vec<Sent>>::new());
        for item in self.open(wave).filter(|item| self.due_of(item) <= now) {
            let sent = self.sent(item)?;
            if let (ChangeState::Pending, Some(handle)) = (item.state, &item.handle) {
                errands.push_back(Errand::Ask(sent, handle.clone()));
                continue;
            }
            let batch = batches.entry(self.kit.work.target_at(item.place)?).or_default();
            batch.push(sent);
            if batch.len() >= self.kit.settings.batch {
                errands.push_back(Errand::Send(std::mem::take(batch)));
            }
        }
        errands.extend(batches.into_values().filter(|it| !it.is_empty()).map(Errand::Send));
        Ok(errands)
    }

    fn sent(&self, item: &Item) -> Result<Sent> {
        Ok(Sent::of(item, self.kit.work.idempotency(item.place)?, self.kit.desk.now()))
    }

    /// Runs errands beside each other, as many as may be under way, with signs of life.
    async fn run_errands(&mut self, mut errands: VecDeque<Errand>) -> Result<()> {
        let (mut set, mut under_way) = (JoinSet::new(), HashMap::<Id, Errand>::new());
        let mut failed = None;
        let clock = self.kit.desk.store().clock().clone();
        loop {
            // What the decision says may have changed since the round began.
            while failed.is_none()
                && self.may_send()
                && set.len() < self.kit.settings.in_flight.max(1)
            {
                let Some(errand) = errands.pop_front() else { break };
                let task = set.spawn(errand.clone().run(self.kit.clone()));
                under_way.insert(task.id(), errand);
            }
            let joined = tokio::select! {
                joined = set.join_next_with_id() => joined,
                () = clock.sleep(self.beat()) => {
                    // A lost lease shows at the next step; what is under way is waited for.
                    failed = failed.or(self.kit.desk.hold().await.err());
                    continue;
                }
            };
            let Some(joined) = joined else { break };
            if let Err(error) = self.joined(joined, &mut under_way).await {
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn joined(
        &mut self,
        joined: Result<(Id, Result<Vec<Judged>>), JoinError>,
        under_way: &mut HashMap<Id, Errand>,
    ) -> Result<()> {
        let (id, outcome) = match joined {
            Ok((id, outcome)) => (id, Some(outcome)),
            Err(panicked) => (panicked.id(), None),
        };
        let errand = under_way.remove(&id);
        let places = errand.as_ref().map(Errand::places).unwrap_or_default();
        if let Some(Errand::Send(sent)) = &errand {
            for one in sent {
                if let Some(item) = self.items.get_mut(one.place) {
                    item.attempts = one.attempts;
                }
            }
        }
        let judged = match outcome {
            Some(judged) => judged?,
            None => self.panicked(&places).await?,
        };
        self.take(judged);
        Ok(())
    }

    /// A connector that panicked said nothing about its changes.
    async fn panicked(&self, sent: &[Sent]) -> Result<Vec<Judged>> {
        let error = Error::new(Kind::Protocol, "the connector panicked; report it to its author");
        let judged = sent.iter().map(|one| self.kit.judge().doubt(*one, &error));
        let judged = judged.collect::<Result<Vec<_>>>()?;
        self.kit.write(&judged).await?;
        Ok(judged)
    }
}
