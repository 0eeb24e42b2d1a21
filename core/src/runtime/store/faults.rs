//! What SQLite says, in the words of this library.

use rusqlite::{Connection, ErrorCode};
use trueup_connector::{Error, Kind, Result};

/// The error of a statement or of opening the file.
pub(in crate::runtime) fn sql(cause: rusqlite::Error) -> Error {
    let (kind, message) = match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (Kind::Unavailable, "the store is locked by another process; try again")
        }
        Some(ErrorCode::DiskFull) => {
            (Kind::Limit, "the store is full; make room or raise its bound, then try again")
        }
        Some(ErrorCode::ReadOnly) => {
            (Kind::Forbidden, "the store is read-only; give this process the right to write it")
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            (Kind::Data, "the store is damaged; restore a backup of it")
        }
        Some(ErrorCode::NotADatabase) => (Kind::Data, "the file is not a store of trueup"),
        Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => {
            (Kind::Unavailable, "the store's file cannot be read or written")
        }
        Some(ErrorCode::PermissionDenied) => {
            (Kind::Forbidden, "the store's file may not be read or written by this process")
        }
        _ => (Kind::Internal, "the store refused a statement"),
    };
    Error::new(kind, format!("{message}: {cause}")).with_source(cause)
}

/// The same error once more, for each of those who wait on one commit.
pub(super) fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.to_string()).with_retry(error.retry())
}

/// Runs one statement without arguments, keeping it prepared.
pub(super) fn run(connection: &Connection, statement: &str) -> Result<()> {
    connection.prepare_cached(statement).and_then(|mut it| it.execute([])).map_err(sql).map(drop)
}
