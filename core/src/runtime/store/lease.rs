//! Who may write to what: one run at a time a scope, and never one whose time is over.

use rusqlite::params;
use serde_json::json;
use trueup_connector::{Error, Kind, Result};

use super::tx::Tx;
use crate::guard::moment_text;

/// A scope that a run holds. A later holder has a larger epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::runtime) struct Lease {
    pub(in crate::runtime) scope: String,
    pub(in crate::runtime) epoch: i64,
}

/// Takes a scope for so many milliseconds, where nobody holds it or the holder's time is over.
pub(super) fn take(tx: &mut Tx<'_>, scope: &str, owner: &str, time: i64) -> Result<Lease> {
    let row = |row: &rusqlite::Row<'_>| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    };
    let question = "SELECT owner, epoch, expires_at FROM lease WHERE scope = ?";
    let held = tx.first(question, [scope], row)?;
    if let Some((_, _, expires)) = held.as_ref().filter(|(_, _, expires)| *expires > tx.now()) {
        let message = format!(
            "another run writes to this resource; its lease ends at {} unless it goes on",
            moment_text(*expires)
        );
        return Err(Error::new(Kind::Conflict, message).with("scope", scope));
    }
    let epoch = held.as_ref().map_or(1, |(_, epoch, _)| epoch + 1);
    let values = params![scope, owner, epoch, tx.now().saturating_add(time)];
    tx.run(
        "INSERT OR REPLACE INTO lease (scope, owner, epoch, expires_at) VALUES (?, ?, ?, ?)",
        values,
    )?;
    let before = held.map(|(owner, ..)| owner);
    let said = json!({"scope": scope, "run": owner, "epoch": epoch, "before": before});
    tx.log("lease.taken", &said)?;
    Ok(Lease { scope: scope.to_owned(), epoch })
}

/// Fails where a run still holds a scope.
pub(super) fn check_free(tx: &Tx<'_>, owner: &str) -> Result<()> {
    let question = "SELECT expires_at FROM lease WHERE owner = ? AND expires_at > ?
        ORDER BY expires_at DESC LIMIT 1";
    match tx.first(question, params![owner, tx.now()], |row| row.get::<_, i64>(0))? {
        None => Ok(()),
        Some(expires) => {
            let message = format!(
                "a process is at this run, or was until now; its lease ends at {}",
                moment_text(expires)
            );
            Err(Error::new(Kind::Conflict, message))
        }
    }
}

/// Renews a lease; fails where a later holder has the scope, so that nothing of this step is kept.
pub(super) fn renew(tx: &Tx<'_>, lease: &Lease, time: i64) -> Result<()> {
    let renewed = tx.run(
        "UPDATE lease SET expires_at = ? WHERE scope = ? AND epoch = ?",
        params![tx.now().saturating_add(time), lease.scope, lease.epoch],
    )?;
    match renewed {
        1 => Ok(()),
        _ => Err(fenced(lease)),
    }
}

/// Gives a scope back. The row stays: the next epoch goes on from it.
pub(super) fn give_back(tx: &Tx<'_>, lease: &Lease) -> Result<()> {
    let values = params![lease.scope, lease.epoch];
    tx.run("UPDATE lease SET expires_at = 0 WHERE scope = ? AND epoch = ?", values).map(drop)
}

fn fenced(lease: &Lease) -> Error {
    let message = "another executor took this run's place; what it does now is refused here";
    Error::new(Kind::Conflict, message).with("scope", &lease.scope).with("epoch", lease.epoch)
}
