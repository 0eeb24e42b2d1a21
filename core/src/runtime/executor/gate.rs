//! What must say yes, again, when a plan is executed.

use std::fmt;
use std::time::{Duration, SystemTime};

use trueup_connector::{Error, Hash, Kind, Result, async_trait};

use super::super::clock::{millis, moment};
use super::super::store::Tx;
use super::super::store::approvals::used_by_others;
use super::report::RunCounts;
use crate::plan::Plan;

/// Decides about a plan at the moment it is executed, and between its waves.
#[async_trait]
pub trait Gate: fmt::Debug + Send + Sync {
    /// Decides again, with how much of each limit other plans have used.
    ///
    /// It is called inside the transaction that reserves what it says, so that two plans cannot both
    /// have the rest of a limit; it must be quick, and must not use the store.
    ///
    /// # Errors
    /// Any error is a no.
    fn decide(&self, plan: &Plan, now: SystemTime, used: &dyn Usage) -> Result<Verdict>;

    /// Whether the wave after this one may begin. The default is: at once.
    ///
    /// # Errors
    /// Any error stops the run.
    async fn after_wave(&self, wave: u32, so_far: &RunCounts) -> Result<Next> {
        let (_, _) = (wave, so_far);
        Ok(Next::Go)
    }
}

/// How much of limits is used.
pub trait Usage {
    /// What other plans have used of this limit since then.
    ///
    /// # Errors
    /// Those of the store.
    fn used(&self, limit: &str, since: SystemTime) -> Result<u64>;
}

/// What a gate says about a plan.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// Why it may not be executed, if it may not.
    pub refused: Option<String>,
    /// How much of which limits it uses.
    pub reserve: Vec<(String, u64)>,
    /// The share of its changes, from 0 to 1, that may be stale before it stops.
    pub stale_share: f64,
    /// Until when this holds; after that it is asked again.
    pub valid_until: Option<SystemTime>,
}

impl Verdict {
    /// It may be executed; not one change in five may be stale.
    pub fn allow() -> Self {
        Self { refused: None, reserve: Vec::new(), stale_share: 0.2, valid_until: None }
    }

    /// It may not, because.
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self { refused: Some(reason.into()), ..Self::allow() }
    }

    /// Sets how much of a limit it uses.
    #[must_use]
    pub fn with_reservation(mut self, limit: impl Into<String>, amount: u64) -> Self {
        self.reserve.push((limit.into(), amount));
        self
    }

    /// Sets the share of changes that may be stale before it stops.
    #[must_use]
    pub fn with_stale_share(mut self, share: f64) -> Self {
        self.stale_share = share;
        self
    }

    /// Sets until when it holds.
    #[must_use]
    pub fn with_valid_until(mut self, time: SystemTime) -> Self {
        self.valid_until = Some(time);
        self
    }
}

/// What comes after a wave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// The next wave.
    Go,
    /// Nothing for this long; then the gate is asked again.
    Wait(Duration),
    /// Nothing more, because.
    Stop(String),
}

/// Asks the gate about a plan, with what is used at this moment; a no is an error.
pub(super) fn ask(tx: &mut Tx<'_>, gate: &dyn Gate, plan: &Plan) -> Result<Verdict> {
    let verdict = gate.decide(plan, moment(tx.now()), &Used { tx, plan: plan.digest() })?;
    match &verdict.refused {
        None => Ok(verdict),
        Some(reason) => {
            let message = format!("the plan may not be executed now: {reason}");
            Err(Error::new(Kind::Forbidden, message))
        }
    }
}

struct Used<'a, 'b> {
    tx: &'a Tx<'b>,
    plan: Hash,
}

impl Usage for Used<'_, '_> {
    fn used(&self, limit: &str, since: SystemTime) -> Result<u64> {
        used_by_others(self.tx, limit, millis(since), &self.plan)
    }
}
