//! The journal: how far each change of each run is. What it says is on disk before it is acted on.

use rusqlite::params;
use serde_json::json;
use trueup_connector::{Error, Hash, Kind, Result};

use super::lease::{self, Lease};
use super::state::{ChangeState, Item, Settled};
use super::tx::Tx;

/// A run's right to write to the journal: it ends when another takes its place.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Ticket {
    pub(in crate::runtime) run: String,
    pub(in crate::runtime) leases: Vec<Lease>,
    /// For how many milliseconds each step renews it.
    pub(in crate::runtime) time: i64,
}

impl Ticket {
    /// Fails where another executor took this run's place; else the leases are renewed.
    pub(in crate::runtime) fn hold(&self, tx: &Tx<'_>) -> Result<()> {
        self.leases.iter().try_for_each(|lease| lease::renew(tx, lease, self.time))
    }

    /// Takes the scopes of a run.
    pub(in crate::runtime) fn take(
        tx: &mut Tx<'_>,
        run: &str,
        scopes: &[String],
        time: i64,
    ) -> Result<Self> {
        let leases = scopes.iter().map(|scope| lease::take(tx, scope, run, time));
        let leases = leases.collect::<Result<_>>()?;
        Ok(Self { run: run.to_owned(), leases, time })
    }

    /// Writes down that these changes are about to be sent. Each may be so once a time it is
    /// authorised, in doubt or to be sent again.
    pub(in crate::runtime) fn intend(&self, tx: &mut Tx<'_>, places: &[usize]) -> Result<()> {
        self.hold(tx)?;
        for place in places {
            let moved = tx.run(INTEND, params![tx.now(), tx.now(), self.run, *place as i64])?;
            if moved != 1 {
                let message = format!("change {place} is not to be sent: its state moved on");
                return Err(Error::new(Kind::Conflict, message).with("run", &self.run));
            }
            tx.log("change.intent", &json!({"run": self.run, "place": place}))?;
        }
        Ok(())
    }

    /// Writes down what became of changes.
    pub(in crate::runtime) fn settle(&self, tx: &mut Tx<'_>, settled: &[Settled]) -> Result<()> {
        self.hold(tx)?;
        for one in settled {
            write(tx, &self.run, one)?;
        }
        Ok(())
    }

    /// Writes down whether changes were found in the target.
    pub(in crate::runtime) fn verify(
        &self,
        tx: &mut Tx<'_>,
        found: &[(usize, bool)],
    ) -> Result<()> {
        self.hold(tx)?;
        for (place, found) in found {
            let values = params![found, self.run, *place as i64];
            tx.run("UPDATE item SET verified = ? WHERE run = ? AND place = ?", values)?;
        }
        let missing = found.iter().filter(|(_, found)| !found).map(|(place, _)| place);
        let said = json!({
            "run": self.run, "verified": found.len(), "not_found": missing.collect::<Vec<_>>(),
        });
        tx.log("run.verified", &said)
    }

    /// Ends the run, or leaves it open for later (`waiting`), and gives its scopes back.
    pub(in crate::runtime) fn end(
        &self,
        tx: &mut Tx<'_>,
        status: &str,
        reason: Option<&str>,
    ) -> Result<()> {
        self.hold(tx)?;
        let values = params![status, reason, tx.now(), self.run];
        tx.run("UPDATE run SET status = ?, reason = ?, ended_at = ? WHERE id = ?", values)?;
        self.leases.iter().try_for_each(|lease| lease::give_back(tx, lease))?;
        let kind = if status == "waiting" { "run.waiting" } else { "run.ended" };
        tx.log(kind, &json!({"run": self.run, "status": status, "reason": reason}))
    }
}

/// The changes of a run, in their order.
pub(in crate::runtime) fn items(tx: &Tx<'_>, run: &str) -> Result<Vec<Item>> {
    let rows = tx.rows(
        "SELECT place, wave, state, attempts, doubts, handle, check_at, id, version, verified, error
         FROM item WHERE run = ? ORDER BY place",
        [run],
        |row| Ok(Item::read(row)),
    )?;
    rows.into_iter().collect()
}

