//! The runs there were.

use std::time::SystemTime;

use rusqlite::Row;
use trueup_connector::{Hash, Result};

use super::super::clock::moment;
use super::Store;

/// A run, as it was written down. [`Executor::report`](super::super::Executor::report) says what
/// became of its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptRun {
    /// Its id.
    pub id: String,
    /// The plan that it carries out.
    pub plan: Hash,
    /// The grant that it used.
    pub grant: String,
    /// The name of its [`RunStatus`](super::super::RunStatus).
    pub status: String,
    /// Why it stopped.
    pub reason: Option<String>,
    /// When it began.
    pub started_at: SystemTime,
    /// When it ended, or was left to wait.
    pub ended_at: Option<SystemTime>,
}

impl Store {
    /// Every run, the last begun first.
    ///
    /// # Errors
    /// Those of the store.
    pub fn runs(&self) -> Result<Vec<KeptRun>> {
        let question = "SELECT id, plan, grant, status, reason, started_at, ended_at FROM run
            ORDER BY started_at DESC, id";
        self.call(move |tx| tx.rows(question, [], run))
    }
}

fn run(row: &Row<'_>) -> rusqlite::Result<KeptRun> {
    Ok(KeptRun {
        id: row.get(0)?,
        plan: row.get(1)?,
        grant: row.get(2)?,
        status: row.get(3)?,
        reason: row.get(4)?,
        started_at: moment(row.get(5)?),
        ended_at: row.get::<_, Option<i64>>(6)?.map(moment),
    })
}
