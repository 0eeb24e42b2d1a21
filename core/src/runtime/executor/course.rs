//! The course of a run: wave after wave, round after round, until every change is settled.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::Instrument;
use trueup_connector::Result;

use super::super::names;
use super::super::store::journal::items;
use super::super::store::{ChangeState, Item};
use super::errand::Kit;
use super::gate::{Gate, Next, ask};
use super::hooks::Point;
use super::judge::Judged;
use super::report::{Event, RunCounts, RunReport, RunStatus};
use crate::guard::{Decision, Terms};

/// Who is told what happens.
pub(super) type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// A run under way.
pub(super) struct Course {
    pub(super) kit: Arc<Kit>,
    pub(super) items: Vec<Item>,
    /// How many of them are how far.
    pub(super) counts: RunCounts,
    pub(super) gate: Arc<dyn Gate>,
    pub(super) decision: Decision,
    pub(super) terms: Terms,
    pub(super) listener: Option<Listener>,
    pub(super) cancelled: Arc<watch::Sender<bool>>,
    /// Why nothing more is sent.
    pub(super) stop: Option<String>,
    /// Changes that only a look at their target can settle.
    pub(super) to_look_at: HashSet<usize>,
    /// When a change may be sent or asked after again, by the clock that never jumps.
    pub(super) due: HashMap<usize, Duration>,
    /// How often a pending change was asked after.
    pub(super) polls: HashMap<usize, u32>,
}

impl Course {
    /// Runs to the end, or until the store fails: then the journal has what is needed to go on.
    pub(super) async fn run(mut self) -> Result<RunReport> {
        let (run, changes) = (self.kit.desk.run().to_owned(), self.items.len());
        self.say(Event::Started { run, changes });
        if let Some(reason) = self.stop.clone() {
            self.say(Event::Stopping { reason });
        }
        self.remember_pending();
        let waves: BTreeSet<u32> = self.items.iter().map(|item| item.wave).collect();
        let last = waves.last().copied();
        for wave in waves {
            self.hold_deletes_back(wave).await?;
            self.wave(wave).instrument(tracing::info_span!("trueup.wave", wave)).await?;
            if self.halted() || self.open(wave).next().is_some() {
                break;
            }
            self.kit.desk.at(Point::AfterWave);
            self.say(Event::WaveEnded { wave });
            if Some(wave) != last {
                self.pass_gate(wave).await?;
            }
        }
        self.close().await
    }

    /// Whether nothing more is sent.
    pub(super) fn halted(&self) -> bool {
        self.stop.is_some() || *self.cancelled.borrow()
    }

    /// Changes of a wave that are not settled.
    pub(super) fn open(&self, wave: u32) -> impl Iterator<Item = &Item> {
        self.of_wave(wave).iter().filter(move |item| !item.state.is_final())
    }

    /// Changes of a wave: the items stand in the order of the plan, which is that of the waves.
    pub(super) fn of_wave(&self, wave: u32) -> &[Item] {
        let from = self.items.partition_point(|item| item.wave < wave);
        let until = self.items.partition_point(|item| item.wave <= wave);
        self.items.get(from..until).unwrap_or_default()
    }

    /// Waits for something that may take long, with signs of life.
    pub(super) async fn attend<T>(&self, what: impl Future<Output = T>) -> Result<T> {
        let (clock, mut what) = (self.kit.desk.store().clock().clone(), pin!(what));
        loop {
            tokio::select! {
                outcome = &mut what => return Ok(outcome),
                () = clock.sleep(self.beat()) => self.kit.desk.hold().await?,
            }
        }
    }

