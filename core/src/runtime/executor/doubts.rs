//! Finding out what nobody said: whether changes took place.

use std::collections::BTreeMap;
use std::time::Duration;

use trueup_connector::{
    ConnectorExt, Consistency, Context, Error, Idempotency, Kind, Operation, Result, Retry,
    Snapshot,
};

use super::super::store::{ChangeState, Item, Settled};
use super::course::Course;
use super::hooks::Point;
use super::judge::Judged;
use super::look::{Seen, Sought, look, unreadable};

impl Course {
    /// Settles changes in doubt that only a look, or a person, can settle. The others are left to be
    /// sent again.
    pub(super) async fn settle_doubts(&mut self, wave: u32) -> Result<()> {
        let (mut seek, mut people, mut settle) = (Vec::new(), Vec::new(), Duration::ZERO);
        for item in self.open(wave).filter(|item| item.state == ChangeState::Doubt) {
            match self.kit.work.idempotency(item.place)? {
                Idempotency::ReadBack { settle: time }
                    if self.kit.work.can_be_seen(item.place)? =>
                {
                    settle = settle.max(time);
                    seek.push(item.place);
                }
                Idempotency::Conditional if self.to_look_at.contains(&item.place) => {
                    seek.push(item.place);
                }
                Idempotency::Key | Idempotency::Conditional
                    if item.attempts < self.kit.settings.retry.attempts => {}
                _ => people.push(unknown(item, "nothing says whether it took place")),
            }
        }
        self.write(people).await?;
        if !seek.is_empty() {
            self.pause("for the target to settle", settle).await?;
            self.kit.desk.at(Point::AfterSettle);
        }
        if !self.halted() {
            self.seek(seek, Course::verdict_on).await?;
        }
        Ok(())
    }

    /// Nothing more is sent: what is in doubt is looked at once, what was not sent is refused.
    pub(super) async fn give_up(&mut self) -> Result<()> {
        let reason = self.stop.clone().unwrap_or_else(|| "cancelled by the caller".to_owned());
        let doubts = self.items.iter().filter(|item| item.state == ChangeState::Doubt);
        let doubts: Vec<usize> = doubts.map(|item| item.place).collect();
        let settle = doubts.iter().map(|place| self.settle_time(*place));
        let settle = settle.collect::<Result<Vec<_>>>()?.into_iter().max().unwrap_or_default();
        let clock = self.kit.desk.store().clock().clone();
        let end = clock.elapsed().saturating_add(settle);
        // Cancelling cannot hurry a target.
        while let Some(left) = end.checked_sub(clock.elapsed()).filter(|left| !left.is_zero()) {
            clock.sleep(left.min(Duration::from_secs(1))).await;
            self.kit.desk.hold().await?;
        }
        self.seek(doubts, Course::last_verdict_on).await?;
        let unsent = [ChangeState::Authorised, ChangeState::Retry];
        let unsent = self.items.iter().filter(|item| unsent.contains(&item.state));
        let refused = unsent.map(|item| {
            Settled::new(item.place, ChangeState::Refused).because(format!("not sent: {reason}"))
        });
        self.write(refused.collect()).await
    }

    /// Reads the targets back, and writes down whether what took place is there. What could not be
    /// read is said in words.
    pub(super) async fn prove(&mut self) -> Result<Option<String>> {
        let done = self.items.iter().filter(|item| item.state == ChangeState::Done);
        let mut seek = Vec::new();
        for item in done.filter(|item| item.verified.is_none()) {
            if self.kit.work.can_be_seen(item.place)? {
                seek.push(item.place);
            }
        }
        let mut found = Vec::new();
        for (target, places) in self.by_target(&seek)? {
            let snapshot = match self.read_back(target).await? {
                Ok(snapshot) => snapshot,
                Err(error) => return Ok(Some(format!("not verified: {error}"))),
            };
            let seen = self.look(&snapshot, &places)?;
            let clear = places.into_iter().zip(seen);
            let clear = clear.filter(|(_, seen)| !matches!(seen, Seen::Unclear(_)));
            found.extend(clear.map(|(place, seen)| (place, seen == Seen::Wish)));
        }
        self.kit.desk.at(Point::BeforeVerified);
        let missing = found.iter().filter(|(_, found)| !found).count();
        if !found.is_empty() {
            self.kit.desk.verify(found).await?;
        }
        Ok((missing > 0).then(|| format!("{missing} changes are called done and are not there")))
    }

    /// What a failed change of an earlier wave was to make room for must not be lost: then nothing is
    /// deleted any more.
    pub(super) async fn hold_deletes_back(&mut self, wave: u32) -> Result<()> {
        let earlier = self.items.partition_point(|item| item.wave < wave);
        let earlier = self.items.iter().take(earlier);
        let mut open = earlier.filter(|item| item.state != ChangeState::Done);
        let Some(first) = open.next().map(|item| item.place) else { return Ok(()) };
        let mut refused = Vec::new();
        for item in self.open(wave).filter(|item| item.state == ChangeState::Authorised) {
            if self.kit.work.change(item.place)?.operation == Operation::Delete {
                let why = format!("not sent: change {first}, which comes before it, was not done");
                refused.push(Settled::new(item.place, ChangeState::Refused).because(why));
            }
        }
        self.write(refused).await
    }

