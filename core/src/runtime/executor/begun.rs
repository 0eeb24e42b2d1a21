//! What a run begins with: everything of one transaction, or nothing.

use std::sync::Arc;
use std::time::Duration;

use trueup_connector::{Error, Kind, Result};

use super::super::clock::hex;
use super::super::store::approvals::{keep_grant, keep_plan, reserve};
use super::super::store::beginning::{begin, origin, owe};
use super::super::store::glass::open_review;
use super::super::store::journal::{items, resume};
use super::super::store::{Begin, Item, Ticket, Tx};
use super::Executor;
use super::desk::tell;
use super::gate::{Gate, ask};
use super::hooks::Point;
use super::work::Work;
use crate::guard::{Decision, Grant, Terms, moment_text};

/// What a run begins with.
pub(super) struct Begun {
    pub(super) ticket: Ticket,
    pub(super) decision: Decision,
    pub(super) items: Vec<Item>,
    /// What the grant was given for.
    pub(super) terms: Terms,
    /// When the run began, however often it was taken up since.
    pub(super) started_at: i64,
    /// Why nothing more may be sent: what is in doubt is settled, and that is all.
    pub(super) over: Option<Error>,
}

impl Executor {
    pub(super) async fn begin(
        &self,
        run: &str,
        grant: &Grant,
        work: &Work,
        gate: Arc<dyn Gate>,
    ) -> Result<Begun> {
        let (run, plan, scopes) = (run.to_owned(), work.plan().clone(), work.scopes());
        let (deeds, grant) = (work.deeds()?, grant.clone());
        let (time, back) = (self.lease_ms(), self.settings.clock_back_ms);
        let hooks = self.hooks.clone();
        let begun = self.store.submit(move |tx| {
            check_clock(tx, back)?;
            keep_plan(tx, &plan)?;
            keep_grant(tx, &grant)?;
            let (digest, id) = (plan.digest(), hex(&grant.id()));
            begin(tx, &run, &Begin { plan: digest, grant: id, scopes: scopes.clone(), deeds })?;
            let ticket = Ticket::take(tx, &run, &scopes, time)?;
            let decision = ask(tx, gate.as_ref(), &plan)?;
            grant.permits(&decision, tx.now())?;
            open_review(tx, &grant)?;
            owe(tx, &run, decision.evidence())?;
            for used in decision.uses() {
                reserve(tx, &used.limit, used.count, &digest)?;
            }
            tell(&hooks, Point::InBegin);
            let (items, started_at) = (items(tx, &run)?, tx.now());
            Ok(Begun { items, ticket, decision, terms: grant.terms(), started_at, over: None })
        });
        begun.await
    }

    pub(super) async fn resume(
        &self,
        run: &str,
        work: &Work,
        gate: Arc<dyn Gate>,
    ) -> Result<Begun> {
        let (scopes, time) = (work.scopes(), self.lease_ms());
        let clock = self.store.clock().clone();
        let patience = clock.elapsed() + Duration::from_millis(self.settings.lease_ms);
        loop {
            let (run, plan, scopes) = (run.to_owned(), work.plan().clone(), scopes.clone());
            let (gate, hooks) = (gate.clone(), self.hooks.clone());
            let begun = self.store.submit(move |tx| {
                let origin = origin(tx, &run)?;
                check_scopes(&origin.scopes, &scopes)?;
                let ticket = Ticket::take(tx, &run, &scopes, time)?;
                resume(tx, &run)?;
                let decision = ask(tx, gate.as_ref(), &plan)?;
                let over = origin.terms.is_over(&decision, tx.now());
                if over.is_none() {
                    origin.terms.let_go_on(&decision)?;
                }
                tell(&hooks, Point::InResume);
                let (terms, started_at) = (origin.terms, origin.started_at);
                Ok(Begun { items: items(tx, &run)?, ticket, decision, terms, started_at, over })
            });
            match begun.await {
                Err(error) if error.kind() == Kind::Conflict && clock.elapsed() < patience => {
                    clock.sleep(Duration::from_millis(self.settings.lease_ms / 20 + 1)).await;
                }
                begun => return begun,
            }
        }
    }

    fn lease_ms(&self) -> i64 {
        i64::try_from(self.settings.lease_ms).unwrap_or(i64::MAX).max(1)
    }
}

/// A run that is taken up again writes to what it wrote to before.
fn check_scopes(had: &[String], given: &[String]) -> Result<()> {
    if had == given {
        return Ok(());
    }
    let message = format!(
        "the run writes to {}, and the systems that were handed in are {}; hand in the same ones",
        had.join(", "),
        given.join(", ")
    );
    Err(Error::new(Kind::Invalid, message))
}

/// A clock that went back would make ended grants good again, and freezes of yesterday hold today.
fn check_clock(tx: &Tx<'_>, back: u64) -> Result<()> {
    let latest = tx.latest()?;
    if tx.now().saturating_add(i64::try_from(back).unwrap_or(i64::MAX)) >= latest {
        return Ok(());
    }
    let message = format!(
        "the clock went back: it says {}, and the log has an entry of {}; set the clock right",
        moment_text(tx.now()),
        moment_text(latest)
    );
    Err(Error::new(Kind::Conflict, message))
}
