//! Writing to memory: idempotent in the way that a test asks for, failing where it asks for that.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use trueup_connector::{
    Authorised, Change, Context, Error, Idempotency, Kind, Operation, Receipt, Result, Standing,
    Writer, async_trait,
};

use super::record::{self, Fit};
use super::{Memory, State};

/// What goes wrong with a call that writes, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The call is lost on the way: an error, and nothing is changed.
    Lost,
    /// The answer is lost on the way back: an error after everything was done.
    Unanswered,
    /// The call is an error, and is carried out later, when [`Memory::settle`] is called.
    Late,
    /// The call is an error after the first half of its changes was done.
    Half,
    /// The target says no to every change; nothing is changed.
    Fails,
    /// The target is asked for too much: nothing is sent, and it may be sent again.
    Throttled,
    /// Everything is done, and every receipt says that this is not known.
    Unsure,
}

/// What memory knows of writing.
#[derive(Debug, Default)]
pub(super) struct Writes {
    pub(super) idempotency: Option<Idempotency>,
    /// How often a pending change is asked for before it is done; `None`: nothing is pending.
    pub(super) checks: Option<u32>,
    /// A record is made whatever is there.
    blind: bool,
    pub(super) faults: VecDeque<Fault>,
    /// The idempotency key of every change that had an effect, in order.
    pub(super) effects: Vec<String>,
    late: Vec<Change>,
    pending: HashMap<String, (u32, Change)>,
    /// What was answered by idempotency key.
    answered: HashMap<String, Answer>,
}

#[derive(Clone, Debug)]
enum Answer {
    Done { id: Option<String>, version: Option<String> },
    Stale,
}

/// How long a pending change is to be left alone.
const CHECK_AFTER: Duration = Duration::from_millis(1);

impl Memory {
    /// Lets it be written, in this way of being idempotent.
    ///
    /// - `Key`: a change whose idempotency key it has seen gets the first answer again;
    /// - `Conditional`: a change is done where its precondition holds, and where it stands already;
    /// - `ReadBack` and `AtMostOnce`: a change is done where its precondition holds, and is stale where
    ///   it stands already.
    #[must_use]
    pub fn with_writer(self, idempotency: Idempotency) -> Self {
        let mut state = self.state();
        state.writes.idempotency = Some(idempotency);
        state.open_to_writes();
        drop(state);
        self
    }

    /// Makes a record as often as it is told to, whatever is there: what a target does that has no
    /// idea of keys.
    #[must_use]
    pub fn with_blind_creates(self) -> Self {
        self.state().writes.blind = true;
        self
    }

    /// Makes every change pending, and done when its status was asked for so often.
    #[must_use]
    pub fn with_pending(self, checks: u32) -> Self {
        self.state().writes.checks = Some(checks);
        self
    }

    /// Makes the next call that writes go wrong; several wait for one call each, in order.
    pub fn fail_next(&self, fault: Fault) {
        self.state().writes.faults.push_back(fault);
    }

    /// Carries out what a [`Fault::Late`] put off.
    pub fn settle(&self) {
        let mut state = self.state();
        for change in std::mem::take(&mut state.writes.late) {
            // Nobody waits for the receipt.
            drop(state.carry_out(&change));
        }
    }

    /// The idempotency key of every change that had an effect, in the order of the effects: one key
    /// twice is a change that was carried out twice.
    pub fn effects(&self) -> Vec<String> {
        self.state().writes.effects.clone()
    }
}

/// Writes to memory.
pub(super) struct MemoryWriter(pub(super) Memory);

