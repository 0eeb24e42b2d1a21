//! What PostgreSQL's errors mean for the caller.

use std::error::Error as _;

use tokio_postgres::error::{DbError, SqlState};
use trueup_connector::{Error, Kind};

/// An error of the server or of the way to it. What the server says of values is left out, for it
/// quotes them: its details, its hints, and in some classes the message and the cause.
pub(crate) fn error(cause: tokio_postgres::Error) -> Error {
    let Some(said) = cause.as_db_error() else {
        let (kind, message) = lost(&cause);
        return Error::new(kind, message).with_source(cause);
    };
    let error = Error::new(kind(said.code()), text(said));
    match is_about_values(said.code()) {
        true => error,
        false => error.with_source(cause),
    }
}

/// Data, constraints, and what triggers and functions say.
fn is_about_values(state: &SqlState) -> bool {
    matches!(state.code().get(..2), Some("21" | "22" | "23" | "27" | "44" | "P0"))
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
        code if code.starts_with("22") => format!("PostgreSQL: {} ({code})", misfit(said)),
        code => format!("PostgreSQL: {} ({code})", said.message()),
    }
}

/// What is wrong with a value, in words of ours: the server's have the value in them.
fn misfit(said: &DbError) -> String {
    let what = match said.code().code() {
        "22001" => "a text is too long",
        "22003" => "a number is out of range",
        "22007" | "22008" | "22009" => "a date or time has a wrong form, or is out of range",
        "22012" => "division by zero",
        "22P02" | "22P03" => "a text has not the form of its type",
        "22021" | "22P05" => "a character cannot be kept",
        "22030" | "22032" | "22033" | "22034" | "22035" => "a JSON value is wrong",
        _ => "a value does not fit",
    };
    let column = said.column().map_or_else(String::new, |name| format!(" in the column `{name}`"));
    let ty = said.datatype().map_or_else(String::new, |name| format!(" for the type `{name}`"));
    format!("{what}{column}{ty}")
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
