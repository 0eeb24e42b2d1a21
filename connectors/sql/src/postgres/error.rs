//! What PostgreSQL's errors mean for the caller.

use std::error::Error as _;

use tokio_postgres::error::{DbError, SqlState};
use trueup_connector::{Error, Kind};

/// An error of the server or of the way to it.
pub(crate) fn error(cause: tokio_postgres::Error) -> Error {
    let (kind, message) = match cause.as_db_error() {
        Some(said) => (kind(said.code()), text(said)),
        None => lost(&cause),
    };
    Error::new(kind, message).with_source(cause)
}

fn kind(state: &SqlState) -> Kind {
    match state.code() {
        "28P01" | "28000" => Kind::Unauthenticated,
        "42501" => Kind::Forbidden,
        "3D000" | "42P01" | "3F000" => Kind::NotFound,
        "57014" => Kind::Limit,
        // A session that was idle for too long in its transaction.
        "25P03" => Kind::Conflict,
        "55P03" => Kind::Unavailable,
        // A record with this key, made by another session.
        "23505" => Kind::Conflict,
        "XX001" | "XX002" => Kind::Data,
        code => match code.get(..2) {
            // Connection, resources, operator intervention, transaction rollback, system error.
            Some("08" | "53" | "57" | "40" | "58") => Kind::Unavailable,
            Some("22" | "21") => Kind::Data,
            Some("54") => Kind::Limit,
            Some("XX") => Kind::Unavailable,
            _ => Kind::Invalid,
        },
    }
}

fn text(said: &DbError) -> String {
    match said.code().code() {
        "25006" => "a query may only read".into(),
        "55P03" => "the table is locked by another session; try again when it is done".into(),
        code => {
            let detail = said.detail().map_or_else(String::new, |detail| format!("; {detail}"));
            let hint = said.hint().map_or_else(String::new, |hint| format!("; {hint}"));
            format!("PostgreSQL: {}{detail}{hint} ({code})", said.message())
        }
    }
}

/// Errors that the server did not send.
fn lost(cause: &tokio_postgres::Error) -> (Kind, String) {
    let mut said = cause.to_string();
    if let Some(source) = cause.source() {
        let source = source.to_string();
        if !said.contains(&source) {
            said = format!("{said}: {source}");
        }
    }
    let kind = match () {
        () if said.contains("password") || said.contains("authentication") => Kind::Unauthenticated,
        () if said.contains("certificate") => Kind::Unauthenticated,
        () => Kind::Unavailable,
    };
    (kind, format!("the connection to PostgreSQL failed: {said}"))
}