/// Runs that have not ended, first begun first, with the digest of their plan.
pub(in crate::runtime) fn open_runs(tx: &Tx<'_>) -> Result<Vec<(String, Hash)>> {
    let question = "SELECT id, plan FROM run WHERE status IN ('running', 'waiting')
        ORDER BY started_at, id";
    tx.rows(question, [], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Takes up a run that has not ended.
pub(in crate::runtime) fn resume(tx: &mut Tx<'_>, run: &str) -> Result<()> {
    find_open(tx, run)?;
    tx.run("UPDATE run SET status = 'running', ended_at = NULL WHERE id = ?", [run])?;
    // What may have been sent before the crash is in doubt now.
    let doubt = "UPDATE item SET state = 'doubt', doubts = doubts + 1, at = ?
        WHERE run = ? AND state = 'intent'";
    let doubts = tx.run(doubt, params![tx.now(), run])?;
    tx.log("run.resumed", &json!({"run": run, "in_doubt": doubts}))
}

/// The plan of a run that has not ended.
pub(in crate::runtime) fn find_open(tx: &Tx<'_>, run: &str) -> Result<Hash> {
    let question = "SELECT plan, status FROM run WHERE id = ?";
    let found = tx.first(question, [run], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    let (plan, status) = found.ok_or_else(|| no_run(run))?;
    if status != "running" && status != "waiting" {
        let message = format!("run `{run}` has ended: it is {status}");
        return Err(Error::new(Kind::Conflict, message));
    }
    Ok(plan)
}

/// The status of a run, why it has it, and its changes.
pub(in crate::runtime) fn look_up(
    tx: &Tx<'_>,
    run: &str,
) -> Result<(String, Option<String>, Vec<Item>)> {
    let question = "SELECT status, reason FROM run WHERE id = ?";
    let found = tx.first(question, [run], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (status, reason) = found.ok_or_else(|| no_run(run))?;
    Ok((status, reason, items(tx, run)?))
}

/// Ends an open run that nobody is at.
pub(in crate::runtime) fn abandon(
    tx: &mut Tx<'_>,
    run: &str,
    by: &str,
    reason: &str,
) -> Result<()> {
    find_open(tx, run)?;
    lease::check_free(tx, run)?;
    let statement = "UPDATE item SET state = 'refused', at = ?, error = ?
        WHERE run = ? AND state IN ('authorised', 'retry')";
    let why = format!("not sent: the run was given up: {reason}");
    let refused = tx.run(statement, params![tx.now(), why, run])?;
    let statement = "UPDATE item SET state = 'unknown', at = ?
        WHERE run = ? AND state IN ('intent', 'doubt', 'pending')";
    let unknown = tx.run(statement, params![tx.now(), run])?;
    let values = params![reason, tx.now(), run];
    tx.run("UPDATE run SET status = 'abandoned', reason = ?, ended_at = ? WHERE id = ?", values)?;
    let said = json!({
        "run": run, "by": by, "reason": reason, "refused": refused, "unknown": unknown,
    });
    tx.log("run.abandoned", &said)
}

/// A person says what became of a change that nobody knew about.
pub(in crate::runtime) fn answer(
    tx: &mut Tx<'_>,
    run: &str,
    place: usize,
    took_place: bool,
    by: &str,
    reason: &str,
) -> Result<()> {
    let state = if took_place { ChangeState::Done } else { ChangeState::Failed };
    let values = params![state.name(), reason, tx.now(), run, place as i64];
    let changed = tx.run(
        "UPDATE item SET state = ?, error = ?, at = ?
         WHERE run = ? AND place = ? AND state = 'unknown'",
        values,
    )?;
    if changed != 1 {
        let message =
            format!("change {place} of run `{run}` is not one that a person was asked about");
        return Err(Error::new(Kind::Conflict, message));
    }
    let said = json!({
        "run": run, "place": place, "took_place": took_place, "by": by, "reason": reason,
    });
    tx.log("change.answered", &said)
}

const INTEND: &str =
    "UPDATE item SET state = 'intent', attempts = attempts + 1, intent_at = ?, at = ?
    WHERE run = ? AND place = ? AND state IN ('authorised', 'doubt', 'retry')";

const SETTLE: &str =
    "UPDATE item SET state = ?, id = coalesce(?, id), version = coalesce(?, version),
    handle = ?, check_at = ?, sent_at = coalesce(?, sent_at), error = ?, doubts = doubts + ?, at = ?
    WHERE run = ? AND place = ? AND state NOT IN ('done', 'stale', 'refused', 'failed', 'unknown')";

fn write(tx: &mut Tx<'_>, run: &str, one: &Settled) -> Result<()> {
    let Settled { place, state, id, version, handle, check_at, sent_at, error } = one;
    let doubt = i64::from(*state == ChangeState::Doubt);
    let question = "SELECT state FROM item WHERE run = ? AND place = ?";
    let before = tx.first(question, params![run, *place as i64], |row| row.get::<_, String>(0))?;
    let values = params![
        state.name(),
        id,
        version,
        handle,
        check_at,
        sent_at,
        error,
        doubt,
        tx.now(),
        run,
        *place as i64
    ];
    if tx.run(SETTLE, values)? != 1 {
        let message = format!("change {place} was settled already; the journal is not rewritten");
        return Err(Error::new(Kind::Conflict, message).with("run", run));
    }
    // Asking after a pending change again and again is nothing that happened.
    if before == Some(ChangeState::Pending.name().to_owned()) && *state == ChangeState::Pending {
        return Ok(());
    }
    let said = json!({
        "run": run, "place": place, "state": state.name(), "id": id, "version": version,
        "error": error,
    });
    tx.log("change.receipt", &said)
}

pub(super) fn no_run(run: &str) -> Error {
    Error::new(Kind::NotFound, format!("there is no run `{run}`"))
}
