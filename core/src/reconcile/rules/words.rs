//! Words and member names of the document: found, or refused with the nearest one.

use serde_json::{Map, Value as Json};
use trueup_connector::{Error, Kind, Result, suggest};

/// The words of a setting and what each stands for.
pub(super) type Words<T> = [(&'static str, T)];

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, message)
}

pub(super) fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Error {
    invalid(format!("unknown {what} `{name}`{}", suggest(name, known)))
}

/// What a word stands for.
pub(super) fn from_word<T: Copy>(what: &str, json: &Json, words: &Words<T>) -> Result<T> {
    let word = json.as_str().ok_or_else(|| invalid(format!("`{json}` is not a {what}")))?;
    let found = words.iter().find(|(known, _)| *known == word);
    let known = || words.iter().map(|(known, _)| *known);
    found.map(|(_, value)| *value).ok_or_else(|| unknown(what, word, known()))
}

/// The word for a value; each value has one.
pub(super) fn to_word<T: PartialEq>(value: &T, words: &Words<T>) -> &'static str {
    words.iter().find(|(_, other)| other == value).map_or("", |(word, _)| *word)
}

/// Refuses a member that is not among `known`.
pub(super) fn check_members(what: &str, members: &Map<String, Json>, known: &[&str]) -> Result<()> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(unknown(what, name, known.iter().copied())),
        None => Ok(()),
    }
}

/// The members of an object.
pub(super) fn object<'a>(what: &str, json: &'a Json) -> Result<&'a Map<String, Json>> {
    json.as_object().ok_or_else(|| invalid(format!("{what} must be an object, not `{json}`")))
}

/// A text.
pub(super) fn text(what: &str, json: &Json) -> Result<String> {
    let text = json.as_str().map(str::to_owned);
    text.ok_or_else(|| invalid(format!("{what} must be text, not `{json}`")))
}

/// A list of texts.
pub(super) fn texts(what: &str, json: &Json) -> Result<Vec<String>> {
    list(what, json)?.iter().map(|item| text(what, item)).collect()
}

/// A list.
pub(super) fn list<'a>(what: &str, json: &'a Json) -> Result<&'a [Json]> {
    let list = json.as_array().map(Vec::as_slice);
    list.ok_or_else(|| invalid(format!("{what} must be a list, not `{json}`")))
}
