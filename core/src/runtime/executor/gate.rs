//! What must say yes, again, when a plan is executed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use trueup_connector::{Error, Hash, Kind, Result, async_trait};

use super::super::store::Tx;
use super::super::store::approvals::{keep_decision, used_by_others};
use super::super::store::catalogue::last_agreed;
use super::report::RunCounts;
use crate::guard::{BreakGlass, Decision, Policy, Request};
use crate::plan::Plan;

/// Decides about a plan at the moment it is executed, and between its waves.
///
/// [`PolicyGate`] is the one to use; write another to wait for more than the policy asks between
/// waves. A decision can only come from a [`Policy`].
#[async_trait]
pub trait Gate: fmt::Debug + Send + Sync {
    /// Decides again, with how much of each limit other plans have used. `now` is in milliseconds
    /// since the Unix epoch.
    ///
    /// It is called inside the transaction that reserves what the decision takes, so that two plans
    /// cannot both have the rest of a limit; it must be quick, and must not use the store.
    ///
    /// # Errors
    /// Any error is a no.
    fn decide(&self, plan: &Plan, now: i64, used: &dyn Usage) -> Result<Decision>;

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
    /// What other plans have used of this limit since then, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// Those of the store.
    fn used(&self, limit: &str, since: i64) -> Result<u64>;

    /// How many records the expected side had when both sides last agreed, if they ever did.
    ///
    /// # Errors
    /// Those of the store.
    fn agreed_rows(&self, plan: &Plan) -> Result<Option<u64>>;
}

/// Asks a policy, with the time and the use of its limits as they are at that moment.
#[derive(Clone, Debug)]
pub struct PolicyGate {
    policy: Arc<Policy>,
    request: Request,
    glass: Option<Arc<BreakGlass>>,
}

impl PolicyGate {
    /// Asks this policy; of `request`, who asks, where, and what else is known is taken.
    pub fn new(policy: Arc<Policy>, request: Request) -> Self {
        Self { policy, request, glass: None }
    }

    /// With what break-glass lifts, while it is open.
    #[must_use]
    pub fn with_break_glass(mut self, glass: Arc<BreakGlass>) -> Self {
        self.glass = Some(glass);
        self
    }
}

#[async_trait]
impl Gate for PolicyGate {
    fn decide(&self, plan: &Plan, now: i64, used: &dyn Usage) -> Result<Decision> {
        let mut request = self.request.clone().at(now);
        if request.agreed_rows().is_none()
            && let Some(rows) = used.agreed_rows(plan)?
        {
            request = request.with_agreed_rows(rows);
        }
        for limit in self.policy.usages(plan, now) {
            let count = used.used(&limit.limit, limit.since)?;
            request = request.with_used(limit.limit, count);
        }
        match &self.glass {
            Some(glass) => glass.decide(&self.policy, plan, &request),
            None => Ok(self.policy.decide(plan, &request)),
        }
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

/// Asks the gate about a plan, with what is used at this moment; what it says is in the log.
pub(super) fn ask(tx: &mut Tx<'_>, gate: &dyn Gate, plan: &Plan) -> Result<Decision> {
    let now = tx.now();
    let decision = gate.decide(plan, now, &Used { tx, plan: plan.digest() })?;
    if decision.plan() != plan.digest() {
        let message = "the gate decided about another plan";
        return Err(Error::new(Kind::Invalid, message));
    }
    keep_decision(tx, &decision)?;
    Ok(decision)
}

struct Used<'a, 'b> {
    tx: &'a Tx<'b>,
    plan: Hash,
}

impl Usage for Used<'_, '_> {
    fn used(&self, limit: &str, since: i64) -> Result<u64> {
        used_by_others(self.tx, limit, since, &self.plan)
    }

    fn agreed_rows(&self, plan: &Plan) -> Result<Option<u64>> {
        let from = plan.origin();
        let named = [&from.tenant, &from.name, &from.resource].map(Clone::clone);
        Ok(last_agreed(self.tx, &named)?.map(|agreed| agreed.expected))
    }
}
