//! What a run writes down, and the only place where changes are sealed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use trueup_connector::writer::executor::authorise;
use trueup_connector::{Authorised, Change, Error, Kind, Result};

use super::super::clock::{millis, span_millis};
use super::super::store::{Settled, Store, Ticket};
use super::hooks::{Hooks, Point};

/// A run's desk: every step goes to the journal before, or right after, it is taken.
#[derive(Debug)]
pub(super) struct Desk {
    store: Store,
    ticket: Ticket,
    hooks: Option<Arc<dyn Hooks>>,
    /// Until when the leases hold for sure, by the clock that never jumps.
    held_until: AtomicI64,
}

impl Desk {
    pub(super) fn new(store: Store, ticket: Ticket, hooks: Option<Arc<dyn Hooks>>) -> Self {
        let held_until = AtomicI64::new(elapsed(&store).saturating_add(ticket.time));
        Self { store, ticket, hooks, held_until }
    }

    pub(super) fn run(&self) -> &str {
        &self.ticket.run
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn now(&self) -> i64 {
        millis(self.store.clock().now())
    }

    /// Tells a test where the run is.
    pub(super) fn at(&self, point: Point) {
        if let Some(hooks) = &self.hooks {
            hooks.at(point);
        }
    }

    /// Writes down that changes are about to be sent, and seals them in the same transaction. What
    /// comes back is on disk.
    pub(super) async fn intend(
        &self,
        places: Vec<usize>,
        changes: Vec<Change>,
    ) -> Result<Authorised> {
        self.at(Point::BeforeIntent);
        let hooks = self.hooks.clone();
        let sealed = self.step(move |ticket, tx| {
            ticket.intend(tx, &places)?;
            tell(&hooks, Point::InIntent);
            Ok(authorise(changes))
        });
        let sealed = sealed.await?;
        self.at(Point::AfterIntent);
        Ok(sealed)
    }

    /// Fails where the leases may have run out since they were renewed: nothing is sent then.
    pub(super) fn check_held(&self) -> Result<()> {
        if elapsed(&self.store) < self.held_until.load(Ordering::Relaxed) {
            return Ok(());
        }
        let message = "the lease ran out before the changes were sent; another run may have it";
        Err(Error::new(Kind::Conflict, message).with("run", &self.ticket.run))
    }

    /// Writes down what became of changes.
    pub(super) async fn settle(&self, settled: Vec<Settled>) -> Result<()> {
        let hooks = self.hooks.clone();
        let written = self.step(move |ticket, tx| {
            ticket.settle(tx, &settled)?;
            tell(&hooks, Point::InReceipt);
            Ok(())
        });
        written.await?;
        self.at(Point::AfterReceipt);
        Ok(())
    }

    /// A sign of life: renews the leases.
    pub(super) async fn hold(&self) -> Result<()> {
        self.step(|ticket, tx| ticket.hold(tx)).await
    }

    pub(super) async fn verify(&self, found: Vec<(usize, bool)>) -> Result<()> {
        self.step(move |ticket, tx| ticket.verify(tx, &found)).await
    }

    pub(super) async fn end(&self, status: &'static str, reason: Option<String>) -> Result<()> {
        self.at(Point::BeforeEnd);
        let hooks = self.hooks.clone();
        let ended = self.step(move |ticket, tx| {
            ticket.end(tx, status, reason.as_deref())?;
            tell(&hooks, Point::InEnd);
            Ok(())
        });
        ended.await?;
        self.at(Point::AfterEnd);
        Ok(())
    }

    /// For how many milliseconds the leases hold without a sign of life.
    pub(super) fn lease_time(&self) -> i64 {
        self.ticket.time
    }

    async fn step<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ticket, &mut super::super::store::Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (ticket, before) = (self.ticket.clone(), elapsed(&self.store));
        let done = self.store.submit(move |tx| work(&ticket, tx)).await?;
        self.held_until.fetch_max(before.saturating_add(self.ticket.time), Ordering::Relaxed);
        Ok(done)
    }
}

/// Tells a test where the run is, on the store's thread.
pub(super) fn tell(hooks: &Option<Arc<dyn Hooks>>, point: Point) {
    if let Some(hooks) = hooks {
        hooks.at(point);
    }
}

fn elapsed(store: &Store) -> i64 {
    span_millis(store.clock().elapsed())
}
