//! Functions for statements: moments as text, and whether a text tells of somebody.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use serde_json::Value as Json;

use crate::guard::moment_text;

/// Lets statements use `moment(milliseconds)` and `tells_of(text, name)`.
pub(super) fn teach(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("moment", 1, flags, |call| Ok(moment_text(call.get(0)?)))?;
    connection.create_scalar_function("tells_of", 2, flags, |call| {
        let (text, name): (Option<String>, String) = (call.get(0)?, call.get(1)?);
        Ok(text.is_some_and(|text| tells_of(&text, &name)))
    })
}

/// Whether this name is in a text as a word, or in one of the texts of a JSON document. Case means
/// nothing.
pub(super) fn tells_of(text: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    let document = serde_json::from_str::<Json>(text);
    names(text, &name) || document.is_ok_and(|json| holds(&json, &name))
}

fn holds(json: &Json, name: &str) -> bool {
    match json {
        Json::String(text) => names(text, name),
        Json::Array(items) => items.iter().any(|item| holds(item, name)),
        Json::Object(members) => {
            members.iter().any(|(member, json)| names(member, name) || holds(json, name))
        }
        _ => false,
    }
}

/// `bo` is in `asked bo.`, and neither in `bob` nor in `bo.smith` nor in `bo@example`.
fn names(text: &str, name: &str) -> bool {
    let text = text.to_lowercase();
    text.match_indices(name).any(|(at, found)| {
        let before = text.get(..at).unwrap_or_default().chars().rev();
        let after = text.get(at + found.len()..).unwrap_or_default().chars();
        !name.is_empty() && !goes_on(before) && !goes_on(after)
    })
}

/// Whether a name goes on with these characters.
fn goes_on(mut rest: impl Iterator<Item = char>) -> bool {
    let part = |c: char| c.is_alphanumeric() || "_-@+".contains(c);
    match rest.next() {
        Some('.') => rest.next().is_some_and(part),
        Some(c) => part(c),
        None => false,
    }
}
