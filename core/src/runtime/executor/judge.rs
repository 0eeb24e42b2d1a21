//! What a receipt means for a change, by the way its target is kept from doing things twice.

use std::time::Duration;

use trueup_connector::{Error, Idempotency, Kind, Receipt, Result, Retry};

use super::super::backoff::RetrySchedule;
use super::super::clock::{Entropy, span_millis};
use super::super::store::{ChangeState, Item, Settled};

/// What is known of a change when its receipt comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) place: usize,
    /// How many times it was sent, this time included.
    pub(super) attempts: u32,
    /// Whether an earlier attempt may have taken place.
    pub(super) doubted: bool,
    pub(super) idempotency: Idempotency,
    pub(super) at: i64,
}

/// What comes of a receipt.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) settled: Settled,
    /// How long to wait before it is sent again.
    pub(super) wait: Duration,
    /// Only a look at the target can tell what happened.
    pub(super) look: bool,
}

impl Sent {
    pub(super) fn of(item: &Item, idempotency: Idempotency, at: i64) -> Self {
        let (place, attempts, doubted) = (item.place, item.attempts + 1, item.doubts > 0);
        Self { place, attempts, doubted, idempotency, at }
    }
}

/// The rules of a judgement: when things are tried again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judge<'a> {
    pub(super) schedule: &'a RetrySchedule,
    pub(super) entropy: &'a dyn Entropy,
}

impl Judge<'_> {
    /// What a receipt means.
    pub(super) fn receipt(self, sent: Sent, receipt: Receipt) -> Result<Judged> {
        let settled = |state| Settled { sent_at: Some(sent.at), ..Settled::new(sent.place, state) };
        let plain = |settled| Ok(Judged { settled, wait: Duration::ZERO, look: false });
        match receipt {
            Receipt::Done { id, version } => {
                plain(Settled { id, version, ..settled(ChangeState::Done) })
            }
            Receipt::Pending { handle, check_after } => plain(Settled {
                handle: Some(handle),
                check_at: Some(sent.at.saturating_add(span_millis(check_after))),
                ..settled(ChangeState::Pending)
            }),
            // Its own first attempt may be what changed the record.
            Receipt::Stale if sent.may_be_own() => Ok(look(
                settled(ChangeState::Doubt).because("stale after an attempt of unknown outcome"),
            )),
            Receipt::Stale => plain(settled(ChangeState::Stale)),
            Receipt::Failed(error) if sent.may_be_own() => {
                Ok(look(settled(ChangeState::Doubt).because(error)))
            }
            // A target that has nothing but reading back is not believed when it says to try again.
            Receipt::Failed(error)
                if matches!(sent.idempotency, Idempotency::ReadBack { .. })
                    && self.wait(sent, &error)?.is_some() =>
            {
                self.doubt(sent, &error)
            }
            Receipt::Failed(error) => self.again_or(sent, error, ChangeState::Failed),
            Receipt::Refused(error) => self.again_or(sent, error, ChangeState::Refused),
            Receipt::Unknown(error) => self.doubt(sent, &error),
            _ => self.doubt(sent, &Error::new(Kind::Protocol, "a receipt of an unknown kind")),
        }
    }

    /// What it means that nothing is known.
    pub(super) fn doubt(self, sent: Sent, error: &Error) -> Result<Judged> {
        let state = match sent.idempotency {
            Idempotency::Key | Idempotency::Conditional
                if sent.attempts < self.schedule.attempts =>
            {
                ChangeState::Doubt
            }
            Idempotency::ReadBack { .. } => ChangeState::Doubt,
            _ => ChangeState::Unknown,
        };
        let look = matches!(sent.idempotency, Idempotency::ReadBack { .. });
        let retry = match error.retry() {
            Retry::Never => Retry::Backoff,
            other => other,
        };
        let wait = self.schedule.wait(sent.attempts, retry, self.entropy)?.unwrap_or_default();
        let settled = Settled { sent_at: Some(sent.at), ..Settled::new(sent.place, state) };
        Ok(Judged { settled: settled.because(error), wait, look })
    }

    /// Sent again where that is allowed and makes sense, else at its end.
    fn again_or(self, sent: Sent, error: Error, end: ChangeState) -> Result<Judged> {
        let wait = self.wait(sent, &error)?;
        let state = if wait.is_some() { ChangeState::Retry } else { end };
        let settled = Settled { sent_at: Some(sent.at), ..Settled::new(sent.place, state) };
        let wait = wait.unwrap_or_default();
        Ok(Judged { settled: settled.because(error), wait, look: false })
    }

    /// How long to wait before it is sent again, where that is allowed and makes sense.
    fn wait(self, sent: Sent, error: &Error) -> Result<Option<Duration>> {
        match sent.idempotency {
            Idempotency::AtMostOnce => Ok(None),
            _ => self.schedule.wait(sent.attempts, error.retry(), self.entropy),
        }
    }
}

impl Sent {
    /// Whether what the target says now may be the effect of an earlier attempt.
    fn may_be_own(&self) -> bool {
        self.doubted && !matches!(self.idempotency, Idempotency::Key)
    }
}

fn look(settled: Settled) -> Judged {
    Judged { settled, wait: Duration::ZERO, look: true }
}
