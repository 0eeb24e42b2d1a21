//! How far a change of a run is, and what the journal has of it.

use std::fmt;

use rusqlite::Row;
use trueup_connector::{Error, Kind, Result};

use super::faults::sql;

/// How far a change of a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ChangeState {
    /// The run may send it, and has not.
    Authorised,
    /// It may have been sent.
    Intent,
    /// It was sent, and nobody knows whether it took place: to be found out.
    Doubt,
    /// It did not take place, and is to be sent again.
    Retry,
    /// The target works on it.
    Pending,
    /// It took place.
    Done,
    /// Its precondition no longer held.
    Stale,
    /// It was not sent, and will not be.
    Refused,
    /// The target said no.
    Failed,
    /// Nobody knows whether it took place: a person is asked.
    Unknown,
}

impl ChangeState {
    /// Every state, in the order of their declaration.
    pub const ALL: [Self; 10] = [
        Self::Authorised,
        Self::Intent,
        Self::Doubt,
        Self::Retry,
        Self::Pending,
        Self::Done,
        Self::Stale,
        Self::Refused,
        Self::Failed,
        Self::Unknown,
    ];

    /// The state's name, the same in every language and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorised => "authorised",
            Self::Intent => "intent",
            Self::Doubt => "doubt",
            Self::Retry => "retry",
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Stale => "stale",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing more happens to it in this run.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Stale | Self::Refused | Self::Failed | Self::Unknown)
    }

    pub(super) fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// One change of a run, as the journal has it.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Item {
    pub(in crate::runtime) place: usize,
    pub(in crate::runtime) wave: u32,
    pub(in crate::runtime) state: ChangeState,
    pub(in crate::runtime) attempts: u32,
    pub(in crate::runtime) doubts: u32,
    pub(in crate::runtime) handle: Option<String>,
    pub(in crate::runtime) check_at: Option<i64>,
    pub(in crate::runtime) id: Option<String>,
    pub(in crate::runtime) version: Option<String>,
    pub(in crate::runtime) verified: Option<bool>,
    pub(in crate::runtime) error: Option<String>,
}

/// What became of a change, to be written down.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Settled {
    pub(in crate::runtime) place: usize,
    pub(in crate::runtime) state: ChangeState,
    pub(in crate::runtime) id: Option<String>,
    pub(in crate::runtime) version: Option<String>,
    pub(in crate::runtime) handle: Option<String>,
    pub(in crate::runtime) check_at: Option<i64>,
    pub(in crate::runtime) sent_at: Option<i64>,
    pub(in crate::runtime) error: Option<String>,
}

impl fmt::Display for ChangeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Settled {
    pub(in crate::runtime) fn new(place: usize, state: ChangeState) -> Self {
        let (id, version, handle, check_at) = (None, None, None, None);
        Self { place, state, id, version, handle, check_at, sent_at: None, error: None }
    }

    #[must_use]
    pub(in crate::runtime) fn because(mut self, error: impl ToString) -> Self {
        self.error = Some(error.to_string());
        self
    }
}

impl Item {
    /// The change that a row of the table `item` has.
    pub(super) fn read(row: &Row<'_>) -> Result<Self> {
        let state: String = row.get(2).map_err(sql)?;
        let state = ChangeState::read(&state).ok_or_else(|| {
            Error::new(Kind::Data, format!("the store is damaged: a change is `{state}`"))
        })?;
        let item = |state| -> rusqlite::Result<Self> {
            Ok(Self {
                place: row.get::<_, u32>(0)? as usize,
                wave: row.get(1)?,
                state,
                attempts: row.get(3)?,
                doubts: row.get(4)?,
                handle: row.get(5)?,
                check_at: row.get(6)?,
                id: row.get(7)?,
                version: row.get(8)?,
                verified: row.get(9)?,
                error: row.get(10)?,
            })
        };
        item(state).map_err(sql)
    }
}