#[async_trait]
impl Writer for MemoryWriter {
    fn idempotency(&self, _: &str, operation: &Operation) -> Idempotency {
        let declared = self.0.state().writes.idempotency.unwrap_or(Idempotency::AtMostOnce);
        match operation {
            Operation::Create | Operation::Update | Operation::Delete => declared,
            _ => Idempotency::AtMostOnce,
        }
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        let changes = changes.changes();
        let mut state = match self.0.reach(&context) {
            Ok(state) => state,
            Err(error) => return Ok(each(changes, || Receipt::Refused(again(&error)))),
        };
        let lost = || Err(Error::new(Kind::Unavailable, "the connection was lost"));
        match state.writes.faults.pop_front() {
            None => Ok(state.apply(changes)),
            Some(Fault::Lost) => lost(),
            Some(Fault::Unanswered) => {
                state.apply(changes);
                lost()
            }
            Some(Fault::Late) => {
                state.writes.late.extend_from_slice(changes);
                lost()
            }
            Some(Fault::Half) => {
                state.apply(changes.get(..changes.len().div_ceil(2)).unwrap_or_default());
                lost()
            }
            Some(Fault::Fails) => Ok(each(changes, || {
                Receipt::Failed(Error::new(Kind::Forbidden, "the target says no"))
            })),
            Some(Fault::Throttled) => Ok(each(changes, || {
                Receipt::Refused(Error::new(Kind::Throttled, "the target asks for fewer calls"))
            })),
            Some(Fault::Unsure) => {
                state.apply(changes);
                Ok(each(changes, || {
                    Receipt::Unknown(Error::new(Kind::Unknown, "the target did not say"))
                }))
            }
        }
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        let mut state = self.0.reach(&context)?;
        let Some((left, change)) = state.writes.pending.get_mut(&handle) else {
            let message = format!("no change has the handle `{handle}`");
            return Err(Error::new(Kind::NotFound, message));
        };
        *left = left.saturating_sub(1);
        match *left {
            0 => {
                let change = change.clone();
                Ok(state.carry_out(&change))
            }
            _ => Ok(Receipt::Pending { handle, check_after: CHECK_AFTER }),
        }
    }
}

impl fmt::Debug for MemoryWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryWriter").field(&self.0).finish()
    }
}

impl State {
    fn apply(&mut self, changes: &[Change]) -> Vec<Receipt> {
        changes.iter().map(|change| self.take(change)).collect()
    }

    /// Carries a change out, or says that it will be.
    fn take(&mut self, change: &Change) -> Receipt {
        if let Some(checks) = self.writes.checks {
            if let Err(error) = self.check(change) {
                return Receipt::Refused(error);
            }
            let handle = format!("change-{}", change.idempotency_key);
            self.writes.pending.entry(handle.clone()).or_insert((checks.max(1), change.clone()));
            return Receipt::Pending { handle, check_after: CHECK_AFTER };
        }
        self.carry_out(change)
    }

    fn check(&mut self, change: &Change) -> Result<()> {
        let schema = &self.table(&change.resource)?.schema;
        change.check(schema).map_err(|error| error.with("resource", &change.resource))
    }

    fn carry_out(&mut self, change: &Change) -> Receipt {
        if let Err(error) = self.check(change) {
            return Receipt::Refused(error);
        }
        // A pending change is asked for again and again, and carried out once.
        let remembers =
            self.writes.idempotency == Some(Idempotency::Key) || self.writes.checks.is_some();
        if let Some(answer) =
            self.writes.answered.get(&change.idempotency_key).filter(|_| remembers)
        {
            return answer.receipt();
        }
        match self.write(change) {
            Ok(answer) => {
                let receipt = answer.receipt();
                self.writes.answered.insert(change.idempotency_key.clone(), answer);
                receipt
            }
            Err(error) => Receipt::Failed(error.with("resource", &change.resource)),
        }
    }

    fn write(&mut self, change: &Change) -> Result<Answer> {
        let conditional = self.writes.idempotency == Some(Idempotency::Conditional);
        let blind = self.writes.blind && change.operation == Operation::Create;
        let table = self.table(&change.resource)?;
        let found = table.record(&change.key)?;
        let Fit { standing, version_holds } = record::fit(change, &table.schema, found.as_deref());
        let holds = (standing == Standing::Holds && version_holds) || blind;
        let already = standing == Standing::Already || table.is_renamed(change)?;
        if !holds {
            return Ok(match already && conditional {
                true => record::answer(&table.schema, found.as_deref()).into(),
                false => Answer::Stale,
            });
        }
        let made = record::make(change, &table.schema, found.as_deref());
        table.replace(change, made.clone())?;
        let answer = record::answer(&table.schema, made.as_deref()).into();
        self.writes.effects.push(change.idempotency_key.clone());
        Ok(answer)
    }
}

impl Answer {
    fn receipt(&self) -> Receipt {
        match self {
            Self::Stale => Receipt::Stale,
            Self::Done { id, version } => {
                Receipt::Done { id: id.clone(), version: version.clone() }
            }
        }
    }
}

impl From<(Option<String>, Option<String>)> for Answer {
    fn from((id, version): (Option<String>, Option<String>)) -> Self {
        Self::Done { id, version }
    }
}

fn each(changes: &[Change], receipt: impl Fn() -> Receipt) -> Vec<Receipt> {
    changes.iter().map(|_| receipt()).collect()
}

fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.message()).with_retry(error.retry())
}
