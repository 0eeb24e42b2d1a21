//! Which part of Graph a call is for.

use super::refused::{Outcome, Refused};
use super::{State, batch, entra, intune, rights};
use crate::http::{Call, Reply};

/// Answers a call of somebody with these rights.
pub(super) fn answer(state: &mut State, call: &Call, held: &[&str]) -> Reply {
    let reply = match call.parts().get(1).map(String::as_str) {
        Some("$batch") if call.method == "POST" => {
            batch::answer(call, |inner| answer(state, inner, held))
        }
        _ => rights::check(call, held).and_then(|()| part(state, call)),
    };
    reply.unwrap_or_else(|refused| refused.reply(call))
}

fn part(state: &mut State, call: &Call) -> Outcome<Reply> {
    let parts = call.parts();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["v1.0", "deviceManagement" | "deviceAppManagement", ..] | ["blob", ..] => {
            intune::answer(&mut state.intune, call)
        }
        ["v1.0", "users", user, "managedDevices"] => {
            let user = state.entra.user_id(user)?;
            intune::of_user(&state.intune, call, &user)
        }
        ["v1.0", rest @ ..] => entra::answer(&mut state.entra, call, rest),
        _ => {
            let message = format!("Resource not found for the segment '{}'.", call.path);
            Err(Refused::new(400, "BadRequest", message))
        }
    }
}

/// What a fault says in the system's place.
pub(super) fn error(status: u16) -> Reply {
    let (code, message) = match status {
        401 => ("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."),
        403 => ("Forbidden", "The application is not authorized to perform this operation."),
        429 => ("TooManyRequests", "Too many requests. Retry after some time."),
        504 => ("UnknownError", ""),
        _ => ("InternalError", "The service cannot answer now."),
    };
    Refused::new(status, code, message).written(true)
}
