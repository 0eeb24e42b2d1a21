//! What Jamf's refusals say: JSON from the Pro API, a page for people from the Classic API.

use serde_json::Value as Json;
use trueup_connector::{Error, Kind, Result};
use trueup_kit::{Answer, Detail};

/// Reads a refusal of either API.
pub(crate) fn detail(answer: &Answer) -> Option<Detail> {
    match answer.json::<Json>() {
        Ok(body) => pro(&body),
        Err(_) => classic(&String::from_utf8_lossy(&answer.body)),
    }
}

/// What was read; `None` where the server says that it is not there. A secret that is not there is an
/// error.
pub(crate) fn or_absent<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Ok(it) => Ok(Some(it)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the server says that there is no such thing.
pub(crate) fn is_absent(error: &Error) -> bool {
    error.context().any(|(name, text)| name == "status" && text == "404")
}

fn pro(body: &Json) -> Option<Detail> {
    let errors = body.get("errors")?.as_array()?;
    let words: Vec<String> = errors.iter().map(cause).filter(|words| !words.is_empty()).collect();
    let detail = Detail::new(words.join("; "));
    let code = errors.iter().find_map(|error| error.get("code")?.as_str());
    Some(match code {
        Some(code @ ("DUPLICATE_FIELD" | "OPTIMISTIC_LOCK_FAILED")) => {
            detail.with_code(code).with_kind(Kind::Conflict)
        }
        Some(code) if !code.is_empty() => detail.with_code(code),
        _ => detail,
    })
}

fn cause(error: &Json) -> String {
    let text = |name: &str| error.get(name).and_then(Json::as_str).unwrap_or_default();
    match (text("field"), text("description")) {
        ("", description) => description.to_owned(),
        (field, "") => format!("`{field}`"),
        (field, description) => format!("`{field}`: {description}"),
    }
}

/// What stands in the paragraphs of the page, but for where to read more.
fn classic(page: &str) -> Option<Detail> {
    let paragraphs = page.split("<p").skip(1).filter_map(|part| {
        let text = part.split_once('>')?.1.split("</p>").next()?;
        (!text.contains("<a ")).then(|| plain(text))
    });
    let words: Vec<String> = paragraphs.filter(|text| !text.is_empty()).collect();
    (!words.is_empty()).then(|| Detail::new(words.join(": ")))
}

fn plain(text: &str) -> String {
    let text = text.trim().trim_start_matches("Error: ");
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")]
        .into_iter()
        .fold(text.to_owned(), |text, (entity, sign)| text.replace(entity, sign))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_of_both_apis_are_found() {
        let body = json!({"httpStatus": 400, "errors": [
            {"code": "DUPLICATE_FIELD", "field": "packageName", "description": "is taken", "id": null},
            {"description": "more"}]});
        let detail = pro(&body).unwrap();
        assert_eq!(detail.message, "`packageName`: is taken; more");
        assert_eq!(detail.kind, Some(Kind::Conflict));
        let odd = json!({"httpStatus": 500, "errors": [{"code": null, "field": null}]});
        assert_eq!(pro(&odd).unwrap(), Detail::new(""));
        let page = "<html><p style=\"x\">Conflict</p><p>Error: Duplicate name &lt;a&gt;</p>\
            <p>You can get technical details <a href=\"x\">here</a></p>";
        assert_eq!(classic(page).unwrap().message, "Conflict: Duplicate name <a>");
        assert!(classic("<html>").is_none());
    }
}
