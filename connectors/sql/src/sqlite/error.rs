//! What SQLite's errors mean for the caller.

use std::path::Path;

use rusqlite::ErrorCode as Code;
use rusqlite::ffi;
use trueup_connector::{Error, Kind};

/// Why a change was not carried out.
pub(crate) enum Stop {
    /// SQLite said so.
    Sqlite(rusqlite::Error),
    /// We did.
    Ours(Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Sqlite(cause)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

/// An error of SQLite, with the file it is about.
pub(crate) fn error(cause: rusqlite::Error, file: &Path) -> Error {
    let (kind, message) = match cause.sqlite_error_code() {
        Some(code) => (kind(code), text(code, &cause)),
        None => (Kind::Invalid, format!("SQLite refused the statement: {cause}")),
    };
    Error::new(kind, message).with("file", file.display()).with_source(cause)
}

fn kind(code: Code) -> Kind {
    match code {
        Code::DatabaseBusy | Code::DatabaseLocked => Kind::Unavailable,
        Code::SystemIoFailure | Code::FileLockingProtocolFailed => Kind::Unavailable,
        Code::CannotOpen | Code::DiskFull => Kind::Unavailable,
        Code::DatabaseCorrupt | Code::NotADatabase => Kind::Data,
        Code::PermissionDenied | Code::AuthorizationForStatementDenied => Kind::Forbidden,
        Code::OperationInterrupted | Code::OperationAborted => Kind::Cancelled,
        Code::OutOfMemory | Code::TooBig => Kind::Limit,
        Code::SchemaChanged => Kind::Conflict,
        Code::InternalMalfunction | Code::ApiMisuse => Kind::Internal,
        _ => Kind::Invalid,
    }
}

fn text(code: Code, cause: &rusqlite::Error) -> String {
    match code {
        Code::DatabaseBusy | Code::DatabaseLocked => {
            "the database is locked by another program; try again when it is done".into()
        }
        Code::DatabaseCorrupt => format!("the database is damaged: {}", said(cause)),
        Code::NotADatabase => "the file is not an SQLite database".into(),
        Code::ReadOnly => "a query may only read".into(),
        Code::OperationInterrupted => "cancelled by the caller; nothing was changed".into(),
        _ => format!("SQLite: {}", said(cause)),
    }
}

fn said(cause: &rusqlite::Error) -> String {
    match cause {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqliteFailure(ffi::Error { extended_code, .. }, None) => {
            ffi::code_to_str(*extended_code).to_owned()
        }
        other => other.to_string(),
    }
}