    /// Waits, with signs of life, until the time is over or the run is cancelled.
    pub(super) async fn pause(&self, why: &'static str, time: Duration) -> Result<()> {
        if time.is_zero() {
            return Ok(());
        }
        self.say(Event::Waiting { why, time });
        let clock = self.kit.desk.store().clock().clone();
        let mut cancelled = self.cancelled.subscribe();
        let (end, beat) = (clock.elapsed().saturating_add(time), self.beat());
        while let Some(left) = end.checked_sub(clock.elapsed()).filter(|left| !left.is_zero()) {
            let rest = self.kit.limit.left(clock.as_ref()).unwrap_or(left);
            if rest.is_zero() {
                return Ok(());
            }
            tokio::select! {
                () = clock.sleep(left.min(beat).min(rest)) => self.kit.desk.hold().await?,
                () = raised(&mut cancelled) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Takes over what is on disk by now.
    pub(super) fn take(&mut self, judged: Vec<Judged>) {
        let now = self.kit.desk.store().clock().elapsed();
        for Judged { settled, wait, look } in judged {
            let (place, state) = (settled.place, settled.state);
            let Some(item) = self.items.get_mut(place) else { continue };
            self.counts.moves(item.state, state);
            item.state = state;
            item.doubts += u32::from(state == ChangeState::Doubt);
            item.handle = settled.handle;
            let wait = match settled.check_at {
                Some(at) => self.kit.until(at).max(self.patience_with(place)),
                None => wait,
            };
            self.due.insert(place, now.saturating_add(wait));
            match look {
                true => self.to_look_at.insert(place),
                false => self.to_look_at.remove(&place),
            };
            self.say(Event::Change { place, state });
        }
        self.check_rates();
    }

    /// A target that says to ask again at once is asked less and less often.
    fn patience_with(&mut self, place: usize) -> Duration {
        let polls = self.polls.entry(place).or_default();
        *polls = polls.saturating_add(1);
        Duration::from_millis(1 << (*polls).min(10))
    }

    /// Whether changes may be sent: the decision holds, and the run has time left.
    pub(super) fn may_send(&self) -> bool {
        let clock = self.kit.desk.store().clock();
        !self.halted()
            && self.decision.valid_until() > self.kit.desk.now()
            && !self.kit.limit.is_over(clock.as_ref())
    }

    pub(super) fn say(&self, event: Event) {
        if let Some(listener) = &self.listener {
            listener(&event);
        }
    }

    /// Sends nothing more, because.
    pub(super) fn stop(&mut self, reason: String) {
        if self.stop.is_none() {
            self.say(Event::Stopping { reason: reason.clone() });
            self.stop = Some(reason);
        }
    }

    /// Asks the gate again when what it said has run out, and stops when the run's time has.
    pub(super) async fn decide_again(&mut self) -> Result<()> {
        if self.kit.limit.is_over(self.kit.desk.store().clock().as_ref()) {
            self.stop(self.kit.limit.error().to_string());
        }
        let over = self.decision.valid_until() <= self.kit.desk.now();
        if !over || self.halted() {
            return Ok(());
        }
        let plan = self.kit.work.plan().clone();
        let (store, gate) = (self.kit.desk.store().clone(), self.gate.clone());
        let terms = self.terms.clone();
        let decision = store.submit(move |tx| {
            let decision = ask(tx, gate.as_ref(), &plan)?;
            terms.let_go_on(&decision)?;
            Ok((decision, tx.now()))
        });
        match decision.await {
            Ok((decision, now)) if decision.valid_until() > now => self.decision = decision,
            Ok(_) => self.stop("the gate's decision does not hold even now".to_owned()),
            Err(error) => self.stop(error.to_string()),
        }
        Ok(())
    }

    async fn pass_gate(&mut self, wave: u32) -> Result<()> {
        while !self.halted() {
            if self.kit.limit.is_over(self.kit.desk.store().clock().as_ref()) {
                self.stop(self.kit.limit.error().to_string());
                return Ok(());
            }
            match self.attend(self.gate.after_wave(wave, &self.counts)).await? {
                Ok(Next::Go) => return Ok(()),
                Ok(Next::Wait(time)) => {
                    self.pause("for the next wave's gate", time.max(Duration::from_millis(1)))
                        .await?;
                }
                Ok(Next::Stop(reason)) => self.stop(reason),
                Err(error) => self.stop(format!("the gate after wave {wave} failed: {error}")),
            }
        }
        Ok(())
    }

    fn check_rates(&mut self) {
        let counts = self.counts;
        let (errors, settled) = (counts.failed + counts.unknown, counts.settled());
        let settings = &self.kit.settings;
        let (count, share) = (settings.error_count, settings.error_share);
        if errors >= count.max(1) && errors as f64 > share * settled as f64 {
            self.stop(format!("{errors} of {settled} changes failed or are unknown: more than the share of {share}"));
        }
        let (stale, total, share) =
            (counts.stale, counts.total, self.decision.stale_share() as f64 / 1e6);
        if stale > 0 && stale as f64 > share * total as f64 {
            self.stop(format!(
                "{stale} of {total} changes are stale: more than the share of {share}; read again"
            ));
        }
    }

    async fn close(mut self) -> Result<RunReport> {
        if self.halted() {
            self.give_up().await?;
        }
        let unproved = match self.kit.settings.verify {
            true => self.prove().await?,
            false => None,
        };
        let unproved = unproved.map(|reason| self.kit.work.without_secrets(&reason));
        let pending = self.items.iter().any(|item| !item.state.is_final());
        let cancelled = *self.cancelled.borrow();
        let (status, reason) = match (pending, &self.stop, cancelled) {
            (true, reason, _) => (RunStatus::Waiting, reason.clone()),
            (false, Some(reason), _) => (RunStatus::Stopped, Some(reason.clone())),
            (false, None, true) => (RunStatus::Cancelled, None),
            (false, None, false) => (RunStatus::Finished, unproved),
        };
        self.kit.desk.end(status.name(), reason.clone()).await?;
        metrics::counter!(names::RUNS, "status" => status.name()).increment(1);
        let run = self.kit.desk.run().to_owned();
        let items = self.kit.desk.store().submit(move |tx| items(tx, &run)).await?;
        self.say(Event::Ended { status });
        Ok(RunReport::new(self.kit.desk.run(), status, reason, items))
    }

    /// How long the run may go without a sign of life.
    pub(super) fn beat(&self) -> Duration {
        let third = self.kit.desk.lease_time().unsigned_abs() / 3;
        Duration::from_millis(third.max(1))
    }

    pub(super) fn due_of(&self, item: &Item) -> Duration {
        self.due.get(&item.place).copied().unwrap_or_default()
    }

    /// When pending changes of a run that is taken up again are to be asked after.
    fn remember_pending(&mut self) {
        let now = self.kit.desk.store().clock().elapsed();
        for item in self.items.iter().filter(|item| item.state == ChangeState::Pending) {
            let wait = item.check_at.map_or(Duration::ZERO, |at| self.kit.until(at));
            self.due.insert(item.place, now.saturating_add(wait));
        }
    }
}

impl Kit {
    /// How long it is until then; never longer than pending changes are waited for, whatever the
    /// clock says.
    fn until(&self, at: i64) -> Duration {
        let left = at.saturating_sub(self.desk.now()).max(0).unsigned_abs();
        Duration::from_millis(left.min(self.settings.pending_ms))
    }
}

/// Waits until somebody cancels. The sender lives as long as the run, so this cannot fail.
async fn raised(cancelled: &mut watch::Receiver<bool>) {
    drop(cancelled.wait_for(|it| *it).await);
}
