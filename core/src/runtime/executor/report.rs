//! What a run says while it goes on, and at its end.

use std::fmt;
use std::time::Duration;

use trueup_connector::{Error, Kind, Result};

use super::super::store::{ChangeState, Item};
use crate::plan::Effect;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// It has begun, or was taken up again.
    Started {
        /// The run.
        run: String,
        /// How many changes it has.
        changes: usize,
    },
    /// A change got as far as this; it is on disk.
    Change {
        /// Its place in the plan.
        place: usize,
        /// How far it is.
        state: ChangeState,
    },
    /// Nothing is sent for so long.
    Waiting {
        /// What for.
        why: &'static str,
        /// How long at most.
        time: Duration,
    },
    /// All changes of a wave are settled.
    WaveEnded {
        /// The wave, from 0.
        wave: u32,
    },
    /// Nothing more is sent.
    Stopping {
        /// Why.
        reason: String,
    },
    /// It has ended, or waits to be taken up again.
    Ended {
        /// How.
        status: RunStatus,
    },
}

/// How a run ended, if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunStatus {
    /// Every change was sent and settled, well or not.
    Finished,
    /// It stopped itself: too many errors, too many stale changes, or the gate said no.
    Stopped,
    /// Somebody cancelled it.
    Cancelled,
    /// Some changes are still pending; it can be taken up again.
    Waiting,
    /// It goes on, or its process ended; then it can be taken up again.
    Running,
    /// Somebody gave it up.
    Abandoned,
}

impl RunStatus {
    /// The status's name, the same in every language and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Abandoned => "abandoned",
        }
    }

    pub(super) fn named(name: &str) -> Result<Self> {
        let all = [Self::Finished, Self::Stopped, Self::Cancelled, Self::Waiting, Self::Running];
        let known = all.into_iter().chain([Self::Abandoned]).find(|status| status.name() == name);
        known.ok_or_else(|| {
            Error::new(Kind::Data, format!("the store is damaged: a run is `{name}`"))
        })
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangeReport {
    /// Its place in the plan.
    pub place: usize,
    /// How far it is.
    pub state: ChangeState,
    /// How many times it was sent, or meant to be.
    pub attempts: u32,
    /// The target's identifier of the record, where it gave one.
    pub id: Option<String>,
    /// The target's version of the record, where it gave one.
    pub version: Option<String>,
    /// Whether it was found in the target when that was read back; `None` where nobody looked.
    pub verified: Option<bool>,
    /// What went wrong, or what a person said.
    pub error: Option<String>,
}

/// How many changes are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunCounts {
    /// All of them.
    pub total: u64,
    /// They took place.
    pub done: u64,
    /// The target works on them.
    pub pending: u64,
    /// Their precondition no longer held.
    pub stale: u64,
    /// They were not sent.
    pub refused: u64,
    /// The target said no.
    pub failed: u64,
    /// Nobody knows: a person is asked.
    pub unknown: u64,
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunReport {
    /// The run.
    pub run: String,
    /// How it ended.
    pub status: RunStatus,
    /// Why it stopped.
    pub reason: Option<String>,
    /// Every change, in the order of the plan.
    pub changes: Vec<ChangeReport>,
}

impl RunReport {
    /// How many changes are how far.
    pub fn counts(&self) -> RunCounts {
        RunCounts::of(self.changes.iter().map(|change| change.state))
    }

    /// The changes that took place: what [`Plan::rollback`](crate::Plan::rollback) takes. Those that
    /// are called done and were not found in the target are not among them.
    pub fn effects(&self) -> Vec<Effect> {
        let done = self.changes.iter().filter(|change| change.state == ChangeState::Done);
        let done = done.filter(|change| change.verified != Some(false));
        done.map(|change| {
            Effect::new(change.place)
                .with_id(change.id.clone())
                .with_version(change.version.clone())
        })
        .collect()
    }

    /// The changes that a person is asked about: nobody knows whether they took place.
    pub fn questions(&self) -> impl Iterator<Item = &ChangeReport> {
        self.changes.iter().filter(|change| change.state == ChangeState::Unknown)
    }

    pub(super) fn new(
        run: &str,
        status: RunStatus,
        reason: Option<String>,
        items: Vec<Item>,
    ) -> Self {
        let changes = items.into_iter().map(ChangeReport::of).collect();
        Self { run: run.to_owned(), status, reason, changes }
    }
}

impl ChangeReport {
    fn of(item: Item) -> Self {
        let Item { place, state, attempts, id, version, verified, error, .. } = item;
        Self { place, state, attempts, id, version, verified, error }
    }
}

impl RunCounts {
    pub(super) fn of(states: impl Iterator<Item = ChangeState>) -> Self {
        let mut counts = Self::default();
        for state in states {
            counts.total += 1;
            if let Some(count) = counts.at(state) {
                *count += 1;
            }
        }
        counts
    }

    /// One change goes from a state to another.
    pub(super) fn moves(&mut self, from: ChangeState, to: ChangeState) {
        if let Some(count) = self.at(from) {
            *count -= 1;
        }
        if let Some(count) = self.at(to) {
            *count += 1;
        }
    }

    fn at(&mut self, state: ChangeState) -> Option<&mut u64> {
        match state {
            ChangeState::Done => Some(&mut self.done),
            ChangeState::Pending => Some(&mut self.pending),
            ChangeState::Stale => Some(&mut self.stale),
            ChangeState::Refused => Some(&mut self.refused),
            ChangeState::Failed => Some(&mut self.failed),
            ChangeState::Unknown => Some(&mut self.unknown),
            _ => None,
        }
    }

    /// How many changes nothing more happens to.
    pub fn settled(&self) -> u64 {
        self.done + self.stale + self.refused + self.failed + self.unknown
    }
}

impl fmt::Display for RunCounts {
    /// `12 done, 1 stale of 14`; what there is none of is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [
            ("done", self.done),
            ("pending", self.pending),
            ("stale", self.stale),
            ("refused", self.refused),
            ("failed", self.failed),
            ("unknown", self.unknown),
        ];
        let shown = named.iter().filter(|(name, count)| *count > 0 || *name == "done");
        let shown: Vec<_> = shown.map(|(name, count)| format!("{count} {name}")).collect();
        write!(f, "{} of {}", shown.join(", "), self.total)
    }
}
