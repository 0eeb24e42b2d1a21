//! The tables, and how a file of an older version becomes one of this version.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sha2::{Digest, Sha256};
use trueup_connector::{Error, Kind, Result};

use super::faults::sql;
use crate::audit::Log;

/// Marks a file as a store of trueup (`trup` in ASCII).
const APPLICATION: i32 = 0x7472_7570;

/// Every step forward, first to last. A step that was released is never edited.
const STEPS: [&str; 1] = [include_str!("step_1.sql")];

/// Refuses what is no store, and what a newer version wrote.
pub(super) fn check(connection: &Connection) -> Result<()> {
    let application: i32 = pragma(connection, "application_id")?;
    if application != APPLICATION {
        let message = "the file is an SQLite database, but not a store of trueup";
        return Err(Error::new(Kind::Data, message));
    }
    let (version, known) = (version(connection)?, STEPS.len());
    if version > known {
        let message = format!(
            "the store is of version {version}, this trueup knows versions up to {known}: upgrade it"
        );
        return Err(Error::new(Kind::Unsupported, message));
    }
    check_steps(connection, version)
}

/// Makes the tables of a new store whose log has this name.
pub(super) fn make(connection: &mut Connection, log: &str, now: i64) -> Result<()> {
    let log = Log::new(log)?;
    migrate(connection, now)?;
    let values = params![log.origin(), log.state()];
    let statement = "INSERT INTO tree (one, origin, state, latest) VALUES (1, ?, ?, 0)";
    connection.execute(statement, values).map_err(sql).map(drop)
}

/// Takes the file forward to this version, in one transaction.
pub(super) fn migrate(connection: &mut Connection, now: i64) -> Result<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
    let from = version(&tx)?;
    for (place, step) in STEPS.iter().enumerate().skip(from) {
        tx.execute_batch(step).map_err(sql)?;
        let step = params![place as i64 + 1, digest(step), now];
        tx.execute("INSERT INTO step (version, digest, at) VALUES (?, ?, ?)", step).map_err(sql)?;
    }
    if from < STEPS.len() {
        tx.pragma_update(None, "application_id", APPLICATION).map_err(sql)?;
        tx.pragma_update(None, "user_version", STEPS.len() as i64).map_err(sql)?;
    }
    tx.commit().map_err(sql)
}

fn version(connection: &Connection) -> Result<usize> {
    let version: i64 = pragma(connection, "user_version")?;
    usize::try_from(version).map_err(|_| {
        Error::new(Kind::Data, format!("the store is damaged: it says it is of version {version}"))
    })
}

/// Each step the file went through must be the one we know.
fn check_steps(connection: &Connection, version: usize) -> Result<()> {
    for (place, step) in STEPS.iter().enumerate().take(version) {
        let found: Option<Vec<u8>> = connection
            .query_row("SELECT digest FROM step WHERE version = ?", [place as i64 + 1], |row| {
                row.get(0)
            })
            .optional()
            .map_err(sql)?;
        if found.as_deref() != Some(digest(step).as_slice()) {
            let message = format!(
                "step {} of the store's tables is not the one this trueup knows; restore a backup",
                place + 1
            );
            return Err(Error::new(Kind::Data, message));
        }
    }
    Ok(())
}

fn digest(step: &str) -> Vec<u8> {
    Sha256::digest(step).to_vec()
}

fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> Result<T> {
    connection.pragma_query_value(None, name, |row| row.get(0)).map_err(sql)
}