    /// Reads the targets back, and settles each change by what is there.
    async fn seek(
        &mut self,
        places: Vec<usize>,
        judge: fn(&Self, &Item, Seen) -> Result<Settled>,
    ) -> Result<()> {
        for (target, places) in self.by_target(&places)? {
            let seen = match self.look_at(target, &places).await? {
                Ok(seen) => seen,
                Err(error) => {
                    places.iter().map(|_| Seen::Unclear(unreadable(&error).to_string())).collect()
                }
            };
            self.kit.desk.at(Point::AfterLook);
            let mut settled = Vec::new();
            for (place, seen) in places.into_iter().zip(seen) {
                if let Some(item) = self.items.get(place) {
                    settled.push(judge(self, item, seen)?);
                }
            }
            self.write(settled).await?;
        }
        Ok(())
    }

    /// What a look says about a change that may be sent again.
    fn verdict_on(&self, item: &Item, seen: Seen) -> Result<Settled> {
        let again = item.attempts < self.kit.settings.retry.attempts;
        let read_back =
            matches!(self.kit.work.idempotency(item.place)?, Idempotency::ReadBack { .. });
        Ok(match seen {
            Seen::Wish => Settled::new(item.place, ChangeState::Done),
            Seen::Before if read_back && again => Settled::new(item.place, ChangeState::Retry),
            Seen::Before if read_back => Settled::new(item.place, ChangeState::Failed)
                .because("sent as often as it may be, and the target still has what was before"),
            Seen::Before => Settled::new(item.place, ChangeState::Stale),
            Seen::Other => unknown(item, "the target has neither the wish nor what was before"),
            Seen::Unclear(reason) => unknown(item, &reason),
        })
    }

    /// What a look says about a change that is not sent again.
    fn last_verdict_on(&self, item: &Item, seen: Seen) -> Result<Settled> {
        let read_back =
            matches!(self.kit.work.idempotency(item.place)?, Idempotency::ReadBack { .. });
        Ok(match seen {
            Seen::Wish => Settled::new(item.place, ChangeState::Done),
            Seen::Before if read_back => Settled::new(item.place, ChangeState::Refused)
                .because("it did not take place, and the run stopped"),
            Seen::Before => unknown(item, "the target may still be working on it"),
            Seen::Other => unknown(item, "the target has neither the wish nor what was before"),
            Seen::Unclear(reason) => unknown(item, &reason),
        })
    }

    async fn write(&mut self, settled: Vec<Settled>) -> Result<()> {
        if settled.is_empty() {
            return Ok(());
        }
        let now = self.kit.desk.store().clock().elapsed();
        // Looking does not shorten the wait that the target asked for.
        let left = |place: usize| {
            self.due.get(&place).map_or(Duration::ZERO, |due| due.saturating_sub(now))
        };
        let judged = settled.into_iter();
        let judged =
            judged.map(|settled| Judged { wait: left(settled.place), settled, look: false });
        let judged: Vec<Judged> = judged.collect();
        self.kit.write(&judged).await?;
        self.take(judged);
        Ok(())
    }

    fn by_target(&self, places: &[usize]) -> Result<BTreeMap<usize, Vec<usize>>> {
        let mut targets = BTreeMap::<usize, Vec<usize>>::new();
        for place in places {
            targets.entry(self.kit.work.target_at(*place)?).or_default().push(*place);
        }
        Ok(targets)
    }

    fn settle_time(&self, place: usize) -> Result<Duration> {
        Ok(match self.kit.work.idempotency(place)? {
            Idempotency::ReadBack { settle } => settle,
            _ => Duration::ZERO,
        })
    }

    fn look(&self, snapshot: &Snapshot, places: &[usize]) -> Result<Vec<Seen>> {
        let sought = places.iter().map(|place| {
            let change = self.kit.work.change(*place)?;
            Ok(Sought { change, key_names: self.kit.work.key_names(*place)? })
        });
        look(snapshot, &sought.collect::<Result<Vec<_>>>()?)
    }

    /// What is there of these changes. A target that cannot be read at one moment is read twice: what
    /// moved meanwhile is missing in one of them.
    async fn look_at(&self, target: usize, places: &[usize]) -> Result<Result<Vec<Seen>, Error>> {
        let mut seen = match self.read_back(target).await? {
            Ok(snapshot) => self.look(&snapshot, places)?,
            Err(error) => return Ok(Err(error)),
        };
        let capability = self.kit.work.target(target)?.connector.capability();
        if capability.consistency == Consistency::Snapshot {
            return Ok(Ok(seen));
        }
        let again = match self.read_back(target).await? {
            Ok(snapshot) => self.look(&snapshot, places)?,
            Err(error) => return Ok(Err(error)),
        };
        for (seen, again) in seen.iter_mut().zip(again) {
            if *seen != again {
                *seen = Seen::Unclear("two readings of the target say different things".into());
            }
        }
        Ok(Ok(seen))
    }

    /// Reads a target whole; tries again as the schedule says. The outer error is the store's.
    async fn read_back(&self, target: usize) -> Result<Result<Snapshot, Error>> {
        let target = self.kit.work.target(target)?;
        let mut failed = 0;
        loop {
            let reading = target.connector.read(Context::new(), &target.resource);
            let error = match self.attend(reading).await? {
                Ok(snapshot) => return Ok(Ok(snapshot)),
                Err(error) => error,
            };
            failed += 1;
            let entropy = self.kit.desk.store().entropy();
            let wait = match error.retry() {
                Retry::Never => None,
                retry => self.kit.settings.retry.wait(failed, retry, entropy)?,
            };
            match wait.filter(|_| !self.halted()) {
                Some(wait) => self.pause("to read the target again", wait).await?,
                None => return Ok(Err(error)),
            }
        }
    }
}

fn unknown(item: &Item, why: &str) -> Settled {
    let before = item.error.iter().map(|error| format!("; it was: {error}"));
    let why = format!("{why}{}", before.collect::<String>());
    Settled::new(item.place, ChangeState::Unknown).because(Error::new(Kind::Unknown, why))
}
